"""Small multiples of AUC against the dense learning rate: a panel per contestant, both axes shared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.writing import escaping
from reports.writing.drawing import INK
from reports.writing.notation import setting_value

COLUMNS = 5
REACH = 2.5
"""How far below the highest value the axis of AUC reaches, in distances of the median."""

WIDE = 20.0
"""Ratio of the ends of an axis of rates from which on its powers of ten are labels enough."""


def rate_panels(number: int) -> tuple[Figure, list[Axes]]:
    """A figure with room for that many panels, row by row; those beyond are still to be hidden."""
    columns = min(number, COLUMNS)
    num_rows = math.ceil(number / columns)
    figure = Figure(figsize=(9.0, 0.6 + 1.95 * num_rows), layout="constrained")
    panels = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    figure.supxlabel("dense learning rate", fontsize=9.0)
    figure.supylabel("valid AUC", fontsize=9.0)
    return figure, list(panels)


def share_rate_axes(panels: Sequence[Axes], number: int, limits: tuple[float, float]) -> None:
    """A logarithmic rate; panels that stay empty are hidden."""
    panels[0].set_ylim(*limits)
    panels[0].set_xscale("log")
    left, right = panels[0].get_xlim()
    labelled = (1.0,) if right / left > WIDE else (1.0, 2.0, 5.0)
    panels[0].xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=labelled, numticks=9))
    panels[0].xaxis.set_minor_locator(matplotlib.ticker.LogLocator(subs=range(2, 10), numticks=9))
    panels[0].xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    panels[0].xaxis.set_major_formatter(lambda value, _: setting_value(float(value)))
    for axes in panels[number:]:
        axes.set_visible(False)
    columns = min(number, COLUMNS)
    for axes in panels[number - columns : number]:  # the lowest of each column
        axes.tick_params(labelbottom=True)


def reaching(usual: Sequence[float], every: Sequence[float]) -> tuple[float, float]:
    """From the highest of `every` value down to the lowest `usual` one, but no further than `REACH`."""
    high = max(every)
    low = max(min(usual), high - REACH * (high - float(np.median(usual))))
    margin = 0.06 * (high - low) or 0.01
    return low - margin, high + margin


def ring(axes: Axes, rate: float, area: float) -> None:
    """Marks a point."""
    axes.plot(
        rate,
        area,
        marker="o",
        markersize=9.0,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=1.3,
        zorder=5,
    )


def name_panel(axes: Axes, label: str, colour: str) -> None:
    """Writes whose panel it is."""
    axes.set_title(escaping.label(label), loc="left", color=colour)
