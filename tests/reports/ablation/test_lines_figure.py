"""Arms that are points of lines."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

import reports.ablation.lines_figure as lines_module
from reports.ablation.judged import Point, point_of
from reports.ablation.lines_figure import lines_figure
from reports.ablation.table import ablation_table
from tests.reports.ablated import COMPONENTS, DEPTHS, SPARSITY, ablate, only


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("vanilla · 1/4 active", Point(line="vanilla", text="1/4", x=0.25, unit="active")),
        ("D · 400k dense parameters", Point(line="D", text="400k", x=400_000, unit="dense parameters")),
        ("a · b · 16 blocks", Point(line="a · b", text="16", x=16, unit="blocks")),
        ("2 blocks", Point(line="", text="2", x=2, unit="blocks")),
        ("T · 1.5M", Point(line="T", text="1.5M", x=1_500_000, unit="")),
        ("k = 8", None),
        ("1:2, α = 4", None),
        ("no token mixing", None),
        ("x · 1/0 active", None),
    ],
)
def test_places_on_a_line(label, expected):
    assert point_of(label) == expected


@pytest.mark.usefixtures("without_drawing")
@pytest.mark.parametrize(
    ("arms", "base", "lines", "start"),
    [
        (SPARSITY, "dense", ["DTSI + ReLU", "vanilla"], None),
        (DEPTHS, "2 blocks", ["residual between blocks", "no residual between blocks"], 2.0),
        ({"4 blocks": 0.0, "8 blocks": 0.0}, "2 blocks", [""], 2.0),
        ({"k · 2 × D": 0.0, "k · 4 × D": 0.0}, "k · 1 × D", ["k"], 1.0),
        ({"A · 1/2 active": 0.0, "A · 4 blocks": 0.0}, "dense", [], None),
        ({"A · 1/2 active": 0.0, "B · 1/2 active": 0.0}, "dense", [], None),
        (COMPONENTS, "RankMixer", [], None),
    ],
)
def test_arms_that_make_lines(builder, arms, base, lines, start):
    ablate(builder, arms, base=base, seeds=1)
    one = only(builder)
    assert list(one.lines) == lines
    assert one.start == start


@pytest.mark.parametrize("unit", ["00k dense parameters", " × base size"])
def test_lines_over_dense_parameters_begin_at_the_base_and_tell_the_speed(builder, unit):
    sizes = {f"{line} · {times}{unit}": 100_000 * times for line in "TD" for times in (2, 4)}
    ablate(builder, dict.fromkeys(sizes, 0.1), name="directions", paper=None, budgets=sizes)
    one = only(builder)
    assert one.start == one.base.cost["dense_parameters"]
    image = lines_figure([one])
    assert image is not None
    assert "over dense parameters" in image.caption
    table = ablation_table(one)
    cells = [dict(zip(table.header, (cell.text for cell in row), strict=True)) for row in table.rows]
    rate = np.mean([2e6 / (12.5 + len("RankMixer") / 20 + seed / 4) for seed in range(3)])
    assert cells[0]["Examples/s in training"] == f"{rate / 1000:.0f}k"
    assert cells[0]["FLOP/s in training"] == f"{rate * one.base.cost['flops_train'] / 1e9:.1f}G"


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn: the abscissas of lines, and the texts of labels beside the axes."""
    found = {"x": [], "labels": []}
    plot, lead_label = Axes.plot, lines_module.lead_label

    def recorded_plot(axes, x, *args, **how):
        found["x"].append(x)
        return plot(axes, x, *args, **how)

    def recorded_label(axes, text, **how):
        found["labels"].append(text)
        lead_label(axes, text, **how)

    monkeypatch.setattr(Axes, "plot", recorded_plot)
    monkeypatch.setattr(lines_module, "lead_label", recorded_label)
    return found


@pytest.mark.parametrize(
    ("labels", "base", "expected"),
    [
        (("8 blocks", "2 blocks", "16 blocks"), "4 blocks", [2, 4, 8, 16]),
        (("A · 1 active", "A · 1/4 active", "A · 1/2 active"), "dense", [1, 1 / 2, 1 / 4]),
    ],
)
def test_points_are_joined_from_one_end_to_the_other_in_the_direction_of_the_study(
    builder, drawn, labels, base, expected
):
    ablate(builder, dict.fromkeys(labels, 0.1), base=base, paper=None)
    assert lines_figure([only(builder)]) is not None
    assert drawn["x"][0] == expected


def test_a_line_without_a_name_has_no_label(builder, drawn):
    ablate(builder, {"4 blocks": 0.1, "8 blocks": 0.2, "another": 0.0}, base="2 blocks", paper=None)
    assert lines_figure([only(builder)]) is not None
    assert drawn["labels"] == ["another"]
