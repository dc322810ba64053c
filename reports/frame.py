"""The one table everything else is made from: a row per run, flat columns.

| columns | what |
|---|---|
| `key`, `status` | as in the record |
| `dataset`, `dataset_rev`, `fingerprint` | the data |
| `features`, `protocol_name`, `protocol` | `features` and `protocol` as canonical JSON |
| `budget_kind`, `budget_target` | empty string and 0 where the sizes were given by hand |
| `contestant`, `contestant_rev`, `hyperparameters`, `seed` | `hyperparameters` as canonical JSON |
| `embedding_parameters` … `activation_bytes` | the cost |
| `test.TASK.METRIC`, `valid.TASK.METRIC` | NaN where the run has none |
| `oracle.TASK.METRIC`, `logistic_regression.TASK.METRIC` | the references of the data, where known |
| `training.NAME`, `error.NAME` | as in the record |
| `environment.NAME`, `timings.NAME` | what may differ between machines that agree on all of the above |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bench.canonical import canonical_json
from bench.contestants.cost import Cost
from bench.runs.record import Run

COST_COLUMNS = tuple(field.name for field in dataclasses.fields(Cost))
MACHINE_PREFIXES = ("environment.", "timings.")
"""Columns whose values belong to the machine and the moment, not to the result."""


def run_frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row per run, sorted by data set, protocol, budget, contestant and seed (the key breaks ties)."""
    frame = pd.DataFrame([_row(run) for run in runs])
    order = ["dataset", "dataset_rev", "fingerprint", "features", "protocol", "budget_kind", "budget_target"]
    frame = frame.sort_values([*order, "contestant", "contestant_rev", "hyperparameters", "seed", "key"])
    identity = [name for name in frame.columns if "." not in name]
    nested = sorted(name for name in frame.columns if "." in name)
    return frame[identity + nested].reset_index(drop=True)


def without_machine(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that two machines agree on."""
    return frame[[name for name in frame.columns if not name.startswith(MACHINE_PREFIXES)]]


def tasks_of(frame: pd.DataFrame) -> list[str]:
    """Names of the tasks that any run of `frame` has a test AUC for, sorted."""
    tasks = [name[len("test.") : -len(".auc")] for name in frame.columns if _is_test_auc(name)]
    return [task for task in tasks if frame[f"test.{task}.auc"].notna().any()]


def _is_test_auc(column: str) -> bool:
    return column.startswith("test.") and column.endswith(".auc")


def _row(run: Run) -> dict[str, Any]:
    spec = run.spec
    json = spec.to_json()
    return {
        "key": run.key,
        "status": run.status,
        "dataset": spec.dataset.name,
        "dataset_rev": spec.dataset.rev,
        "fingerprint": spec.dataset.fingerprint,
        "features": canonical_json(json["features"]),
        "protocol_name": spec.protocol.name,
        "protocol": canonical_json(json["protocol"]),
        "budget_kind": spec.budget.kind if spec.budget else "",
        "budget_target": spec.budget.target if spec.budget else 0,
        "contestant": spec.contestant.name,
        "contestant_rev": spec.contestant.rev,
        "hyperparameters": canonical_json(json["contestant"]["hyperparameters"]),
        "seed": spec.seed,
        **dataclasses.asdict(run.cost),
        **_metric_columns({**(run.metrics or {}), **run.references}),
        **_flat("training", run.training),
        **_flat("error", run.error or {}),
        **_flat("environment", run.environment),
        **_flat("timings", run.timings),
    }


def _metric_columns(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{part}.{task}.{metric}": float("nan") if value is None else value
        for part, tasks in metrics.items()
        for task, values in (tasks or {}).items()
        for metric, value in values.items()
    }


def _flat(prefix: str, values: Mapping[str, Any], /) -> dict[str, Any]:
    """Nested mappings, such as library versions, become dotted columns."""
    columns: dict[str, Any] = {}
    for name, value in values.items():
        columns |= (
            _flat(f"{prefix}.{name}", value) if isinstance(value, Mapping) else {f"{prefix}.{name}": value}
        )
    return columns
