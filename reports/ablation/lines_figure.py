"""The figure of an ablation along lines: difference to the base over a number, a line per kind of arm.

Where the lines go over dense parameters, an arm is at the number it has, and where they go over the active
share of the experts, at the share that served the test rows, if that is known; else at that of its label. The
base is a point of every line, or a horizontal line where it has no place on them, as other arms of no line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.ablation.forest_figure import panel_title, ties_told
from reports.ablation.judged import ACTIVE, DENSE_PARAMETERS, TIMES_BASE, Ablation, Arm
from reports.figures import LINE_HEIGHT, spread
from reports.writing import escaping
from reports.writing.drawing import (
    BASELINE_COLOUR,
    MARKERS,
    NARROW,
    PALETTE,
    WIDTH,
    Image,
    lead_label,
    rendered,
    style,
)
from reports.writing.notation import short, tick

AXES = {ACTIVE: "active share of the experts", TIMES_BASE: DENSE_PARAMETERS, "× D": "multiple of D"}
"""Unit of the points of lines → title of the axis, where it is not the unit itself."""


LONGEST_BASE = 28
"""Letters of the base's label beside an axis, which is less long than a figure is wide."""
MOST_ROWS = 6


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """A place on a line, in points of AUC; `low` and `high` are its interval's ends."""

    x: float
    mean: float
    low: float
    high: float


def lines_figure(ablations: Sequence[Ablation]) -> Image | None:
    """A panel of our lines for every comparison and task, and beside it a small one, with an axis of its own,
    for the paper's; None without a line."""
    judged = [(one, lines) for one in ablations if (lines := _spots(one))]
    if not judged:
        return None
    rows, first = judged[:MOST_ROWS], judged[0][0]
    theirs = [_of_paper(one) for one, _ in rows]
    colours = {line: PALETTE[place % len(PALETTE)] for place, line in enumerate(first.lines)}
    with style():
        ratios, inches = ((2.0, 1.0), WIDTH) if any(theirs) else ((1.0,), NARROW)
        figure = Figure(figsize=(inches, 4.2 if len(rows) == 1 else 3.4 * len(rows)), layout="constrained")
        grid = figure.subplots(len(rows), len(ratios), width_ratios=ratios, squeeze=False)
        for (one, ours), of_paper, panels in zip(rows, theirs, grid, strict=True):
            _draw(panels[0], one, ours, _references(one), colours)
            panels[0].set_ylabel(f"Δ AUC to {escaping.label(one.base.label, LONGEST_BASE)}, points")
            place = panel_title(one, [each for each, _ in rows]).replace("\n", " · ")
            here = "here" if any(theirs) else ""
            panels[0].set_title(" · ".join(filter(None, (here, place))), loc="left")
            if of_paper:
                _draw_paper(panels[1], one, of_paper, colours)
            elif any(theirs):
                panels[1].set_visible(False)
        png, pdf = rendered(figure)
    has_bands = any(spot.low < spot.high for _, ours in rows for spots in ours.values() for spot in spots)
    told = [
        " Bands: 95 % intervals." if has_bands else "",
        ties_told([one for one, _ in rows]),
        " Each arm is at the share of the experts that served its test rows."
        if first.unit == ACTIVE and any(arm.share for one, _ in rows for arm in one.arms)
        else "",
        " On the right the paper's differences, on its own data and its own scale." if any(theirs) else "",
        f" The first {MOST_ROWS} of {len(judged)} comparisons." if len(judged) > MOST_ROWS else "",
    ]
    over = AXES.get(first.unit, first.unit) or "the number of its label"
    return Image(
        name="lines",
        png=png,
        pdf=pdf,
        caption=f"Test AUC minus that of {first.base.label}, in points of 0.01, over {over}.{''.join(told)}",
        alternative=f"Test AUC minus that of {first.base.label} over {over}, a line per kind of arm",
    )


def _spots(one: Ablation) -> dict[str, list[_Spot]]:
    """Line → its places from one end to the other, that of the base too; only lines with a difference."""
    lines = {
        line: [_spot(one, arm) for arm in arms if arm.standing.to_baseline]
        for line, arms in one.lines.items()
    }
    start = [] if one.start is None else [_Spot(x=one.start, mean=0.0, low=0.0, high=0.0)]
    return {
        line: sorted([*start, *spots], key=lambda spot: spot.x, reverse=one.is_falling)
        for line, spots in lines.items()
        if spots
    }


def _spot(one: Ablation, arm: Arm) -> _Spot:
    value = arm.standing.to_baseline
    assert value is not None
    low, high = (
        (value.low, value.high) if math.isfinite(value.half_width or 0.0) else (value.mean, value.mean)
    )
    return _Spot(x=_x(one, arm), mean=100 * value.mean, low=100 * low, high=100 * high)


