"""The figure that shows the answer of a study: who is ahead, with intervals, one panel per comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.judge.standings import Standing, Standings
from reports.judge.statistics import Estimate
from reports.prose import listed_labels
from reports.writing import escaping
from reports.writing.drawing import FAINT, Image, Mark, rendered, style
from reports.writing.notation import tick

MOST_PANELS = 12
COLUMNS = 3


def answer_figure(all_standings: Sequence[Standings], mark: Mapping[str, Mark]) -> Image | None:
    """AUC minus the baseline's in points, or AUC itself if there is no baseline, from the best down.

    Returns:
        None where nobody has a result.
    """
    judged = [standings for standings in all_standings if standings.best is not None]
    if not judged:
        return None
    panels = judged[:MOST_PANELS]
    labels = list(dict.fromkeys(row.label for standings in panels for row in standings.rows if row.metrics))
    columns = min(len(panels), COLUMNS)
    num_rows = math.ceil(len(panels) / columns)
    with style():
        figure = Figure(figsize=(9.0, num_rows * (0.85 + 0.24 * len(labels))), layout="constrained")
        grid = figure.subplots(num_rows, columns, sharey=True, squeeze=False)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_visible(False)
        for axes, standings in zip(grid.ravel(), panels, strict=False):
            _draw(axes, standings, labels, mark)
            axes.set_title(escaping.figure(_panel_title(standings, panels)), loc="left")
        grid[0, 0].set_yticks(range(len(labels)), [escaping.label(label) for label in labels])
        grid[0, 0].set_ylim(len(labels) - 0.4, -0.6)
        png, pdf = rendered(figure)
    quantity = _quantity(panels)
    hollow = any(_is_hollow(row, standings) for standings in panels for row in standings.rows)
    of_ties = " Hollow: a tie all the same, because many pairs are judged together." if hollow else ""
    left_out = f" The first {MOST_PANELS} of {len(judged)} comparisons." if len(judged) > MOST_PANELS else ""
    return Image(
        name="answer",
        png=png,
        pdf=pdf,
        caption=f"{quantity}, with 95 % intervals if there are several seeds.{of_ties}{left_out}",
        alternative=f"{quantity}, a row per contestant and a panel per comparison",
    )


def _draw(axes: Axes, standings: Standings, labels: Sequence[str], mark: Mapping[str, Mark]) -> None:
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
    for row in standings.rows:
        value, low, high = _value(row, standings)
        if value is None:
            continue
        axes.errorbar(
            [value],
            [labels.index(row.label)],
            xerr=[[value - low], [high - value]],
            color=mark[row.label].colour,
            marker=mark[row.label].marker,
            markersize=6,
            markerfacecolor="white" if _is_hollow(row, standings) else mark[row.label].colour,
            markeredgecolor=mark[row.label].colour if _is_hollow(row, standings) else "white",
            markeredgewidth=1.2 if _is_hollow(row, standings) else 0.6,
            elinewidth=1.5,
            zorder=3,
        )
    if standings.baseline is None:
        axes.set_xlabel("test AUC")
    else:
        axes.axvline(0, color=FAINT, linewidth=0.9, zorder=2)
        axes.set_xlabel(f"Δ AUC to {escaping.label(standings.baseline)}, points")
        axes.xaxis.set_major_formatter(lambda value, _: tick(value))


def _is_hollow(row: Standing, standings: Standings) -> bool:
    """Is its interval drawn, without zero, and its verdict a tie?"""
    return standings.baseline is not None and row.to_baseline is not None and row.to_baseline.is_tie_by_family


def _value(row: Standing, standings: Standings) -> tuple[float | None, float, float]:
    """The middle and the ends of what is drawn for a contestant; None where there is nothing."""
    if "auc" not in row.metrics:
        return None, 0.0, 0.0
    if row.label == standings.baseline:
        return 0.0, 0.0, 0.0
    drawn: Estimate | None = row.metrics["auc"] if standings.baseline is None else row.to_baseline
    if drawn is None:
        return None, 0.0, 0.0
    scale = 1 if standings.baseline is None else 100
    return scale * drawn.mean, scale * drawn.low, scale * drawn.high


def _panel_title(standings: Standings, panels: Sequence[Standings]) -> str:
    """What tells the panel from the others."""
    parts = [standings.data] if len({other.data for other in panels}) > 1 else []
    parts += [standings.budget] if len({other.budget for other in panels}) > 1 else []
    return " · ".join([*parts, standings.task])


def _quantity(panels: Sequence[Standings]) -> str:
    baselines = {standings.baseline for standings in panels}
    if baselines == {None}:
        return "Test AUC"
    named = listed_labels(sorted(baseline for baseline in baselines if baseline))
    return f"Test AUC minus that of {named}, in points of 0.01"
