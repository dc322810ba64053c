"""The figure of fits: points and laws over size on a logarithmic axis, and how much each owes to one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import LINE_HEIGHT, spread
from reports.scaling.points import Point
from reports.scaling.selection import Fit
from reports.scaling.sensitivity import SIZE, Without, leave_one_out
from reports.scaling.two_variables import Surface
from reports.writing import escaping
from reports.writing.drawing import (
    BESIDE,
    FAINT,
    INK,
    LETTERS,
    PALETTE,
    WIDTH,
    Image,
    Mark,
    lead_label,
    marks,
    rendered,
    style,
)
from reports.writing.notation import short

EXTENSION = 2.0
"""How far a law is drawn beyond the largest size."""
_HEIGHT, _ROW = 4.2, 0.26
"""Inches of the main panel and of a row of the strip."""
_DASHES = (0, (4, 3))


def scaling_figure(
    fits: Sequence[Fit],
    *,
    size: str = "size",
    excluded: Sequence[Point] = (),
    mark: Mapping[str, Mark] | None = None,
    bound: tuple[str, float] | None = None,
) -> Image:
    """Points with intervals, laws with bands, and below a strip of the gains per doubling without each run.

    Args:
        fits: of one metric, at least one; labels differ.
        size: what the sizes count.
        excluded: points that are shown hollow.
        mark: label → colour and marker.
        bound: name and value of a line at the best possible value; drawn where it is near the points.
    """
    metric = fits[0].ladder.metric
    chosen = mark or marks([one.label for one in fits])
    without = {one.label: leave_one_out(one) for one in fits}
    strip = sum(bool(found) for found in without.values())
    height = _HEIGHT + (0.75 + _ROW * strip if strip else 0.0)
    with style():
        figure = Figure(figsize=(WIDTH, height))
        ratios = [_HEIGHT, 0.35 + _ROW * strip] if strip else [_HEIGHT]
        panels = figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        draw_laws(panels[0], fits, chosen, size, excluded, bound)
        panels[0].set_ylabel(escaping.figure(metric.title))
        if strip:
            draw_strip(panels[1], [one for one in fits if without[one.label]], without, chosen)
        figure.subplots_adjust(
            left=0.1, right=0.8, top=1 - 0.15 / height, bottom=0.5 / height, hspace=1.3 / height
        )
        png, pdf = rendered(figure)
    return Image(
        name="scaling",
        png=png,
        pdf=pdf,
        caption=_caption(fits, excluded, strip=bool(strip)),
        alternative=f"{metric.title} against {size}, with fitted laws and their 95 % bands",
    )


def surface_figure(surfaces: Mapping[str, Surface], points: Sequence[Point], *, size: str = "size") -> Image:
    """Laws in size and rows: a panel per series, a curve per number of rows."""
    titles = {label: label for label in surfaces}
    columns = min(3, len(surfaces))
    num_rows = math.ceil(len(surfaces) / columns)
    with style():
        figure = Figure(figsize=(WIDTH, 3.6 * num_rows), layout="constrained")
        panels = figure.subplots(num_rows, columns, squeeze=False).ravel()
        for axes, (label, surface) in zip(panels, surfaces.items(), strict=False):
            of_series = [point for point in points if point.series == label]
            _draw_surface(axes, surface, of_series, size)
            axes.set_title(escaping.label(titles[label], LETTERS // columns), loc="left")
            axes.set_ylabel(escaping.figure(surface.metric.title))
        for axes in panels[len(surfaces) :]:
            axes.set_visible(False)
        png, pdf = rendered(figure)
    first = next(iter(surfaces.values()))
    return Image(
        name="scaling",
        png=png,
        pdf=pdf,
        caption=f"A curve per number of training rows: the law in {size} and rows. Hollow: excluded.",
        alternative=f"{first.metric.title} against {size}, a curve per number of training rows",
    )


def draw_laws(
    axes: Axes,
    fits: Sequence[Fit],
    mark: Mapping[str, Mark],
    size: str,
    excluded: Sequence[Point],
    bound: tuple[str, float] | None,
    *,
    bands: bool = True,
) -> None:
    """Points, laws and names at the ends of the curves; arguments as of `scaling_figure`."""
    sizes = np.concatenate([one.ladder.sizes for one in fits])
    ends: dict[str, tuple[float, float]] = {}
    for one in fits:
        own = mark[one.label]
        draw_points(axes, one, own)
        inside = np.geomspace(one.ladder.sizes[0], one.ladder.sizes[-1], 120)
        beyond = np.geomspace(one.ladder.sizes[-1], EXTENSION * one.ladder.sizes[-1], 20)
        axes.plot(inside, one.law.value(inside), color=own.colour, linewidth=1.5, zorder=3)
        axes.plot(beyond, one.law.value(beyond), color=own.colour, linewidth=1.2, linestyle=_DASHES, zorder=3)
        ends[one.label] = (float(beyond[-1]), float(one.law.value(beyond[-1])))
    hollow = [point for point in excluded if math.isfinite(point.value)]
    for point in hollow:
        own = mark.get(point.series, Mark(colour=FAINT, marker="o"))
        axes.plot(
            point.size,
            point.value,
            marker=own.marker,
            color=own.colour,
            markerfacecolor="none",
            markersize=6.0,
        )
    axes.set_xscale("log")
    low, high = limits(fits, hollow)
    axes.set_ylim(low, high)
    for one in fits if bands else ():  # after the limits, which a wide band must not set
        draw_band(axes, one, mark[one.label].colour)
    if bound is not None and low < bound[1] < high + 0.5 * (high - low):
        axes.axhline(bound[1], color=INK, linewidth=1.0, linestyle=_DASHES, zorder=2)
        axes.annotate(
            escaping.figure(bound[0]),
            (0.02, bound[1]),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
        )
        axes.set_ylim(low, max(high, bound[1] + 0.08 * (high - low)))
    axes.set_xlim(sizes.min() / 1.15, EXTENSION * sizes.max() * 1.02)
    size_axis(axes, size)
    label_ends(axes, ends, mark)


def draw_band(axes: Axes, one: Fit, colour: str) -> None:
    """The law's 95 % band, also beyond the points; nothing where it has none."""
    across = np.geomspace(one.ladder.sizes[0], EXTENSION * one.ladder.sizes[-1], 60)
    band = one.values(across)
    if band[0].low is not None:
        bottom, top = [part.low or 0.0 for part in band], [part.high or 0.0 for part in band]
        axes.fill_between(across, bottom, top, color=colour, alpha=0.13, linewidth=0, zorder=1)


