"""Laws of several contestants against each other, by joint draws (`bootstrap.draws`).

- *Slope*: the gain per doubling of size, on average over the sizes that both were measured at. Exponents are
  compared beside it only where both laws have an asymptote, because an exponent depends on the range.
- *Crossing*: the size at which two laws are equal, inside the common range.
- *Saving*: how many times fewer parameters (or FLOPs) the better one needs for the value that the other has
  at its largest size; both sizes lie inside the measured ranges.

A flat ladder takes part by its log law, because a slope of exactly 0 would claim to be known.

The interval of a difference is symmetric. Each draw has a distance from the difference: the half-width is
the 95 % quantile of these distances, and the p-value is the share of draws whose distance is at least that of
the difference from 0. p-values are adjusted over all pairs by Holm's method (1979), so that the chance of any
false claim among them is at most 5 %.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.errors import BadInput
from reports.judge.statistics import CONFIDENCE, holm
from reports.scaling.bootstrap import NUM_DRAWS, Draws, draws, percentiles, with_form
from reports.scaling.intervals import Interval
from reports.scaling.laws import CONSTANT, LOG, POWER, Floats
from reports.scaling.selection import Fit

_POINTS = 160
"""Sizes of the common range at which laws are compared, evenly in ln size."""


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """First less second.

    Args:
        difference: of the gain per doubling, in units of the metric; above 0 the first gains more.
        p_value: two-sided; None where a contestant has no spread between runs.
        adjusted: the p-value by Holm's method over all pairs.
        exponents: difference of the exponents, where both laws have an asymptote.
    """

    difference: Interval
    p_value: float | None
    adjusted: float | None
    exponents: Interval | None

    @property
    def verdict(self) -> str:
        """``steeper``, ``flatter``, ``tie`` or, without a p-value, ``undecided``; by the adjusted p-value."""
        if self.adjusted is None:
            return "undecided"
        if self.adjusted > 1 - CONFIDENCE:
            return "tie"
        return "steeper" if self.difference.value > 0 else "flatter"


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Where the first contestant's law meets the second's.

    Args:
        size: where they are equal, the last such size in the common range; None: none in range.
        low, high: ends of its interval, 0 and infinity where it reaches beyond the range; None without one.
        share: of the draws, those that cross in range.
        ahead_after: label of the better one at the largest common size.
    """

    size: float | None
    low: float | None
    high: float | None
    share: float
    ahead_after: str


