"""A lineage: contestants of one size by the year of their paper, and what each gained on those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from matplotlib.transforms import Bbox

from reports.columns import adjusted_p
from reports.judge.standings import Judged, Standing, Standings
from reports.judge.statistics import Difference, Estimate
from reports.records.comparison import Study, place_of
from reports.tables import family_notes
from reports.writing import escaping
from reports.writing.drawing import GRID, Image, Mark, rendered, style
from reports.writing.notation import MISSING, estimate, points, share
from reports.writing.sections import Cell, Paragraph, Section, Table

KIND = "lineage"
INCHES = 5.0
"""Narrower than the page, so that a telephone shows it whole and its type in a size to read."""
_AFAR = 12.0
"""Pixels from a point at which its name needs a line."""
WITHIN_YEAR = 0.62
"""Share of a year's width over which the papers of one year are spread."""


def lineage_sections(study: Study, found: Judged, mark: Mapping[str, Mark]) -> list[Section]:
    """A figure and a table for every comparison and task where an entrant has a result and a year."""
    sections = []
    for comparison, standings in found:
        dated = dated_rows(standings, study.years)
        if dated:
            sections.append(
                Section(
                    title=f"By year, {place_of(study, comparison)}, task {standings.task}",
                    text=(Paragraph(text=sentence(standings, dated)),),
                    figures=(lineage_figure(standings, dated, mark),),
                    tables=(lineage_table(standings, dated),),
                )
            )
    return sections


def dated_rows(standings: Standings, years: Mapping[str, int]) -> list[tuple[int, Standing]]:
    """(year, contestant) with an AUC and a year, from the oldest; within a year in the order of standings."""
    rows = [row for row in standings.rows if "auc" in row.metrics and row.contestant in years]
    return sorted(((years[row.contestant], row) for row in rows), key=lambda dated: dated[0])


def gain(standings: Standings, dated: Sequence[tuple[int, Standing]], row: Standing) -> Difference | None:
    """AUC minus that of the best contestant of earlier years; None in the first year."""
    own = next(year for year, other in dated if other is row)
    earlier = [other for year, other in dated if year < own]
    if not earlier:
        return None
    best = max(earlier, key=lambda other: other.metrics["auc"].mean)
    return standings.pairs.get((row.label, best.label))


def sentence(standings: Standings, dated: Sequence[tuple[int, Standing]]) -> str:
    """How many were ahead of all that came before them."""
    gains = {row.label: gain(standings, dated, row) for _, row in dated}
    judged = {label: found for label, found in gains.items() if found is not None}
    ahead = [label for label, found in judged.items() if found.verdict == "better"]
    if not judged:
        return "All contestants are of one year, so none comes after another."
    if all(found.verdict == "undecided" for found in judged.values()):
        return "Too little was run to say who was ahead of the best of earlier years."
    if not ahead:
        return f"None of the {len(judged)} later contestants is ahead of the best of earlier years."
    names = ", ".join(ahead)
    return f"{len(ahead)} of {len(judged)} later contestants are ahead of the best of earlier years: {names}."


def lineage_table(standings: Standings, dated: Sequence[tuple[int, Standing]]) -> Table:
    """A row per contestant, from the oldest."""
    rows = []
    gains: dict[str, Difference | None] = {}
    for year, row in dated:
        found = gain(standings, dated, row)
        cells = (Cell(text=str(year)), Cell(text=row.label), Cell(text=share(row.attained)))
        gains[row.label] = found
        gained = Cell(text=MISSING if found is None else points(found), difference=found)
        verdict = "" if found is None else found.verdict
        rows.append(
            (
                *cells,
                Cell(text=estimate(row.metrics["auc"], 4)),
                gained,
                Cell(text=verdict, aside=adjusted_p(found) if found else "", style=verdict),
            )
        )
    return Table(
        name="lineage",
        header=(
            "Year",
            "Contestant",
            "Attained, %",
            "Test AUC",
            "Δ AUC to the best of earlier years, points",
            "Verdict",
        ),
        rows=tuple(rows),
        num_text_columns=2,
        notes=(
            "The year is that of the paper's first publication, on arXiv or elsewhere.",
            *family_notes(gains, "pairs"),
        ),
    )


