"""Ranks under two protocols: one setting for all, and each contestant by its tuned setting.

Published tables show one of the two. Where the order depends on it, the reader should see both.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.columns import rank_text
from reports.figures import LINE_HEIGHT, spread
from reports.judge.paired import gains
from reports.judge.standings import Judged, Standing, Standings, judge
from reports.judge.statistics import Difference
from reports.prose import listed
from reports.records.comparison import Comparison, Study
from reports.records.sources import Sources
from reports.tables import family_notes
from reports.writing import escaping
from reports.writing.drawing import NARROW, Image, Mark, lead_label, rendered, style
from reports.writing.notation import MISSING, estimate, fixed, points
from reports.writing.sections import Cell, Paragraph, Section, Table

TITLE = "Ranks under two protocols"


@dataclass(frozen=True, kw_only=True)
class TwoProtocols:
    """One comparison and task, judged twice.

    Args:
        equal: all by one protocol with their default hyper-parameters; `tuned`: each by its tuned setting.
        gains: label → tuned minus equal AUC, paired by seed.
        untuned: labels without a tuned setting, the same in both.
    """

    equal: Standings
    tuned: Standings
    gains: Mapping[str, Difference | None]
    untuned: tuple[str, ...]

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Label → place by AUC under the equal protocol and under tuning, of those that have both."""
        both = [label for label in _with_auc(self.equal) if label in _with_auc(self.tuned)]
        tuned = [label for label in _with_auc(self.tuned) if label in both]
        return {label: (1 + both.index(label), 1 + tuned.index(label)) for label in tuned}


def judged_twice(study: Study, found: Judged, sources: Sources) -> list[TwoProtocols]:
    """For every comparison and task of a study that has both; none where nobody has a tuned setting."""
    if study.tuned is None:
        return []
    twins = {_where(comparison): comparison for comparison in study.equal}
    return [
        TwoProtocols(
            equal=judge(study, twins[_where(comparison)], standings.task, sources, standings.intervals),
            tuned=standings,
            gains=gains(comparison, twins[_where(comparison)], standings.task, sources),
            untuned=study.untuned,
        )
        for comparison, standings in found
        if _where(comparison) in twins and standings.best is not None
    ]


def protocols_sections(
    study: Study, twice: Sequence[TwoProtocols], mark: Mapping[str, Mark]
) -> list[Section]:
    """A table and a figure for every comparison and task, and where the settings come from."""
    return [
        Section(
            title=f"{TITLE}, {each.tuned.data}, {each.tuned.budget}, task {each.tuned.task}",
            text=(Paragraph(text=moved(each)), Paragraph(text=origin(study))),
            figures=(slope_figure(each, mark),),
            tables=(ranks_table(each),),
        )
        for each in twice
        if each.places
    ]


def origin(study: Study) -> str:
    """Where the tuned settings come from, and who has none."""
    text = f"Tuned by {study.tuned}."
    if not study.untuned:
        return text
    have, are = ("has", "is") if len(study.untuned) == 1 else ("have", "are")
    return f"{text} {listed(study.untuned)} {have} no tuned setting and {are} the same in both."


def moved(twice: TwoProtocols) -> str:
    """What tuning does to the order, and to the verdicts on pairs."""
    places = twice.places
    changes = [
        (before, after)
        for pair in itertools.combinations(places, 2)
        if (before := _verdict(twice.equal, pair)) and (after := _verdict(twice.tuned, pair))
    ]
    if not changes:
        return "Too little was run to say whether tuning changes the order."
    tuned = [label for label in places if label not in twice.untuned]
    rise = {label: places[label][0] - places[label][1] for label in tuned}
    up, down = max(rise, key=rise.__getitem__), min(rise, key=rise.__getitem__)
    if not any(before - after for before, after in places.values()):
        order = "Tuning each contestant does not change the order."
    else:
        told = " ".join(
            f"{label} {verb} most, from place {places[label][0]} to {places[label][1]}."
            for label, verb in ((up, "rises"), (down, "falls"))
            if (rise[label] > 0) == (verb == "rises") and rise[label]
        )
        order = f"Tuning each contestant changes the order of one protocol for all. {told}".rstrip()
    reversed_ = sum({before, after} == {"better", "worse"} for before, after in changes)
    other = sum(before != after for before, after in changes)
    opposite = f", {reversed_} of them the opposite one" if reversed_ else ""
    return f"{order} Of {len(changes)} pairs, {other or 'none'} get another verdict{opposite}."


