"""The figures of a ladder: all laws with the paper's beside them, a panel per contestant, and slopes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.ladder.growth import Growth, Laws
from reports.records.paper import FIGURE_2, RANKMIXER_TABLE, Curve, paper_curves, stands_beside
from reports.scaling import leave_one_out
from reports.scaling.figure import (
    EXTENSION,
    draw_band,
    draw_laws,
    draw_points,
    draw_strip,
    label_ends,
    limits,
    size_axis,
)
from reports.scaling.selection import Fit
from reports.writing import escaping
from reports.writing.drawing import FAINT, LETTERS, NARROW, WIDTH, Image, Mark, rendered, style
from reports.writing.notation import fixed, tick

COLUMNS = 3
_GHOST = "#c3c8cd"
_DASHES = (0, (4, 3))


def overview_figure(growth: Growth, laws: Laws, mark: Mapping[str, Mark]) -> Image:
    """Every law over one size, and beside it the paper's Figure 2 where it shows any of the contestants."""
    curves = _of_paper(growth, laws)
    bound = None if growth.oracle is None else ("oracle", growth.oracle)
    with style():
        figure = Figure(figsize=(WIDTH, 4.2))
        if curves:
            panels = figure.subplots(1, 2, width_ratios=(1.9, 1.0))
            figure.subplots_adjust(left=0.085, right=0.875, bottom=0.125, top=0.93, wspace=0.72)
            panels[0].set_title("here", loc="left")
            _draw_paper(panels[1], curves, laws, mark)
        else:
            panels = [figure.subplots()]
            figure.subplots_adjust(left=0.085, right=0.8, bottom=0.125, top=0.96)
        draw_laws(panels[0], laws.fits, mark, laws.size, (), bound, bands=len(laws.fits) <= COLUMNS)
        panels[0].set_ylabel(f"test AUC, {escaping.figure(growth.task)}")
        png, pdf = rendered(figure)
    beside = (
        " On the right the points of RankMixer's Figure 2 (arXiv 2507.15551), read off the figure, on its "
        "own data: gain in AUC points over a DLRM-MLP of 8.7M."
        if curves
        else ""
    )
    return Image(
        name="laws",
        png=png,
        pdf=pdf,
        caption=f"Test AUC of the task {growth.task} against {laws.size}: mean of each size with its 95 % "
        f"interval, and the fitted law, dashed beyond the points.{_oracle_note(growth, laws)}{beside}",
        alternative=f"Test AUC of {growth.task} against {laws.size}, a curve per contestant",
    )


