"""Slopes, crossings, savings and decisions of several contestants."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BadInput
from reports.judge.statistics import holm
from reports.scaling import compare, decision_accuracy, fit, leave_one_out
from reports.scaling.bootstrap import draws, percentiles
from tests.reports.scaling.simulated import NOISE, power_runs, sizes

DRAWS = 600


def line(
    seed: int, at_1m: float, per_doubling: float, label: str, *, noise: np.ndarray | None = None, seeds=3
):
    """A log law that has `at_1m` at a million."""
    size = np.repeat(sizes(), seeds)
    errors = NOISE * np.random.default_rng(seed).standard_normal(size.size) if noise is None else noise
    value = at_1m + per_doubling * np.log2(size / 1e6) + errors
    return fit(size, value, list(range(seeds)) * 7, label=label)


def test_holm_by_hand():
    """0.01 · 3, 0.02 · 2 and 0.04 · 1; the last is raised to the one before."""
    assert holm([0.02, 0.04, 0.01]) == pytest.approx([0.04, 0.04, 0.03])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_steeper_law_and_a_tie():
    fits = [line(0, 0.75, 0.003, "A"), line(1, 0.75, 0.002, "B"), line(2, 0.76, 0.002, "C")]
    pairs = {(pair.first, pair.second): pair for pair in compare(fits, num_draws=DRAWS)}
    assert list(pairs) == [("A", "B"), ("A", "C"), ("B", "C")]
    steeper = pairs["A", "B"].slopes
    assert steeper.verdict == "steeper"
    assert steeper.difference.low < 0.001 < steeper.difference.high
    assert steeper.adjusted == pytest.approx(3 * steeper.p_value)
    assert steeper.exponents is None
    assert pairs["B", "C"].slopes.verdict == "tie"
    assert pairs["B", "C"].slopes.difference.low < 0 < pairs["B", "C"].slopes.difference.high


def test_equal_laws_are_rarely_called_different():
    claims = sum(
        compare([line(2 * i, 0.75, 0.002, "A"), line(2 * i + 1, 0.75, 0.002, "B")], num_draws=300)[
            0
        ].slopes.verdict
        != "tie"
        for i in range(8)
    )
    assert claims <= 2


def test_the_slope_of_a_flat_ladder_is_uncertain_too():
    flat, other = line(0, 0.75, 0.0, "flat"), line(0, 0.75, 0.0, "other")
    assert (flat.trend, other.trend) == ("flat", "flat")
    steep = line(1, 0.75, 0.002, "steep")
    (pair,) = compare([steep, flat], num_draws=DRAWS)
    difference = pair.slopes.difference
    both = [one.gain_per_doubling.high - one.gain_per_doubling.low for one in (steep, flat)]
    assert difference.high - difference.low == pytest.approx(np.hypot(*both), rel=0.2)


def test_exponents_are_compared_where_both_have_an_asymptote():
    fits = [
        fit(*power_runs(seed, exponent=exponent), label=str(exponent))
        for seed, exponent in ((0, 0.2), (1, 0.4))
    ]
    (pair,) = compare(fits, num_draws=DRAWS)
    assert pair.slopes.exponents.low < -0.2 < pair.slopes.exponents.high < 0


def test_where_laws_cross():
    """Equal at a million by construction."""
    (pair,) = compare([line(0, 0.75, 0.003, "A"), line(1, 0.75, 0.002, "B")], num_draws=DRAWS)
    crossing = pair.crossing
    assert crossing.low < 1e6 < crossing.high
    assert crossing.high / crossing.low < 2
    assert crossing.ahead_after == "A"
    assert crossing.share == 1.0
    (apart,) = compare([line(0, 0.75, 0.002, "A"), line(1, 0.76, 0.002, "B")], num_draws=DRAWS)
    assert (apart.crossing.size, apart.crossing.ahead_after) == (None, "B")


def test_how_much_smaller_the_better_one_may_be():
    """B is 0.004 above A, which is two doublings of 0.002: four times fewer."""
    (pair,) = compare([line(0, 0.75, 0.002, "A"), line(1, 0.754, 0.002, "B")], num_draws=DRAWS)
    saving = pair.saving
    assert (saving.better, saving.worse, saving.at_least) == ("B", "A", False)
    assert saving.times.low < 4 < saving.times.high < 5
    assert saving.is_significant
    assert saving.at_size == pytest.approx(sizes()[-1])
    (far,) = compare([line(0, 0.70, 0.002, "A"), line(1, 0.754, 0.002, "B")], num_draws=DRAWS)
    assert far.saving.at_least
    assert far.saving.times.value == pytest.approx(10**2.5)
    (tie,) = compare([line(0, 0.75, 0.002, "A"), line(5, 0.75, 0.002, "B")], num_draws=DRAWS)
    assert not tie.saving.is_significant


def test_paired_seeds_make_differences_narrow():
    """The same noise in both: their difference has none."""
    noise = NOISE * np.random.default_rng(0).standard_normal(21)
    (paired,) = compare(
        [line(0, 0.75, 0.003, "A", noise=noise), line(0, 0.75, 0.002, "B", noise=noise)], num_draws=DRAWS
    )
    (apart,) = compare([line(0, 0.75, 0.003, "A"), line(1, 0.75, 0.002, "B")], num_draws=DRAWS)

    def width(pair):
        return pair.slopes.difference.high - pair.slopes.difference.low

    assert width(paired) < 0.01 * width(apart)


def test_draws_are_the_same_again_in_any_order_and_do_not_move_the_estimates():
    fits = [fit(*power_runs(seed), label=str(seed)) for seed in range(3)]
    forward, backward = draws(fits, 50), draws(fits[::-1], 50)[::-1]
    for one, other in zip(forward, backward, strict=True):
        assert np.array_equal(one.solutions.exponent, other.solutions.exponent)
    few, many = (compare(fits, num_draws=num)[0] for num in (50, 400))
    assert few.slopes.difference.value == many.slopes.difference.value
    assert few.saving.times.value == many.saving.times.value


def test_draws_spread_as_the_interval_of_the_likelihood():
    found = fit(*power_runs(0), label="A")
    low, high = percentiles(draws([found], 2000)[0].solutions.exponent)
    reach = found.exponent.high - found.exponent.low
    assert low == pytest.approx(found.exponent.low, abs=0.15 * reach)
    assert high == pytest.approx(found.exponent.high, abs=0.15 * reach)


def test_a_fit_without_spread_is_undecided_and_other_sizes_are_not_compared():
    exact = fit([1e5, 1e6, 1e7], [0.70, 0.71, 0.73], label="one seed")
    other = line(0, 0.75, 0.002, "A")
    small = fit(sizes() / 1e6, 0.7 + 0.001 * np.arange(7), label="small")
    pairs = compare([other, exact, small], num_draws=DRAWS)
    assert pairs[1].slopes is None
    assert pairs[1].reason == "they were measured at different sizes"
    with pytest.raises(BadInput, match="two fits have the label 'A'"):
        compare([other, other])
    with pytest.raises(BadInput, match="the fits are of different metrics: auc, loss"):
        compare([other, fit([1, 2, 3], [3, 2, 1], metric="loss", label="B")])


def test_decision_accuracy_by_hand():
    """At 10k two pairs are decided: one as at 1M, one the other way; the third is a tie there."""
    verdicts = {
        1e6: {("a", "b"): "better", ("a", "c"): "better", ("b", "c"): "worse", ("a", "d"): "tie"},
        1e4: {("a", "b"): "better", ("c", "a"): "better", ("b", "c"): "tie", ("a", "d"): "worse"},
        1e5: {("b", "a"): "worse", ("a", "c"): "undecided", ("c", "b"): "better"},
    }
    small, medium = decision_accuracy(verdicts)
    assert (small.budget, small.decided, small.same, small.opposite, small.largest_decided) == (
        1e4,
        3,
        1,
        1,
        3,
    )
    assert small.share == pytest.approx(1 / 3)
    assert (medium.decided, medium.same, medium.opposite, medium.share) == (2, 2, 0, 1.0)
    with pytest.raises(BadInput, match="needs 2 budgets or more, got 1"):
        decision_accuracy({1e6: {}})
    with pytest.raises(BadInput, match="a and b at budget 10000 contradict"):
        decision_accuracy({1e4: {("a", "b"): "better", ("b", "a"): "better"}, 1e5: {}})
    assert decision_accuracy({1e4: {("a", "b"): "tie"}, 1e5: {("a", "b"): "tie"}})[0].share is None


def test_leaving_one_out():
    size, value, seeds = power_runs(0)
    value = value.copy()
    value[-1] += 0.004  # one lucky run of the largest size, seed 2
    without = leave_one_out(fit(size, value, seeds))
    assert [(each.what, each.left_out) for each in without[-3:]] == [
        ("seed", "0"),
        ("seed", "1"),
        ("seed", "2"),
    ]
    assert len(without) == 7 + 3
    gains = {each.left_out: each.gain_per_doubling for each in without if each.what == "seed"}
    assert gains["2"] < min(gains["0"], gains["1"]) - 1e-4
    assert leave_one_out(fit([1, 2, 3], [0.1, 0.2, 0.35])) == []
