"""AUC against size, and training curves. Drawn without pyplot and its global state.

To add a figure to every study, write its function here and add it to `FIGURES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from reports.judge.standings import Judged, Standing, Standings
from reports.judge.statistics import Range
from reports.ladder.growth import groups
from reports.records.comparison import Study, place_of
from reports.records.curves import LOSS, MeanCurve, mean_curves
from reports.records.sources import Sources
from reports.writing import escaping
from reports.writing.drawing import BESIDE, GRID, INK, LETTERS, Image, Mark, lead_label, rendered, style
from reports.writing.notation import exact, fixed, short
from reports.writing.sections import Section

LINE_HEIGHT = 0.052
"""Smallest distance between two labels, as a share of the height of the axes."""


def size_figure(by_budget: Sequence[tuple[str, Standings]], mark: Mapping[str, Mark]) -> Image | None:
    """Test AUC against dense parameters and against forward FLOPs, for one data set and task.

    Args:
        by_budget: (kind of budget, standings) of every budget; points of one contestant under one kind of
            budget are joined.

    Returns:
        None if no contestant has a result.
    """
    series = _series(by_budget)
    if not series:
        return None
    task = by_budget[0][1].task
    with style():
        figure = Figure(figsize=(9.0, 4.2))
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, column in ((left, "dense_parameters"), (right, "flops_forward")):
            for rows in series.values():
                _draw_series(axes, rows, column, mark[rows[0].label])
            sizes = [row.cost[column] for rows in series.values() for row in rows]
            log_axis(axes, sizes, column)
        left.set_xlabel("dense parameters")
        right.set_xlabel("forward FLOPs per example")
        left.set_ylabel(f"test AUC, {escaping.figure(task)}")
        oracle_note = _draw_oracle((left, right), by_budget)
        _label_series(right, series, "flops_forward", mark)
        figure.subplots_adjust(left=0.085, right=0.80, bottom=0.13, top=0.96, wspace=0.08)
        png, pdf = rendered(figure)
    joined = " Points of one contestant at several budgets are joined." if len(by_budget) > 1 else ""
    return Image(
        name="size",
        png=png,
        pdf=pdf,
        caption=f"Test AUC of the task {task}: {_seeds_in_words(series)}.{joined}{oracle_note}",
        alternative=f"Test AUC of {task} against dense parameters and against forward FLOPs per example",
    )


def curve_figure(curves: Sequence[MeanCurve], mark: Mapping[str, Mark]) -> Image | None:
    """A small panel per contestant, the others faint behind it; None if there are no curves."""
    if not curves:
        return None
    quantity = curves[0].quantity
    title = quantity[0].upper() + quantity[1:]
    columns = min(len(curves), 5)
    num_rows = math.ceil(len(curves) / columns)
    with style():
        figure = Figure(figsize=(9.0, 0.55 + 1.75 * num_rows), layout="constrained")
        panels = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, curve in zip(panels, curves, strict=False):
            for other in curves:
                axes.plot(other.step, other.value, color=GRID, linewidth=1.0, zorder=1)
            colour = mark[curve.label].colour
            axes.plot(curve.step, curve.value, color=colour, linewidth=1.6, zorder=2)
            axes.set_title(escaping.label(curve.label, LETTERS // columns), loc="left", color=colour)
            axes.grid(visible=False)
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3, integer=True))
            axes.xaxis.set_major_formatter(lambda value, _: short(value))
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        for axes in panels[len(curves) - columns : len(curves)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        panels[0].set_ylim(*_curve_limits(curves))
        figure.supxlabel("step", fontsize=9.0)
        figure.supylabel(quantity, fontsize=9.0)
        png, pdf = rendered(figure)
    caption = f"{title} over training steps: mean over seeds, at steps that all seeds have."
    if quantity == LOSS:
        caption += (
            " It includes a contestant's own terms, such as auxiliary losses: compare shapes, not levels."
        )
    return Image(
        name="curves",
        png=png,
        pdf=pdf,
        caption=caption,
        alternative=f"{title} over training steps, a panel per contestant",
    )


def spread(positions: Sequence[float], gap: float, within: Range = (-math.inf, math.inf)) -> list[float]:
    """Positions at least `gap` apart, in the same order, moved as little as possible (least squares).

    Subtracting `gap` per place turns it into isotonic regression.

    Args:
        within: where they may lie; it must have room for all.
    """
    order = np.argsort(positions, kind="stable")
    steps = gap * np.arange(len(positions))
    result = np.empty(len(positions))
    parted = isotonic_regression(np.asarray(positions)[order] - steps).x
    result[order] = np.clip(parted, within[0], within[1] - gap * (len(positions) - 1)) + steps
    return result.tolist()


def _series(by_budget: Sequence[tuple[str, Standings]]) -> dict[tuple[str, str], list[Standing]]:
    """(label, kind of budget) → rows with a result, from the smallest; drawn in sorted order."""
    series: dict[tuple[str, str], list[Standing]] = {}
    for kind, standings in by_budget:
        for row in standings.rows:
            if "auc" in row.metrics:
                series.setdefault((row.label, kind), []).append(row)
    return dict(sorted(series.items()))


def _seeds_in_words(series: Mapping[tuple[str, str], Sequence[Standing]]) -> str:
    counts = sorted({row.metrics["auc"].num_seeds for rows in series.values() for row in rows})
    if counts[-1] == 1:
        return "one seed, so no interval"
    return (
        f"mean over {' to '.join(map(str, counts[:: max(1, len(counts) - 1)]))} seeds with its 95 % interval"
    )


def _draw_series(axes: Axes, rows: Sequence[Standing], column: str, mark: Mark) -> None:
    areas = [row.metrics["auc"] for row in rows]
    y = [area.mean for area in areas]
    axes.errorbar(
        [max(1, row.cost[column]) for row in rows],
        y,
        yerr=([area.mean - area.low for area in areas], [area.high - area.mean for area in areas]),
        color=mark.colour,
        marker=mark.marker,
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linewidth=1.3,
        elinewidth=1.1,
        capsize=0,
        zorder=3,
    )


def log_axis(axes: Axes, sizes: Sequence[float], unit: str, *, least: float = 1.0) -> None:
    """Logarithmic, ticked at round numbers however narrow the range; smaller sizes are drawn as `least`."""
    low, high = max(least, min(sizes)), max(least, *sizes)
    margin = max((high / low) ** 0.12, 1.02)
    low, high = low / margin, high * margin
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    if high / low > 8:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1,) if high / low > 1000 else (1, 3)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
    else:
        ticks = list(matplotlib.ticker.MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    axes.xaxis.set_major_locator(
        matplotlib.ticker.FixedLocator([tick for tick in ticks if low <= tick <= high])
    )
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.xaxis.set_major_formatter(
        lambda value, _: exact(round(value), unit) if value >= 10 else short(value, unit)
    )


def _draw_oracle(panels: Sequence[Axes], by_budget: Sequence[tuple[str, Standings]]) -> str:
    """A dashed line if it is near the points, else a sentence for the caption."""
    known = [s.references["oracle"]["auc"] for _, s in by_budget if "oracle" in s.references]
    if not known:
        return ""
    low, high = panels[0].get_ylim()
    if known[0] > high + 0.5 * (high - low) or known[0] < low:
        where = "above" if known[0] > high else "below"
        return f" The oracle (true probabilities, AUC {fixed(known[0], 4)}) is {where} the figure."
    for axes in panels:
        axes.axhline(known[0], color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    axes = panels[0]
    axes.annotate(
        "oracle",
        (0.02, known[0]),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=INK,
    )
    axes.set_ylim(low, max(high, known[0] + 0.08 * (high - low)))
    return f" Dashed: the oracle (true probabilities), AUC {fixed(known[0], 4)}."


def _label_series(
    axes: Axes, series: Mapping[tuple[str, str], Sequence[Standing]], column: str, mark: Mapping[str, Mark]
) -> None:
    """Names in a column right of the axes, each tied to its contestant's last point."""
    last: dict[str, Standing] = {}
    for (label, _), rows in series.items():
        candidates = [*rows, *([last[label]] if label in last else [])]
        last[label] = max(candidates, key=lambda row: row.cost[column])
    low, high = axes.get_ylim()
    heights = [(row.metrics["auc"].mean - low) / (high - low) for row in last.values()]
    gap = min(LINE_HEIGHT, 1.0 / max(1, len(heights) - 1))
    for (label, row), height in zip(last.items(), spread(heights, gap), strict=True):
        lead_label(
            axes,
            escaping.label(label, BESIDE),
            at=(max(1, row.cost[column]), row.metrics["auc"].mean),
            coords="data",
            to=(1.05, height),
            colour=mark[label].colour,
            shrink=4,
        )


