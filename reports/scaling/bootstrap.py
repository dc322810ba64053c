"""Draws of fitted laws, joint over contestants, by refitting the chosen forms to new values of every size.

New means are the fitted values plus noise. The noise of one run is a random Gaussian combination of all
residuals of its contestant (of seeds within sizes; of sizes about the curve where `Noise.source` says so, so
that the sizes are drawn too), with the variance that they have together. Runs of the same size and seed get
the same combination in every contestant, so differences that are paired stay paired. Each draw's noise is
stretched by √(freedom / χ²), which gives it the tails of Student's t. Resampling the seeds themselves, three
of three, gives two thirds of the variance and few different samples: its percentile intervals of 95 % hold
the true exponent in about 80 % of simulated ladders (`docs/coverage_of_fits.py`).

The generator is seeded from the points, so the same points give the same draws, in any order of the
contestants.

Letters: `B` draws, `K` sizes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from bench.canonical import digest
from reports.scaling.fitting import Solutions, problem, solve
from reports.scaling.intervals import SEEDS
from reports.scaling.laws import ANCHORED, Floats, gain_at
from reports.scaling.selection import Fit

NUM_DRAWS = 2000
SAME_SIZE = 1.05
"""Sizes of several contestants within this factor are one budget: their runs of one seed are paired."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """B refits of the form of `fit`."""

    fit: Fit
    solutions: Solutions

    def values(self, size: ArrayLike) -> Floats:
        """The metric at (M,) or (B, M) sizes, (B, M)."""
        t = np.log(np.asarray(size, dtype=np.float64)) - self.fit.asked.centre
        found = self.solutions
        columns = (part[:, None] for part in (found.level, found.slope, found.exponent, found.curvature))
        return self.fit.asked.sign * gain_at(np.atleast_2d(t), *columns)


def draws(fits: Sequence[Fit], num: int = NUM_DRAWS) -> list[Draws]:
    """`num` joint draws of the laws of `fits`, in their order; a fit without noise does not vary."""
    order = sorted(range(len(fits)), key=lambda i: _content(fits[i]))
    seed = digest([_content(fits[i]) for i in order])
    generator = np.random.default_rng(int(seed[:16], 16))
    budget = _budgets(fits)
    keys, columns = _atom_keys(fits, order, budget)
    uniform = generator.random(num)
    means: list[Floats] = []
    for one in fits:
        fitted = one.law.value(one.ladder.sizes)
        means.append(np.repeat(fitted[None], num, axis=0))
    stretch = [_stretch(one.noise.freedom, uniform) for one in fits]
    for target in sorted(set(budget.values())):
        combination = generator.standard_normal((num, len(keys)))
        for i in order:
            one = fits[i]
            for place, size in enumerate(one.ladder.sizes):
                if budget[float(size)] == target and one.noise.variance is not None:
                    noise = combination[:, columns[i]] @ one.noise.atoms * stretch[i]
                    means[i][:, place] += one.asked.sign * noise / math.sqrt(one.ladder.counts[place])
    return [Draws(fit=one, solutions=refitted(one, values)) for one, values in zip(fits, means, strict=True)]


def refitted(one: Fit, means: Floats) -> Solutions:
    """The form of a fit to (B, K) other means of its sizes."""
    anchor = one.law.asymptote if one.law.form == ANCHORED else None
    return solve(one.law.form, problem(one.ladder, anchor=anchor, means=means))


def resampled_seeds(one: Fit, num: int, generator: np.random.Generator) -> Draws:
    """Plain draws, for comparison: the seeds of each size with replacement, and nothing made good."""
    points = one.ladder
    means = np.empty((num, points.sizes.size))
    for place in range(points.sizes.size):
        runs = points.value[points.place == place]
        means[:, place] = runs[generator.integers(0, runs.size, (num, runs.size))].mean(axis=1)
    return Draws(fit=one, solutions=refitted(one, means))


def percentiles(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Ends of the interval of (B,) draws, from their order statistics, so that infinite ones do no harm."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="nearest")
    return float(low), float(high)


def _content(one: Fit) -> str:
    points = one.ladder
    return digest(
        [
            points.label,
            points.size.tolist(),
            points.value.tolist(),
            [str(seed) for seed in points.seed],
        ]
    )


def _budgets(fits: Sequence[Fit]) -> dict[float, int]:
    """Size → number of its budget."""
    result: dict[float, int] = {}
    first, number = 0.0, -1
    for size in sorted({float(size) for one in fits for size in one.ladder.sizes}):
        if size > SAME_SIZE * first:
            first, number = size, number + 1
        result[size] = number
    return result


def _atom_keys(
    fits: Sequence[Fit], order: Sequence[int], budget: dict[float, int]
) -> tuple[dict[Hashable, int], list[np.ndarray]]:
    """A column of the random combinations for every residual; paired ones of several fits share theirs."""
    keys: dict[Hashable, int] = {}
    columns: list[np.ndarray] = [np.zeros(0, dtype=int)] * len(fits)
    for i in order:
        noise, points = fits[i].noise, fits[i].ladder
        of_atoms: list[Hashable]
        if noise.source == SEEDS:
            unnamed = [(i, "run", run) for run in range(points.value.size)]
            named = [
                (budget[float(size)], seed)
                for size, seed in zip(points.size, points.seed or unnamed, strict=True)
            ]
            of_atoms = list(named)
        else:
            of_atoms = [(budget[float(size)], "size") for size in points.sizes[: noise.atoms.size]]
        columns[i] = np.array([keys.setdefault(key, len(keys)) for key in of_atoms], dtype=int)
    return keys, columns


def _stretch(freedom: int, uniform: Floats) -> Floats:
    """(B,) √(freedom / χ²), by the same quantiles for every contestant."""
    return np.sqrt(freedom / chdtri(freedom, uniform)) if freedom else np.ones_like(uniform)


def with_form(one: Fit, form: str) -> Fit:
    """A fit that reports another of its candidates, to draw its coefficients."""
    return replace(one, law=one.candidates[form].law)
