"""What stands after the results: failures, missing seeds, and what belongs to the machine and the moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from reports.comparison import Entry, Setting
from reports.notation import MISSING, estimate, short
from reports.statistics import mean_estimate
from reports.tables import Cell, Table, words


def failures_table(settings: Sequence[Setting], name: str) -> Table:
    """Every run that did not end well."""
    rows = []
    for setting in settings:
        for comparison in setting.comparisons:
            for entry in comparison.entries:
                for seed, run in entry.runs[entry.runs["status"] != "ok"].iterrows():
                    where = words(setting.title, comparison.title, entry.label, str(seed), run["status"])
                    rows.append((*where, *words(_text(run, "error.type"), _text(run, "error.message"))))
    header = ("Setting", "Budget", "Contestant", "Seed", "Status", "Error", "Message")
    return Table(name=name, header=header, rows=tuple(rows), num_text_columns=len(header))


def missing_table(settings: Sequence[Setting], name: str) -> Table:
    """Contestants without an ok run for a seed that others of their comparison were run with."""
    rows = []
    for setting in settings:
        for comparison in setting.comparisons:
            for entry in comparison.entries:
                lost = [f"{seed} ({why})" for other, seed, why in comparison.missing() if other is entry]
                if lost:
                    rows.append(words(setting.title, comparison.title, entry.label, ", ".join(lost)))
    header = ("Setting", "Budget", "Contestant", "Seeds without a result")
    return Table(name=name, header=header, rows=tuple(rows), num_text_columns=len(header))


def timings_table(settings: Sequence[Setting], name: str) -> Table:
    """Training and evaluation time and training speed, mean over seeds."""
    rows = []
    for setting in settings:
        for comparison in setting.comparisons:
            for entry in comparison.entries:
                where = words(setting.title, comparison.title, entry.label, str(len(entry.ok)))
                times = [_mean(entry, f"timings.{column}") for column in ("train_s", "evaluate_s")]
                speed = entry.values("timings.samples_per_s")
                rows.append((*where, *times, Cell(text=MISSING if speed.empty else short(speed.mean()))))
    header = (
        "Setting",
        "Budget",
        "Contestant",
        "Seeds",
        "Training, s",
        "Evaluation, s",
        "Training samples/s",
    )
    return Table(name=name, header=header, rows=tuple(rows), num_text_columns=3)


def environment_table(frame: pd.DataFrame, name: str) -> Table:
    """What the runs were made with; where they differ, how many runs had each value."""
    rows = []
    for column in [name for name in frame.columns if name.startswith("environment.")]:
        counts = Counter(frame[column].fillna(MISSING).astype(str).tolist())
        texts = [
            value if len(counts) == 1 else f"{value} ({count} runs)"
            for value, count in sorted(counts.items())
        ]
        rows.append(words(column.removeprefix("environment."), ", ".join(texts)))
    return Table(name=name, header=("What", "Value"), rows=tuple(rows), num_text_columns=2)


def commits(frame: pd.DataFrame) -> list[str]:
    """Commits that the runs were made at, marked where the checkout held other changes."""
    if "environment.commit" not in frame:
        return []
    dirty = frame["environment.dirty"].fillna(False) if "environment.dirty" in frame else False
    marks = frame.assign(mark=dirty)[["environment.commit", "mark"]].dropna().drop_duplicates()
    return sorted(
        f"{commit}{' (with uncommitted changes)' if mark else ''}"
        for commit, mark in marks.itertuples(index=False)
    )


def _mean(entry: Entry, column: str) -> Cell:
    values = entry.values(column)
    return Cell(text=MISSING if values.empty else estimate(mean_estimate(values.tolist()), 1))


def _text(run: pd.Series, column: str) -> str:
    value = run.get(column)
    return value if isinstance(value, str) and value else MISSING
