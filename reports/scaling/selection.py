"""Fits the laws to a ladder and says which of them it supports.

- *optimum* where the values get worse again: its best size lies inside the range, and no law that only rises
  explains the points (an F test against the best of those).
- *constant* (flat) where the slope over ln size is not significant.
- *power law* where there are at least `SIZES_FOR_ASYMPTOTE` sizes over `DECADES_FOR_ASYMPTOTE` decades, the
  interval of its exponent leaves out 0, its asymptote and the asymptote's interval leave out the metric's
  bound, and AICc prefers it to the log law, or cannot tell them apart (`AICC_MARGIN`) and it predicts the
  largest size better when that is left out.
- *log law* else. Then the asymptote is not identified, and `reason` says why.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from bench.errors import BadInput
from reports.judge.statistics import CONFIDENCE
from reports.scaling.fitting import EXPONENTS, Problem, Solutions, law, problem, solve, without_last
from reports.scaling.intervals import (
    Interval,
    Noise,
    Profile,
    noise_of,
    profile_of,
    slope_p_value,
)
from reports.scaling.ladder import Ladder, ladder
from reports.scaling.laws import (
    ANCHORED,
    CONSTANT,
    LOG,
    NUM_COEFFICIENTS,
    OPTIMUM,
    POWER,
    Law,
    Metric,
    metric_named,
)
from reports.scaling.quantities import asymptote_of, gain_of, value_at

SIZES_FOR_ASYMPTOTE = 6
DECADES_FOR_ASYMPTOTE = 1.5
AICC_MARGIN = 2.0
"""Forms whose AICc differs by less explain the points equally well (Burnham and Anderson 2002)."""
RISING, FLAT, FALLING, PEAKED = "rising", "flat", "falling", "peaked"
EXTRAPOLATED = (2.0, 4.0)
"""Multiples of the largest size at which a fit predicts."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One form fitted to the ladder.

    Args:
        rmse: root of the mean squared residual of the runs, n − p degrees of freedom, in units of the metric.
        aicc: Akaike's criterion for small samples; infinite where there are too few runs. held_out_error:
        prediction less mean at the largest size by a fit to the others, in units of the metric.
    """

    law: Law
    rmse: float
    aicc: float
    held_out_error: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """What a ladder says of how its metric grows with size. Intervals are of 95 %.

    Args:
        ladder: the points.
        law: the law that the points support.
        trend: `RISING` (better with size), `FLAT`, `FALLING` (worse) or `PEAKED` (better, then worse).
        gain_per_doubling: improvement of the metric for twice the size, on average over the range, by `law`;
            above 0 is better whatever the metric's direction.
        identified: whether the points determine an asymptote.
        reason: why they do not, or why another form than a power law is reported; empty if identified.
        exponent, asymptote: those of the best power law, whether it is reported or not; `exponent.low` is 0
            where the log law is not rejected, `exponent.high` infinite where the steepest law is not; None
            where no power law is fitted.
        predictions: (size, value) beyond the range, see `EXTRAPOLATED`.
        noise: the variance of one run.
        candidates: form → how it fits, also of the forms that are not reported.
    """

    ladder: Ladder
    law: Law
    trend: str
    gain_per_doubling: Interval
    identified: bool
    reason: str
    exponent: Interval | None
    asymptote: Interval | None
    predictions: tuple[tuple[float, Interval], ...]
    noise: Noise
    candidates: dict[str, Candidate]
    asked: Problem
    profile: Profile | None

    @property
    def label(self) -> str:
        return self.ladder.label

    @property
    def chosen(self) -> Candidate:
        """How the reported form fits."""
        return self.candidates[self.law.form]

    @property
    def held_out_in_seeds(self) -> float | None:
        """The error at the held-out largest size in standard deviations of one run."""
        error, variance = self.chosen.held_out_error, self.noise.variance
        return error / math.sqrt(variance) if error is not None and variance else None

    def values(self, size: ArrayLike) -> list[Interval]:
        """The law's value at each size with its interval, in units of the metric."""
        return [value_at(self.law, self.asked, self.noise, self.profile, float(x)) for x in np.ravel(size)]


