"""Arms with sparse experts: what served the test rows, not what was planned."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes

from reports.ablation.lines_figure import lines_figure
from reports.ablation.prose import answer
from reports.ablation.table import ablation_table, flat_rows
from tests.reports.ablated import ablate, only

EXPERTS = {
    "DTSI + ReLU · 1/4 active": (0.25, 40_500, 42_000.0),
    "DTSI + ReLU · 1/8 active": (0.125, 30_500, 40_500.0),
}
"""Of 100,500 dense parameters 80,000 are of experts, of which 21,500 and 20,000 serve."""


def test_active_parameters_are_those_that_served_and_a_missed_share_is_told(builder):
    ablate(builder, dict.fromkeys(EXPERTS, 0.0), name="activation", paper=None, active=EXPERTS)
    one = only(builder)
    assert [(arm.share.target, arm.share.observed) for arm in one.arms] == [
        (0.25, pytest.approx(0.26875)),
        (0.125, pytest.approx(0.25)),
    ]
    table = ablation_table(one)
    column = table.header.index("Δ active parameters, %")
    # 42,000 and 40,500 of the base's 100,500; planned 40,500 and 30,500
    assert [str(row[column]) for row in table.rows] == [
        "100k",
        "−58.2 (planned −59.7)",
        "−59.7 (planned −69.7)",
    ]
    notes = " ".join(table.notes)
    assert "FLOPs are counted for the planned ones." in notes
    assert "more than 10 %: DTSI + ReLU · 1/8 active 25.0 % in place of 12.5 %." in notes
    last = flat_rows(one)[-1]
    assert last["active_parameters_relative"] == pytest.approx(40_500 / 100_500 - 1)
    assert last["active_parameters_planned_relative"] == pytest.approx(30_500 / 100_500 - 1)
    assert answer(one).endswith("with 25.0 % of its experts active.")


def test_lines_over_the_active_share_are_drawn_at_the_share_that_served(builder, monkeypatch):
    drawn = []
    plot = Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda axes, x, *args, **how: drawn.append(x) or plot(axes, x, *args, **how)
    )
    ablate(builder, dict.fromkeys(EXPERTS, 0.0), name="activation", paper=None, active=EXPERTS)
    image = lines_figure([only(builder)])
    assert drawn[0] == pytest.approx([0.26875, 0.25])
    assert "Each arm is at the share of the experts that served its test rows." in image.caption
