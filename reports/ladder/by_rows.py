"""Contestants over sizes and numbers of training rows: a law in both for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BadInput
from reports.judge.standings import Standings
from reports.prose import listed, listed_labels
from reports.records.comparison import BUDGET_WORDS, Comparison
from reports.records.frame import number
from reports.scaling import Metric, Surface, fit_surface
from reports.scaling.points import Point
from reports.scaling.tables import NOT_IDENTIFIED, exponent_text


@dataclass(frozen=True, kw_only=True, eq=False)
class ByRows:
    """Laws in size and training rows.

    Args:
        column: of the cost, what the budgets limit.
        surfaces: label → its law. refused: label → why it has none.
        points: the runs.
    """

    column: str
    surfaces: Mapping[str, Surface]
    refused: Mapping[str, str]
    points: tuple[Point, ...]

    @property
    def size(self) -> str:
        return BUDGET_WORDS[self.column]


def by_rows(cells: Sequence[tuple[Comparison, Standings]], metric: Metric) -> ByRows | None:
    """Laws over comparisons that differ in their budget and training rows only; None of one number of rows.

    Runs that succeeded count, whatever their contestant lacks elsewhere.
    """
    if len({comparison.train_rows for comparison, _ in cells}) < 2:
        return None
    column = cells[0][0].budget_kind
    points = [point for cell in cells for point in _points(*cell)]
    surfaces, refused = {}, {}
    for label in dict.fromkeys(point.series for point in points):
        own = [point for point in points if point.series == label]
        try:
            surfaces[label] = fit_surface(
                [point.size for point in own],
                [point.rows or 0.0 for point in own],
                [point.value for point in own],
                metric=metric,
            )
        except BadInput as error:
            refused[label] = str(error)
    return ByRows(column=column, surfaces=surfaces, refused=refused, points=tuple(points))


def rows_sentence(found: ByRows) -> str:
    """The exponents of size and rows with their intervals, and for whom no asymptote can be told."""
    if not found.surfaces:
        reasons = listed(list(dict.fromkeys(found.refused.values())))
        return f"No law in {found.size} and training rows is fitted: {reasons}."
    texts = [
        f"{label} {exponent_text(one.size_exponent)} and {exponent_text(one.rows_exponent)}"
        for label, one in found.surfaces.items()
    ]
    told = f"Exponents of {found.size} and of training rows: {'; '.join(texts)}."
    unknown = [label for label, one in found.surfaces.items() if not one.identified]
    return told + (f" The asymptote is {NOT_IDENTIFIED} for {listed_labels(unknown)}." if unknown else "")


def _points(comparison: Comparison, standings: Standings) -> list[Point]:
    found = []
    for entry in comparison.entries:
        values = entry.values(f"test.{standings.task}.auc")
        runs = entry.ok.to_dict("index")
        for seed, value in values.items():
            run = runs[int(str(seed))]
            rows = comparison.train_rows or _rows_seen(run)
            if rows:
                size = float(run[comparison.budget_kind])
                found.append(
                    Point(size=size, value=value, seed=str(seed), series=entry.label, rows=float(rows))
                )
    return found


def _rows_seen(run: Mapping[Any, Any]) -> int:
    """Rows of one pass, of a run on all of them; 0 where the record does not tell."""
    seen, passes = (number(run.get(f"training.{name}")) for name in ("rows", "epochs"))
    return round(seen / passes) if seen > 0 and passes > 0 else 0
