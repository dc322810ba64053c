"""Intervals, paired differences and ranks.

A difference between two contestants is uncertain for two reasons, and its variance is the sum of both parts:

- *seeds*: s²/S of the S per-seed differences of AUC (Student's t, S − 1 degrees of freedom);
- *test rows*: DeLong's variance of the difference of two correlated AUCs (DeLong, DeLong and Clarke-Pearson
  1988, Biometrics 44), from structural components found by midranks (Sun and Xu 2014, IEEE Signal Processing
  Letters 21) and averaged over the seeds of each contestant. Where users are known, the components are first
  summed within each user, because rows of one user are not independent (Obuchowski 1997, Biometrics 53).

The degrees of freedom of the sum are Welch and Satterthwaite's. The seed part holds a little of the noise of
the test rows too, which makes the interval slightly wide rather than slightly narrow. Contestants are
compared seed by seed and only then averaged; predictions are never averaged.

Letters: `S` seeds, `N` rows of the test rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE = 0.95

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
VariancePart = tuple[float, int]
"""A variance and its degrees of freedom."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds; `half_width` of its 95 % interval is None with fewer than two seeds."""

    mean: float
    half_width: float | None
    num_seeds: int


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """A mean of paired differences, first minus second; `test_rows`: does the interval cover their part?"""

    test_rows: bool

    @property
    def low(self) -> float:
        return self.mean - (self.half_width or 0.0)

    @property
    def high(self) -> float:
        return self.mean + (self.half_width or 0.0)

    def reversed(self) -> Difference:
        """Second minus first."""
        return dataclasses.replace(self, mean=-self.mean)

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``tie`` (zero lies in the interval) or ``undecided`` (no interval)."""
        if self.half_width is None:
            return "undecided"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "tie"


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedRows:
    """The test rows that a comparison's predictions share, for one task.

    Args:
        positive: (N,) whether the label is 1; both classes are present.
        user: (N,) users numbered from 0, or None where unknown.
    """

    positive: NDArray[np.bool_]
    user: NDArray[np.intp] | None


def mean_estimate(values: Values) -> Estimate:
    """Mean with Student's t interval over seeds.

    Raises:
        AssertionError: no values.
    """
    array = np.asarray(values, dtype=np.float64)
    assert array.size, "a mean needs at least one value"
    half_width = _half_width([_mean_part(array)]) if array.size > 1 else None
    return Estimate(mean=float(array.mean()), half_width=half_width, num_seeds=array.size)


def paired_difference(differences: Values, test_parts: Sequence[VariancePart] | None) -> Difference:
    """The mean of per-seed differences with its interval, which covers seeds only where `test_parts` is None.

    Args:
        differences: first minus second, one per common seed.
        test_parts: the part of the test rows, from `delong_parts`.
    """
    seeds = mean_estimate(differences)
    half_width = seeds.half_width
    if half_width is not None and test_parts is not None:
        half_width = _half_width([_mean_part(np.asarray(differences, dtype=np.float64)), *test_parts])
    return Difference(
        mean=seeds.mean, half_width=half_width, num_seeds=seeds.num_seeds, test_rows=test_parts is not None
    )


def placements(rows: SharedRows, score: NDArray[np.floating]) -> Floats:
    """(N,) structural components of a run with (N,) scores; over either class they average to the AUC.

    A positive's is the share of the negatives it is ranked above, a negative's the share of the positives it
    is ranked below; ties count one half.
    """
    positive = rows.positive
    rank = _midranks(score)
    result = np.empty(positive.size)
    result[positive] = (rank[positive] - _midranks(score[positive])) / np.count_nonzero(~positive)
    result[~positive] = 1 - (rank[~positive] - _midranks(score[~positive])) / np.count_nonzero(positive)
    return result


def delong_parts(rows: SharedRows, first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two AUCs by the draw of the test rows.

    Args:
        first, second: (N,) placements of either contestant, averaged over seeds.

    Returns:
        The parts of positives and negatives; one part, of users, where users are known.
    """
    difference = first - second
    classes = (rows.positive, ~rows.positive)
    if rows.user is None:
        return [_mean_part(difference[members]) for members in classes]
    influence = np.empty(difference.size)
    for members in classes:
        influence[members] = (difference[members] - difference[members].mean()) / np.count_nonzero(members)
    by_user = np.bincount(rows.user, weights=influence)
    if by_user.size < 2:
        return [(math.inf, 1)]
    return [(float(by_user @ by_user) * by_user.size / (by_user.size - 1), by_user.size - 1)]


def ranks(labels: Sequence[str], differences: Mapping[tuple[str, str], Difference]) -> dict[str, int | None]:
    """1 + the number of contestants significantly better; None for one whom no pair decides about.

    Args:
        labels: the contestants.
        differences: ordered pair → first minus second; pairs without a common seed are absent.
    """
    result: dict[str, int | None] = {}
    for label in labels:
        verdicts = [differences[pair].verdict for pair in differences if pair[1] == label]
        decided = [verdict for verdict in verdicts if verdict != "undecided"]
        result[label] = 1 + decided.count("better") if decided else None
    return result


def _mean_part(values: Floats) -> VariancePart:
    """Of the mean of independent values; infinite for a single one, whose spread is unknown."""
    if values.size < 2:
        return math.inf, 1
    return float(np.var(values, ddof=1)) / values.size, values.size - 1


def _half_width(parts: Sequence[VariancePart]) -> float:
    """Half of the interval of a sum of independent parts."""
    total = sum(variance for variance, _ in parts)
    if total == 0 or math.isinf(total):
        return total
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in parts)
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(total)


def _midranks(values: NDArray[np.floating]) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], values.size)
    result = np.empty(values.size)
    result[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return result