def draw_points(axes: Axes, one: Fit, own: Mark) -> None:
    """The mean of each size with its interval."""
    half = one.noise.mean_half_widths(one.ladder.counts)
    axes.errorbar(
        one.ladder.sizes,
        one.ladder.means,
        yerr=half,
        color=own.colour,
        marker=own.marker,
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        elinewidth=1.1,
        capsize=0,
        zorder=4,
    )


def limits(fits: Sequence[Fit], hollow: Sequence[Point] = ()) -> tuple[float, float]:
    """Of the points, their intervals and the laws."""
    values = [point.value for point in hollow]
    for one in fits:
        half = one.noise.mean_half_widths(one.ladder.counts)
        reach = half if half is not None else np.zeros_like(one.ladder.means)
        values += [*(one.ladder.means - reach), *(one.ladder.means + reach)]
        values.append(float(one.law.value(EXTENSION * one.ladder.sizes[-1])))
    margin = 0.06 * (max(values) - min(values)) or 0.01 * abs(values[0]) or 0.01
    return min(values) - margin, max(values) + margin


def size_axis(axes: Axes, size: str) -> None:
    """Logarithmic ticks with three digits, and its title."""
    low, high = axes.get_xlim()
    wide = high / low > 1000
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1.0,) if wide else (1.0, 3.0)))
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: short(value, size.replace(" ", "_")))
    axes.set_xlabel(escaping.figure(size))


