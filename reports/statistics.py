"""Intervals, paired differences and ranks.

A difference between two contestants is uncertain for two reasons, and its variance is the sum of both parts:

- *seeds*: s²/S of the S per-seed differences of AUC (Student's t, S − 1 degrees of freedom);
- *test rows*: DeLong's variance of the difference of two correlated AUCs (DeLong, DeLong and Clarke-Pearson
  1988, Biometrics 44), from structural components found by midranks (Sun and Xu 2014, IEEE Signal Processing
  Letters 21) and averaged over the seeds of each contestant. Where users are known, the components are first
  summed within each user, because rows of one user are not independent (Obuchowski 1997, Biometrics 53).

For per-user AUC the second part is that of the draw of the users: the variance of a mean of per-user
differences. For log loss it is that of a mean of per-row differences, summed within each user where users are
known. The degrees of freedom of the sum are Welch and Satterthwaite's. With two or three seeds and seeds that
differ much more than the test rows do, the interval is too narrow: of true ties, up to 13 % (two seeds) or
8 % (three) are called a difference instead of 5 %, by simulation; with five seeds it is near 5 %.
Contestants are compared seed by seed and only then averaged; predictions are never averaged.

Letters: `S` seeds, `N` rows of the test split, `U` users.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import rankdata

CONFIDENCE = 0.95
FEWEST = 30
"""Of users and of rows of either class, below which the draw of the test rows allows no claim."""
PREDICTIONS_MISSING = "predictions missing"

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
VariancePart = tuple[float, int]
"""A variance and its degrees of freedom."""
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds; `half_width` of its 95 % interval is None where there is none.

    `low` and `high` are the interval's ends, within `possible`, the range of the quantity.
    """

    mean: float
    half_width: float | None
    num_seeds: int
    possible: Range = (-math.inf, math.inf)

    @property
    def low(self) -> float:
        """At most the mean, also where a damaged record has one that is not possible."""
        return min(self.mean, max(self.mean - (self.half_width or 0.0), self.possible[0]))

    @property
    def high(self) -> float:
        return max(self.mean, min(self.mean + (self.half_width or 0.0), self.possible[1]))

    @property
    def is_cut(self) -> bool:
        """Would the interval reach beyond what is possible?"""
        reach = self.half_width or 0.0
        return self.mean - reach < self.possible[0] or self.mean + reach > self.possible[1]

    def scaled(self, factor: float) -> Estimate:
        """In another unit; `factor` is above 0."""
        return Estimate(
            mean=factor * self.mean,
            half_width=None if self.half_width is None else factor * self.half_width,
            num_seeds=self.num_seeds,
            possible=(factor * self.possible[0], factor * self.possible[1]),
        )


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """A mean of paired differences, first minus second.

    `doubt` says why no claim is made, whatever the numbers: one seed, missing predictions, too little data.
    """

    doubt: str = ""
    less_is_better: bool = False

    def reversed(self) -> Difference:
        """Second minus first."""
        return dataclasses.replace(self, mean=-self.mean)

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``tie`` (zero lies in the interval) or ``undecided`` (see `doubt`)."""
        if self.doubt or self.half_width is None:
            return "undecided"
        if self.low <= 0 <= self.high:
            return "tie"
        return "better" if (self.mean > 0) != self.less_is_better else "worse"


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedRows:
    """The test rows that a comparison's predictions share, for one task.

    Args:
        positive: (N,) whether the label is 1; both classes are present.
        user: (N,) users numbered from 0 without gaps, or None where unknown.
    """

    positive: NDArray[np.bool_]
    user: NDArray[np.intp] | None

    def too_few(self) -> str:
        """Why the draw of these rows allows no claim about AUC; empty where it does."""
        num_positive = int(np.count_nonzero(self.positive))
        counts = {"positives": num_positive, "negatives": self.positive.size - num_positive}
        if self.user is not None:
            counts["users"] = int(self.user.max()) + 1
        short_of = [f"{count} {what}" for what, count in counts.items() if count < FEWEST]
        return f"{', '.join(short_of)} of the {FEWEST} that a claim needs" if short_of else ""

    def too_few_users(self) -> str:
        """The same about per-user AUC, which only users with both classes have."""
        if self.user is None:
            return ""
        positive = np.bincount(self.user, weights=self.positive)
        both = int(np.count_nonzero((positive > 0) & (positive < np.bincount(self.user))))
        return f"{both} users with both classes of the {FEWEST} that a claim needs" if both < FEWEST else ""


def mean_estimate(values: Values, possible: Range = (-math.inf, math.inf)) -> Estimate:
    """Mean with Student's t interval over seeds, within the `possible` range of the quantity.

    Raises:
        AssertionError: no values.
    """
    array = np.asarray(values, dtype=np.float64)
    assert array.size, "a mean needs at least one value"
    half_width = _half_width([_mean_part(array)]) if array.size > 1 else None
    return Estimate(mean=float(array.mean()), half_width=half_width, num_seeds=array.size, possible=possible)


def paired_difference(
    differences: Values, test_parts: Sequence[VariancePart] | None, too_few: str = ""
) -> Difference:
    """The mean of per-seed differences of an AUC with its interval, over seeds and over the draw of the test.

    Args:
        differences: first minus second, one per common seed.
        test_parts: the part of the test rows, from `delong_parts` or `user_parts`. Without it there is no
            interval, because that of the seeds alone would be too narrow.
        too_few: what is too little for a claim, from `SharedRows`.
    """
    array = np.asarray(differences, dtype=np.float64)
    if array.size < 2:
        half_width, doubt = None, "1 seed"
    elif test_parts is None:
        half_width, doubt = None, PREDICTIONS_MISSING
    else:
        half_width, doubt = _half_width([_mean_part(array), *test_parts]), too_few
    return Difference(
        mean=float(array.mean()),
        half_width=half_width,
        num_seeds=array.size,
        possible=(-1.0, 1.0),
        doubt=doubt,
    )


def loss_difference(
    differences: Values, test_parts: Sequence[VariancePart] | None, too_few: str = ""
) -> Difference:
    """The same of log losses, of which less is better; the part of the test rows is that of `row_parts`."""
    found = paired_difference(differences, test_parts, too_few)
    return dataclasses.replace(found, possible=(-math.inf, math.inf), less_is_better=True)


def placements(rows: SharedRows, score: NDArray[np.floating]) -> Floats:
    """(N,) structural components of a run with (N,) scores; over either class they average to the AUC.

    A positive's is the share of the negatives it is ranked above, a negative's the share of the positives it
    is ranked below; ties count one half.
    """
    positive = rows.positive
    rank = rankdata(score)
    result = np.empty(positive.size)
    result[positive] = (rank[positive] - rankdata(score[positive])) / np.count_nonzero(~positive)
    result[~positive] = 1 - (rank[~positive] - rankdata(score[~positive])) / np.count_nonzero(positive)
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
    return [_user_part(rows.user, influence)]


def row_parts(rows: SharedRows, first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two means over the test rows by the draw of the rows, or of the users.

    Args:
        first, second: (N,) values of either contestant, such as log losses, averaged over seeds.
    """
    difference = first - second
    if rows.user is None:
        return [_mean_part(difference)]
    return [_user_part(rows.user, (difference - difference.mean()) / difference.size)]