def fit(
    size: ArrayLike,
    value: ArrayLike,
    seed: Sequence[Hashable] | None = None,
    *,
    metric: Metric | str = "auc",
    label: str = "",
    asymptote: float | None = None,
) -> Fit:
    """Fits scaling laws to the runs of one contestant and chooses the one that they support.

    Args:
        size: (n,) what the law is in: dense parameters, FLOPs, rows; any one unit, above 0.
        value: (n,) the metric of each run, in its own unit: an AUC is between 0 and 1, a log loss in nats.
        seed: n names of seeds, by which `compare` pairs runs of several contestants; None where unknown.
        metric: a `Metric`, or a name of `METRICS`. Its `bound` is the best possible value, such as the
            oracle's.
        label: the contestant, for messages and tables.
        asymptote: a known asymptote, in units of the metric, such as Wukong's −100 % of the log loss; then
            the power law goes to it, and not to one that is fitted.

    Returns:
        The law with its intervals and the reason for its form. Nothing in it is random.

    Raises:
        BadInput: fewer than three different sizes, a number that is not finite, a size that is not above 0,
            a value beyond the metric's bound or beyond `asymptote`, a seed twice at one size, an unknown
            metric.
    """
    known = metric_named(metric) if isinstance(metric, str) else metric
    points = ladder(size, value, seed, metric=known, label=label)
    if asymptote is not None:
        best = known.sign * (known.sign * points.value).max()
        if known.sign * (best - asymptote) > 0:
            raise BadInput(f"the asymptote is {asymptote:g}, but a value is {best:g}, which is better")
    return fit_ladder(points, asymptote=asymptote)


def fit_ladder(points: Ladder, *, asymptote: float | None = None) -> Fit:
    """`fit` of a ladder that is already checked."""
    power = POWER if asymptote is None else ANCHORED
    asked = problem(points, anchor=asymptote)
    num_sizes = points.sizes.size
    noise = noise_of(points, asked)
    forms = [CONSTANT, LOG, *([power] if num_sizes > NUM_COEFFICIENTS[power] else [])]
    forms += [OPTIMUM] if num_sizes > NUM_COEFFICIENTS[OPTIMUM] else []
    solutions = {form: solve(form, asked) for form in forms}
    candidates = {form: _candidate(points, asked, found, asymptote) for form, found in solutions.items()}
    profile = profile_of(asked, noise, power) if power in forms else None
    limit = asymptote_of(candidates[power].law, profile, points.metric) if profile else None
    trend = _trend(asked, noise, solutions, candidates, power)
    doubt = _doubt(points, profile, limit, candidates, power)
    form, reason = _choice(trend, doubt, power, noise)
    chosen = candidates[form].law
    largest = float(points.sizes[-1])
    used = profile if form == power else None
    return Fit(
        ladder=points,
        law=chosen,
        trend=trend,
        gain_per_doubling=gain_of(chosen, asked, noise, used),
        identified=form == power,
        reason=reason,
        exponent=profile.exponent if profile else None,
        asymptote=limit,
        predictions=tuple(
            (times * largest, value_at(chosen, asked, noise, used, times * largest)) for times in EXTRAPOLATED
        ),
        noise=noise,
        candidates=candidates,
        asked=asked,
        profile=used,
    )


def _candidate(points: Ladder, asked: Problem, found: Solutions, asymptote: float | None) -> Candidate:
    num_runs, num_coefficients = points.value.size, NUM_COEFFICIENTS[found.form]
    within = points.within
    squares = float(found.squares[0]) + float(within @ within)
    parameters = num_coefficients + 1  # the variance is one
    aicc = math.inf
    if num_runs > parameters + 1:
        smallest = num_runs * (1e-12 * asked.scale) ** 2  # an exact fit has no logarithm
        aicc = num_runs * math.log(max(squares, smallest) / num_runs) + 2 * parameters
        aicc += 2 * parameters * (parameters + 1) / (num_runs - parameters - 1)
    freedom = num_runs - num_coefficients
    return Candidate(
        law=law(asked, found),
        rmse=math.sqrt(squares / freedom) if freedom > 0 else math.nan,
        aicc=aicc,
        held_out_error=_held_out_error(points, found.form, asymptote),
    )


