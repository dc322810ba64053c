"""`rankbench report`: tables, figures and one page from the records. Imports no torch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.contestants.lookup import registered
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.console import answer, answer_json, table
from rankbench.named import ARMS
from reports.writing.escaping import visible

if TYPE_CHECKING:
    from bench.runs.study_record import StudyRecord
    from reports.ablation.judged import Ablation
    from reports.judge.moderation import Intervals
    from reports.judge.standings import Standings
    from reports.tuning.fairness import Check
    from reports.writing.sections import Table


def run(
    store: options.Stores = options.DEFAULT_STORES,
    study: Annotated[
        str | None,
        typer.Option("--study", help="Report only this study: its name, title or command."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the report; STORE/report by default.")
    ] = None,
    intervals: Annotated[
        str,
        typer.Option(
            "--intervals",
            help="How the spread between seeds is estimated: moderated (the contestants of a table inform "
            "each other) or plain (Student's t of each pair).",
        ),
    ] = "moderated",
    pack: Annotated[
        Path | None,
        typer.Option(
            "--pack",
            help="Also write the records of this report to that folder without predictions: small, "
            "and enough to make the report again.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the page, tables and figures of every study in the store, and print the comparisons."""
    from reports.judge.moderation import parse_intervals
    from reports.records.packing import refuse_to_pack

    chosen = parse_intervals(intervals)
    into = output or store[0] / "report"
    refuse_unwritable("the report", into, "--output")
    if pack is not None:
        refuse_to_pack(pack, store)
        refuse_unwritable("the packed store", pack, "--pack")
    _write_and_print(store, into, study=study, json=json, more={}, intervals=chosen, pack=pack)


def write_and_print(
    stores: list[Path], output: Path, *, study: StudyRecord, json: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Writes the report of the studies of one command; prints their standings and the path of the page.

    Args:
        more: put before them in the answer for machines.

    Raises:
        BadInput: the stores hold nothing to report.
    """
    _write_and_print(stores, output, study=study.command, json=json, more=more or {})


def _write_and_print(
    stores: list[Path],
    output: Path,
    *,
    study: str | None,
    json: bool,
    more: Mapping[str, Any],
    intervals: Intervals = "moderated",
    pack: Path | None = None,
) -> None:
    from reports.ablation.judged import Ablation
    from reports.ablation.table import flat_rows
    from reports.datafiles import check_for_machines, for_machines
    from reports.page import build_report

    known = [*registered().values(), *ARMS.values()]
    files = build_report(
        stores,
        output,
        command=_command(stores, study, intervals),
        titles={one.name: one.title for one in known},
        years={one.name: one.paper.year for one in known if one.paper},
        decided={one.name: {one.dial.name, *([one.trim] if one.trim else [])} for one in known},
        study=study,
        intervals=intervals,
        pack_into=pack,
    )
    if json:
        checks = {"checks": [check_for_machines(check) for check in files.checks]} if files.checks else {}
        of_arms = [one for one in files.verdicts if isinstance(one, Ablation)]
        arms = {"arms": [row for one in of_arms for row in flat_rows(one)]} if of_arms else {}
        found = [for_machines(one.standings if isinstance(one, Ablation) else one) for one in files.verdicts]
        answer_json({**more, "page": str(files.page), "standings": found, **arms, **checks})
        return
    for one in files.verdicts:
        _print_ablation(one) if isinstance(one, Ablation) else _print_comparison(one)
    for check in files.checks:
        _print_check(check)
    if files.failures.rows:
        rows = [[str(cell) for cell in row] for row in files.failures.rows]
        table("Runs that did not succeed", files.failures.header, rows)
    answer(f"report: {files.page}")


def _command(stores: list[Path], study: str | None, intervals: Intervals) -> str:
    """The command that writes the same report again."""
    words = [word for store in stores for word in ("--store", str(store))]
    words += ["--study", study] if study else []
    words += ["--intervals", intervals] if intervals != "moderated" else []
    return shlex.join(["rankbench", "report", *words])


def _print_comparison(standings: Standings) -> None:
    from reports.tables import comparison_table

    _print_table(_title(standings), comparison_table(standings, terminal=True))


def _print_ablation(ablation: Ablation) -> None:
    from reports.ablation.prose import agreement
    from reports.ablation.prose import answer as sentences
    from reports.ablation.table import ablation_table

    _print_table(_title(ablation.standings), ablation_table(ablation, terminal=True))
    answer(visible(" ".join(filter(None, (sentences(ablation), agreement(ablation))))))


def _title(standings: Standings) -> str:
    parts = dict.fromkeys((standings.study, standings.data, standings.budget, standings.task))
    return " · ".join(parts)


def _print_check(check: Check) -> None:
    from reports.tuning.fairness_section import fairness_table, left_out_table

    _print_table(" · ".join(("fairness", *check.data, check.budget)), fairness_table(check))
    if (left_out := left_out_table(check)).rows:
        _print_table("Neighbours left out", left_out)


def _print_table(title: str, shown: Table) -> None:
    table(title, shown.header, [[str(cell) for cell in row] for row in shown.rows])
    for note in shown.notes:
        answer(visible(note))
