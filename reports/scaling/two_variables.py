"""Laws in size N and training rows D: E + A/N^a + B/D^b for a loss, c − A/N^a − B/D^b for a gain.

Chinchilla's third form (arXiv 2203.15556), by variable projection: for every pair of exponents, the other
three coefficients are a linear least-squares problem with bounds (A, B ≥ 0, and E no better than the metric's
bound), which all its active sets solve. A grid over both exponents finds the lowest sum of squares, and finer
grids around it polish it.

Intervals: percentiles of refits to the fitted values with new noise. Its variance is that of the runs about
the law where cells have one run or scatter by more than their seeds explain, else that of the seeds, pooled;
each draw is stretched as in `bootstrap`.

Letters: `B` sets of values, `C` cells (pairs of N and D), `G` exponents on a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, fdtrc

from bench.canonical import digest
from bench.errors import BadInput
from reports.judge.statistics import CONFIDENCE
from reports.scaling.bootstrap import NUM_DRAWS, percentiles
from reports.scaling.intervals import Interval
from reports.scaling.laws import Floats, Metric, metric_named
from reports.scaling.surface_fitting import LOWEST, Grid, best_exponents, fitted, solved, zoomed

FEWEST_VALUES = 3
"""Of sizes and of numbers of rows."""
NUM_COEFFICIENTS = 5
FEWEST_CELLS = 6
MOST_CORRELATED = 0.98
"""Of ln N and ln D, above which their effects cannot be told apart."""
_WIDTH_OF_DRAWS, _STEPS_OF_DRAWS = 1.2, 15
"""Of the search for a draw's exponents: from within a factor of 3 about the estimate to 1e-3 of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """A law in two variables. Intervals are of 95 %; those of an exponent begin at 0 where they reach the
    grid's end.

    Args:
        asymptote: E, in units of the metric.
        size_factor, size_exponent: A and a.
        rows_factor, rows_exponent: B and b.
        identified: whether both exponents' intervals leave out 0 and the asymptote's its bound.
        reason: why it is not.
        rmse: of the runs about the law, n − 5 degrees of freedom, in units of the metric.
        seed_deviation: standard deviation between seeds, pooled over cells; None where no cell has two runs.
        num_runs, num_cells: the points it was fitted to.
    """

    metric: Metric
    asymptote: Interval
    size_factor: Interval
    size_exponent: Interval
    rows_factor: Interval
    rows_exponent: Interval
    identified: bool
    reason: str
    rmse: float
    seed_deviation: float | None
    num_runs: int
    num_cells: int

    def value(self, size: ArrayLike, rows: ArrayLike) -> Floats:
        """The metric at sizes and numbers of rows, which broadcast."""
        by_size = self.size_factor.value * np.asarray(size, dtype=np.float64) ** -self.size_exponent.value
        by_rows = self.rows_factor.value * np.asarray(rows, dtype=np.float64) ** -self.rows_exponent.value
        return self.asymptote.value - self.metric.sign * (by_size + by_rows)


@dataclass(frozen=True, kw_only=True)
class _Scatter:
    """The variance of a run about the law, its degrees of freedom, and what the page says of both."""

    variance: float
    freedom: int
    seed_deviation: float | None
    rmse: float


def fit_surface(
    size: ArrayLike,
    rows: ArrayLike,
    value: ArrayLike,
    *,
    metric: Metric | str = "log-loss",
    num_draws: int = NUM_DRAWS,
) -> Surface:
    """Fits a law in size and training rows to (n,) runs.

    Args:
        size: dense parameters or FLOPs, above 0.
        rows: training rows, above 0.
        value: the metric, in its own unit.
        metric: a `Metric` or a name of `METRICS`.

    Raises:
        BadInput: numbers that are not finite or not above 0, a value beyond the metric's bound, fewer than
            three sizes or numbers of rows, fewer than six cells, or sizes and rows that grow together.
    """
    known = metric_named(metric) if isinstance(metric, str) else metric
    n, d, values = (np.asarray(column, dtype=np.float64).ravel() for column in (size, rows, value))
    cells, place, counts = _checked(n, d, values, known)
    means = np.bincount(place, weights=values) / counts
    grid = Grid.of(cells, counts, means, known)
    gains = grid.gains_of(means)[None]
    exponents = best_exponents(grid, gains)
    coefficients = solved(grid, gains, exponents[:, :1], exponents[:, 1:])[0][:, 0]
    at_cells = fitted(grid, coefficients[0], exponents[0])
    scatter = _scatter(values, means, place, counts, grid.values_of(at_cells))
    seed = digest([known.name, n.tolist(), d.tolist(), values.tolist()])
    generator = np.random.default_rng(int(seed[:16], 16))
    stretch = np.sqrt(scatter.freedom / chdtri(scatter.freedom, generator.random(num_draws)))
    noise = generator.standard_normal((num_draws, counts.size)) * np.sqrt(scatter.variance / counts)
    drawn = at_cells + noise * stretch[:, None] / grid.scale
    start = np.repeat(np.log(exponents), num_draws, axis=0)
    of_draws = zoomed(grid, drawn, start, _WIDTH_OF_DRAWS, steps=_STEPS_OF_DRAWS)
    coefficients_of_draws = solved(grid, drawn, of_draws[:, :1], of_draws[:, 1:])[0][:, 0]
    return _surface(
        known,
        grid,
        scatter,
        np.concatenate([exponents, of_draws]),
        np.concatenate([coefficients, coefficients_of_draws]),
        num_runs=values.size,
    )


def _checked(size: Floats, rows: Floats, value: Floats, metric: Metric) -> tuple[Floats, np.ndarray, Floats]:
    """(C, 2) different cells, (n,) the cell of each run, (C,) runs of each."""
    if not size.size == rows.size == value.size:
        raise BadInput(
            f"the points have {size.size} sizes, {rows.size} numbers of rows and {value.size} values; give "
            "one of each for every run"
        )
    for what, column in (("size", size), ("number of rows", rows), ("value", value)):
        if not np.isfinite(column).all():
            raise BadInput(f"a {what} is not a finite number; exclude a run that has none, and say why")
        if what != "value" and (column <= 0).any():
            raise BadInput(f"a {what} is {column.min():g}; it must be above 0")
    bound = metric.bound
    if bound is not None and (metric.sign * (value - bound) > 0).any():
        raise BadInput(f"a value is beyond {bound:g}, the best possible {metric.title}")
    for what, column in (("sizes", size), ("numbers of rows", rows)):
        if np.unique(column).size < FEWEST_VALUES:
            raise BadInput(
                f"the points have {np.unique(column).size} different {what}; a law in both needs "
                f"{FEWEST_VALUES} of each"
            )
    cells, place, counts = np.unique(
        np.stack([size, rows], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    if len(cells) < FEWEST_CELLS:
        raise BadInput(
            f"the points have {len(cells)} pairs of size and rows; a law in both needs {FEWEST_CELLS}"
        )
    correlation = float(np.corrcoef(np.log(cells).T)[0, 1])
    if abs(correlation) > MOST_CORRELATED:
        raise BadInput(
            f"sizes and rows grow together (correlation {correlation:.2f}), so their effects cannot be told "
            "apart; measure several numbers of rows at each size"
        )
    return cells, place.ravel(), counts.astype(np.float64)


def _scatter(values: Floats, means: Floats, place: np.ndarray, counts: Floats, at_cells: Floats) -> _Scatter:
    within = values - means[place]
    inner, seeds = float(within @ within), values.size - counts.size
    outer, freedom = float(counts @ (means - at_cells) ** 2), counts.size - NUM_COEFFICIENTS
    rmse = math.sqrt((inner + outer) / (values.size - NUM_COEFFICIENTS))
    about_law, between_seeds = outer / freedom, inner / seeds if seeds else None
    if between_seeds is None:
        return _Scatter(variance=about_law, freedom=freedom, seed_deviation=None, rmse=rmse)
    deviation = math.sqrt(between_seeds)
    ratio = about_law / between_seeds if between_seeds else 0.0
    if fdtrc(freedom, seeds, ratio) < 1 - CONFIDENCE:
        return _Scatter(variance=about_law, freedom=freedom, seed_deviation=deviation, rmse=rmse)
    return _Scatter(variance=between_seeds, freedom=seeds, seed_deviation=deviation, rmse=rmse)


def _surface(
    metric: Metric, grid: Grid, scatter: _Scatter, exponents: Floats, coefficients: Floats, *, num_runs: int
) -> Surface:
    """From the estimate, in the first row, and the draws, in the others."""
    factors = grid.scale * coefficients[:, 1:] / exponents
    asymptotes = metric.sign * (grid.scale * coefficients[:, 0] + grid.shift + factors.sum(axis=1))
    factors = factors * np.exp(exponents * grid.centres)

    def interval(values: Floats, lowest: float | None = None) -> Interval:
        low, high = percentiles(values[1:])
        low, high = min(low, float(values[0])), max(high, float(values[0]))
        return Interval(value=float(values[0]), low=0.0 if low == lowest else low, high=high)

    exponent = [interval(exponents[:, i], _lowest(exponents[:, i])) for i in range(2)]
    limit = interval(asymptotes)
    reason = ""
    for name, one in zip(("size", "rows"), exponent, strict=True):
        if one.low == 0:
            reason = reason or f"the interval of the exponent of the {name} touches 0"
    end = limit.high if metric.more_is_better else limit.low
    if (
        metric.bound is not None
        and end is not None
        and metric.sign * (end - metric.bound) >= -1e-9 * grid.scale
    ):
        reason = reason or f"the asymptote's interval reaches its bound, {metric.bound:g}"
    return Surface(
        metric=metric,
        asymptote=limit,
        size_factor=interval(factors[:, 0]),
        size_exponent=exponent[0],
        rows_factor=interval(factors[:, 1]),
        rows_exponent=exponent[1],
        identified=not reason,
        reason=reason,
        rmse=scatter.rmse,
        seed_deviation=scatter.seed_deviation,
        num_runs=num_runs,
        num_cells=grid.weights.size,
    )


def _lowest(exponents: Floats) -> float | None:
    """The lowest exponent if it is at the end of the grid."""
    lowest = float(exponents.min())
    return lowest if lowest <= 1.01 * LOWEST else None