def ranks_table(twice: TwoProtocols) -> Table:
    """Rank and AUC under either, in the order of the tuned."""
    equal = {row.label: row for row in twice.equal.rows}
    rows = [_row(row, equal.get(row.label), twice) for row in twice.tuned.rows]
    having = " if it has one" if twice.untuned else ""
    return Table(
        name="protocols",
        header=(
            "Contestant",
            "Rank, one protocol",
            "Rank, tuned",
            "Test AUC, one protocol",
            "Test AUC, tuned",
            "Gain by tuning, points",
        ),
        rows=tuple(rows),
        num_text_columns=3,
        notes=(
            "One protocol: the same for all, with the default hyper-parameters of each. Tuned: each by its "
            f"own setting{having}, found with as many trials as the others had. A rank is a range where ties "
            "leave it open.",
            *family_notes(twice.gains, "gains"),
        ),
    )


def slope_figure(twice: TwoProtocols, mark: Mapping[str, Mark]) -> Image:
    """A line per contestant from its AUC under one protocol to its tuned AUC."""
    ends = [{row.label: row for row in standings.rows} for standings in (twice.equal, twice.tuned)]
    rows = {label: (ends[0][label], ends[1][label]) for label in twice.places}
    with style():
        figure = Figure(figsize=(NARROW, 1.4 + 0.32 * len(rows)))
        axes = figure.subplots()
        for label, pair in rows.items():
            areas = [row.metrics["auc"] for row in pair]
            axes.errorbar(
                (0, 1),
                [area.mean for area in areas],
                yerr=([area.mean - area.low for area in areas], [area.high - area.mean for area in areas]),
                color=mark[label].colour,
                marker=mark[label].marker,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
                linewidth=1.6,
                elinewidth=1.0,
                zorder=3,
            )
        axes.set_xlim(-0.04, 1.04)
        axes.set_xticks((0, 1), ("one protocol for all", "tuned"))
        axes.tick_params(axis="y", length=0, labelleft=False)
        axes.grid(visible=False, axis="x")
        axes.spines["right"].set_visible(True)
        for side in (0, 1):
            _name_ends(axes, {label: pair[side] for label, pair in rows.items()}, side, mark)
        figure.subplots_adjust(left=0.38, right=0.62, bottom=0.09, top=0.97)
        png, pdf = rendered(figure)
    return Image(
        name="protocols",
        png=png,
        pdf=pdf,
        caption="Test AUC under one protocol for all and by tuned settings: mean over seeds with its 95 % "
        "interval if there are several. Beside each name: AUC.",
        alternative=f"{TITLE}: test AUC of each contestant under one protocol and tuned",
    )


def _row(row: Standing, equal: Standing | None, twice: TwoProtocols) -> tuple[Cell, ...]:
    gain = twice.gains.get(row.label)
    if row.label in twice.untuned:
        change = Cell(text="not tuned", style="undecided")
    else:
        change = Cell(text=points(gain), difference=gain, style=_style(gain))
    return (
        Cell(text=row.label),
        Cell(text=rank_text(equal) if equal else MISSING),
        Cell(text=rank_text(row)),
        Cell(text=estimate(equal.metrics.get("auc") if equal else None, 4)),
        Cell(text=estimate(row.metrics.get("auc"), 4)),
        change,
    )


def _style(gain: Difference | None) -> str:
    return gain.verdict if gain is not None and gain.verdict in ("better", "worse") else ""


def _with_auc(standings: Standings) -> list[str]:
    return [row.label for row in standings.rows if "auc" in row.metrics]


def _verdict(standings: Standings, pair: tuple[str, str]) -> str:
    """Of the first against the second; empty where it is undecided."""
    found = standings.pairs.get(pair)
    return found.verdict if found is not None and found.verdict != "undecided" else ""


def _where(comparison: Comparison) -> tuple[object, ...]:
    return (
        comparison.dataset,
        comparison.dataset_rev,
        comparison.fingerprint,
        comparison.train_rows,
        comparison.budget_kind,
        comparison.budget_target,
    )


def _name_ends(axes: Axes, rows: Mapping[str, Standing], side: int, mark: Mapping[str, Mark]) -> None:
    """Place, name and AUC beside the ends of the lines, parted where they would overlap."""
    low, high = axes.get_ylim()
    means = {label: row.metrics["auc"].mean for label, row in rows.items()}
    heights = [(mean - low) / (high - low) for mean in means.values()]
    gap = min(LINE_HEIGHT * 1.4, 1.0 / max(1, len(heights) - 1))
    on_left = side == 0
    for (label, mean), height in zip(means.items(), spread(heights, gap, (0.0, 1.0)), strict=True):
        name, number = escaping.figure(label), fixed(mean, 4)
        lead_label(
            axes,
            f"{name}  {number}" if on_left else f"{number}  {name}",
            at=(side, mean),
            coords="data",
            to=(-0.06 if on_left else 1.06, height),
            colour=mark[label].colour,
            shrink=5,
            left=on_left,
        )
