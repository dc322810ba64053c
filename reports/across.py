"""One study on several data sets side by side: who is ahead everywhere, and who on some data only."""

from __future__ import annotations

from collections.abc import Sequence

from reports.columns import rank_text
from reports.judge.standings import Standing, Standings
from reports.writing.notation import MISSING, estimate, share
from reports.writing.sections import Cell, Section, Table


def across_sections(every_standings: Sequence[Standings]) -> tuple[Section, ...]:
    """One for every budget and task that several data sets have in common.

    A row per contestant, a column per data set: the share of the attainable where it is known, else test AUC,
    and the rank beside it. Rows are in the order of the mean place by AUC.

    Args:
        every_standings: of one study, or of all implied ones.
    """
    groups: dict[tuple[str, str], list[Standings]] = {}
    for standings in every_standings:
        groups.setdefault((standings.budget, standings.task), []).append(standings)
    return tuple(
        Section(title=f"Across data sets, {budget}, task {task}", tables=(_table(group),))
        for (budget, task), group in groups.items()
        if len(group) > 1
    )


def _table(group: Sequence[Standings]) -> Table:
    found: dict[str, list[tuple[int, Standing] | None]] = {}
    for index, standings in enumerate(group):
        for place, row in enumerate(standings.rows, start=1):
            found.setdefault(row.label, [None] * len(group))[index] = (place, row)
    attained = all(row.attained is not None for s in group for row in s.rows if "auc" in row.metrics)
    rows = []
    for label, places in sorted(found.items(), key=lambda item: (_mean_place(item[1]), item[0])):
        mean_place = _mean_place(places)
        cells = [Cell(text=label)]
        cells += [_cell(place[1] if place else None, attained) for place in places]
        cells.append(Cell(text=MISSING if mean_place == float("inf") else f"{mean_place:.1f}"))
        rows.append(tuple(cells))
    shown = "the share of the attainable in percent" if attained else "test AUC"
    return Table(
        name="across",
        header=("Contestant", *(standings.data for standings in group), "Mean place"),
        rows=tuple(rows),
        notes=(
            f"In each column {shown}, with the rank of that column in brackets. The mean place is by AUC, "
            "whether differences are significant or not.",
        ),
    )


def _mean_place(places: Sequence[tuple[int, Standing] | None]) -> float:
    counted = [place for place, row in filter(None, places) if "auc" in row.metrics]
    return sum(counted) / len(counted) if counted else float("inf")


def _cell(row: Standing | None, attained: bool) -> Cell:
    if row is None or "auc" not in row.metrics:
        return Cell(text=MISSING)
    text = share(row.attained) if attained else estimate(row.metrics["auc"], 4)
    return Cell(text=text, aside=rank_text(row))
