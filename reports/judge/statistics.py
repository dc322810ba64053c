"""Intervals, paired differences, verdicts and ranks.

A difference between two contestants is uncertain for two reasons, and its variance is the sum of both parts:

- *seeds*: the spread between seeds over their number, see `reports.judge.moderation`;
- *test rows*: the draw of the test split, see `reports.judge.sampling`.

The half width of the 95 % interval is √(Σ t_k² v_k) over the parts' variances v_k, where t_k is Student's
quantile with the degrees of freedom of that part (Banerjee 1960, Sankhyā 22). It is exactly Student's where
one part is all, and holds in at least 95 % for every ratio of the parts if each has its degrees of freedom.
Welch and Satterthwaite's degrees of freedom do not: of ten equal contestants with two seeds each, some pair
was called different in 19 % of tables after Bonferroni's correction, with three seeds in 11 %
(`docs/simulate_intervals.py` has the numbers of what is used). The p-value is the smallest error for which
the interval excludes zero.

Verdicts are by Holm's adjusted p-values (Holm 1979, Scandinavian Journal of Statistics 6) within a family of
differences that are judged together. Intervals are not adjusted, so one may exclude zero and yet be a tie.
Contestants are compared seed by seed and only then averaged; predictions are never averaged.

Letters: `S` seeds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit

CONFIDENCE = 0.95
LEAST_P_VALUE = 1e-100
"""What is below it counts as 0."""
PREDICTIONS_MISSING = "predictions missing"

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
VariancePart = tuple[float, float]
"""A variance and its degrees of freedom."""
Range = tuple[float, float]
Key = TypeVar("Key")


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

    Args:
        doubt: why no claim is made, whatever the numbers: one seed, missing predictions, too little data.
        p_value: of no difference, two-sided, by itself; None where there is none or it is in doubt.
        adjusted_p_value: the same by Holm within a family; None where the difference is in none, and its
            verdict is that of its interval.
        family: how many differences are judged together.
    """

    doubt: str = ""
    less_is_better: bool = False
    p_value: float | None = None
    adjusted_p_value: float | None = None
    family: int = 1

    def reversed(self) -> Difference:
        """Second minus first."""
        return dataclasses.replace(self, mean=-self.mean)

    @property
    def excludes_zero(self) -> bool:
        """Does the interval, if there is one?"""
        return self.half_width is not None and not self.low <= 0 <= self.high

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``tie`` (it could be chance) or ``undecided`` (see `doubt`)."""
        if self.doubt or self.half_width is None:
            return "undecided"
        is_chance = self.adjusted_p_value is not None and self.adjusted_p_value > 1 - CONFIDENCE
        if is_chance or not self.excludes_zero:
            return "tie"
        return "better" if (self.mean > 0) != self.less_is_better else "worse"

    @property
    def is_tie_by_family(self) -> bool:
        """A tie whose interval excludes zero: by itself it would be a verdict, in its family it is none."""
        return self.verdict == "tie" and self.excludes_zero


def mean_estimate(values: Values, possible: Range = (-math.inf, math.inf)) -> Estimate:
    """Mean with Student's t interval over seeds, within the `possible` range of the quantity.

    Raises:
        AssertionError: no values.
    """
    array = np.asarray(values, dtype=np.float64)
    assert array.size, "a mean needs at least one value"
    reach = half_width([mean_part(array)]) if array.size > 1 else None
    return Estimate(mean=float(array.mean()), half_width=reach, num_seeds=array.size, possible=possible)


def paired_difference(
    differences: Values,
    test_parts: Sequence[VariancePart] | None,
    too_few: str = "",
    *,
    seed_parts: Sequence[VariancePart] | None = None,
) -> Difference:
    """The mean of per-seed differences of an AUC with its interval, over seeds and over the draw of the test.

    Args:
        differences: first minus second, one per common seed.
        test_parts: the part of the test rows, from `reports.judge.sampling`. Without it there is no interval,
            because that of the seeds alone would be too narrow.
        too_few: what is too little for a claim, from `SharedRows`.
        seed_parts: the part of the seeds; by default that of these differences alone, Student's t.
    """
    array = np.asarray(differences, dtype=np.float64)
    reach, p_value, doubt = None, None, ""
    if array.size < 2:
        doubt = "1 seed"
    elif test_parts is None:
        doubt = PREDICTIONS_MISSING
    else:
        parts = [*(seed_parts or [mean_part(array)]), *test_parts]
        reach, doubt = half_width(parts), too_few
        p_value = None if doubt else _p_value(abs(float(array.mean())), parts)
    return Difference(
        mean=float(array.mean()),
        half_width=reach,
        num_seeds=array.size,
        possible=(-1.0, 1.0),
        doubt=doubt,
        p_value=p_value,
    )


def loss_difference(
    differences: Values,
    test_parts: Sequence[VariancePart] | None,
    too_few: str = "",
    *,
    seed_parts: Sequence[VariancePart] | None = None,
) -> Difference:
    """The same of log losses, of which less is better; the part of the test rows is that of `row_parts`."""
    found = paired_difference(differences, test_parts, too_few, seed_parts=seed_parts)
    return dataclasses.replace(found, possible=(-math.inf, math.inf), less_is_better=True)


def adjusted(family: Mapping[Key, Difference]) -> dict[Key, Difference]:
    """The same differences with Holm's adjusted p-values; those without a p-value do not count."""
    values = {key: value.p_value for key, value in family.items() if value.p_value is not None}
    corrected = dict(zip(values, holm([*values.values()]), strict=True))
    return {
        key: dataclasses.replace(value, adjusted_p_value=corrected[key], family=len(values))
        if key in values
        else value
        for key, value in family.items()
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down method, in the given order."""
    result = np.empty(len(p_values))
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=np.float64)[order] * (len(p_values) - np.arange(len(p_values)))
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return result.tolist()


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


def mean_part(values: Floats) -> VariancePart:
    """Of the mean of independent values; infinite for a single one, whose spread is unknown."""
    if values.size < 2:
        return math.inf, 1
    return float(np.var(values, ddof=1)) / values.size, values.size - 1


def half_width(parts: Sequence[VariancePart], error: float = 1 - CONFIDENCE) -> float:
    """Half of the interval of a sum of independent parts that misses with a probability of `error`."""
    if any(math.isinf(variance) for variance, _ in parts):
        return math.inf
    return math.hypot(
        *(stdtrit(freedom, error / 2) * math.sqrt(variance) for variance, freedom in parts if variance > 0)
    )


def _p_value(distance: float, parts: Sequence[VariancePart]) -> float:
    """The error at which an interval of these parts just reaches from `distance` to zero."""
    if distance == 0 or any(math.isinf(variance) for variance, _ in parts):
        return 1.0
    least = math.log(LEAST_P_VALUE)
    if half_width(parts, LEAST_P_VALUE) <= distance:
        return 0.0
    return math.exp(brentq(lambda log: half_width(parts, math.exp(log)) - distance, least, 0.0, xtol=1e-10))
