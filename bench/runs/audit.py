"""Holds a store and data sets against what they say of themselves. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.dataset import Dataset
from bench.data.references import references_fault
from bench.data.verification import fault_in, is_dataset_folder
from bench.metrics import auc, labelled
from bench.runs.record import Run
from bench.runs.store import Store


def audit_store(store: Store) -> Iterator[str]:
    """What is wrong with a store, a line each: torn records, missing files, AUCs that predictions deny."""
    view = store.read()
    yield from view.torn
    for run in view.runs.values():
        if run.status == "ok":
            yield from (
                f"run {run.key} ({run.spec.contestant.name}): {wrong}" for wrong in _audit_run(run, store)
            )


def _audit_run(run: Run, store: Store) -> Iterator[str]:
    tables = {}
    for path in (store.path("curves", run.key), store.path("predictions", run.key)):
        try:
            tables[path] = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            yield f"{path} cannot be read: {error}"
    predictions = tables.get(store.path("predictions", run.key))
    if predictions is None:
        return
    assert run.metrics is not None, "an ok run has metrics"
    for task, recorded in run.metrics["test"].items():
        label, logit = (np.asarray(predictions[f"{what}.{task}"]) for what in ("label", "logit"))
        rows = labelled(label)
        found = auc(label[rows], logit[rows]) if len(label[rows]) else math.nan
        said = math.nan if recorded["auc"] is None else recorded["auc"]  # one class has no AUC
        same = math.isnan(found) if math.isnan(said) else math.isclose(found, said, rel_tol=0, abs_tol=1e-9)
        if not same:
            yield f"test AUC of {task} is recorded as {recorded['auc']}, its predictions have {found}"


def audit_datasets(data_dir: Path) -> Iterator[tuple[str, str | None]]:
    """(name, what is wrong or None) of every data set in a folder, each of its bytes read again."""
    for folder in sorted(path for path in data_dir.glob("*") if path.is_dir()):
        if folder.name.startswith(".") or not is_dataset_folder(folder):
            continue
        fault = fault_in(folder)
        yield folder.name, fault or references_fault(Dataset.open(folder))
