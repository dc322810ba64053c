"""Figures of what models showed of themselves during training: by token over the steps, or by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.colors
import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.ablation.judged import Point, point_of
from reports.prose import listed, quoted
from reports.records.observed import Observed
from reports.writing import escaping
from reports.writing.drawing import BASELINE_COLOUR, LETTERS, PALETTE, WIDTH, Image, rendered, style
from reports.writing.notation import fixed, short
from reports.writing.sections import Paragraph, Section

COLUMNS = 4
MOST_TOKENS = 16
MOST_FIGURES = 4
"""Of one quantity by token; of more entrants none is drawn, as none of them is more telling than others."""


def observed_sections(shown: Sequence[Observed], place: str) -> list[Section]:
    """A section for every quantity, and entrant where it has a value per token.

    Args:
        place: where it was observed, for the titles.
    """
    sections = []
    for of_name in _by_name(shown):
        of_tokens, of_layers = _by_token(of_name), [one for one in of_name if not one.is_of_tokens]
        title = f"{of_name[0].title[0].upper()}{of_name[0].title[1:]}"
        if len(of_tokens) > MOST_FIGURES:
            why = f"{len(of_tokens)} entrants show it, too many to draw; tables/observed.csv has the numbers."
            sections.append(Section(title=f"{title}, {place}", text=(Paragraph(text=why),)))
            of_tokens = []
        for one in of_tokens:
            sections.append(
                Section(title=f"{title}, {one.entry.label}, {place}", figures=(token_figure(one),))
            )
        if of_layers:
            sections.append(Section(title=f"{title} by layer, {place}", figures=(layer_figure(of_layers),)))
    return sections


def endings(shown: Sequence[Observed], paper: Mapping[tuple[int, int], float], place: str) -> list[str]:
    """For every quantity that is drawn by token, a sentence on how far tokens and layers part at the end.

    Args:
        paper: (layer, token) → share of active experts at the end of training, as the paper reports it.
        place: where it was observed.
    """
    texts = []
    for of_name in _by_name(shown):
        of_tokens = _by_token(of_name)
        if not of_tokens or len(of_tokens) > MOST_FIGURES:
            continue
        told = [f"with {quoted(one.entry.label)} at {_ranges(_last(one))}" for one in of_tokens]
        text = f"{place}: the {of_name[0].title} of a token ends {'; '.join(told)}."
        if paper and of_name[0].name == "active_share":
            text += f" In the paper it ends at {_ranges(paper)}; its tokens and its data are different."
        texts.append(text)
    return texts


def _by_name(shown: Sequence[Observed]) -> list[list[Observed]]:
    names = dict.fromkeys(one.name for one in shown)
    return [[one for one in shown if one.name == name] for name in names]


def _by_token(shown: Sequence[Observed]) -> list[Observed]:
    return [one for one in shown if one.is_of_tokens]


def token_figure(one: Observed) -> Image:
    """A panel per token, a line per layer, over the steps of training."""
    tokens = sorted(one.values["token"].unique())
    layers = sorted(one.values["layer"].unique())
    drawn = tokens[:MOST_TOKENS]
    columns = min(len(drawn), COLUMNS)
    num_rows = math.ceil(len(drawn) / columns)
    target = one.entry.setting.get("active_fraction") if one.name == "active_share" else None
    colours = _colours(len(layers))
    with style():
        figure = Figure(figsize=(WIDTH, 0.95 + 1.6 * num_rows), layout="constrained")
        panels = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, token in zip(panels, drawn, strict=False):
            for layer, colour in zip(layers, colours, strict=True):
                of_layer = one.values[(one.values["token"] == token) & (one.values["layer"] == layer)]
                _curve(axes, of_layer["step"], of_layer, colour, label=f"layer {layer}")
            if target is not None:
                axes.axhline(target, color=BASELINE_COLOUR, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
            axes.set_title(f"token {token}", loc="left")
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3, integer=True))
            axes.xaxis.set_major_formatter(lambda value, _: short(value))
        for axes in panels[len(drawn) :]:
            axes.set_visible(False)
        for axes in panels[len(drawn) - columns : len(drawn)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        if one.name == "active_share":
            panels[0].set_ylim(-0.03, 1.03)
        handles = panels[0].get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside upper left", ncols=8, frameon=False)
        figure.supxlabel("step", fontsize=9.0)
        figure.supylabel(one.title, fontsize=9.0)
        png, pdf = rendered(figure)
    left_out = f" The first {MOST_TOKENS} of {len(tokens)} tokens." if len(tokens) > MOST_TOKENS else ""
    dashed = f" Dashed: the target, {fixed(target, 3)}." if target is not None else ""
    return Image(
        name=f"observed-{one.name}",
        png=png,
        pdf=pdf,
        caption=f"{one.title[0].upper()}{one.title[1:]} over training: mean over seeds, and the range of the "
        f"seeds.{dashed}{left_out}",
        alternative=f"{one.title} over training steps, a panel per token and a line per layer",
    )


def layer_figure(shown: Sequence[Observed]) -> Image:
    """Over the layers, a line per entrant: in one panel, or one for each line that the labels make."""
    points = {one.entry.label: point_of(one.entry.label) for one in shown}
    lines = {point.line: None for point in points.values() if point is not None and point.line}
    names = list(lines) or [""]
    columns = min(len(names), 3)
    num_rows = math.ceil(len(names) / columns)
    with style():
        figure = Figure(figsize=(WIDTH, 0.7 + 3.0 * num_rows), layout="constrained")
        panels = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=False):
            _layers(axes, shown, points, name)
            axes.set_title(escaping.label(name, LETTERS // columns), loc="left")
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("layer", fontsize=9.0)
        figure.supylabel(shown[0].title, fontsize=9.0)
        png, pdf = rendered(figure)
    title = shown[0].title
    return Image(
        name=f"observed-{shown[0].name}",
        png=png,
        pdf=pdf,
        caption=f"{title[0].upper()}{title[1:]} of each layer: mean over the observed steps of training and "
        "over seeds.",
        alternative=f"{title} of each layer, a line per entrant",
    )


def _layers(axes: Axes, shown: Sequence[Observed], points: dict[str, Point | None], name: str) -> None:
    """The entrants of one line, and those that belong to every line or to none."""
    here = [one for one in shown if (point := points[one.entry.label]) is None or point.line in ("", name)]
    references = {label for label, point in points.items() if point is None and name}
    colours = iter(_colours(sum(one.entry.label not in references for one in here)))
    for one in here:
        point = points[one.entry.label]
        is_reference = one.entry.label in references
        means = one.values.groupby("layer")["value"].mean()
        axes.plot(
            means.index,
            means,
            color=BASELINE_COLOUR if is_reference else next(colours),
            linestyle=(0, (4, 3)) if is_reference else "-",
            marker="o",
            markersize=3.6,
            linewidth=1.5,
            label=escaping.label(one.entry.label if point is None else str(point)),
        )
    if all((one.values["value"] > 0).all() for one in shown):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6, integer=True))
    axes.legend(frameon=False, fontsize=8.0)


def _curve(axes: Axes, step: Sequence[float], values: object, colour: str, *, label: str) -> None:
    axes.fill_between(step, values["low"], values["high"], color=colour, alpha=0.15, linewidth=0)  # type: ignore[index]
    axes.plot(step, values["value"], color=colour, linewidth=1.5, label=label)  # type: ignore[index]


def _colours(number: int) -> list[str]:
    """Few are told apart by hue, many by their order."""
    if number <= 3:
        return [*PALETTE[:number]]
    scale = matplotlib.colormaps["viridis"]
    return [matplotlib.colors.to_hex(scale(0.9 * place / (number - 1))) for place in range(number)]


def _last(one: Observed) -> dict[tuple[int, int], float]:
    """(layer, token) → value at the last step."""
    last = one.values[one.values["step"] == one.values["step"].max()]
    return {(int(row.layer), int(row.token)): float(row.value) for row in last.itertuples()}


def _ranges(values: Mapping[tuple[int, int], float]) -> str:
    """The least and the most of the tokens of each layer."""
    told = []
    for layer in sorted({layer for layer, _ in values}):
        of_layer = [value for (each, _), value in values.items() if each == layer]
        told.append(f"{fixed(min(of_layer), 2)} to {fixed(max(of_layer), 2)} in layer {layer}")
    return listed(told)
