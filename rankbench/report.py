"""`rankbench report`: tables, figures and one page from the records. Imports no torch."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.contestants.lookup import registered
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.console import answer, answer_json, table

if TYPE_CHECKING:
    from bench.runs.study_record import StudyRecord
    from reports.standings import Standing, Standings


def run(
    store: options.Stores = options.DEFAULT_STORES,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the report; STORE/report by default.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the page, tables and figures of a store, and print the comparison."""
    into = output or store[0] / "report"
    refuse_unwritable("the report", into, "--output")
    write_and_print(store, into, study=None, json=json)


def write_and_print(stores: list[Path], output: Path, *, study: StudyRecord | None, json: bool) -> None:
    """Writes the report of the stores and answers with its standings and where it lies.

    Raises:
        BadInput: the store holds nothing to report.
    """
    from reports.page import build_report

    titles = {c.name: c.title for c in registered().values()}
    command = shlex.join(["rankbench", "report", "--store", str(stores[0])])
    files = build_report(stores[0], output, command=command, titles=titles)
    if json:
        answer_json({"page": str(files.page), "standings": [_plain(s) for s in files.standings]})
        return
    for standings in files.standings:
        _print(standings)
    answer(f"report: {files.page}")


def _print(standings: Standings) -> None:
    from reports.notation import estimate, points, share, short
    from reports.tables import REFERENCE_TITLES

    columns = ["rank", "model", "seeds", "dense", "FLOPs", "AUC", "attained %", "UAUC"]
    columns += [f"ΔAUC×100 to {standings.baseline}" if standings.baseline else "ΔAUC×100", "verdict"]

    def cells(row: Standing) -> list[str]:
        return [
            "" if row.rank is None else str(row.rank),
            row.label,
            str(len(row.seeds)),
            short(row.dense_parameters),
            short(row.flops_forward),
            estimate(row.metrics.get("auc"), 4),
            share(row.attained),
            estimate(row.metrics.get("uauc"), 4),
            points(row.to_baseline),
            row.verdict,
        ]

    rows = [cells(row) for row in standings.rows]
    table(f"{standings.setting} · {standings.comparison} · {standings.task}", columns, rows)
    for name, metrics in standings.references.items():
        values = ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items())
        answer(f"{REFERENCE_TITLES[name]}: {values}")


def _plain(standings: Standings) -> dict[str, Any]:
    """Standings for machines: the pairs, keyed by two labels, become a list."""
    plain = dataclasses.asdict(standings)
    plain["pairs"] = [{"first": a, "second": b, **d} for (a, b), d in plain["pairs"].items()]
    return plain
