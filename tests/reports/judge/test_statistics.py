"""Intervals, paired differences and ranks against independent implementations and hand-worked numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from reports.judge.sampling import SharedRows, delong_parts, placements
from reports.judge.statistics import Difference, adjusted, mean_estimate, paired_difference, rank_intervals


def rows_of(label: np.ndarray, user: np.ndarray | None = None) -> SharedRows:
    return SharedRows(positive=label.astype(bool), user=user)


def test_mean_estimate_is_students_t_interval():
    values = [0.80, 0.81, 0.83, 0.79]
    found = mean_estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found.mean == pytest.approx(np.mean(values))
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((low, high))
    assert found.num_seeds == 4


def test_one_seed_has_no_interval():
    assert mean_estimate([0.8]).half_width is None
    difference = paired_difference([0.1], [(1e-6, 100)])
    assert difference.half_width is None
    assert difference.verdict == "undecided"


def test_each_part_of_a_paired_difference_counts_with_its_own_degrees_of_freedom():
    """Banerjee (1960): the squares of the half widths of the parts add up."""
    found = paired_difference([0.010, 0.014, 0.009], [(4e-6, 500), (1e-6, 2000)])
    # seeds: s² = 7e-6 over 3 seeds, t of 2 degrees of freedom = 4.30265; 500: 1.96472; 2000: 1.96115
    squares = 4.30265**2 * 7e-6 / 3 + 1.96472**2 * 4e-6 + 1.96115**2 * 1e-6
    assert found.half_width == pytest.approx(math.sqrt(squares), rel=1e-5)
    assert found.verdict == "better"
    given = paired_difference([0.010, 0.014, 0.009], [(4e-6, 500)], seed_parts=[(2e-6, 7), (1e-6, 9)])
    squares = 2.36462**2 * 2e-6 + 2.26216**2 * 1e-6 + 1.96472**2 * 4e-6
    assert given.half_width == pytest.approx(math.sqrt(squares), rel=1e-5)


def test_the_p_value_of_one_part_is_students():
    found = paired_difference([0.010, 0.014, 0.009, 0.015], [(0.0, 500)])
    assert found.p_value == pytest.approx(stats.ttest_1samp([0.010, 0.014, 0.009, 0.015], 0.0).pvalue)


@pytest.mark.parametrize("distance", [0.0, 1e-5, 0.003, 0.0042, 0.1])
def test_the_p_value_is_the_error_at_which_the_interval_ends_at_zero(distance):
    found = paired_difference([distance - 0.001, distance + 0.001], [(1e-6, 400), (2e-6, 30)])
    parts = [(1e-6, 1), (1e-6, 400), (2e-6, 30)]
    reach = sum(stats.t.isf(found.p_value / 2, freedom) ** 2 * variance for variance, freedom in parts)
    assert math.sqrt(reach) == pytest.approx(distance, rel=1e-6, abs=1e-12)
    assert (found.p_value < 0.05) == (found.verdict != "tie")


def test_p_values_at_the_ends():
    assert paired_difference([0.0, 0.0], [(0.0, 10)]).p_value == 1
    assert paired_difference([0.1, 0.1], [(0.0, 10)]).p_value == 0
    assert paired_difference([0.1, 0.2], [(math.inf, 1)]).p_value == 1
    assert paired_difference([0.1, 0.2], [(1e-6, 9)], "12 positives").p_value is None
    assert paired_difference([0.1], [(1e-6, 9)]).p_value is None


def test_holms_correction_worked_by_hand():
    """Holm (1979): 4 × 0.005, 3 × 0.01, 2 × 0.03, 1 × 0.04, none below the one before."""
    family = {name: dataclasses.replace(difference(0.1, 0.01), p_value=p) for name, p in P_VALUES.items()}
    family["none"] = difference(0.1, None, "1 seed")
    found = adjusted(family)
    corrected = {name: value.adjusted_p_value for name, value in found.items()}
    expected = {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    assert corrected == pytest.approx({**expected, "none": None})
    assert [*found] == [*family]
    assert {value.family for name, value in found.items() if name != "none"} == {4}
    verdicts = {name: value.verdict for name, value in found.items()}
    assert verdicts == {"a": "better", "b": "tie", "c": "tie", "d": "better", "none": "undecided"}
    assert [name for name, value in found.items() if value.is_tie_by_family] == ["b", "c"]
    assert adjusted({"all": dataclasses.replace(difference(0.1, 0.2), p_value=0.4)})["all"].verdict == "tie"
    assert max(one.adjusted_p_value for one in adjusted(twenty_equal()).values()) == 1


P_VALUES = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}


def twenty_equal() -> dict[int, Difference]:
    return {place: dataclasses.replace(difference(0.1, 0.2), p_value=0.5) for place in range(20)}


def test_without_the_test_rows_there_is_no_interval_and_no_verdict():
    found = paired_difference([0.010, 0.014, 0.009], None)
    assert (found.half_width, found.verdict, found.doubt) == (None, "undecided", "predictions missing")
    assert found.mean == pytest.approx(0.011)


def test_too_little_data_leaves_the_interval_and_takes_the_verdict():
    found = paired_difference([0.010, 0.014, 0.009], [(1e-9, 500)], "12 positives")
    assert found.low > 0
    assert (found.verdict, found.doubt) == ("undecided", "12 positives")


def test_an_interval_of_an_auc_stays_within_what_is_possible():
    found = mean_estimate([0.999, 0.95], (0.0, 1.0))
    assert found.mean + found.half_width > 1
    assert found.high == 1.0
    assert found.is_cut
    assert 0 < found.low < found.mean
    assert not mean_estimate([0.7, 0.701], (0.0, 1.0)).is_cut
    assert mean_estimate([0.999, 0.95], (0.0, 1.0)).scaled(100).high == 100.0
    wide = paired_difference([0.9, -0.9], [(1.0, 1)])
    assert (wide.low, wide.high) == (-1.0, 1.0)


def test_equal_contestants_tie_with_an_interval_of_no_width():
    found = paired_difference([0.0, 0.0], [(0.0, 10)])
    assert found.half_width == 0
    assert found.verdict == "tie"


def test_a_single_positive_leaves_the_difference_open():
    shared = rows_of(np.array([1, 0, 0, 0]))
    parts = delong_parts(shared, np.array([1.0, 1, 1, 1]), np.array([0.0, 0, 1, 1]))
    assert paired_difference([0.3, 0.4], parts).verdict == "tie"


def test_coverage_of_the_paired_interval():
    """With fresh test rows and seeds each time, the interval holds the true difference in about 95 %."""
    rng = np.random.default_rng(0)
    repetitions, rows, seeds = 300, 400, 3
    true_difference = stats.norm.cdf(1.0 / math.sqrt(2)) - stats.norm.cdf(0.9 / math.sqrt(2))
    covered = 0
    for _ in range(repetitions):
        label = rng.random(rows) < 0.4
        shared = rows_of(label)
        difficulty = rng.normal(size=rows)
        aucs, components = [], []
        for shift in (1.0, 0.9):
            # per row: a shared part, a part of the contestant, and a part of the seed; unit variance in all
            own = math.sqrt(0.7) * difficulty + math.sqrt(0.2) * rng.normal(size=rows)
            runs = [
                placements(shared, shift * label + own + math.sqrt(0.1) * rng.normal(size=rows))
                for _ in range(seeds)
            ]
            aucs.append([run[label].mean() for run in runs])
            components.append(np.mean(runs, axis=0))
        found = paired_difference(
            (np.array(aucs[0]) - np.array(aucs[1])).tolist(), delong_parts(shared, *components)
        )
        covered += found.low <= true_difference <= found.high
    assert 0.92 <= covered / repetitions <= 0.995


def difference(mean: float, half_width: float | None, doubt: str = "") -> Difference:
    return Difference(mean=mean, half_width=half_width, num_seeds=3, doubt=doubt)


def table(pairs: dict[tuple[str, str], Difference]) -> dict[tuple[str, str], Difference]:
    return pairs | {(b, a): value.reversed() for (a, b), value in pairs.items()}


def test_a_rank_is_an_interval_from_the_better_to_the_worse():
    pairs = table(
        {
            ("a", "b"): difference(0.001, 0.002),
            ("a", "c"): difference(0.01, 0.002),
            ("b", "c"): difference(0.009, 0.002),
        }
    )
    assert rank_intervals(["a", "b", "c"], pairs) == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}


def test_a_tie_need_not_carry_over():
    pairs = table(
        {
            ("a", "b"): difference(0.001, 0.002),
            ("b", "c"): difference(0.001, 0.002),
            ("a", "c"): difference(0.003, 0.002),
        }
    )
    assert rank_intervals(["a", "b", "c"], pairs) == {"a": (1, 2), "b": (1, 3), "c": (2, 3)}


def test_no_rank_without_a_decided_pair_and_a_wide_one_with_undecided_pairs():
    pairs = table(
        {
            ("a", "b"): difference(0.01, 0.002),
            ("a", "c"): difference(0.5, None),
            ("b", "c"): difference(0.5, 0.1, "predictions missing"),
        }
    )
    assert rank_intervals(["a", "b", "c", "alone"], pairs) == {
        "a": (1, 3),
        "b": (2, 4),
        "c": None,
        "alone": None,
    }


def test_reversed_difference():
    value = difference(0.01, 0.002)
    assert value.reversed().mean == -0.01
    assert (value.verdict, value.reversed().verdict) == ("better", "worse")
    assert (value.low, value.high) == pytest.approx((0.008, 0.012))