def _curve_limits(curves: Sequence[MeanCurve]) -> tuple[float, float]:
    """The range of values after the first fifth of the steps, in which all come from far outside."""
    kept = [curve.value[curve.step >= 0.2 * curve.step[-1]] for curve in curves]
    values = np.concatenate(kept)
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.01
    return low - margin, high + margin


def _size_sections(study: Study, found: Judged, sources: Sources, mark: Mapping[str, Mark]) -> list[Section]:
    """AUC against size where sizes are as given; budgets have ladders, and an ablation its own figure."""
    sections: list[Section] = []
    if study.kind == "ablation":
        return sections
    given = [standings for comparison, standings in found if not comparison.budget_kind]
    for data, task in dict.fromkeys((standings.data, standings.task) for standings in given):
        of_place = [one for one in given if (one.data, one.task) == (data, task)]
        figure = size_figure([("", standings) for standings in of_place], mark)
        if figure:
            sections.append(Section(title=f"AUC against size, {data}, task {task}", figures=(figure,)))
    return sections


def _curve_sections(study: Study, found: Judged, sources: Sources, mark: Mapping[str, Mark]) -> list[Section]:
    """Of budgets with a ladder, those of the largest: the others would be as many pages of the same."""
    sections = []
    ladders = groups(study, found)
    smaller = {id(comparison) for group in ladders for comparison, _ in group} - {
        id(group[-1][0]) for group in ladders
    }
    for comparison in study.comparisons:
        if id(comparison) in smaller:
            continue
        figure = curve_figure(mean_curves(comparison, sources), mark)
        if figure:
            title = f"Training curves, {place_of(study, comparison)}"
            sections.append(Section(title=title, figures=(figure,)))
    return sections


FIGURES: tuple[Callable[[Study, Judged, Sources, Mapping[str, Mark]], list[Section]], ...] = (
    _size_sections,
    _curve_sections,
)
"""What draws the sections of figures of a study, in their order."""
