"""How the values of shared options are read."""

from __future__ import annotations

import pytest

from bench.errors import BadInput
from bench.spec import Budget
from rankbench.options import parse_budgets


def test_budgets_are_counts_separated_by_commas():
    assert parse_budgets("30k, 4.1M,none", "dense_parameters") == (
        Budget(kind="dense_parameters", target=30_000),
        Budget(kind="dense_parameters", target=4_100_000),
        None,
    )
    assert parse_budgets("none", "flops_forward") == (None,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("100k,", "budget is ''; it must be a whole number above 0"),
        ("-1", "budget is '-1'; it must be a whole number above 0"),
        ("100k,0.1M", "--budget is '100k,0.1M'; it has '0.1M' twice"),
        ("none,none", "it has 'none' twice"),
    ],
)
def test_budgets_that_are_none_are_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parse_budgets(text, "dense_parameters")