def _x(one: Ablation, arm: Arm) -> float:
    assert arm.point is not None
    if one.is_over_size:
        return float(arm.standing.cost["dense_parameters"])
    return arm.share.observed if arm.share is not None and arm.point.unit == ACTIVE else arm.point.x


def _references(one: Ablation) -> dict[str, float]:
    """Label → height of each horizontal line, in points."""
    others = {
        arm.label: 100 * arm.standing.to_baseline.mean
        for arm in one.arms
        if arm.point is None and arm.standing.to_baseline
    }
    return others if one.start is not None else {one.base.label: 0.0, **others}


def _of_paper(one: Ablation) -> dict[str, list[tuple[float, float]]]:
    """Line → (x, points) of those of its arms that the paper has."""
    if one.is_over_size:
        return {}
    found = {
        line: [(arm.point.x, paper.auc) for arm in arms for paper in arm.paper if arm.point is not None]
        for line, arms in one.lines.items()
    }
    return {line: places for line, places in found.items() if places}


def _draw(
    axes: Axes,
    one: Ablation,
    lines: Mapping[str, Sequence[_Spot]],
    references: Mapping[str, float],
    colours: Mapping[str, str],
) -> None:
    names: dict[str, tuple[float, float, str]] = {}
    for place, (line, spots) in enumerate(lines.items()):
        x, colour = [spot.x for spot in spots], colours[line]
        axes.fill_between(
            x,
            [s.low for s in spots],
            [s.high for s in spots],
            color=colour,
            alpha=0.11,
            linewidth=0,
            zorder=2,
        )
        axes.plot(
            x,
            [s.mean for s in spots],
            color=colour,
            marker=MARKERS[place % len(MARKERS)],
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.7,
            zorder=3,
        )
        if line:
            names[line] = (spots[-1].x, spots[-1].mean, colour)
        for bound in ("low", "high"):
            axes.plot(
                x, [getattr(s, bound) for s in spots], color=colour, alpha=0.45, linewidth=0.6, zorder=2
            )
    if one.start is not None:
        axes.plot(one.start, 0.0, color=BASELINE_COLOUR, marker="o", markersize=6.5, zorder=5)
    _scale(axes, one)
    for label, height in references.items():
        axes.axhline(height, color=BASELINE_COLOUR, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
        names[label] = (axes.get_xlim()[1], height, BASELINE_COLOUR)
    low, high = axes.get_ylim()
    heights = [(height - low) / (high - low) for _, height, _ in names.values()]
    gap = min(1.1 * LINE_HEIGHT, 1.0 / max(1, len(heights) - 1))
    for (name, (x_end, y_end, colour)), height in zip(
        names.items(), spread(heights, gap, (0.0, 1.0)), strict=True
    ):
        lead_label(
            axes,
            escaping.label(name),
            at=(x_end, y_end),
            coords="data",
            to=(1.04, height),
            colour=colour,
            shrink=4,
        )


def _draw_paper(
    axes: Axes, one: Ablation, lines: Mapping[str, Sequence[tuple[float, float]]], colours: Mapping[str, str]
) -> None:
    for place, line in enumerate(one.lines):
        if line in lines:
            axes.plot(
                *zip(*lines[line], strict=True),
                color=colours[line],
                marker=MARKERS[place % len(MARKERS)],
                markersize=5.0,
                markerfacecolor="white",
                linewidth=1.4,
                zorder=3,
            )
    _scale(axes, one)
    references = {arm.label: paper.auc for arm in one.arms if arm.point is None for paper in arm.paper}
    for label, height in {one.base.label: 0.0, **references}.items():
        axes.axhline(height, color=BASELINE_COLOUR, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
        axes.annotate(
            escaping.label(label),
            (0.02, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            color=BASELINE_COLOUR,
            fontsize=8.0,
        )
    axes.margins(y=0.08)
    axes.set_title("in the paper", loc="left")


def _scale(axes: Axes, one: Ablation) -> None:
    """A logarithmic axis in the order of the study, with a tick at the number of each label."""
    axes.yaxis.set_major_formatter(lambda value, _: tick(value))
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6))
    axes.set_xlabel(escaping.label(AXES.get(one.unit, one.unit)))
    points = [arm.point for arms in one.lines.values() for arm in arms if arm.point is not None]
    ticks = {point.x: point.text for point in points}
    if one.start is not None:
        times = one.start if one.unit == TIMES_BASE else 1.0
        places = [one.start, *(times * x for x in ticks)]
        ticks = {place: short(place, "dense_parameters") for place in places}
    if min(ticks) <= 0:
        return
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_xticks([*ticks], [escaping.figure(text) for text in ticks.values()])
    if one.is_falling:
        axes.invert_xaxis()
