"""How numbers are written."""

from __future__ import annotations

import math

import pytest

from reports.judge.statistics import Difference, Estimate
from reports.records.paper import RANKMIXER_TABLE, gain_text, paper_task, stands_beside
from reports.writing.notation import estimate, exact, fixed, percent, points, short


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (12, "12"),
        (999, "999"),
        (101_234, "101k"),
        (99_960, "100k"),
        (1e6, "1M"),
        (2.5e9, "2.5G"),
    ],
)
def test_short(number, expected):
    assert short(number) == expected


def test_short_carries_to_the_next_letter():
    assert short(999_600) == "1M"
    assert short(1.1e9, "dense_parameters") == "1.1B"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(100_000, "100k"), (1_250_000, "1.25M"), (123_456, "123,456"), (98_500, "98.5k"), (512, "512")],
)
def test_exact_never_rounds(number, expected):
    assert exact(number) == expected


def test_fixed():
    assert fixed(-0.1234, 2, signed=True) == "−0.12"
    assert fixed(-0.001, 2, signed=True) == "+0.00"
    assert fixed(math.nan, 2) == "–"
    assert fixed(None, 2) == "–"


def test_estimates_and_differences():
    assert estimate(Estimate(mean=0.80321, half_width=0.00041, num_seeds=3), 4) == "0.8032 ± 0.0004"
    assert estimate(Estimate(mean=0.80321, half_width=None, num_seeds=1), 4) == "0.8032"
    assert estimate(None, 4) == "–"
    cut = Estimate(mean=0.997, half_width=0.01, num_seeds=2, possible=(0.0, 1.0))
    assert estimate(cut, 3) == "0.997 [0.987, 1.000]"
    value = Difference(mean=0.0012, half_width=0.0007, num_seeds=3)
    assert points(value) == "+0.12 [+0.05, +0.19]"
    assert points(value.reversed()) == "−0.12 [−0.19, −0.05]"
    assert percent(0.004) == "+0.4 %"


def test_the_papers_own_figures():
    assert gain_text(RANKMIXER_TABLE, "rankmixer", "finish") == "+0.64 at 107M, +0.95 at 1.1B"
    assert gain_text(RANKMIXER_TABLE, "dcnv2", "skip") == "+0.15 at 22M"
    assert gain_text(RANKMIXER_TABLE, "hiformer", "skip") == ""
    assert gain_text(RANKMIXER_TABLE, "tokenmixer-large", "finish") == ""
    assert (paper_task("skip"), paper_task("click")) == ("skip", "finish")


@pytest.mark.parametrize(
    ("table", "dataset", "beside"),
    [
        (RANKMIXER_TABLE, "trees-160000-1", True),
        (RANKMIXER_TABLE, "trees", False),
        (RANKMIXER_TABLE, "trees-of-paris", False),
        (RANKMIXER_TABLE, "shop", False),
        (RANKMIXER_TABLE, "networking-feed", False),
        ("rankmixer/table_9", "trees-160000-1", False),
        (None, "trees-160000-1", False),
    ],
)
def test_the_paper_stands_beside_the_synthetic_feed_only(table, dataset, beside):
    assert stands_beside(table, dataset) is beside