def panels_figure(growth: Growth, laws: Laws, mark: Mapping[str, Mark]) -> Image:
    """A panel per contestant with its law, band and points; the laws of the others are faint behind it."""
    num_rows = math.ceil(len(laws.fits) / COLUMNS)
    columns = min(COLUMNS, len(laws.fits))
    low, high = limits(laws.fits)
    gone = {label: [gap.size for gap in growth.gaps if gap.whole and gap.label == label] for label in mark}
    smallest = min(one.ladder.sizes[0] for one in laws.fits)
    largest = EXTENSION * max(one.ladder.sizes[-1] for one in laws.fits)
    with style():
        figure = Figure(figsize=(NARROW, 0.6 + 1.6 * num_rows), layout="constrained")
        panels = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, one in zip(panels, laws.fits, strict=False):
            own = mark[one.label]
            for other in laws.fits:
                if other is not one:
                    _draw_law(axes, other, colour=_GHOST, width=0.9, beyond=False)
            axes.set_xscale("log")
            axes.set_xlim(smallest / 1.25, largest * 1.05)
            size_axis(axes, laws.size)
            axes.set_xlabel("")
            axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=4))
            axes.set_ylim(low, high)
            draw_band(axes, one, own.colour)
            _draw_law(axes, one, colour=own.colour, width=1.5, beyond=True)
            draw_points(axes, one, own)
            lost = gone.get(one.label, []) if laws.column == growth.kind else []
            if lost:
                axes.plot(
                    lost,
                    [0.04] * len(lost),
                    transform=axes.get_xaxis_transform(),
                    color=own.colour,
                    marker="x",
                    linestyle="none",
                    clip_on=False,
                )
            axes.set_title(escaping.label(one.label, LETTERS // columns), loc="left", color=own.colour)
            axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
        for axes in panels[len(laws.fits) :]:
            axes.set_visible(False)
        for axes in panels[len(laws.fits) - columns : len(laws.fits)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        figure.supxlabel(escaping.figure(laws.size), fontsize=9.0)
        figure.supylabel(f"test AUC, {escaping.figure(growth.task)}", fontsize=9.0)
        png, pdf = rendered(figure)
    crosses = any(sizes for label, sizes in gone.items() if label in {one.label for one in laws.fits})
    return Image(
        name="panels",
        png=png,
        pdf=pdf,
        caption="Each contestant with its law and the law's 95 % band; grey: the laws of the others. Dashed: "
        f"beyond the points.{' A cross: no run succeeded at that budget.' if crosses else ''}",
        alternative=f"Test AUC of {growth.task} against {laws.size}, a panel per contestant",
        inches=NARROW,
    )


def slopes_figure(laws: Laws, mark: Mapping[str, Mark]) -> Image:
    """Gains per doubling with intervals, and without each size and each seed."""
    fits = sorted(laws.fits, key=lambda one: -one.gain_per_doubling.value)
    height = 0.85 + 0.27 * len(fits)
    with style():
        figure = Figure(figsize=(NARROW, height))
        axes = figure.subplots()
        draw_strip(axes, fits, {one.label: leave_one_out(one) for one in fits}, mark)
        if axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
            axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
        axes.set_xlabel("gain in AUC per doubling")
        axes.tick_params(axis="x", labelsize=8.0)
        figure.subplots_adjust(left=0.03, right=0.74, top=1 - 0.08 / height, bottom=0.55 / height)
        png, pdf = rendered(figure)
    return Image(
        name="slopes",
        png=png,
        pdf=pdf,
        caption=f"Gain in test AUC per doubling of {laws.size} over the measured range, with its 95 % "
        "interval. Dots: the same without one size (filled) or without one seed (hollow).",
        alternative=f"Gain in test AUC per doubling of {laws.size}, a row per contestant",
        inches=NARROW,
    )


def _draw_law(axes: Axes, one: Fit, *, colour: str, width: float, beyond: bool) -> None:
    first, last = one.ladder.sizes[[0, -1]]
    inside = np.geomspace(first, last, 60)
    axes.plot(inside, one.law.value(inside), color=colour, linewidth=width, zorder=2)
    if beyond:
        outside = np.geomspace(last, EXTENSION * last, 12)
        axes.plot(outside, one.law.value(outside), color=colour, linewidth=width, linestyle=_DASHES, zorder=2)


def _of_paper(growth: Growth, laws: Laws) -> dict[str, Curve]:
    """Label → the paper's points of the contestant, of those that have both."""
    if not stands_beside(RANKMIXER_TABLE, growth.rungs[0][0].dataset):
        return {}
    names = {row.label: row.contestant for _, standings in growth.rungs for row in standings.rows}
    curves = paper_curves(FIGURE_2)
    return {one.label: curves[names[one.label]] for one in laws.fits if names.get(one.label) in curves}


def _draw_paper(axes: Axes, curves: Mapping[str, Curve], laws: Laws, mark: Mapping[str, Mark]) -> None:
    ends = {}
    for label, curve in curves.items():
        x, y = curve.sizes(laws.column), curve.gains
        axes.plot(
            x,
            y,
            color=mark[label].colour,
            marker=mark[label].marker,
            markersize=4.5,
            markerfacecolor="white",
            linewidth=1.2,
        )
        ends[label] = (x[-1], y[-1])
    axes.set_xscale("log")
    size_axis(axes, laws.size)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=4))
    axes.set_ylabel("gain, points of AUC")
    axes.yaxis.set_major_formatter(lambda value, _: tick(value))
    axes.set_title("in the paper", loc="left")
    label_ends(axes, ends, mark)


def _oracle_note(growth: Growth, laws: Laws) -> str:
    """Where the oracle is too far away to be drawn."""
    if growth.oracle is None:
        return ""
    low, high = limits(laws.fits)
    if low < growth.oracle < high + 0.5 * (high - low):
        return f" The oracle (true probabilities) has AUC {fixed(growth.oracle, 4)}."
    return f" The oracle (true probabilities, AUC {fixed(growth.oracle, 4)}) is above the figure."
