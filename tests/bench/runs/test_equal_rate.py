from __future__ import annotations

import pytest

from bench.runs.equal_rate import equal_rate


def test_the_rate_for_all_is_where_the_median_contestant_loses_least():
    found = equal_rate(
        {
            "a": {0.003: 0.76, 0.001: 0.75, 0.01: 0.70},
            "b": {0.003: 0.74, 0.001: 0.75, 0.01: 0.71},
            "c": {0.003: 0.60, 0.001: 0.64, 0.01: 0.65},
        }
    )
    assert list(found.medians) == [0.001, 0.003, 0.01]
    assert found.losses["c"] == pytest.approx({0.001: 0.01, 0.003: 0.05, 0.01: 0.0})
    assert found.medians == pytest.approx({0.001: 0.01, 0.003: 0.01, 0.01: 0.04})
    assert found.rate in (0.001, 0.003)


def test_of_equal_rates_the_lowest_is_taken():
    assert equal_rate({"a": {0.02: 0.5, 0.01: 0.5}}).rate == 0.01
