"""Least squares by variable projection: for every exponent the rest is a linear problem with a closed
solution.

A dense logarithmic grid of exponents finds the lowest sum of squares, and a golden-section search between its
neighbours polishes it (Open Athena, arXiv 2603.22339, does the same for two exponents). So there are no
starting values, no scale of the loss and no tolerance that stops too early, as in Chinchilla's third approach
(2404.10102). All of it works on `B` sets of values at once, which makes bootstraps fast. The sum of squares
is minimised, not its mean; values are centred and scaled first, so that neither their unit nor their zero
matters.

Letters: `B` sets of values, `K` sizes, `G` exponents of the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from reports.scaling.ladder import Ladder
from reports.scaling.laws import ANCHORED, CONSTANT, LOG, OPTIMUM, POWER, Floats, Law, power_basis

EXPONENTS = np.geomspace(1e-5, 3.0, 253)
"""Neighbours differ by 5 %. At the lowest, a power law over ten decades is a log law to four digits."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 45
"""Of the golden section: 0.1 of ln b shrinks to 4e-11."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """What is fitted, as gains (more is better), centred and scaled.

    Args:
        t: (K,) ln size less its weighted mean, `centre`.
        weights: (K,) runs of each size.
        gains: (B, K) mean gains of each size, less `shift`, over `scale`.
        ceiling: the best possible gain, on the scale of `gains`; infinite where there is none.
        anchored: the asymptote is the ceiling, not merely below it.
    """

    t: Floats
    weights: Floats
    gains: Floats
    ceiling: float
    anchored: bool
    sign: float
    centre: float
    shift: float
    scale: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Solutions:
    """Coefficients of B fits of one form in the units of the data, each (B,). `squares`: the weighted sum of
    squared residuals of the means; `at_bound`: whether the asymptote lies on the metric's bound."""

    form: str
    level: Floats
    slope: Floats
    exponent: Floats
    curvature: Floats
    squares: Floats
    at_bound: np.ndarray


def problem(ladder: Ladder, *, anchor: float | None = None, means: Floats | None = None) -> Problem:
    """The problem of a ladder.

    Args:
        anchor: an asymptote that is given.
        means: (B, K) values in place of the ladder's own means.
    """
    sign, weights = ladder.metric.sign, ladder.counts
    log_size = np.log(ladder.sizes)
    centre = float(np.average(log_size, weights=weights))
    own = sign * ladder.means
    shift = float(np.average(own, weights=weights))
    scale = math.sqrt(float(np.average((own - shift) ** 2, weights=weights))) or 1.0
    bound = ladder.metric.bound if anchor is None else anchor
    gains = own[None] if means is None else sign * means
    return Problem(
        t=log_size - centre,
        weights=weights,
        gains=(gains - shift) / scale,
        ceiling=math.inf if bound is None else (sign * bound - shift) / scale,
        anchored=anchor is not None,
        sign=sign,
        centre=centre,
        shift=shift,
        scale=scale,
    )


def solve(form: str, asked: Problem) -> Solutions:
    """The least squares of `form`, for every set of values."""
    num = len(asked.gains)
    zeros = np.zeros(num)
    if form in (POWER, ANCHORED):
        exponent = _best_exponent(asked)
        level, slope, squares, bound = project(asked, exponent[:, None])
        found = (level[:, 0], slope[:, 0], exponent, zeros, squares[:, 0], bound[:, 0])
    else:
        columns = {CONSTANT: 1, LOG: 2, OPTIMUM: 3}[form]
        design = np.stack([asked.t**power for power in range(columns)], axis=1)
        root = np.sqrt(asked.weights)
        inverse = np.linalg.pinv(design * root[:, None]) * root
        coefficients = asked.gains @ inverse.T
        residuals = asked.gains - coefficients @ design.T
        level, slope, bend = (coefficients[:, i] if i < columns else zeros for i in range(3))
        found = (level, slope, zeros, bend, residuals**2 @ asked.weights, zeros > 0)
    level, slope, exponent, bend, squares, at_bound = found
    return Solutions(
        form=form,
        level=asked.scale * level + asked.shift,
        slope=asked.scale * slope,
        exponent=exponent,
        curvature=asked.scale * bend,
        squares=asked.scale**2 * squares,
        at_bound=at_bound,
    )


