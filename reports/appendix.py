"""The end of the page: failures, missing seeds, environment and timings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd

from reports.judge.statistics import mean_estimate
from reports.records.comparison import Entry, Study
from reports.records.sources import Sources
from reports.writing.notation import MISSING, estimate, short
from reports.writing.sections import Cell, Facts, Paragraph, Section, Table, words

WHERE = ("Study", "Data", "Budget", "Contestant")


def failures_section(studies: Sequence[Study], sources: Sources) -> Section:
    """Runs that did not succeed, seeds without a result, and files that are damaged or missing."""
    failures, missing = failures_table(studies), missing_table(studies)
    damaged = tuple(sorted(sources.set_aside.items()))
    text: list[Paragraph | Facts] = []
    if not failures.rows:
        text.append(Paragraph(text="No run failed."))
    if damaged:
        text.append(
            Paragraph(
                text="These files are damaged or missing and were not used. Their runs keep their metrics, "
                "but differences that need the predictions are undecided.",
                style="warning",
            )
        )
        text.append(Facts(pairs=damaged))
    return Section(
        title="Failures",
        text=tuple(text),
        tables=tuple(table for table in (failures, missing) if table.rows),
    )


def failures_table(studies: Sequence[Study]) -> Table:
    """Every run that did not succeed; a run of several studies is listed for each.

    A trial that diverged has a value, and is in the section of its study.
    """
    rows = []
    for where, entry in _entries(studies):
        if entry.runs.empty:
            continue
        for seed, run in entry.runs[entry.runs["status"] != "ok"].iterrows():
            error = (_text(run, "error.type"), _text(run, "error.message"))
            rows.append(words(*where, str(seed), str(run["status"]), *error))
    header = (*WHERE, "Seed", "Status", "Error", "Message")
    return Table(name="failures", header=header, rows=tuple(rows), num_text_columns=len(header), wrapped=True)


def missing_table(studies: Sequence[Study]) -> Table:
    """Contestants without an ok run for a planned seed."""
    rows = [
        words(*where, ", ".join(f"{seed} ({why})" for seed, why in missing))
        for where, entry in _entries(studies)
        if (missing := entry.missing())
    ]
    header = (*WHERE, "Seeds without a result")
    return Table(name="missing", header=header, rows=tuple(rows), num_text_columns=len(header), wrapped=True)


def environment_section(studies: Sequence[Study], frame: pd.DataFrame, torn: Sequence[str]) -> Section:
    """What may differ between machines with the same results."""
    text: list[Paragraph | Facts] = [
        Paragraph(text="Times and speeds depend on the machine below and are not part of the comparison.")
    ]
    if torn:
        text.append(Paragraph(text="These lines of the store could not be read and were skipped:"))
        text.append(
            Facts(pairs=tuple((line, why) for line, _, why in (each.partition(": ") for each in torn)))
        )
    tables = (timings_table(studies), environment_table(frame))
    return Section(
        title="Environment and timings",
        text=tuple(text),
        tables=tuple(table for table in tables if table.rows),
    )


def timings_table(studies: Sequence[Study]) -> Table:
    """Training and evaluation time and training speed, mean over seeds."""
    rows = []
    for where, entry in _entries(studies):
        if entry.ok.empty:
            continue
        times = [_mean(entry, f"timings.{column}") for column in ("train_s", "evaluate_s")]
        speed = entry.values("timings.samples_per_s")
        fast = Cell(text=MISSING if speed.empty else short(speed.mean()))
        rows.append((*words(*where, str(len(entry.ok))), *times, fast))
    header = (*WHERE, "Seeds", "Training, s", "Evaluation, s", "Training samples/s")
    return Table(name="timings", header=header, rows=tuple(rows), num_text_columns=len(WHERE))


def environment_table(frame: pd.DataFrame) -> Table:
    """The environment of the runs; if runs differ, with the number of runs of each value."""
    rows = []
    for column in [name for name in frame.columns if name.startswith("environment.")]:
        counts = Counter(
            MISSING if missing else str(value) for value, missing in _with_missing(frame[column])
        )
        texts = [
            value if len(counts) == 1 else f"{value} ({count} runs)"
            for value, count in sorted(counts.items())
        ]
        rows.append(words(column.removeprefix("environment."), ", ".join(texts)))
    return Table(
        name="environment",
        header=("What", "Value"),
        rows=tuple(rows),
        num_text_columns=2,
        wrapped=True,
    )


def again_section(frame: pd.DataFrame, command: str) -> Section:
    """The command that makes the report again, and the commits of the runs."""
    text = [Paragraph(text=command, style="code")]
    if made_at := commits(frame):
        text.insert(0, Paragraph(text=f"The runs were made at commit {', '.join(made_at)}."))
    return Section(title="Make it again", text=tuple(text))


def commits(frame: pd.DataFrame) -> list[str]:
    """Commits of the runs, marked if the checkout had uncommitted changes."""
    if "environment.commit" not in frame:
        return []
    dirty = frame["environment.dirty"] if "environment.dirty" in frame else [False] * len(frame)
    found = {
        (commit, mark is True)
        for commit, mark in zip(frame["environment.commit"], dirty, strict=True)
        if isinstance(commit, str)
    }
    return sorted(f"{commit}{' (with uncommitted changes)' if mark else ''}" for commit, mark in found)


def _entries(studies: Sequence[Study]) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """(what `WHERE` names, entry), for every entry that can take part, but for trials that have a value."""
    for study in studies:
        for data, budget, label, entry in study.every_entry():
            if not entry.reason:
                yield (study.title, data, budget, label), entry


def _with_missing(column: pd.Series) -> Iterator[tuple[object, bool]]:
    for value in column.tolist():
        yield value, value is None or value != value  # NaN is what pandas puts where a run has no entry


def _mean(entry: Entry, column: str) -> Cell:
    values = entry.values(column)
    return Cell(
        text=MISSING if values.empty else estimate(mean_estimate(values.tolist(), (0.0, math.inf)), 1)
    )


def _text(run: pd.Series, column: str) -> str:
    value = run.get(column)
    return value if isinstance(value, str) and value else MISSING