def label_ends(axes: Axes, ends: Mapping[str, tuple[float, float]], mark: Mapping[str, Mark]) -> None:
    """Names in a column right of the axes, each tied to its end of a curve."""
    low, high = axes.get_ylim()
    heights = [(y - low) / (high - low) for _, y in ends.values()]
    gap = min(1.1 * LINE_HEIGHT, 1.0 / max(1, len(heights) - 1))
    for (label, end), height in zip(ends.items(), spread(heights, gap, (0.0, 1.0)), strict=True):
        lead_label(
            axes,
            escaping.label(label, BESIDE),
            at=end,
            coords="data",
            to=(1.04, height),
            colour=mark[label].colour,
            shrink=2,
        )


def draw_strip(
    axes: Axes, fits: Sequence[Fit], without: Mapping[str, Sequence[Without]], mark: Mapping[str, Mark]
) -> None:
    """Gains per doubling, a row per contestant: with its interval, and without each size and each seed."""
    for row, one in enumerate(fits):
        colour = mark[one.label].colour
        gain = one.gain_per_doubling
        if gain.low is not None and gain.high is not None:
            axes.plot([gain.low, gain.high], [row, row], color=colour, linewidth=5.0, alpha=0.25, zorder=2)
        axes.plot(gain.value, row, color=colour, marker="|", markersize=11.0, markeredgewidth=2.0, zorder=3)
        for each in without[one.label]:
            filled = each.what == SIZE
            axes.plot(
                each.gain_per_doubling,
                row + (-0.16 if filled else 0.16),
                color=colour,
                marker="o",
                markersize=3.6,
                markerfacecolor=colour if filled else "white",
                markeredgewidth=0.8,
                linestyle="none",
                zorder=4,
            )
        axes.annotate(
            escaping.label(one.label, BESIDE),
            (1.04, row),
            xycoords=("axes fraction", "data"),
            color=colour,
            va="center",
            annotation_clip=False,
        )
    axes.set_ylim(len(fits) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6))
    axes.set_xlabel("gain per doubling: whole ladder with interval; • without one size; ◦ without one seed")


def _draw_surface(axes: Axes, surface: Surface, points: Sequence[Point], size: str) -> None:
    numbers = sorted({point.rows for point in points if point.rows is not None})
    for place, rows in enumerate(numbers):
        colour = PALETTE[place % len(PALETTE)]
        here = [point for point in points if point.rows == rows and math.isfinite(point.value)]
        for point in here:
            axes.plot(
                point.size,
                point.value,
                color=colour,
                marker="o",
                markersize=3.5,
                markerfacecolor="none" if point.exclude else colour,
            )
        across = np.geomspace(min(p.size for p in points), max(p.size for p in points), 80)
        curve = surface.value(across, rows)
        axes.plot(across, curve, color=colour, linewidth=1.3)
        axes.annotate(
            f"{short(rows)} rows",
            (across[-1], curve[-1]),
            xytext=(5, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )
    axes.set_xscale("log")
    size_axis(axes, size)


def _caption(fits: Sequence[Fit], excluded: Sequence[Point], *, strip: bool) -> str:
    texts = [
        "Mean of each size with its 95 % interval; laws with their 95 % bands, dashed beyond the points."
    ]
    if any(math.isfinite(point.value) for point in excluded):
        texts.append("Hollow: excluded points.")
    missing = sum(not math.isfinite(point.value) for point in excluded)
    if missing:
        texts.append(f"{missing} excluded run{'s'[: missing != 1]} without a value.")
    unknown = [one.label for one in fits if not one.identified]
    if unknown and any(unknown):
        texts.append(f"No asymptote is identified for {', '.join(unknown)}.")
    if strip:
        texts.append("Below: the gain per doubling, also without each size and each seed.")
    return " ".join(texts)
