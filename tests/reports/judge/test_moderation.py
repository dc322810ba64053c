"""Spreads between seeds that contestants share: moments as in Smyth (2004), pairing by seed, coverage."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.special import polygamma

from bench.errors import BadInput
from reports.judge.moderation import (
    MOST_PRIOR,
    fit_prior,
    inverse_trigamma,
    moderated_spreads,
    parse_intervals,
)

SCRIPT = Path(__file__).parents[3] / "docs" / "simulate_intervals.py"


@pytest.mark.parametrize("x", [1e-4, 0.3, 1.0, 7.0, 4e4])
def test_trigamma_is_inverted(x):
    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_the_prior_that_variances_were_drawn_from_is_found():
    """Variances s₀² d₀ / χ²(d₀), observed with d degrees of freedom: s² = σ² χ²(d) / d."""
    rng = np.random.default_rng(0)
    freedoms = rng.choice([1.0, 2.0, 4.0], 40_000)
    true = 3.0 * 5.0 / rng.chisquare(5.0, freedoms.size)
    freedom, variance = fit_prior(true * rng.chisquare(freedoms) / freedoms, freedoms)
    assert freedom == pytest.approx(5.0, rel=0.1)
    assert variance == pytest.approx(3.0, rel=0.03)


def test_variances_no_more_unlike_than_by_chance_have_an_infinite_prior_at_their_mean():
    assert fit_prior(np.array([1.0, 1.2, 1.1]), np.full(3, 2.0)) == (math.inf, pytest.approx(1.1))


def test_moderated_variances_worked_by_hand():
    """Four contestants, three seeds: a residual has the variance σ² (1 − 1/4) (1 − 1/3)."""
    values = np.array([[0.0, 0.0, 3.0], [0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    # seeds have the same mean, so residuals are deviations from the contestant's mean: 2, 1, 1 squared is 6
    own = np.array([6.0, 6.0, 6.0, 0.0]) / (3 * 3 / 4 * 2 / 3)
    freedom, prior = fit_prior(own, np.full(4, 2.0))
    weight = min(freedom, MOST_PRIOR * 2)
    expected = (weight * prior + 2 * own) / (weight + 2)
    found = moderated_spreads(values)
    assert [variance for variance, _ in found] == pytest.approx(np.maximum(expected, own))
    assert [freedom for _, freedom in found] == pytest.approx([min(weight + 2, 6)] * 4)


def test_two_contestants_have_students_t_of_their_paired_difference():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 4)) + 100 * rng.normal(size=4)
    first, second = moderated_spreads(values)
    assert first[0] + second[0] == pytest.approx(np.var(values[0] - values[1], ddof=1))
    assert (first[1], second[1]) == pytest.approx((3, 3))


def test_what_a_seed_does_to_all_contestants_is_no_spread():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(6, 3))
    shifted = values + np.array([0.0, 5.0, -3.0]) + np.arange(6.0)[:, None]
    np.testing.assert_allclose(moderated_spreads(shifted), moderated_spreads(values), rtol=1e-9)


def test_a_variance_rises_to_the_common_one_and_never_falls_below_its_own():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(10, 3)) * np.repeat([1.0, 8.0], [9, 1])[:, None]
    residual = values - values.mean(axis=1, keepdims=True)
    residual -= residual.mean(axis=0)
    own = (residual**2).sum(axis=1) / 2 * 10 / 9
    found = moderated_spreads(values)
    assert found[9][0] == pytest.approx(own[9])
    least = int(own.argmin())
    assert found[least][0] > 3 * own[least]
    assert all(2 < freedom <= 2 + MOST_PRIOR * 2 for _, freedom in found)


def test_missing_seeds_are_left_out_and_contestants_without_a_second_common_seed_have_no_spread():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(5, 4))
    values[0, 3] = values[1, 0] = math.nan
    values[3, 1:] = math.nan
    values[4, :2] = math.nan
    apart = np.full((5, 1), math.nan)
    apart[4] = 77.0  # a seed that only one contestant has
    found = moderated_spreads(np.hstack([values, apart]))
    assert found[3] is None
    assert [one is None for one in found] == [False, False, False, True, False]
    np.testing.assert_allclose(
        [one for one in found if one], [one for one in moderated_spreads(values) if one], rtol=1e-9
    )


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (3, 0), (0, 0)])
def test_nothing_to_compare_has_no_spread(shape):
    assert moderated_spreads(np.ones(shape)) == [None] * shape[0]


def test_equal_values_have_no_variance():
    assert [variance for variance, _ in moderated_spreads(np.full((3, 3), 0.7))] == [0.0] * 3


def test_the_units_of_values_do_not_matter():
    values = np.random.default_rng(5).normal(size=(6, 3))
    small = moderated_spreads(1e-6 * values)
    np.testing.assert_allclose(
        [1e12 * one[0] for one in small], [one[0] for one in moderated_spreads(values)]
    )


def test_an_unknown_kind_of_intervals_is_refused():
    assert parse_intervals("plain") == "plain"
    with pytest.raises(BadInput, match="--intervals is 'bayes'; it can be moderated or plain"):
        parse_intervals("bayes")


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_intervals", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["equal", "from 1 to 10"])
def test_intervals_hold_and_few_tables_have_a_wrong_verdict(kind):
    """The small form of the script: 120 tables of ten contestants, three seeds."""
    simulate = script()
    found = simulate.simulated(simulate.SPREADS[kind], 3, 0.0, 120, np.random.default_rng(0))
    assert 0.93 <= found["moderated"].holds <= 0.98
    assert found["moderated"].wrong <= 0.05
    assert found["moderated"].width < 0.85 * found["plain"].width
