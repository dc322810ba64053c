"""Compares records with their files, and data sets with their fingerprints. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.canonical import digest_of_file
from bench.data.dataset import Dataset
from bench.data.references import references_fault
from bench.data.verification import fault_in, is_dataset_folder
from bench.metrics import evaluate
from bench.runs.record import Run
from bench.runs.store import Store


def audit_store(store: Store) -> Iterator[str]:
    """What is wrong with a store, one line each: torn records, missing or changed files, other metrics.

    Metrics are computed again from the predictions. Files are compared with their digests, if the record has
    some. Of a record without digests, only the curve and the predictions must exist.
    """
    view = store.read()
    yield from view.torn
    for run in view.runs.values():
        name = f"run {run.key} ({run.spec.contestant.name})"
        yield from (f"{name}: {wrong}" for wrong in _audit_run(run, store))


def _audit_run(run: Run, store: Store) -> Iterator[str]:
    readable = True
    expected = dict.fromkeys(("curves", "predictions") if run.status == "ok" else ())
    for kind, digest in {**expected, **run.files}.items():
        path = store.path(kind, run.key)
        try:
            found = digest_of_file(path)
        except OSError as error:
            readable = readable and kind != "predictions"
            yield f"{path} cannot be read: {error.strerror}"
            continue
        if digest is not None and found != digest:
            yield f"{path} has changed since it was written: its SHA-256 is {found}, the record has {digest}"
    if run.status == "ok" and readable:
        yield from _audit_predictions(run, store.path("predictions", run.key))


def _audit_predictions(run: Run, path: Path) -> Iterator[str]:
    """Where the predictions of an ok run do not give the metrics of its record."""
    assert run.metrics is not None, "an ok run has metrics"
    tasks = list(run.metrics["test"])
    try:
        table = pq.read_table(path)
        row = table["row"].to_numpy()
        label, logit = (
            np.stack([table[f"{what}.{task}"].to_numpy() for task in tasks], axis=1)
            for what in ("label", "logit")
        )
        user = table["user"].to_numpy() if "user" in table.column_names else None
        found = evaluate(label, logit, tasks, user)
    except (OSError, pa.ArrowException, KeyError, ValueError, AssertionError) as error:
        yield (
            f"{path} cannot be read as predictions of {', '.join(tasks)}: "
            f"{' '.join(str(error).split())[:200]}"
        )
        return
    if not np.array_equal(row, np.arange(len(row))):
        yield f"{path} has rows out of order"
    for task, recorded in run.metrics["test"].items():
        for metric, value in recorded.items():
            if not _same(found[task].get(metric), value):
                yield (
                    f"test {metric} of {task} is {value} in the record, "
                    f"but {found[task].get(metric)} in its predictions"
                )


def _same(found: float | None, recorded: float | None) -> bool:
    """Equal except for the last bits of a sum."""
    if found is None or recorded is None:
        return found is recorded
    return math.isclose(found, recorded, rel_tol=1e-9, abs_tol=1e-9)


def audit_datasets(data_dir: Path) -> Iterator[tuple[str, str | None]]:
    """(name, what is wrong or None) of every data set in a folder. Reads every byte."""
    for folder in sorted(path for path in data_dir.glob("*") if path.is_dir()):
        if folder.name.startswith(".") or not is_dataset_folder(folder):
            continue
        fault = fault_in(folder)
        yield folder.name, fault or references_fault(Dataset.open(folder))