def user_aucs(rows: SharedRows, score: NDArray[np.floating]) -> Floats:
    """(U,) AUC within each user, NaN for users of one class; their mean over the others is the UAUC.

    Rows are ranked within their user: by user first and score second, less the rows of the users before.
    """
    assert rows.user is not None, "there are no users"
    order = np.lexsort((score, rows.user))
    user, ordered = rows.user[order], score[order]
    new = (user[1:] != user[:-1]) | (ordered[1:] != ordered[:-1])
    rank = rankdata(np.concatenate(([0], np.cumsum(new))))
    count = np.bincount(user)
    rank -= (np.cumsum(count) - count)[user]
    weight = rows.positive[order].astype(np.float64)
    positive = np.bincount(user, weights=weight)
    pairs = positive * (count - positive)
    above = np.bincount(user, weights=weight * rank) - positive * (positive + 1) / 2
    return np.divide(above, pairs, out=np.full(count.size, math.nan), where=pairs > 0)


def user_parts(first: Floats, second: Floats) -> list[VariancePart]:
    """Variance of the difference of two UAUCs by the draw of the users.

    Args:
        first, second: (U,) per-user AUCs of either contestant, averaged over seeds.
    """
    difference = first - second
    return [_mean_part(difference[~np.isnan(difference)])]


def rank_intervals(
    labels: Sequence[str], differences: Mapping[tuple[str, str], Difference]
) -> dict[str, tuple[int, int] | None]:
    """From 1 + the number of contestants significantly better to N less the number significantly worse.

    Args:
        labels: the N contestants that have a result.
        differences: ordered pair → first minus second; pairs without a common seed are absent.

    Returns:
        None for a contestant about whom no pair decides.
    """
    result: dict[str, tuple[int, int] | None] = {}
    for label in labels:
        verdicts = [differences[pair].verdict for pair in differences if pair[1] == label]
        decided = any(verdict != "undecided" for verdict in verdicts)
        interval = (1 + verdicts.count("better"), len(labels) - verdicts.count("worse"))
        result[label] = interval if decided else None
    return result


def _user_part(user: NDArray[np.intp], influence: Floats) -> VariancePart:
    """Of a sum of (N,) influences, the rows of one user kept together."""
    by_user = np.bincount(user, weights=influence)
    if by_user.size < 2:
        return math.inf, 1
    return float(by_user @ by_user) * by_user.size / (by_user.size - 1), by_user.size - 1


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