def law(asked: Problem, found: Solutions, index: int = 0) -> Law:
    """One of the solutions as a law."""
    return Law(
        form=found.form,
        sign=asked.sign,
        centre=asked.centre,
        level=float(found.level[index]),
        slope=float(found.slope[index]),
        exponent=float(found.exponent[index]),
        curvature=float(found.curvature[index]),
    )


def project(asked: Problem, exponent: Floats) -> tuple[Floats, Floats, Floats, np.ndarray]:
    """The linear rest of a power law at given exponents, within its bounds: slope ≥ 0, asymptote ≤ ceiling.

    Args:
        exponent: (B or 1, G).

    Returns:
        level, slope, sum of squares and whether the asymptote is the ceiling, each (B, G), scaled.
    """
    weights, gains = asked.weights, asked.gains[:, None, :]
    basis = power_basis(asked.t, exponent[..., None])
    mean_basis = basis @ weights / weights.sum()
    mean_gain = (asked.gains @ weights / weights.sum())[:, None]
    centred = basis - mean_basis[..., None]
    weighted = centred * weights
    slope = (weighted * gains).sum(-1) / (weighted * centred).sum(-1)
    slope = np.maximum(slope, 0.0)
    level = mean_gain - slope * mean_basis
    bounded = np.full(slope.shape, asked.anchored)
    if math.isfinite(asked.ceiling):
        bounded |= level + slope / exponent > asked.ceiling
        # From the asymptote down: ceiling − u = slope · e^(−b·t) / b.
        below = 1 / exponent[..., None] - basis
        room = asked.ceiling - gains
        forced = (weights * below * room).sum(-1) / (weights * below**2).sum(-1)
        forced = np.maximum(forced, 0.0)
        slope = np.where(bounded, forced, slope)
        level = np.where(bounded, asked.ceiling - forced / exponent, level)
    residuals = gains - level[..., None] - slope[..., None] * basis
    return level, slope, residuals**2 @ weights, bounded


def _best_exponent(asked: Problem) -> Floats:
    """(B,)"""
    start = np.concatenate(
        [
            np.argmin(project(part, EXPONENTS[None])[2], axis=1)
            for part in _parts(asked, len(EXPONENTS) * asked.t.size)
        ]
    )
    low = np.log(EXPONENTS[np.maximum(start - 1, 0)])
    high = np.log(EXPONENTS[np.minimum(start + 1, len(EXPONENTS) - 1)])

    def squares(log_exponent: Floats) -> Floats:
        return project(asked, np.exp(log_exponent)[:, None])[2][:, 0]

    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = squares(inner), squares(outer)
    for _ in range(_STEPS):
        left = at_inner < at_outer
        low, high = np.where(left, low, inner), np.where(left, outer, high)
        new = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = squares(new)
        inner, outer = np.where(left, new, outer), np.where(left, inner, new)
        at_inner, at_outer = np.where(left, at_new, at_outer), np.where(left, at_inner, at_new)
    return np.exp((low + high) / 2)


def without_last(asked: Problem) -> Problem:
    """The problem without its largest size, on the scale of the whole."""
    return replace(asked, t=asked.t[:-1], weights=asked.weights[:-1], gains=asked.gains[:, :-1])


def _parts(asked: Problem, numbers_per_set: int, limit: int = 4_000_000) -> list[Problem]:
    """The problem in parts of few enough sets that a grid of them fits into memory."""
    step = max(1, limit // numbers_per_set)
    return [
        replace(asked, gains=asked.gains[start : start + step]) for start in range(0, len(asked.gains), step)
    ]
