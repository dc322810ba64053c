"""The table behind the whole report: one row per run, with flat columns.

| columns | what |
|---|---|
| `key`, `status` | as in the record; `key` names the files of the run |
| `spec_key` | the key of the spec as this version computes it, by which studies name it |
| `dataset`, `dataset_rev`, `fingerprint` | the data |
| `train_rows` | how many of its training rows were used, the last ones; 0 if all |
| `features`, `protocol_name`, `protocol` | `features` and `protocol` as canonical JSON |
| `budget_kind`, `budget_target` | empty string and 0 if the sizes were given by the user |
| `contestant`, `contestant_rev`, `source` | `source`: hash of the code of your own contestant |
| `hyperparameters`, `seed` | `hyperparameters` as canonical JSON |
| `embedding_parameters` … `activation_bytes` | the cost |
| `test.TASK.METRIC`, `valid.TASK.METRIC` | NaN where the run has none |
| `oracle.TASK.METRIC`, `logistic_regression.TASK.METRIC` | the references of the data, where known |
| `observed.NAME` | as in the record |
| `training.NAME`, `error.NAME` | as in the record, numbers where they are finite |
| `environment.NAME`, `timings.NAME` | what may differ between machines that agree on all of the above |
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any

import pandas as pd

from bench.canonical import canonical_json
from bench.runs.record import Run

IDENTITY = (
    "key",
    "spec_key",
    "status",
    "dataset",
    "dataset_rev",
    "fingerprint",
    "train_rows",
    "features",
    "protocol_name",
    "protocol",
    "budget_kind",
    "budget_target",
    "contestant",
    "contestant_rev",
    "source",
    "hyperparameters",
    "seed",
)
"""The columns that every frame has."""
MACHINE_PREFIXES = ("environment.", "timings.")
"""Columns whose values belong to the machine and the moment, not to the result."""


def run_frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row per run, sorted by data set, protocol, budget, contestant and seed (the key breaks ties)."""
    frame = pd.DataFrame([_row(run) for run in runs])
    if frame.empty:
        return pd.DataFrame(columns=[*IDENTITY])
    order = ["dataset", "dataset_rev", "fingerprint", "train_rows", "features", "protocol"]
    order += ["budget_kind", "budget_target"]
    frame = frame.sort_values([*order, "contestant", "contestant_rev", "hyperparameters", "seed", "key"])
    identity = [name for name in frame.columns if "." not in name]
    nested = sorted(name for name in frame.columns if "." in name)
    return frame[identity + nested].reset_index(drop=True)


def without_machine(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that two machines agree on."""
    return frame[[name for name in frame.columns if not name.startswith(MACHINE_PREFIXES)]]


def tasks_of(frame: pd.DataFrame) -> list[str]:
    """Names of the tasks that any run was tested on, sorted; a test with one class has no AUC."""
    names = [name for name in frame.columns if name.startswith("test.")]
    tasks = {name[len("test.") :].rpartition(".")[0] for name in names if frame[name].notna().any()}
    return sorted(tasks)


def _row(run: Run) -> dict[str, Any]:
    spec = run.spec
    return {
        "key": run.key,
        "spec_key": spec.key(),
        "status": run.status,
        "dataset": spec.dataset.name,
        "dataset_rev": spec.dataset.rev,
        "fingerprint": spec.dataset.fingerprint,
        "train_rows": spec.dataset.train_rows or 0,
        "features": canonical_json(dataclasses.asdict(spec.features)),
        "protocol_name": spec.protocol.name,
        "protocol": canonical_json(dataclasses.asdict(spec.protocol)),
        "budget_kind": spec.budget.kind if spec.budget else "",
        "budget_target": spec.budget.target if spec.budget else 0,
        "contestant": spec.contestant.name,
        "contestant_rev": spec.contestant.rev,
        "source": spec.contestant.source or "",
        "hyperparameters": canonical_json(spec.contestant.hyperparameters),
        "seed": spec.seed,
        **dataclasses.asdict(run.cost),
        **_metric_columns(_mapping(run.metrics) | _mapping(run.references)),
        **_flat("observed", run.observed),
        **_flat("training", run.training),
        **_flat("error", run.error),
        **_flat("environment", run.environment),
        **_flat("timings", run.timings),
    }


def _metric_columns(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{part}.{task}.{metric}": number(value)
        for part, tasks in metrics.items()
        for task, values in _mapping(tasks).items()
        for metric, value in _mapping(values).items()
    }


def number(value: object) -> float:
    """`value` where it is a finite number, else NaN: a record's free entries may hold anything."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return math.nan
    return float(value)


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _flat(prefix: str, values: object, /) -> dict[str, Any]:
    """Nested mappings, such as library versions, become dotted columns; lists become text."""
    columns: dict[str, Any] = {}
    for name, value in _mapping(values).items():
        if isinstance(value, Mapping):
            columns |= _flat(f"{prefix}.{name}", value)
        else:
            plain = isinstance(value, (str, int, float, NoneType))
            columns[f"{prefix}.{name}"] = value if plain else json.dumps(value, ensure_ascii=False)
    return columns
