"""Least squares of laws in two variables, by variable projection over both exponents.

For every pair of exponents the other three coefficients are a linear problem with bounds, which all its
active sets solve. A grid over both exponents finds the lowest sum of squares; finer grids around it polish
it.

Letters: `B` sets of values, `C` cells (pairs of size and rows), `G` pairs of exponents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.scaling.laws import Floats, Metric, power_basis

LOWEST, HIGHEST = 1e-3, 3.0
_GRID = np.geomspace(LOWEST, HIGHEST, 49)
_SHRINK = 0.6
_AROUND = np.linspace(-1.0, 1.0, 5)
_SETS_AT_A_TIME = 250
_ACTIVE_SETS = ((1, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 0), (1, 1, 1), (1, 0, 1), (0, 1, 1))
"""Is A free, is B free, is the asymptote on its bound."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """C cells, on centred axes, with the scale on which gains are fitted; see `fitting.Problem`.

    Args:
        t_size, t_rows: (C,) ln size and ln rows less their weighted means, `centres`.
        weights: (C,) runs of each cell.
    """

    t_size: Floats
    t_rows: Floats
    centres: Floats
    weights: Floats
    sign: float
    shift: float
    scale: float
    ceiling: float

    @classmethod
    def of(cls, cells: Floats, counts: Floats, means: Floats, metric: Metric) -> Grid:
        """(C, 2) sizes and rows, (C,) runs of each, (C,) mean values."""
        logs, sign = np.log(cells), metric.sign
        centres = np.average(logs, axis=0, weights=counts)
        shift = float(np.average(sign * means, weights=counts))
        scale = math.sqrt(float(np.average((sign * means - shift) ** 2, weights=counts))) or 1.0
        return cls(
            t_size=logs[:, 0] - centres[0],
            t_rows=logs[:, 1] - centres[1],
            centres=centres,
            weights=counts,
            sign=sign,
            shift=shift,
            scale=scale,
            ceiling=math.inf if metric.bound is None else (sign * metric.bound - shift) / scale,
        )

    def gains_of(self, values: Floats) -> Floats:
        return (self.sign * values - self.shift) / self.scale

    def values_of(self, gains: Floats) -> Floats:
        return self.sign * (self.scale * gains + self.shift)


def best_exponents(grid: Grid, gains: Floats) -> Floats:
    """(B, 2) exponents of the least squares of (B, C) gains, from everywhere."""
    a, b = np.meshgrid(_GRID, _GRID, indexing="ij")
    squares = solved(grid, gains, a.reshape(1, -1), b.reshape(1, -1))[1]
    best = squares.argmin(axis=1)
    start = np.log(np.stack([a.flat[best], b.flat[best]], axis=1))
    return zoomed(grid, gains, start, math.log(_GRID[1] / _GRID[0]), steps=45)


def solved(grid: Grid, gains: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The bounded linear rest of (B, C) gains at (B or 1, G) exponents.

    Returns:
        (B, G, 3) level and both slopes, (B, G) sums of squares.
    """
    by_size, by_rows = power_basis(grid.t_size, a[..., None]), power_basis(grid.t_rows, b[..., None])
    shape = np.broadcast_shapes((len(gains), 1), a.shape)
    best = np.full(shape, math.inf)
    coefficients = np.zeros((*shape, 3))
    for free_size, free_rows, bounded in _ACTIVE_SETS:
        if bounded and not math.isfinite(grid.ceiling):
            continue
        found = _active(grid, gains, (by_size, by_rows), (a, b), (free_size, free_rows), bool(bounded))
        level, first, second = found[..., 0], found[..., 1], found[..., 2]
        residual = gains[:, None] - level[..., None]
        residual = residual - first[..., None] * by_size - second[..., None] * by_rows
        squares = residual**2 @ grid.weights
        asymptote = level + first / a + second / b
        slack = 1e-9 * (1 + abs(grid.ceiling)) if math.isfinite(grid.ceiling) else 0.0
        allowed = (first >= 0) & (second >= 0) & (asymptote <= grid.ceiling + slack)
        better = allowed & (squares < best)
        best = np.where(better, squares, best)
        coefficients = np.where(better[..., None], found, coefficients)
        if bool(allowed.all()) and (free_size, free_rows, bounded) == _ACTIVE_SETS[0]:
            break  # the free solution is the best wherever it is allowed
    return coefficients, best


def zoomed(grid: Grid, gains: Floats, log_start: Floats, width: float, *, steps: int) -> Floats:
    """(B, 2) the best exponents around (B, 2) starts, by ever finer grids that move with their best point."""
    parts = []
    for first in range(0, len(gains), _SETS_AT_A_TIME):
        some = gains[first : first + _SETS_AT_A_TIME]
        middle, span, sets = log_start[first : first + _SETS_AT_A_TIME], width, np.arange(len(some))
        for _ in range(steps):
            around = np.clip(middle[:, :, None] + span * _AROUND, math.log(LOWEST), math.log(HIGHEST))
            a = np.repeat(np.exp(around[:, 0]), _AROUND.size, axis=1)
            b = np.tile(np.exp(around[:, 1]), (1, _AROUND.size))
            best = solved(grid, some, a, b)[1].argmin(axis=1)
            middle = np.log(np.stack([a[sets, best], b[sets, best]], axis=1))
            span *= _SHRINK
        parts.append(np.exp(middle))
    return np.concatenate(parts)


def fitted(grid: Grid, coefficients: Floats, exponents: Floats) -> Floats:
    level, first, second = coefficients
    basis = power_basis(grid.t_size, exponents[0]), power_basis(grid.t_rows, exponents[1])
    return level + first * basis[0] + second * basis[1]


def _active(
    grid: Grid,
    gains: Floats,
    basis: tuple[Floats, Floats],
    exponents: tuple[Floats, Floats],
    free: tuple[int, int],
    bounded: bool,
) -> Floats:
    """(B, G, 3) least squares with some coefficients held: level and both slopes."""
    weights = grid.weights
    columns = [
        one - 1 / exponent[..., None] if bounded else one - (one @ weights / weights.sum())[..., None]
        for one, exponent in zip(basis, exponents, strict=True)
    ]
    level = grid.ceiling if bounded else (gains @ weights / weights.sum())[:, None]
    target = gains[:, None] - np.asarray(level)[..., None]
    moments = {(i, j): (columns[i] * columns[j]) @ weights for i, j in ((0, 0), (0, 1), (1, 1))}
    onto = [(column * target) @ weights for column in columns]
    first = second = np.zeros(np.broadcast_shapes(onto[0].shape, onto[1].shape))
    if all(free):
        determinant = moments[0, 0] * moments[1, 1] - moments[0, 1] ** 2
        first = (moments[1, 1] * onto[0] - moments[0, 1] * onto[1]) / determinant
        second = (moments[0, 0] * onto[1] - moments[0, 1] * onto[0]) / determinant
    elif free[0]:
        first = onto[0] / moments[0, 0] + second
    elif free[1]:
        second = onto[1] / moments[1, 1] + first
    if bounded:
        start = grid.ceiling - first / exponents[0] - second / exponents[1]
    else:
        means = [one @ weights / weights.sum() for one in basis]
        start = level - first * means[0] - second * means[1]
    return np.stack(np.broadcast_arrays(start, first, second), axis=-1)
