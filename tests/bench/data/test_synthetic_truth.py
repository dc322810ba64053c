"""The hidden functions, and the probabilities made of them."""

import numpy as np
import pytest
from scipy.fft import dct
from scipy.special import logit

from bench.data.synthetic import network, rules, trees
from bench.data.synthetic.codes import CODES
from bench.data.synthetic.events import draw_events
from bench.data.synthetic.truth import BASE_RATES, DRIFT, FAMILIES, LOGIT_SPREAD, draw_truth, probability

DRAW = {"rules": rules.draw, "trees": trees.draw, "network": network.draw}
LEVELS = np.array([code.levels for code in CODES])


def random_codes(count, seed=0):
    return np.random.default_rng(seed).integers(0, LEVELS, (count, len(CODES)))


@pytest.fixture(scope="module")
def drawn():
    return {name: draw(np.random.default_rng(0), 2) for name, draw in DRAW.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_output_is_the_same_to_the_last_bit_in_any_company(drawn, family):
    codes = random_codes(64)
    together = drawn[family].outputs(codes)
    assert together.shape == (64, 2)
    for size in (1, 3):
        parts = [drawn[family].outputs(codes[i : i + size]) for i in range(0, 64, size)]
        assert np.array_equal(np.concatenate(parts), together)


def test_rules_are_sums_of_products(drawn):
    codes, expected = random_codes(5), np.zeros((5, 2))
    for of_order in drawn["rules"].orders:
        order, bundles = of_order.codes.shape
        for n in range(5):
            for s in range(bundles):
                product = np.ones(rules.BUNDLE)
                for i in range(order):
                    product *= of_order.factors[of_order.starts[i, s] + codes[n, of_order.codes[i, s]]]
                expected[n] += of_order.weights[:, s * rules.BUNDLE : (s + 1) * rules.BUNDLE] @ product
    np.testing.assert_allclose(drawn["rules"].outputs(codes), expected, rtol=1e-4, atol=1e-4)


def test_there_are_rules_of_every_order_over_all_groups(drawn):
    assert [len(of_order.codes) for of_order in drawn["rules"].orders] == [1, 2, 3, 4]
    assert sum(of_order.weights.shape[1] for of_order in drawn["rules"].orders) == rules.RULES
    groups = np.array([code.group for code in CODES])
    for of_order in drawn["rules"].orders[1:]:
        several = [len(set(groups[of_bundle])) for of_bundle in of_order.codes.T]
        assert min(several) < len(of_order.codes)  # some within a group
        assert max(several) == len(of_order.codes)  # some between as many as it can
        assert all(len(set(of_bundle)) == len(of_bundle) for of_bundle in of_order.codes.T)
        assert {CODES[c].group for c in of_order.codes.ravel()} == set(groups)


@pytest.mark.parametrize("family", ["rules", "trees"])
def test_strengths_fall_as_a_power_law(drawn, family):
    parts = drawn[family].orders if family == "rules" else drawn[family].depths
    weights = np.concatenate([part.weights for part in parts], axis=1)
    head = {"rules": rules.HEAD, "trees": 0}[family]
    expected = (head + np.arange(1.0, weights.shape[1] + 1)) ** -rules.EXPONENT
    for of_output in weights:
        np.testing.assert_allclose(np.sort(np.abs(of_output))[::-1], expected, rtol=1e-5)
        assert 0.45 < (of_output > 0).mean() < 0.55


def test_a_rule_tells_nothing_to_a_lower_order(drawn):
    for of_order in drawn["rules"].orders:
        for row, code in zip(of_order.starts.ravel(), of_order.codes.ravel(), strict=True):
            factors = of_order.factors[row : row + CODES[code].levels]
            np.testing.assert_allclose(factors.mean(axis=0), 0, atol=1e-5)
            np.testing.assert_allclose(factors.std(axis=0), 1, rtol=1e-4)


def test_factors_of_rules_are_smooth(drawn):
    """Mixtures of the first cosines: the others take no part."""
    for of_order in drawn["rules"].orders:
        for row, code in zip(of_order.starts.ravel(), of_order.codes.ravel(), strict=True):
            spectrum = dct(of_order.factors[row : row + CODES[code].levels].astype(float), axis=0)
            np.testing.assert_allclose(spectrum[rules.COSINES + 1 :], 0, atol=1e-5)
            assert (np.abs(spectrum[1 : rules.COSINES + 1]) > 1e-3).any(axis=0).all()


def test_trees_are_oblivious(drawn):
    codes = random_codes(40)
    for of_depth in drawn["trees"].depths:
        depth, bundles = of_depth.codes.shape
        leaves = of_depth.leaves.reshape(-1, 1 << depth)
        np.testing.assert_allclose(leaves.mean(axis=1), 0, atol=1e-5)
        expected = np.zeros((40, 2))
        for s in range(bundles):
            for r in range(trees.BUNDLE):
                tree = s * trees.BUNDLE + r
                leaf = np.zeros(40, int)
                for d in range(depth):
                    levels = CODES[of_depth.codes[d, s]].levels
                    above = of_depth.bits[of_depth.starts[d, s] + np.arange(levels), r]
                    assert set(above) == {0, 1 << d}
                    assert (np.diff(above.astype(int)) >= 0).all()
                    leaf += above[codes[:, of_depth.codes[d, s]]]
                expected += leaves[tree, leaf][:, None] * of_depth.weights[:, tree]
        np.testing.assert_allclose(of_depth.outputs(codes), expected, rtol=1e-4, atol=1e-4)
    assert [len(of_depth.codes) for of_depth in drawn["trees"].depths] == [2, 3, 4, 5, 6]


def test_the_network_is_rough(drawn):
    """Events that differ in one code differ by a good part of what two random events differ by."""
    codes = random_codes(2_000)
    neighbours = codes.copy()
    changed = np.random.default_rng(1).integers(len(CODES), size=len(codes))
    neighbours[np.arange(len(codes)), changed] = random_codes(2_000, seed=2)[np.arange(len(codes)), changed]
    here, there = (drawn["network"].outputs(c)[:, 0] for c in (codes, neighbours))
    linear = 1 / len(CODES)  # what it would be for a sum of one function per code
    assert 1.5 * linear < np.var(here - there) / (2 * np.var(here)) < 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_have_the_intended_base_rate_spread_and_drift(family):
    truth = draw_truth(family, 0)
    row = np.linspace(0, 2_750_000, 20_000, dtype=np.int64)
    events = draw_events(0, row)
    chance = probability(truth, events)
    assert chance.dtype == np.float32
    np.testing.assert_allclose(chance.mean(axis=0), BASE_RATES, atol=0.02)
    logits = logit(chance.astype(np.float64))
    assert logits.std(axis=0) == pytest.approx([LOGIT_SPREAD, LOGIT_SPREAD], rel=0.05)
    assert -0.75 < np.corrcoef(logits.T)[0, 1] < -0.45
    still = probability(truth, draw_events(0, np.arange(4)))
    assert np.array_equal(still, probability(draw_truth(family, 0), draw_events(0, np.arange(4))))
    quarter = 45 * 86_400 // 4
    peak = logits[np.abs(row - quarter) < quarter / 2, 0].mean()
    trough = logits[np.abs(row - 3 * quarter) < quarter / 2, 0].mean()
    assert peak - trough == pytest.approx(2 * DRIFT * 0.9, abs=0.15)


def test_families_and_seeds_have_functions_of_their_own():
    events = draw_events(0, np.arange(2_000))
    logits = [logit(probability(draw_truth(f, s), events)[:, 0]) for f in FAMILIES for s in (0, 1)]
    assert np.abs(np.corrcoef(logits) - np.eye(len(logits))).max() < 0.35
