"""The spread between seeds of each contestant, with what the other contestants of its table say of it.

Two or three seeds say little of a spread: it can come out far too small by chance, and Student's t pays for
that with intervals that are two to six times as wide as with a known spread. Contestants of one table are
trained alike, so their spreads are similar, and each is estimated by its own seeds and by a common prior
(Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3, article 3: the moderated t of
limma):

- *Unit*: the contestant. From its values the effects of contestant and seed are removed by least squares,
  which keeps the pairing by seed, and leaves a variance for each. Variances of differences would be no units
  of a prior: the 45 of ten contestants share ten spreads. With two contestants the sum of both variances is
  that of the paired difference, with S − 1 degrees of freedom, and nothing is moderated.
- *Prior*: degrees of freedom d₀ and variance s₀², from mean and variance of the log variances (Smyth, section
  6.2). d₀ is infinite where these vary no more than by chance.
- *Moderated* variance: (d₀ s₀² + d s²)/(d₀ + d), with d₀ + d degrees of freedom, at most those of the whole
  table.

Two rules are ours, because with ten contestants d₀ is uncertain and one of them may be much more erratic than
the others: a moderated variance is never below the contestant's own, and d₀ counts for at most `MOST_PRIOR`
times the contestant's own degrees of freedom. Without them, a contestant with five times the others' spread
has 95 % intervals that hold for 76 %; with them for 88 %, and all pairs together for 95 to 97 % (by
simulation, ten contestants, three seeds; `docs/simulate_intervals.py`).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from bench.errors import BadInput
from reports.judge.statistics import Floats, VariancePart

Intervals = Literal["moderated", "plain"]
"""How the seeds' part is estimated: with the other contestants, or by Student's t of each pair alone."""
INTERVALS: tuple[Intervals, ...] = get_args(Intervals)
MOST_PRIOR = 4.0
FLOOR = 1e-5
"""Share of the median below which the logarithm of a variance is not taken, as in limma."""


def parse_intervals(text: str) -> Intervals:
    """
    Raises:
        BadInput: it is none of them.
    """
    for known in INTERVALS:
        if text == known:
            return known
    raise BadInput(f"--intervals is '{text}'; it can be {' or '.join(INTERVALS)}")


def moderated_spreads(values_CS: Floats) -> list[VariancePart | None]:
    """Variance between seeds of each contestant and its degrees of freedom, in order.

    Args:
        values_CS: contestant × seed, NaN where there is no result.

    Returns:
        None for a contestant that has fewer than two seeds in common with others.
    """
    variances, freedoms, total = _spreads(values_CS)
    has_spread = freedoms > 0
    known, freedom = variances[has_spread], freedoms[has_spread]
    found: list[VariancePart | None] = [None] * len(variances)
    if not known.any():
        moderated = [(0.0, float(one)) for one in freedom]
    else:
        prior_freedom, prior = fit_prior(known, freedom)
        weight = np.minimum(prior_freedom, MOST_PRIOR * freedom)
        squeezed = (weight * prior + freedom * known) / (weight + freedom)
        own = np.maximum(squeezed, known)
        moderated = [*zip(own.tolist(), np.minimum(weight + freedom, total).tolist(), strict=True)]
    for place, part in zip(np.flatnonzero(has_spread), moderated, strict=True):
        found[place] = part
    return found


def fit_prior(variances: Floats, freedoms: Floats) -> tuple[float, float]:
    """Degrees of freedom, perhaps infinite, and variance of the prior, by the moments of log variances.

    Args:
        variances, freedoms: of each contestant; some variance is above 0.
    """
    if len(variances) < 2:
        return 0.0, float(variances.mean())
    logs = np.log(np.maximum(variances, FLOOR * (np.median(variances) or variances.max())))
    logs += np.log(freedoms / 2) - digamma(freedoms / 2)
    between = float(np.var(logs, ddof=1) - polygamma(1, freedoms / 2).mean())
    if between <= 0:
        return math.inf, float(variances.mean())
    half = inverse_trigamma(between)
    return 2 * half, math.exp(float(logs.mean()) + float(digamma(half)) - math.log(half))


def inverse_trigamma(value: float) -> float:
    """x > 0 of which trigamma is `value` > 0; found between the roots of 1/x and of 1/x + 1/x²."""
    low, high = 1 / value, (1 + math.sqrt(1 + 4 * value)) / (2 * value)
    return float(brentq(lambda x: float(polygamma(1, x)) - value, low * (1 - 1e-9), high * (1 + 1e-9)))


def _spreads(values_CS: Floats) -> tuple[Floats, Floats, float]:
    """(C,) residual variances, (C,) their degrees of freedom, 0 where there are none, and those of all.

    A cell's residual has the variance of the cell less its leverage, if all spreads are equal.
    """
    known = _linked(np.isfinite(values_CS))
    contestant, seed = np.nonzero(known)
    num_contestants, num_seeds = values_CS.shape
    design = np.zeros((contestant.size, num_contestants + num_seeds))
    design[np.arange(contestant.size), contestant] = 1.0
    design[np.arange(contestant.size), num_contestants + seed] = 1.0
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    basis = left[:, singular > 1e-9 * singular.max(initial=0.0)]
    observed = values_CS[known]
    observed = observed - (observed.mean() if observed.size else 0.0)
    residual = observed - basis @ (basis.T @ observed)
    free = 1 - (basis**2).sum(axis=1)
    squares = np.bincount(contestant, residual**2, minlength=num_contestants)
    frees = np.bincount(contestant, free, minlength=num_contestants)
    has_spread = frees > 1e-9
    variances = np.divide(squares, frees, out=np.zeros(num_contestants), where=has_spread)
    freedoms = np.where(has_spread, known.sum(axis=1) - 1.0, 0.0)
    return variances, freedoms, float(free.sum())


def _linked(known_CS: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells of contestants with two seeds or more, at seeds that two contestants or more have."""
    while True:
        kept = known_CS & (known_CS.sum(axis=0) > 1) & (known_CS.sum(axis=1, keepdims=True) > 1)
        if (kept == known_CS).all():
            return kept
        known_CS = kept