def _held_out_error(points: Ladder, form: str, asymptote: float | None) -> float | None:
    if points.sizes.size - 1 < max(2, NUM_COEFFICIENTS[form]):
        return None
    others = without_last(problem(points, anchor=asymptote))
    return float(law(others, solve(form, others)).value(points.sizes[-1])) - float(points.means[-1])


def _trend(
    asked: Problem,
    noise: Noise,
    solutions: dict[str, Solutions],
    candidates: dict[str, Candidate],
    power: str,
) -> str:
    probability = slope_p_value(asked, noise)
    if OPTIMUM in solutions:
        bend = solutions[OPTIMUM]
        top = -float(bend.slope[0]) / (2 * float(bend.curvature[0])) if bend.curvature[0] < 0 else math.inf
        inside = asked.t[0] < top < asked.t[-1]
        monotone = min(float(solutions[form].squares[0]) for form in (CONSTANT, LOG, power))
        if inside and noise.variance is not None and monotone - float(bend.squares[0]) > noise.reach:
            return PEAKED
    if POWER in solutions and noise.variance is not None:
        saved = float(solutions[CONSTANT].squares[0] - solutions[POWER].squares[0])
        threshold = 2 * noise.variance * float(fdtri(2, noise.freedom, CONFIDENCE))
        if saved > threshold and solutions[LOG].slope[0] > 0:
            return RISING
    if probability is None or probability >= 1 - CONFIDENCE:
        return FLAT
    return RISING if solutions[LOG].slope[0] > 0 else FALLING


def _doubt(
    points: Ladder,
    profile: Profile | None,
    limit: Interval | None,
    candidates: dict[str, Candidate],
    power: str,
) -> str:
    """Why a power law is not reported of a rising ladder; empty where it is."""
    if profile is None or limit is None:
        return f"{points.sizes.size} sizes, and an asymptote needs {SIZES_FOR_ASYMPTOTE}"
    bends = ""
    if profile.exponent.low:
        bends = "; gains shrink with size, so the log law promises too much beyond the range"
    if points.sizes.size < SIZES_FOR_ASYMPTOTE:
        return f"{points.sizes.size} sizes, and an asymptote needs {SIZES_FOR_ASYMPTOTE}{bends}"
    if points.decades < DECADES_FOR_ASYMPTOTE - 1e-9:
        return (
            f"{points.decades:.2g} decades of size, and an asymptote needs {DECADES_FOR_ASYMPTOTE:g}{bends}"
        )
    if profile.exponent.low is None:
        return "no spread between runs, so no interval"
    bound, sign = points.metric.bound, points.metric.sign
    if profile.at_bound:
        return f"the asymptote lies on its bound, {bound:g}"
    if profile.exponent.low == 0:
        return "the exponent's interval touches 0"
    if profile.exponent.value >= 0.999 * EXPONENTS[-1]:
        return f"the exponent lies on its bound, {EXPONENTS[-1]:g}"
    if power == POWER and bound is not None:
        end = limit.high if sign > 0 else limit.low
        if end is not None and sign * (end - bound) >= -1e-12 * abs(bound or 1.0):
            return f"the asymptote's interval reaches its bound, {bound:g}"
    ahead = candidates[LOG].aicc - candidates[power].aicc
    if ahead < AICC_MARGIN:
        errors = [candidates[form].held_out_error for form in (power, LOG)]
        further = None in errors or abs(errors[0] or 0.0) > abs(errors[1] or 0.0)
        if ahead < -AICC_MARGIN or further:
            return "a log law explains the points as well"
    return ""


def _choice(trend: str, doubt: str, power: str, noise: Noise) -> tuple[str, str]:
    """The form and why it is not a power law."""
    if trend == PEAKED:
        return OPTIMUM, "the values get worse again beyond an optimum"
    if trend == FLAT:
        why = "the slope is not significant" if noise.variance is not None else "no spread between runs"
        return CONSTANT, f"flat: {why}"
    if trend == FALLING:
        return LOG, "falling: larger is worse"
    return (LOG, doubt) if doubt else (power, "")
