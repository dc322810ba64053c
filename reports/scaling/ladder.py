"""The points of one contestant: runs of several sizes, some of them repeated with other seeds."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BadInput
from reports.scaling.laws import Floats, Metric

FEWEST_SIZES = 3
"""Of a ladder to which anything is fitted: a line and one point to judge it by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ladder:
    """n runs of k sizes.

    Args:
        label: whose they are.
        size: (n,) such as dense parameters or FLOPs, in any one unit.
        value: (n,) the metric.
        seed: n names of seeds, by which runs of several ladders are paired; empty where unknown.
        sizes: (k,) different sizes, ascending.
        place: (n,) which of `sizes` a run has.
        counts: (k,) runs of each size.
        means: (k,) mean value of each size.
    """

    label: str
    metric: Metric
    size: Floats
    value: Floats
    seed: tuple[Hashable, ...]
    sizes: Floats
    place: np.ndarray
    counts: Floats
    means: Floats

    @property
    def decades(self) -> float:
        """Powers of ten between the smallest and the largest size."""
        return float(np.log10(self.sizes[-1] / self.sizes[0]))

    @property
    def within(self) -> Floats:
        """(n,) value less the mean of its size."""
        return self.value - self.means[self.place]

    @property
    def within_freedom(self) -> int:
        """Degrees of freedom of the spread between seeds."""
        return self.value.size - self.sizes.size

    @property
    def seed_deviation(self) -> float | None:
        """Standard deviation between seeds, pooled over sizes; None where no size has two runs."""
        if not self.within_freedom:
            return None
        return math.sqrt(float(self.within @ self.within) / self.within_freedom)

    def kept(self, keep: np.ndarray) -> Ladder:
        """The (n,) runs marked. Raises BadInput as `ladder` does."""
        seed = tuple(one for one, kept in zip(self.seed, keep, strict=True) if kept) if self.seed else None
        return ladder(self.size[keep], self.value[keep], seed, metric=self.metric, label=self.label)


def ladder(
    size: ArrayLike,
    value: ArrayLike,
    seed: Sequence[Hashable] | None = None,
    *,
    metric: Metric,
    label: str = "",
) -> Ladder:
    """The runs, checked and ordered.

    Args:
        size: (n,) above 0, in any one unit.
        value: (n,) the metric.
        seed: n names of seeds, or None.
        metric: what `value` is.
        label: whose runs they are.

    Raises:
        BadInput: different lengths, a number that is not finite, a size that is not above 0, a value beyond
            the metric's bound, a seed twice at one size, or fewer than three different sizes.
    """
    of = f" of {label}" if label else ""
    sizes, values = (np.asarray(column, dtype=np.float64).ravel() for column in (size, value))
    if sizes.size != values.size or (seed is not None and len(seed) != sizes.size):
        lengths = f"{sizes.size} sizes, {values.size} values"
        lengths += f" and {len(seed)} seeds" if seed is not None else ""
        raise BadInput(f"the points{of} have {lengths}; give one of each for every run")
    for what, column in (("size", sizes), ("value", values)):
        if not np.isfinite(column).all():
            first = int(np.flatnonzero(~np.isfinite(column))[0])
            raise BadInput(
                f"the {what} of point {first + 1}{of} is {column[first]:g}; it must be a number: exclude a "
                "run that has none, and say why"
            )
    if (sizes <= 0).any():
        raise BadInput(f"a size{of} is {sizes.min():g}; it must be above 0")
    best = values.max(initial=-math.inf) if metric.more_is_better else values.min(initial=math.inf)
    if metric.bound is not None and metric.sign * (best - metric.bound) > 0:
        side = "above" if metric.more_is_better else "below"
        raise BadInput(
            f"a value{of} is {best:g}, but no {metric.title} can be {side} {metric.bound:g}; give another "
            "metric or bound"
        )
    different, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    if different.size < FEWEST_SIZES:
        number = f"{different.size} different size{'s'[: different.size != 1]}"
        raise BadInput(f"the points{of} have {number}; a law needs at least {FEWEST_SIZES}")
    keys = [(int(where), one) for where, one in zip(place, seed or (), strict=False)]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        where, one = min(twice, key=str)
        raise BadInput(
            f"the points{of} have seed {one} twice at size {different[where]:g}; give each run once"
        )
    names = [str(one) for one in seed] if seed is not None else [""] * sizes.size
    order = sorted(range(sizes.size), key=lambda i: (sizes[i], names[i], values[i]))
    return Ladder(
        label=label,
        metric=metric,
        size=sizes[order],
        value=values[order],
        seed=tuple(seed[i] for i in order) if seed is not None else (),
        sizes=different,
        place=place[order],
        counts=counts.astype(np.float64),
        means=np.bincount(place, weights=values) / counts,
    )
