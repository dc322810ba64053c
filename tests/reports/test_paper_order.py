"""Order agreement with the paper, against numbers computed by hand from its tables."""

from __future__ import annotations

import math

import pytest
from scipy.stats import kendalltau

from reports.paper_order import (
    agreement_sentence,
    inconsistencies,
    kendall,
    kendall_interval,
    slope_per_decade,
    table_agreement,
)
from reports.records.paper import FIGURE_2, paper_curves
from tests.reports.laddered import THREE, ladder


def signs(values):
    return [(a > b) - (a < b) for place, a in enumerate(values) for b in values[place + 1 :]]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]), ([1, 1, 2, 3, 3], [1, 2, 2, 5, 4]), ([3, 1, 2], [1, 2, 3])],
)
def test_tau_is_scipys_where_the_signs_are_of_numbers(ours, theirs):
    assert kendall(signs(ours), signs(theirs)) == pytest.approx(kendalltau(ours, theirs).statistic)


def test_tau_needs_a_decision_on_both_sides():
    assert kendall([0, 0, 0], [1, 1, 1]) is None


def test_interval_by_hand():
    """n 9, τ 0.5: z 0.5493, half-width 1.96·√(0.437/5) = 0.5794."""
    low, high = kendall_interval(0.5, 9)
    assert low == pytest.approx(math.tanh(0.5493 - 0.5794), abs=1e-4)
    assert high == pytest.approx(math.tanh(0.5493 + 0.5794), abs=1e-4)
    assert kendall_interval(0.5, 4) is None
    assert kendall_interval(1.0, 9) is None


@pytest.mark.parametrize(
    ("contestant", "slope"), [("rankmixer", 0.28), ("hiformer", 0.20), ("wukong", 0.15), ("dlrm-mlp", 0.12)]
)
def test_slopes_of_figure_2(contestant, slope):
    """Points per decade, as computed elsewhere from the points of the figure."""
    assert slope_per_decade(paper_curves(FIGURE_2)[contestant])[0] == pytest.approx(slope, abs=0.006)


def test_the_paper_disagrees_with_itself_about_five_models():
    told = inconsistencies({"wukong": "Wukong", "rankmixer": "RankMixer"})
    assert "disagree about 5 models" in told
    assert "Wukong +0.29 at 122M in the table, +0.49 at 123M in the figure" in told
    assert "; RankMixer " not in told


def test_agreement_counts_verdicts(builder):
    """Table 1 near 100M: DLRM-MLP 0.15, DCNv2 0.13, RankMixer 0.64. Here RankMixer is ahead of two that
    tie, so two of its three pairs are decided in both, and both have its sign."""
    ladder(builder, budgets=(100_000,), seeds=3, contestants=THREE)
    found = table_agreement(builder.standings()[0])
    assert (found.num, found.same, found.opposite, found.paper_only) == (3, 2, 0, 1)
    assert found.tau == pytest.approx(2 / math.sqrt(2 * 3))
    assert agreement_sentence(found) == (
        "Beside the paper's Table 1: of 2 pairs decided in both, 2 have the paper's sign."
    )