def lineage_figure(
    standings: Standings, dated: Sequence[tuple[int, Standing]], mark: Mapping[str, Mark]
) -> Image:
    """The share of the attainable AUC over the year, or AUC where that share is not known."""
    attained = all(row.attained is not None for _, row in dated)
    values = [_value(row, attained) for _, row in dated]
    places = list(_places([year for year, _ in dated]))
    with style():
        figure = Figure(figsize=(INCHES, 5.4), dpi=100)
        axes = figure.subplots()
        figure.subplots_adjust(left=0.15, right=0.97, bottom=0.09, top=0.97)
        for place, value, (_, row) in zip(places, values, dated, strict=True):
            axes.errorbar(
                [place],
                [value.mean],
                yerr=([value.mean - value.low], [value.high - value.mean]),
                color=mark[row.label].colour,
                marker=mark[row.label].marker,
                markersize=5.5,
                markeredgecolor="white",
                markeredgewidth=0.6,
                ecolor=(mark[row.label].colour, 0.4),
                elinewidth=1.1,
                capsize=0,
                zorder=3,
            )
        _draw_best(axes, dated, values)
        _limits(axes, [year for year, _ in dated], values)
        bottom, top = axes.get_ylim()
        is_cut = any(value.low < bottom or value.high > top for value in values)
        axes.set_ylabel("share of the attainable AUC, %" if attained else "test AUC")
        axes.set_xlabel("year of the paper")
        _label(axes, places, values, [row.label for _, row in dated], mark)
        png, pdf = rendered(figure)
    quantity = "Share of the attainable AUC" if attained else "Test AUC"
    counts = {len(row.seeds) for _, row in dated}
    interval = "" if counts == {1} else ", mean over seeds with its 95 % interval"
    return Image(
        name=KIND,
        png=png,
        pdf=pdf,
        caption=f"{quantity} over the year of the paper, task {standings.task}{interval}. The grey line is "
        f"the best mean up to each year.{' Some intervals leave the figure.' if is_cut else ''}",
        alternative=f"{quantity} of every contestant over the year of its paper",
        inches=INCHES,
    )


def _value(row: Standing, attained: bool) -> Estimate:
    """What is drawn of a contestant: the share in percent, or the AUC."""
    if not attained or row.attained is None:
        return row.metrics["auc"]
    return row.attained.scaled(100)


def _places(years: Sequence[int]) -> Iterator[float]:
    """Where each of the sorted years is drawn: the papers of one year side by side around it."""
    for index, year in enumerate(years):
        first, count = years.index(year), years.count(year)
        step = min(0.2, WITHIN_YEAR / count)
        yield year + (index - first - (count - 1) / 2) * step


def _draw_best(axes: Axes, dated: Sequence[tuple[int, Standing]], values: Sequence[Estimate]) -> None:
    years = sorted({year for year, _ in dated})
    best = [
        max(value.mean for (year, _), value in zip(dated, values, strict=True) if year <= until)
        for until in years
    ]
    ends = [*[year - 0.5 for year in years], years[-1] + 0.5]
    axes.step(ends, [*best, best[-1]], where="post", color=GRID, linewidth=4.0, zorder=1)


def _limits(axes: Axes, years: Sequence[int], values: Sequence[Estimate]) -> None:
    """All means are within, and of wide intervals as much as the means span together on either side."""
    means = [value.mean for value in values]
    span = max(means) - min(means) or max(value.high - value.low for value in values)
    low = max(min(value.low for value in values), min(means) - span)
    high = min(max(value.high for value in values), max(means) + span)
    margin = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(min(years) - 0.75, max(years) + 0.75)
    axes.xaxis.set_major_locator(MultipleLocator(1 if max(years) - min(years) < 6 else 2))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")


def _label(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[Estimate],
    labels: Sequence[str],
    mark: Mapping[str, Mark],
) -> None:
    """A name near each point, where it covers the least of what is drawn, and a thin line to it from afar."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    at = axes.transData.transform(np.array([(x, v.mean) for x, v in zip(places, values, strict=True)]))
    ends = [
        axes.transData.transform(np.array([(x, v.low), (x, v.high)]))
        for x, v in zip(places, values, strict=True)
    ]
    taken = [Bbox([(x - 5, y - 5), (x + 5, y + 5)]) for x, y in at]
    taken += [Bbox([(low[0] - 1, low[1]), (high[0] + 1, high[1])]) for low, high in ends]
    inside = axes.get_window_extent()
    for (x, y), label in zip(at, labels, strict=True):
        text = axes.text(
            0,
            0,
            escaping.figure(label),
            transform=axes.transAxes,  # a share of the axes, so that it holds at any resolution
            color=mark[label].colour,
            fontsize=8.0,
            ha="left",
            va="bottom",
        )
        box = text.get_window_extent()
        width, height = box.width, box.height
        corner = min(
            _corners(x, y, width, height),
            key=lambda c: _covered(Bbox.from_bounds(c[0], c[1], width, height), taken, inside),
        )
        text.set_position(tuple(axes.transAxes.inverted().transform(corner)))
        placed = Bbox.from_bounds(corner[0], corner[1], width, height)
        taken.append(placed)
        nearest = np.clip((x, y), placed.min, placed.max)
        if np.hypot(*(nearest - (x, y))) > _AFAR:
            leader = axes.transAxes.inverted().transform(np.array([(x, y), nearest])).T
            axes.plot(*leader, transform=axes.transAxes, color=mark[label].colour, linewidth=0.6, zorder=2)


def _corners(x: float, y: float, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Lower left corners of a label, in pixels, the best places of it first: right, left, then around."""
    for away in range(8):
        for rise in (0,) if away == 0 else (away, -away):
            shift = rise * height * 0.7
            for left in (x + 8, x - 8 - width, x - width / 2):
                if left != x - width / 2 or away >= 2:
                    yield left, y - height / 2 + shift


def _covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """Area, in square pixels, of what lies under a label or of the label outside the axes."""
    under = sum(_common(box, other) for other in taken)
    return under + 10 * (box.width * box.height - _common(box, inside))


def _common(first: Bbox, second: Bbox) -> float:
    both = Bbox.intersection(first, second)
    return 0.0 if both is None else both.width * both.height
