"""What a fitted law says, with intervals: its asymptote, its value at a size, its gain per doubling."""

from __future__ import annotations

import math

import numpy as np

from reports.scaling.fitting import Problem
from reports.scaling.intervals import Interval, Noise, Profile, linear_interval
from reports.scaling.laws import CONSTANT, LOG, OPTIMUM, Floats, Law, Metric, power_basis


def asymptote_of(best: Law, profile: Profile, metric: Metric) -> Interval:
    """The asymptote of a ladder's best power law, in units of the metric."""
    value = best.asymptote
    assert value is not None, best.form
    ceiling = math.inf if metric.bound is None else metric.sign * metric.bound
    found = profile.interval(
        lambda b: (np.ones_like(b), 1 / b), value=metric.sign * value, within=(-math.inf, ceiling)
    )
    if profile.exponent.low == 0 and found.high is not None:  # the log law has none
        found = Interval(value=found.value, low=found.low, high=ceiling)
    return found.signed(metric.sign)


def value_at(chosen: Law, asked: Problem, noise: Noise, profile: Profile | None, size: float) -> Interval:
    """The law's value at one size, in units of the metric; `profile` is that of a power law, else None."""
    t = math.log(size) - asked.centre
    if profile is not None:
        found = profile.interval(
            lambda b: (np.ones_like(b), power_basis(t, b)),
            value=asked.sign * float(chosen.value(size)),
            within=(-math.inf, asked.scale * asked.ceiling + asked.shift),
        )
    else:
        degree = {CONSTANT: 0, LOG: 1, OPTIMUM: 2}[chosen.form]
        plain = linear_interval(asked, noise, degree, np.array([t**i for i in range(degree + 1)]))
        found = plain.shifted(asked.shift)
    return found.signed(asked.sign)


def gain_of(chosen: Law, asked: Problem, noise: Noise, profile: Profile | None) -> Interval:
    """The improvement of the metric per doubling of size, on average over the range; above 0 is better."""
    first, last = asked.t[0], asked.t[-1]
    doublings = (last - first) / math.log(2)
    if profile is None:
        if chosen.form == OPTIMUM:
            factors = np.array([0.0, last - first, last**2 - first**2]) / doublings
            return linear_interval(asked, noise, 2, factors)
        return linear_interval(asked, noise, 1, np.array([0.0, math.log(2)]))

    def factors_at(b: Floats) -> tuple[Floats, Floats]:
        return np.zeros_like(b), (power_basis(last, b) - power_basis(first, b)) / doublings

    value = asked.sign * float(np.diff(chosen.value(np.exp(asked.centre + asked.t[[0, -1]])))[0]) / doublings
    return profile.interval(factors_at, value=value, within=(0.0, math.inf))
