"""Known laws are recovered, and what points cannot tell is said."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from bench.errors import BadInput
from reports.scaling import fit, metric_named
from reports.scaling.laws import CONSTANT, LOG, OPTIMUM, POWER
from tests.reports.scaling.simulated import NOISE, power_runs, sizes


def test_the_intervals_hold_the_true_exponent_and_asymptote():
    """Of 25 sets; `docs/coverage_of_fits.py` prints the shares of 200."""
    fits = [fit(*power_runs(seed)) for seed in range(25)]
    assert sum(one.exponent.low <= 0.25 <= one.exponent.high for one in fits) >= 22
    assert sum(one.asymptote.low <= 0.78 <= one.asymptote.high for one in fits) >= 22
    assert all(one.identified and one.law.form == POWER for one in fits)
    width = np.median([one.exponent.high - one.exponent.low for one in fits])
    assert 0.02 < width < 0.06  # an interval of everything would hold the truth as well


@pytest.mark.parametrize("seed", range(5))
def test_variable_projection_finds_what_many_starts_find(seed):
    size, value, seeds = power_runs(seed, exponent=0.15 + 0.1 * seed, noise=5e-4)
    found = fit(size, value, seeds)
    t = np.log(size / sizes()[0])

    def residuals(parameters):
        asymptote, gain, exponent = parameters
        return 1e4 * (asymptote - gain * np.exp(-exponent * t) - value)

    starts = [(c, a, b) for c in (0.75, 0.8, 0.9) for a in (0.01, 0.1) for b in (0.05, 0.2, 0.6, 1.5)]
    bounds = ([-1, 0, 1e-5], [1, 10, 3])
    solved = [
        least_squares(residuals, start, bounds=bounds, xtol=1e-14, ftol=1e-14, gtol=1e-14) for start in starts
    ]
    best = min(solved, key=lambda one: one.cost)
    ours = 1e4 * (found.candidates[POWER].law.value(size) - value)
    assert ours @ ours / 2 <= best.cost * (1 + 1e-9)
    assert found.exponent.value == pytest.approx(best.x[2], rel=1e-3)
    assert found.asymptote.value == pytest.approx(best.x[0], abs=1e-5)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    scale=st.sampled_from([1e-6, 1e-3, 7.0, 1e6]),
    shift=st.floats(-10, 10),
    unit=st.sampled_from([1e-9, 1e-3, 1e6]),
)
def test_exponents_do_not_depend_on_units_or_zeros(seed, scale, shift, unit):
    size, value, seeds = power_runs(seed)
    plain = fit(size, value, seeds, metric="gain")
    moved = fit(unit * size, scale * (value + shift), seeds, metric="gain")
    assert moved.exponent.value == pytest.approx(plain.exponent.value, rel=1e-6)
    assert moved.exponent.low == pytest.approx(plain.exponent.low, rel=1e-6)
    assert moved.exponent.high == pytest.approx(plain.exponent.high, rel=1e-6)
    assert moved.law.form == plain.law.form
    assert moved.asymptote.value == pytest.approx(scale * (plain.asymptote.value + shift), rel=1e-6)
    assert moved.gain_per_doubling.low == pytest.approx(scale * plain.gain_per_doubling.low, rel=1e-5)


def test_a_loss_is_the_mirror_image_of_a_gain():
    size, value, seeds = power_runs(0)
    gain, loss = fit(size, value, seeds), fit(size, 1 - value, seeds, metric="log-loss")
    assert loss.exponent.value == pytest.approx(gain.exponent.value, rel=1e-6)
    assert loss.exponent.high == pytest.approx(gain.exponent.high, rel=1e-6)
    assert loss.asymptote.value == pytest.approx(1 - gain.asymptote.value, abs=1e-9)
    assert loss.asymptote.low == pytest.approx(1 - gain.asymptote.high, abs=1e-9)
    assert loss.gain_per_doubling.value == pytest.approx(gain.gain_per_doubling.value, rel=1e-9)


def test_without_noise_the_coefficients_are_exact():
    size, value, seeds = power_runs(0, noise=0.0)
    found = fit(size, value, seeds)
    factor = 0.02 / (sizes()[0] ** -0.25 - sizes()[-1] ** -0.25)
    assert found.law.exponent == pytest.approx(0.25, rel=1e-6)
    assert found.law.asymptote == pytest.approx(0.78, abs=1e-7)
    assert found.law.factor == pytest.approx(factor, rel=1e-6)
    assert found.law.value(3e5) == pytest.approx(0.78 - factor * 3e5**-0.25, abs=1e-9)
    asymptote, sign, rest = found.law.formula.split(" ", 2)
    a, n, exponent = rest.replace("^-", " ").split()
    assert (sign, n) == ("-", "N")
    assert float(asymptote) - float(a) * 3e5 ** -float(exponent) == pytest.approx(
        0.78 - factor * 3e5**-0.25, abs=1e-6
    )


def test_from_one_decade_the_asymptote_is_declined():
    for seed in range(10):
        found = fit(*power_runs(seed, decades=1.0, gain=0.008))
        assert (found.law.form, found.identified, found.trend) == (LOG, False, "rising")
        assert found.reason.startswith("1 decades of size, and an asymptote needs 1.5")


def test_an_exponent_whose_interval_touches_zero_is_not_identified():
    found = fit(*power_runs(0, exponent=0.05, gain=0.004), metric="gain")
    assert (found.law.form, found.identified) == (LOG, False)
    assert found.exponent.low == 0
    assert found.reason == "the exponent's interval touches 0"


def test_a_log_law_is_a_log_law():
    """Slope by hand: 0.002 per doubling."""
    size = np.repeat(sizes(), 3)
    noise = NOISE * np.random.default_rng(1).standard_normal(size.size)
    found = fit(size, 0.7 + 0.002 * np.log2(size / 1e5) + noise, [0, 1, 2] * 7)
    assert found.law.form == LOG
    assert not found.identified
    assert found.gain_per_doubling.low < 0.002 < found.gain_per_doubling.high
    assert found.gain_per_doubling.high - found.gain_per_doubling.low < 0.0002


def test_an_asymptote_on_its_bound_is_not_identified():
    size, value, seeds = power_runs(3)
    found = fit(size, value, seeds, metric=metric_named("auc", bound=float(value.max()) + 1e-4))
    assert not found.identified
    assert found.law.form == LOG
    assert "bound" in found.reason


def test_the_oracle_bounds_the_asymptote():
    size, value, seeds = power_runs(0, gain=0.006, exponent=0.12)
    free, bounded = (
        fit(size, value, seeds, metric=metric_named("auc", bound=bound)) for bound in (None, 0.781)
    )
    assert free.asymptote.high > 0.781
    assert bounded.asymptote.high <= 0.781 + 1e-12
    with pytest.raises(
        BadInput, match=r"a value is 0\.7\d+, but no AUC can be above 0\.76; give another metric"
    ):
        fit(size, value, seeds, metric=metric_named("auc", bound=0.76))


def test_a_jump_to_a_plateau_has_no_exponent_to_report():
    size = np.repeat(sizes(), 3)
    value = np.where(size == size[0], 0.70, 0.75) + NOISE * np.random.default_rng(0).standard_normal(
        size.size
    )
    found = fit(size, value, [0, 1, 2] * 7)
    assert math.isinf(found.exponent.high)
    assert not found.identified
    assert found.reason == "the exponent lies on its bound, 3"


def test_flat_falling_and_peaked_ladders_are_called_that():
    size = np.repeat(sizes(), 3)
    noise = NOISE * np.random.default_rng(2).standard_normal(size.size)
    log_size = np.log(size / 1e6)
    flat = fit(size, 0.75 + noise)
    assert (flat.trend, flat.law.form, flat.identified) == ("flat", CONSTANT, False)
    assert flat.gain_per_doubling.low < 0 < flat.gain_per_doubling.high
    falling = fit(size, 0.75 - 0.002 * log_size + noise)
    assert (falling.trend, falling.law.form) == ("falling", LOG)
    assert falling.gain_per_doubling.high < 0
    peaked = fit(size, 0.75 - 0.002 * log_size**2 + noise)
    assert (peaked.trend, peaked.law.form) == ("peaked", OPTIMUM)
    assert peaked.law.optimum == pytest.approx(1e6, rel=0.05)
    assert fit(size, 0.5 + 0.002 * log_size + noise, metric="log-loss").trend == "falling"


def test_a_rise_to_a_plateau_is_not_called_a_peak():
    for seed in range(10):
        assert fit(*power_runs(seed, exponent=0.6)).trend == "rising"


@pytest.mark.parametrize(
    ("size", "value", "message"),
    [
        ([1e5, 1e6], [0.7, 0.71], "have 2 different sizes; a law needs at least 3"),
        ([1e5] * 4, [0.7, 0.71, 0.7, 0.72], "have 1 different size; a law needs at least 3"),
        ([], [], "have 0 different sizes"),
        ([1e5, 1e6, 1e7], [0.7, math.nan, 0.72], "the value of point 2 of A is nan; it must be a number"),
        ([1e5, 1e6, math.inf], [0.7, 0.71, 0.72], "the size of point 3 of A is inf"),
        ([1e5, 0, 1e7], [0.7, 0.71, 0.72], "a size of A is 0; it must be above 0"),
        ([1e5, 1e6, 1e7], [0.7, 0.71], "have 3 sizes and 2 values|have 3 sizes, 2 values"),
        ([1e5, 1e6, 1e7], [0.7, 0.71, 1.2], "a value of A is 1.2, but no AUC can be above 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(size, value, message):
    with pytest.raises(BadInput, match=message):
        fit(size, value, label="A")


def test_a_seed_twice_an_unknown_metric_and_an_impossible_asymptote_are_refused():
    size, value, seeds = power_runs(0)
    with pytest.raises(BadInput, match=r"seed 0 twice at size 31622\.8; give each run once"):
        fit(size, value, [0, 0, *seeds[2:]])
    with pytest.raises(BadInput, match="unknown metric 'acu'; did you mean 'auc'"):
        fit(size, value, seeds, metric="acu")
    with pytest.raises(BadInput, match=r"the asymptote is 0\.7, but a value is"):
        fit(size, value, seeds, asymptote=0.7)


def test_three_sizes_give_a_line_and_no_asymptote():
    size, value, seeds = power_runs(0, num_sizes=3)
    found = fit(size, value, seeds)
    assert (found.law.form, found.exponent) == (LOG, None)
    assert found.reason == "3 sizes, and an asymptote needs 6"
    five = fit(*power_runs(0, num_sizes=5))
    assert five.reason.startswith("5 sizes, and an asymptote needs 6; gains shrink with size, so the log law")


def test_one_seed_is_judged_by_the_scatter_about_the_law():
    hits = 0
    for seed in range(20):
        found = fit(*power_runs(seed, seeds=1))
        assert (found.noise.source, found.noise.freedom, found.ladder.seed_deviation) == ("sizes", 4, None)
        hits += found.exponent.low <= 0.25 <= found.exponent.high
    assert hits >= 17


def test_three_runs_of_three_sizes_have_wide_intervals():
    """One degree of freedom: the residuals are 1, −2 and 1 times 1/3000; t is 12.706."""
    found = fit([1e5, 1e6, 1e7], [0.70, 0.711, 0.72])
    gain = found.gain_per_doubling
    assert found.noise.freedom == 1
    assert found.noise.variance == pytest.approx(6 / 3000**2)
    assert gain.value == pytest.approx(0.01 * math.log10(2))
    half = 12.706 * math.sqrt(6 / 3000**2 / (2 * math.log(10) ** 2)) * math.log(2)
    assert gain.high - gain.value == pytest.approx(half, rel=1e-3)


def test_sizes_that_scatter_more_than_seeds_explain_widen_the_interval():
    size, value, seeds = power_runs(0)
    uneven = value + 1e-3 * np.repeat([1, -1, 1, -1, 1, -1, 1], 3)
    found = fit(size, uneven, seeds)
    assert found.noise.source == "sizes"
    assert found.noise.misfit < 1e-6
    narrow = fit(size, value, seeds).gain_per_doubling
    wide = found.gain_per_doubling
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_with_eight_sizes_their_scatter_counts_where_it_is_larger():
    sources = {fit(*power_runs(seed, num_sizes=9)).noise.source for seed in range(12)}
    assert sources == {"seeds", "sizes"}


def test_the_noise_is_the_spread_between_seeds_pooled_over_sizes():
    size, value, seeds = power_runs(0)
    groups = value.reshape(7, 3)
    pooled = math.sqrt(np.mean(np.var(groups, axis=1, ddof=1)))
    found = fit(size, value, seeds)
    assert found.ladder.seed_deviation == pytest.approx(pooled, rel=1e-12)
    assert (found.noise.source, found.noise.freedom) == ("seeds", 14)


def test_aicc_rmse_and_the_held_out_size_are_as_defined():
    size, value, seeds = power_runs(0)
    found = fit(size, value, seeds)
    slope, level = np.polyfit(np.log(size), value, 1)
    squares = np.sum((level + slope * np.log(size) - value) ** 2)
    line = found.candidates[LOG]
    n, k = 21, 3
    assert line.aicc == pytest.approx(
        n * math.log(squares / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1), rel=1e-9
    )
    assert line.rmse == pytest.approx(math.sqrt(squares / 19), rel=1e-9)
    slope, level = np.polyfit(np.log(size[:18]), value[:18], 1)
    error = level + slope * math.log(size[-1]) - value[18:].mean()
    assert line.held_out_error == pytest.approx(error, rel=1e-6)
    assert found.candidates[POWER].aicc < line.aicc - 10


def test_the_order_of_the_runs_and_names_of_seeds_do_not_matter():
    size, value, seeds = power_runs(0)
    order = np.random.default_rng(0).permutation(21)
    shuffled = fit(size[order], value[order], [f"s{seeds[i]}" for i in order])
    assert shuffled.exponent.value == pytest.approx(fit(size, value, seeds).exponent.value, rel=1e-9)


def test_predictions_are_the_law_beyond_the_range_with_its_interval():
    hits = 0
    for seed in range(15):
        found = fit(*power_runs(seed))
        (twice, value), _ = found.predictions
        assert twice == pytest.approx(2 * sizes()[-1])
        assert value.value == pytest.approx(float(found.law.value(twice)), abs=1e-9)
        factor = 0.02 / (sizes()[0] ** -0.25 - sizes()[-1] ** -0.25)
        hits += value.low <= 0.78 - factor * twice**-0.25 <= value.high
    assert hits >= 12


def test_wukongs_published_form_is_a_log_law_over_its_range():
    """y = −100 + 99.56 x^(−0.00071), relative log loss in percent: 0.1 % per 4x compute (2403.02545)."""
    compute = np.geomspace(1, 100, 9)
    published = -100 + 99.56 * compute**-0.00071
    assert 99.56 * 0.00071 * math.log(4) == pytest.approx(0.1, abs=0.005)
    found = fit(compute, published, metric=metric_named("loss", bound=-100.0))
    assert not found.identified
    assert found.law.form == LOG
    assert (
        np.abs(found.law.value(compute) - published).max() < 1e-4
    )  # of the percent of which they call 0.02 significant
    anchored = fit(compute, published, metric="loss", asymptote=-100.0)
    assert anchored.law.exponent == pytest.approx(0.00071, rel=1e-5)
    assert anchored.law.factor == pytest.approx(99.56, rel=1e-5)


def test_a_fit_is_plain_data():
    found = fit(*power_runs(0))
    assert dataclasses.is_dataclass(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.reason = "x"  # type: ignore[misc]
