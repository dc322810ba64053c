"""How uncertain a fitted law is: the noise of its points, and intervals by profile likelihood.

*Noise.* The variance of one run is that between seeds, pooled over sizes, with n − k degrees of freedom.
Where the sizes scatter about the curve by more than the seeds explain (an F test at 5 %), or there are at
least eight of them and their scatter is the larger, the mean square of that scatter takes its place, so that
the sizes count as draws too. With one run per size, that scatter is all there is.

*Intervals.* The percentiles of a bootstrap of three seeds are too narrow: three values resampled have two
thirds of their variance, and nothing makes up for the few degrees of freedom. An interval here holds what a
likelihood ratio does not reject: all b whose sum of squares is at most the lowest plus s²·F(1, freedom). For
a given b, the law is linear, so intervals of its asymptote, its value at any size and its gain have a closed
form; the interval is their union over b. It does not depend on a seed, follows the bends of the likelihood,
and includes the log law (b → 0) if that is not rejected. `docs/coverage_of_fits.py` measures the coverage of
both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtrc, fdtri, stdtr, stdtrit

from reports.judge.statistics import CONFIDENCE
from reports.scaling.fitting import EXPONENTS, Problem, project, solve
from reports.scaling.ladder import Ladder
from reports.scaling.laws import LOG, NUM_COEFFICIENTS, OPTIMUM, POWER, Floats, gain_at, power_basis

FEWEST_SIZES_AS_DRAWS = 8
SIZES_FOR_SCATTER = 5
"""From so many sizes on, their scatter about a law tells more than how the law bends."""
SEEDS, SIZES = "seeds", "sizes"
_POINTS = 61
"""Exponents within the interval at which the union is taken."""

Functional = Callable[[Floats], tuple[Floats, Floats]]
"""(G,) exponents → the (G,) factors of level and slope in a quantity that is linear in both."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and the ends of its 95 % interval, which are None where there is no spread to tell."""

    value: float
    low: float | None = None
    high: float | None = None

    def shifted(self, by: float) -> Interval:
        """The interval of the quantity plus a constant."""
        low, high = self.low, self.high
        return Interval(
            value=self.value + by,
            low=None if low is None else low + by,
            high=None if high is None else high + by,
        )

    def signed(self, sign: float) -> Interval:
        """The interval of the quantity times 1 or −1."""
        if sign > 0:
            return self
        low, high = self.low, self.high
        return Interval(
            value=-self.value,
            low=None if high is None else -high,
            high=None if low is None else -low,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """The variance of one run about the law.

    Args:
        variance: in squared units of the metric; None where nothing tells it.
        freedom: its degrees of freedom.
        source: `SEEDS`, or `SIZES` for the scatter of the sizes about the curve.
        misfit: p-value of the test that the seeds explain this scatter; None where it cannot be made.
        atoms: (m,) residuals whose squares add up to the variance, of the runs or of the sizes.
    """

    variance: float | None
    freedom: int
    source: str
    misfit: float | None
    atoms: Floats

    @property
    def reach(self) -> float:
        """How far the sum of squares of a law may lie above the lowest."""
        return self.variance * float(fdtri(1, self.freedom, CONFIDENCE)) if self.variance is not None else 0.0

    def mean_half_widths(self, counts: Floats) -> Floats | None:
        """Half-widths of the intervals of means of so many runs."""
        if self.variance is None:
            return None
        return float(stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * np.sqrt(self.variance / counts)


def noise_of(ladder: Ladder, asked: Problem) -> Noise:
    """The noise of a ladder.

    The sizes are judged about the most flexible form that they allow, without the metric's bound: from five
    sizes on the better of a power law and, where the points do not only rise, a quadratic; else a log law.
    """
    several = ladder.sizes.size >= SIZES_FOR_SCATTER
    fitted, num_coefficients = _flexible(asked, several=several)
    about = np.sqrt(ladder.counts) * (asked.sign * ladder.means - fitted)
    seeds, within = ladder.within_freedom, ladder.within
    size_freedom = ladder.sizes.size - num_coefficients if several or not seeds else 0
    spread = float(within @ within) / seeds if seeds else math.nan
    scatter = float(about @ about) / size_freedom if size_freedom > 0 else math.nan
    misfit = None
    if seeds and size_freedom > 0:
        misfit = float(fdtrc(size_freedom, seeds, scatter / spread)) if spread else 1.0
    many = ladder.sizes.size >= FEWEST_SIZES_AS_DRAWS and scatter > spread
    if size_freedom > 0 and (not seeds or many or (misfit is not None and misfit < 1 - CONFIDENCE)):
        atoms = about / math.sqrt(size_freedom)
        return Noise(variance=scatter, freedom=size_freedom, source=SIZES, misfit=misfit, atoms=atoms)
    if seeds:
        atoms = asked.sign * within / math.sqrt(seeds)
        return Noise(variance=spread, freedom=seeds, source=SEEDS, misfit=misfit, atoms=atoms)
    return Noise(variance=None, freedom=0, source=SIZES, misfit=None, atoms=np.zeros(0))


def _flexible(asked: Problem, *, several: bool) -> tuple[Floats, int]:
    """(K,) fitted gains in the units of the data, and how many coefficients they took."""
    free = replace(asked, ceiling=math.inf, anchored=False)
    forms = [LOG]
    if several:
        bend = solve(OPTIMUM, free)
        turns = bend.curvature[0] < 0 and -bend.slope[0] / (2 * bend.curvature[0]) < asked.t[-1]
        falls = solve(LOG, free).slope[0] < 0
        forms = [POWER, OPTIMUM] if turns or falls else [POWER]
    found = min((solve(form, free) for form in forms), key=lambda one: float(one.squares[0]))
    parts = (found.level[0], found.slope[0], found.exponent[0], found.curvature[0])
    return gain_at(asked.t, *parts), NUM_COEFFICIENTS[found.form]


def linear_interval(asked: Problem, noise: Noise, power: int, factors: Floats) -> Interval:
    """Of a linear quantity of a polynomial in t.

    Args:
        power: degree of the polynomial.
        factors: (power + 1,) of its coefficients, from the constant up.

    Returns:
        Gains in the units of the data, without `shift`.
    """
    design = np.stack([asked.t**i for i in range(power + 1)], axis=1) * np.sqrt(asked.weights)[:, None]
    inverse = np.linalg.pinv(design)
    value = asked.scale * float(factors @ inverse @ (np.sqrt(asked.weights) * asked.gains[0]))
    if noise.variance is None:
        return Interval(value=value)
    half = float(stdtrit(noise.freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(
        noise.variance * float(factors @ inverse @ inverse.T @ factors)
    )
    return Interval(value=value, low=value - half, high=value + half)


def slope_p_value(asked: Problem, noise: Noise) -> float | None:
    """Two-sided p-value of a log law's slope against none."""
    if noise.variance is None:
        return None
    slope = float(solve(LOG, asked).slope[0])
    if noise.variance == 0:
        return 0.0 if slope else 1.0
    error = math.sqrt(noise.variance / float(asked.weights @ asked.t**2))
    return 2 * float(stdtr(noise.freedom, -abs(slope) / error))


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """Which power laws the data do not reject.

    Args:
        exponent: the best exponent with its interval; an end is 0 where the log law is not rejected, and
            infinite where the steepest law is not.
        at_bound: whether the asymptote of the best law lies on the metric's bound.
        exponents: (G,) within the interval.
    """

    asked: Problem
    exponent: Interval
    at_bound: bool
    exponents: Floats
    limit: float

    def interval(self, factors: Functional, *, value: float, within: tuple[float, float]) -> Interval:
        """Of a quantity that is linear in level and slope.

        Args:
            factors: those of level and slope, by exponent.
            value: its best estimate, a gain in the units of the data.
            within: what is possible for it.
        """
        if self.exponent.low is None:
            return Interval(value=value)
        asked = self.asked
        free = replace(asked, ceiling=math.inf)
        on_level, on_slope = factors(self.exponents)
        if asked.anchored:
            level, slope, squares, _ = (part[0] for part in project(asked, self.exponents[None]))
            below = 1 / self.exponents[:, None] - power_basis(asked.t, self.exponents[:, None])
            spread = (on_slope - on_level / self.exponents) ** 2 / (below**2 @ asked.weights)
        else:
            level, slope, squares, _ = (part[0] for part in project(free, self.exponents[None]))
            basis = power_basis(asked.t, self.exponents[:, None])
            mean = basis @ asked.weights / asked.weights.sum()
            moment = (basis - mean[:, None]) ** 2 @ asked.weights
            spread = on_level**2 / asked.weights.sum() + (on_slope - on_level * mean) ** 2 / moment
        middle = asked.scale * (on_level * level + on_slope * slope) + asked.shift * on_level
        half = asked.scale * np.sqrt(np.maximum(self.limit - squares, 0.0) * spread)
        low, high = float((middle - half).min()), float((middle + half).max())
        return Interval(
            value=value,
            low=min(value, max(low, within[0])),
            high=max(value, min(high, within[1])),
        )


def profile_of(asked: Problem, noise: Noise, form: str) -> Profile:
    """The profile likelihood of the exponent of `form`, a power law."""
    found = solve(form, asked)
    best = float(found.exponent[0])
    at_bound = bool(found.at_bound[0]) and not asked.anchored
    if noise.variance is None:
        nothing = Interval(value=best)
        return Profile(
            asked=asked, exponent=nothing, at_bound=at_bound, exponents=np.array([best]), limit=0.0
        )
    limit = (float(found.squares[0]) + noise.reach) / asked.scale**2
    grid = np.unique(np.append(EXPONENTS, best))
    inside = project(asked, grid[None])[2][0] <= limit
    inside[np.searchsorted(grid, best)] = True
    first, last = (int(i) for i in np.flatnonzero(inside)[[0, -1]])
    low, high = float(grid[first]), float(grid[last])
    straight = float(solve(LOG, asked).squares[0]) / asked.scale**2
    touches_zero = first == 0 or (not asked.anchored and straight <= limit)
    if first > 0:
        low = _crossing(asked, limit, low, float(grid[first - 1]))
    if last < len(grid) - 1:
        high = _crossing(asked, limit, high, float(grid[last + 1]))
    interval = Interval(
        value=best, low=0.0 if touches_zero else low, high=math.inf if last == len(grid) - 1 else high
    )
    exponents = np.unique(np.append(np.geomspace(EXPONENTS[0] if touches_zero else low, high, _POINTS), best))
    return Profile(asked=asked, exponent=interval, at_bound=at_bound, exponents=exponents, limit=limit)


def _crossing(asked: Problem, limit: float, inside: float, outside: float) -> float:
    """Where the sum of squares passes `limit` between two exponents, by bisection of their logarithms."""
    for _ in range(40):
        middle = math.sqrt(inside * outside)
        if project(asked, np.array([[middle]]))[2][0, 0] <= limit:
            inside = middle
        else:
            outside = middle
    return inside
