"""The figure of an ablation: a row per arm, its difference to the base, and the paper's value beside it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.ablation.judged import Ablation, Arm
from reports.judge.statistics import Difference
from reports.prose import listed_labels
from reports.writing import escaping
from reports.writing.drawing import FAINT, INK, NARROW, VERDICT_COLOURS, WIDTH, Image, rendered, style
from reports.writing.notation import points, tick

MOST_PANELS = 12
COLUMNS = 3
LONGEST_LINE, MOST_LINES = 26, 4
"""Letters of a line of a label, and for how many such lines it has letters at most."""
LONGEST_TITLE = 30
BELOW = 0.24
"""How far under our value the paper's is drawn, in rows, so that neither hides the other."""


def forest_figure(ablations: Sequence[Ablation]) -> Image | None:
    """Test AUC minus the base's in points, a panel per comparison and task; arms in the order of the study.

    Returns:
        None where no arm has a difference to the base.
    """
    judged = [one for one in ablations if any(arm.standing.to_baseline for arm in one.arms)]
    if not judged:
        return None
    panels = judged[:MOST_PANELS]
    labels = list(dict.fromkeys(arm.label for one in panels for arm in one.arms))
    rows = {
        label: textwrap.wrap(escaping.label(label, MOST_LINES * LONGEST_LINE), LONGEST_LINE)
        for label in labels
    }
    columns = min(len(panels), COLUMNS)
    num_rows = math.ceil(len(panels) / columns)
    inches = NARROW if columns == 1 else WIDTH
    height = 0.95 + sum(0.18 + 0.15 * len(lines) for lines in rows.values())
    with style():
        figure = Figure(figsize=(inches, num_rows * height + 0.3), layout="constrained")
        grid = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_visible(False)
        for axes, one in zip(grid.ravel(), panels, strict=False):
            _draw(axes, one, labels, numbers=columns == 1)
            if len(panels) > 1:
                axes.set_title(panel_title(one, panels), loc="left")
        grid[0, 0].set_yticks(range(len(labels)), ["\n".join(lines) for lines in rows.values()])
        grid[0, 0].set_ylim(len(labels) - 0.4, -0.6)
        figure.legend(handles=_legend(panels), loc="outside upper left", ncols=5, frameon=False)
        png, pdf = rendered(figure)
    base = listed_bases(panels)
    of_paper = " Hollow: the paper's difference, on its own data." if _with_paper(panels) else ""
    left_out = f" The first {MOST_PANELS} of {len(judged)} comparisons." if len(judged) > MOST_PANELS else ""
    return Image(
        name="answer",
        png=png,
        pdf=pdf,
        caption=f"Test AUC of each arm minus that of {base}, in points of 0.01, with 95 % intervals if there "
        f"are several seeds.{ties_told(panels)}{of_paper}{left_out}",
        alternative=f"Test AUC of each arm minus that of {base}, a row per arm",
        inches=inches,
    )


def panel_title(one: Ablation, panels: Sequence[Ablation]) -> str:
    """What tells the panel from the others."""
    told = [
        escaping.figure(getattr(one.standings, name))
        for name in ("data", "budget", "task")
        if len({getattr(other.standings, name) for other in panels}) > 1
    ]
    text = " · ".join(told)
    return text if len(text) <= LONGEST_TITLE else "\n".join(told)


def ties_told(panels: Sequence[Ablation]) -> str:
    """A sentence about arms whose intervals exclude zero and that tie; empty where there are none."""
    tied = [
        arm.label
        for one in panels
        for arm in one.arms
        if arm.standing.to_baseline and arm.standing.to_baseline.is_tie_by_family
    ]
    if not tied:
        return ""
    labels = listed_labels(dict.fromkeys(tied))
    return f" A tie although the interval excludes zero, because arms are judged together: {labels}."


def listed_bases(panels: Sequence[Ablation]) -> str:
    return listed_labels(dict.fromkeys(one.base.label for one in panels))


def _draw(axes: Axes, one: Ablation, labels: Sequence[str], *, numbers: bool) -> None:
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=2)
    for arm in one.arms:
        place, value = labels.index(arm.label), arm.standing.to_baseline
        if value is not None:
            _draw_difference(axes, place, value)
        for paper in arm.paper:
            axes.add_line(_hollow([paper.auc], [place + BELOW]))
        if numbers:
            axes.annotate(
                points(value) if value is not None else _why_none(arm),
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=INK if value is not None else FAINT,
            )
    axes.autoscale_view()
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(f"Δ AUC to {escaping.label(one.base.label)}, points")


def _draw_difference(axes: Axes, place: int, value: Difference) -> None:
    colour = VERDICT_COLOURS[value.verdict]
    axes.errorbar(
        [100 * value.mean],
        [place],
        xerr=[[100 * (value.mean - value.low)], [100 * (value.high - value.mean)]],
        color=colour,
        marker="o",
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.6,
        elinewidth=1.6,
        zorder=3,
    )


def _hollow(x: Sequence[float], y: Sequence[float], label: str = "") -> Line2D:
    return Line2D(
        x,
        y,
        marker="D",
        markersize=5.5,
        markerfacecolor="white",
        markeredgecolor=INK,
        linestyle="none",
        zorder=4,
        label=label,
    )


def _why_none(arm: Arm) -> str:
    return "not possible" if arm.standing.reason else "no result"


def _with_paper(panels: Sequence[Ablation]) -> bool:
    return any(arm.paper for one in panels for arm in one.arms)


def _legend(panels: Sequence[Ablation]) -> list[Line2D]:
    verdicts = {arm.standing.verdict for one in panels for arm in one.arms}
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=5.5, linewidth=1.6, label=verdict)
        for verdict, colour in VERDICT_COLOURS.items()
        if verdict in verdicts
    ]
    if _with_paper(panels):
        handles.append(_hollow([], [], "the paper"))
    return handles
