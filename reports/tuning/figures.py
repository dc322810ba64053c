"""Figures of a tuning study: valid AUC against dense learning rate, expected best, importance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import LINE_HEIGHT, spread
from reports.prose import listed_labels
from reports.tuning.rate_panels import name_panel, rate_panels, reaching, ring, share_rate_axes
from reports.tuning.trials import Search, Tuning, expected_best_of
from reports.writing import escaping
from reports.writing.drawing import BASELINE_COLOUR, BESIDE, INK, Image, Mark, lead_label, rendered, style
from reports.writing.notation import setting_value

FLOOR = 0.012
"""Height, as a share of the axes, at which a value below the axis is drawn."""


def rate_figure(tuning: Tuning, mark: Mapping[str, Mark]) -> Image:
    """A panel per contestant: every trial a point at its dense learning rate, the best one ringed."""
    with style():
        figure, panels = rate_panels(len(_searched(tuning)))
        low, high = _limits(tuning)
        below = 0
        for axes, search in zip(panels, _searched(tuning), strict=False):
            colour = mark[search.label].colour
            found = [(trial.protocol["dense_lr"], value, trial) for trial, value in search.valued]
            below += sum(value < low for _, value, _ in found)
            for rate, value, trial in found:
                is_default = trial.number == 0
                axes.plot(
                    rate,
                    max(value, low),
                    color="white" if is_default else colour,
                    markeredgecolor=colour,
                    marker="v" if value < low else "D" if is_default else "o",
                    markersize=4.6 if is_default else 4.0,
                    markeredgewidth=1.1 if is_default else 0.0,
                    alpha=0.9 if trial is search.best or is_default else 0.6,
                    clip_on=value >= low,
                    zorder=4 if is_default else 3,
                )
            if search.best is not None and search.best.value is not None:
                ring(axes, search.best.protocol["dense_lr"], search.best.value)
            name_panel(axes, search.label, colour)
        share_rate_axes(panels, len(_searched(tuning)), (low - FLOOR * (high - low), high))
        png, pdf = rendered(figure)
    cut = f" {below} lower values are triangles at the lower edge." if below else ""
    return Image(
        name="rate",
        png=png,
        pdf=pdf,
        caption="Valid AUC of every trial against its dense learning rate; all else differs from trial to "
        f"trial, too. The ring is the best trial, the diamond the default.{cut}",
        alternative="Valid AUC of every trial against its dense learning rate, a panel per contestant",
    )


def grid_figure(tuning: Tuning, chosen: float, mark: Mapping[str, Mark]) -> Image:
    """A panel per contestant: a line over the rates, its best one ringed, and the one `chosen` for all."""
    with style():
        figure, panels = rate_panels(len(_searched(tuning)))
        low, high = _limits(tuning)
        for axes, search in zip(panels, _searched(tuning), strict=False):
            colour = mark[search.label].colour
            axes.axvline(chosen, color=BASELINE_COLOUR, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
            points = sorted((trial.protocol["dense_lr"], value) for trial, value in search.valued)
            axes.plot(
                [rate for rate, _ in points],
                [value for _, value in points],
                color=colour,
                marker="o",
                markersize=3.6,
                linewidth=1.5,
                zorder=3,
            )
            if search.best is not None and search.best.value is not None:
                ring(axes, search.best.protocol["dense_lr"], search.best.value)
            name_panel(axes, search.label, colour)
        share_rate_axes(panels, len(_searched(tuning)), (low, high))
        leaves = any(value < low for search in tuning.searches for _, value in search.valued)
        png, pdf = rendered(figure)
    return Image(
        name="grid",
        png=png,
        pdf=pdf,
        caption="Valid AUC against dense learning rate, all else equal. The ring is the contestant's own "
        f"best; dashed: {setting_value(chosen)}, where the median contestant loses least."
        + (" Lines that leave a panel below are cut off." if leaves else ""),
        alternative="Valid AUC against dense learning rate, a panel per contestant",
    )


def expected_figure(tuning: Tuning, mark: Mapping[str, Mark]) -> Image:
    """Expected best valid AUC after n trials, a line per contestant."""
    curves = {search.label: expected_best_of(search) for search in _searched(tuning)}
    with style():
        figure = Figure(figsize=(9.0, 4.4))
        axes = figure.subplots()
        for label, curve in curves.items():
            n = np.arange(1, curve.size + 1)
            axes.plot(n, curve, color=mark[label].colour, linewidth=1.6, zorder=3)
            axes.plot(
                n[-1],
                curve[-1],
                color=mark[label].colour,
                marker=mark[label].marker,
                markersize=5.5,
                zorder=4,
            )
        most = max(curve.size for curve in curves.values())
        low, high = reaching([curve[0] for curve in curves.values()], [c.max() for c in curves.values()])
        axes.set_ylim(low, high)
        axes.set_xscale("log", base=2)
        axes.set_xlim(0.94, most * 1.03)
        ticks = [*(2**power for power in range(10) if 2**power < most / 1.2), most]
        axes.xaxis.set_major_locator(matplotlib.ticker.FixedLocator(ticks))
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("trials, the first being the default")
        axes.set_ylabel("expected best valid AUC")
        _label_ends(axes, {label: float(curve[-1]) for label, curve in curves.items()}, mark)
        figure.subplots_adjust(left=0.085, right=0.82, bottom=0.12, top=0.97)
        png, pdf = rendered(figure)
    cut = [label for label, curve in curves.items() if curve[0] < low]
    return Image(
        name="expected",
        png=png,
        pdf=pdf,
        caption="Expected best valid AUC after n trials, over every order of the trials after the default."
        + (f" Below the figure: the default of {listed_labels(cut)}." if cut else ""),
        alternative="Expected best valid AUC after n trials, a line per contestant",
    )


def importance_figure(shares: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Image:
    """A heat map: a row per contestant, a column per hyper-parameter."""
    values = np.array([[of.get(name, math.nan) for name in names] for of in shares.values()])
    with style():
        figure = Figure(figsize=(9.0, 1.2 + 0.27 * len(shares)), layout="constrained")
        axes = figure.subplots()
        axes.imshow(100 * values, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
            share = 100 * values[row, column]
            axes.text(
                column,
                row,
                f"{share:.0f}",
                ha="center",
                va="center",
                fontsize=8.0,
                color="white" if share > 55 else INK,
            )
        axes.set_xticks(
            range(len(names)),
            [escaping.figure(name) for name in names],
            rotation=35,
            ha="left",
            rotation_mode="anchor",
        )
        axes.set_yticks(range(len(shares)), [escaping.label(label) for label in shares])
        axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        for edge in axes.spines.values():
            edge.set_visible(False)
        axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(shares) + 1) - 0.5, minor=True)
        axes.grid(visible=True, which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="minor", length=0, top=False, left=False, bottom=False)
        png, pdf = rendered(figure)
    return Image(
        name="importance",
        png=png,
        pdf=pdf,
        caption="Importance in percent, by PED-ANOVA. Empty: the contestant has no such hyper-parameter.",
        alternative="Importance of hyper-parameters in percent, a row per contestant",
    )


def _searched(tuning: Tuning) -> list[Search]:
    return [search for search in tuning.searches if search.valued]


def _limits(tuning: Tuning) -> tuple[float, float]:
    values = [value for search in tuning.searches for _, value in search.valued]
    return reaching(values, values)


def _label_ends(axes: Axes, ends: Mapping[str, float], mark: Mapping[str, Mark]) -> None:
    """Names right of the axes, each at the height of its line's end as far as they do not overlap."""
    low, high = axes.get_ylim()
    heights = [(value - low) / (high - low) for value in ends.values()]
    gap = min(LINE_HEIGHT, 1.0 / max(1, len(heights) - 1))
    for (label, value), height in zip(ends.items(), spread(heights, gap, (0.0, 1.0)), strict=True):
        lead_label(
            axes,
            escaping.label(label, BESIDE),
            at=(1.0, (value - low) / (high - low)),
            coords="axes fraction",
            to=(1.035, height),
            colour=mark[label].colour,
            shrink=1,
        )