@dataclass(frozen=True, kw_only=True)
class Saving:
    """`better` needs `times` fewer of what the size counts than `worse` for the same value.

    Args:
        value: the metric that is compared at: that of `worse` at `at_size`, its largest size in range.
        at_least: whether the smallest measured size of `better` is better already, so `times` is a lower end.
    """

    better: str
    worse: str
    times: Interval
    value: float
    at_size: float
    at_least: bool

    @property
    def is_significant(self) -> bool:
        """Does the interval leave out 1?"""
        return self.times.low is not None and self.times.low > 1


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two contestants. `reason` says why they are not compared; then the rest is None."""

    first: str
    second: str
    slopes: Slopes | None = None
    crossing: Crossing | None = None
    saving: Saving | None = None
    reason: str = ""


def compare(fits: Sequence[Fit], *, num_draws: int = NUM_DRAWS) -> list[Pair]:
    """Every pair of contestants, in the order of `fits`.

    Args:
        fits: of one metric, sizes in one unit; labels differ.

    Raises:
        BadInput: two fits of one label or of different metrics.
    """
    labels = [one.label for one in fits]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise BadInput(f"two fits have the label '{twice}'; give each contestant its own")
    metrics = dict.fromkeys(one.ladder.metric.name for one in fits)
    if len(metrics) > 1:
        raise BadInput(f"the fits are of different metrics: {', '.join(metrics)}; compare those of one")
    sloped = [with_form(one, LOG) if one.law.form == CONSTANT else one for one in fits]
    found = [_pair(a, b) for a, b in itertools.combinations(draws(sloped, num_draws), 2)]
    compared = [pair.slopes.p_value for pair in found if pair.slopes and pair.slopes.p_value is not None]
    adjusted = iter(holm(compared))
    return [_adjusted(pair, adjusted) for pair in found]


def _pair(first: Draws, second: Draws) -> Pair:
    a, b = first.fit, second.fit
    low = max(a.ladder.sizes[0], b.ladder.sizes[0])
    high = min(a.ladder.sizes[-1], b.ladder.sizes[-1])
    if low >= high:
        return Pair(first=a.label, second=b.label, reason="they were measured at different sizes")
    sizes = np.geomspace(low, high, _POINTS)
    return Pair(
        first=a.label,
        second=b.label,
        slopes=_slopes(first, second, sizes),
        crossing=_crossing(first, second, sizes),
        saving=_saving(first, second, float(high)),
    )


def _slopes(first: Draws, second: Draws, sizes: Floats) -> Slopes:
    ends, doublings = sizes[[0, -1]], math.log2(sizes[-1] / sizes[0])
    gains = [one.fit.asked.sign * np.diff(one.values(ends))[:, 0] / doublings for one in (first, second)]
    estimates = [
        one.fit.asked.sign * float(np.diff(one.fit.law.value(ends))[0]) / doublings for one in (first, second)
    ]
    known = first.fit.noise.variance is not None and second.fit.noise.variance is not None
    difference, p_value = _difference(estimates[0] - estimates[1], gains[0] - gains[1], known=known)
    exponents = None
    if first.fit.law.form == second.fit.law.form == POWER:
        value = first.fit.law.exponent - second.fit.law.exponent
        of_draws = first.solutions.exponent - second.solutions.exponent
        exponents, _ = _difference(value, of_draws, known=known)
    return Slopes(difference=difference, p_value=p_value, adjusted=None, exponents=exponents)


def _difference(value: float, of_draws: Floats, *, known: bool) -> tuple[Interval, float | None]:
    if not known:
        return Interval(value=value), None
    distance = np.abs(of_draws - value)
    half = float(np.quantile(distance, CONFIDENCE))
    p_value = (1 + int(np.count_nonzero(distance >= abs(value)))) / (1 + distance.size)
    return Interval(value=value, low=value - half, high=value + half), p_value


def _crossing(first: Draws, second: Draws, sizes: Floats) -> Crossing:
    a, b = first.fit, second.fit
    sign = a.asked.sign
    ahead = sign * (a.law.value(sizes) - b.law.value(sizes))
    after = a.label if ahead[-1] > 0 else b.label
    of_draws = sign * (first.values(sizes) - second.values(sizes))
    share = float(np.mean((of_draws[:, 1:] > 0) != (of_draws[:, :1] > 0), axis=1).astype(bool).mean())
    changes = np.flatnonzero((ahead[1:] > 0) != (ahead[:-1] > 0))
    if not changes.size:
        return Crossing(size=None, low=None, high=None, share=share, ahead_after=after)
    size = _last_crossing(ahead[None], sizes, 1.0 if ahead[-1] > 0 else -1.0)[0]
    if a.noise.variance is None or b.noise.variance is None:
        return Crossing(size=float(size), low=None, high=None, share=share, ahead_after=after)
    low, high = percentiles(_last_crossing(of_draws, sizes, 1.0 if ahead[-1] > 0 else -1.0))
    return Crossing(size=float(size), low=low, high=high, share=share, ahead_after=after)


def _last_crossing(ahead: Floats, sizes: Floats, final: float) -> Floats:
    """(B,) where the (B, M) differences get the sign `final` for good.

    0 where they have it all along, infinite where they do not have it at the largest size.
    """
    wrong = final * ahead <= 0
    last_wrong = ahead.shape[1] - 1 - np.argmax(wrong[:, ::-1], axis=1)
    place = np.clip(last_wrong, 0, ahead.shape[1] - 2)
    rows = np.arange(len(ahead))
    before, after = ahead[rows, place], ahead[rows, place + 1]
    step = np.divide(before, before - after, out=np.zeros_like(before), where=before != after)
    log_size = np.log(sizes)
    found = np.exp(log_size[place] + np.clip(step, 0.0, 1.0) * (log_size[place + 1] - log_size[place]))
    found = np.where(wrong[:, -1], math.inf, found)
    return np.where(wrong.any(axis=1), found, 0.0)


def _saving(first: Draws, second: Draws, high: float) -> Saving | None:
    """None where neither law rises or both are equal at the largest common size."""
    sign = first.fit.asked.sign
    at_high = [sign * float(one.fit.law.value(high)) for one in (first, second)]
    if at_high[0] == at_high[1]:
        return None
    better, worse = (first, second) if at_high[0] > at_high[1] else (second, first)
    sizes = np.geomspace(better.fit.ladder.sizes[0], better.fit.ladder.sizes[-1], _POINTS)
    wanted = sign * worse.fit.law.value([high])
    own = sign * better.fit.law.value(sizes)[None]
    if own[0, -1] <= own[0, 0]:
        return None
    needed = float(_first_reaching(own, wanted, sizes)[0])
    times = Interval(value=high / needed)
    if better.fit.noise.variance is not None and worse.fit.noise.variance is not None:
        of_draws = high / _first_reaching(
            sign * better.values(sizes), sign * worse.values([high])[:, 0], sizes
        )
        ends = percentiles(of_draws)
        times = Interval(value=times.value, low=min(ends[0], times.value), high=max(ends[1], times.value))
    return Saving(
        better=better.fit.label,
        worse=worse.fit.label,
        times=times,
        value=sign * float(wanted[0]),
        at_size=high,
        at_least=needed <= float(sizes[0]),
    )


def _first_reaching(own: Floats, wanted: Floats, sizes: Floats) -> Floats:
    """(B,) the smallest size at which (B, M) values reach the wanted ones; the largest where none does."""
    reached = own >= wanted[:, None]
    place = np.where(reached.any(axis=1), np.argmax(reached, axis=1), own.shape[1] - 1)
    before = np.maximum(place - 1, 0)
    rows = np.arange(len(own))
    low, high = own[rows, before], own[rows, place]
    step = np.divide(wanted - low, high - low, out=np.zeros_like(low), where=high > low)
    log_size = np.log(sizes)
    return np.exp(log_size[before] + np.clip(step, 0.0, 1.0) * (log_size[place] - log_size[before]))


def _adjusted(pair: Pair, adjusted: Iterator[float]) -> Pair:
    if pair.slopes is None or pair.slopes.p_value is None:
        return pair
    return replace(pair, slopes=replace(pair.slopes, adjusted=next(adjusted)))
