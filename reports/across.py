"""One comparison on several data sets side by side: who is ahead everywhere, and who on some data only."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison import slug
from reports.notation import MISSING, estimate, share
from reports.standings import Standing, Standings
from reports.tables import Cell, Table, rank_text


def across_tables(every_standings: Sequence[Standings]) -> tuple[tuple[str, Table], ...]:
    """(title, table) for every budget and task that two settings or more have in common.

    A row per contestant, a column per setting: the share of the attainable where it is known, else test AUC,
    and the rank beside it. Rows are in the order of the mean rank over the settings that rank a contestant.
    """
    groups: dict[tuple[str, str], list[Standings]] = {}
    for standings in every_standings:
        groups.setdefault((standings.comparison, standings.task), []).append(standings)
    return tuple(
        (f"{comparison}, task {task}", _table(group, f"across-{slug(comparison)}-{slug(task)}"))
        for (comparison, task), group in groups.items()
        if len(group) > 1
    )


def _table(group: Sequence[Standings], name: str) -> Table:
    by_label: dict[str, list[Standing | None]] = {}
    for index, standings in enumerate(group):
        for row in standings.rows:
            by_label.setdefault(row.label, [None] * len(group))[index] = row
    attained = all(row.attained is not None for s in group for row in s.rows if row.metrics)
    ordered = sorted(by_label.items(), key=lambda item: (_mean_rank(item[1]), item[0]))
    rows = []
    for label, found in ordered:
        mean_rank = _mean_rank(found)
        cells = [Cell(text=label)]
        cells += [_cell(row, standings, attained) for row, standings in zip(found, group, strict=True)]
        cells.append(Cell(text=MISSING if mean_rank == float("inf") else f"{mean_rank:.1f}"))
        rows.append(tuple(cells))
    shown = "the share of the attainable in percent" if attained else "test AUC"
    return Table(
        name=name,
        header=("Contestant", *(standings.setting for standings in group), "Mean rank"),
        rows=tuple(rows),
        notes=(f"In each column {shown}, with the rank of that column in brackets.",),
    )


def _mean_rank(rows: Sequence[Standing | None]) -> float:
    ranks = [row.rank for row in rows if row is not None and row.rank is not None]
    return sum(ranks) / len(ranks) if ranks else float("inf")


def _cell(row: Standing | None, standings: Standings, attained: bool) -> Cell:
    if row is None or not row.metrics:
        return Cell(text=MISSING)
    text = share(row.attained) if attained else estimate(row.metrics["auc"], 4)
    return Cell(text=text, aside=rank_text(row, standings.rows))
