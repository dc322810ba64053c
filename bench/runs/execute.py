"""One run: a spec in, a record out, with predictions and curve beside it; failures are records too."""

from __future__ import annotations

import datetime
import os
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bench.contestants.contract import Contestant
from bench.contestants.counting import cost, on_meta
from bench.data.dataset import Dataset, Rows
from bench.data.references import references
from bench.machine.environment import environment
from bench.machine.paging import peak_rss_bytes
from bench.metrics import evaluate
from bench.runs.record import Run
from bench.runs.store import Store
from bench.spec import Spec
from bench.training.features import features_on_meta
from bench.training.trainer import Diverged, Progress, Training, build_ranker, predict, train

_TRACEBACK_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run to be."""

    spec: Spec
    contestant: Contestant


def execute(
    planned: Planned,
    dataset: Dataset,
    store: Store,
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> Run:
    """Trains and tests one run. Returns its record, for the caller to append to the store.

    Predictions and curve are in the store's folders by then. An error of the run itself, such as divergence
    or too little memory, is part of the record and not raised.
    """
    spec, contestant = planned.spec, planned.contestant
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    features = features_on_meta(dataset.schema, spec.features)
    shape = features.input_shape()
    status, error, metrics = "ok", None, None
    training: dict[str, Any] = {}
    timings: dict[str, Any] = {"started": started}
    try:
        ranker = build_ranker(
            dataset,
            spec.features,
            contestant,
            spec.contestant.hyperparameters,
            seed=spec.seed,
            device=device,
        )
        trained = train(ranker, dataset, spec.protocol, seed=spec.seed, progress=progress)
        training = {name: getattr(trained, name) for name in ("epochs", "best_epoch", "steps", "rows")}
        timings |= {"train_s": trained.seconds, "samples_per_s": trained.rows / trained.seconds}
        before = time.perf_counter()
        logits = {split: predict(ranker, dataset.splits[split]) for split in ("valid", "test")}
        timings["evaluate_s"] = time.perf_counter() - before
        metrics = {split: _metrics(dataset, split, logits[split]) for split in logits}
        metrics |= references(dataset)
        _write(store.curve_path(spec.key()), _curve_table(trained))
        _write(store.prediction_path(spec.key()), _prediction_table(dataset, logits["test"]))
    except Exception as caught:
        status, error, metrics = _status(caught), _described(caught), None
    timings["peak_rss_bytes"] = peak_rss_bytes()
    return Run(
        spec=spec,
        status=status,
        cost=cost(
            on_meta(contestant, shape, spec.contestant.hyperparameters),
            shape,
            **features.parameter_counts(),
        ),
        metrics=metrics,
        training=training,
        error=error,
        environment={**environment(), "device": str(device)},
        timings=timings,
    )


def _status(error: Exception) -> str:
    if isinstance(error, Diverged):
        return "diverged"
    # The CPU allocator of torch has no error class of its own.
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(
        error
    )
    return "oom" if out_of_memory else "failed"


def _described(error: Exception) -> dict[str, str]:
    lines = "".join(traceback.format_exception(error)).splitlines()
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "\n".join(lines[-_TRACEBACK_LINES:]),
    }


def _metrics(dataset: Dataset, split: str, logits: np.ndarray) -> dict[str, Any]:
    rows = dataset.splits[split]
    if not np.isfinite(logits).all():
        raise Diverged(f"{(~np.isfinite(logits)).sum()} logits of the {split} split are not finite")
    return evaluate(np.asarray(rows.label), logits, dataset.schema.tasks, _user(rows))


def _user(rows: Rows) -> np.ndarray | None:
    return None if rows.user is None else np.asarray(rows.user)


def _prediction_table(dataset: Dataset, logits: np.ndarray) -> pa.Table:
    rows = dataset.splits["test"]
    columns: dict[str, np.ndarray] = {"row": np.arange(len(rows), dtype=np.int64)}
    if (user := _user(rows)) is not None:
        columns["user"] = user
    for k, task in enumerate(dataset.schema.tasks):
        columns[f"logit.{task}"] = logits[:, k]
        columns[f"label.{task}"] = np.asarray(rows.label[:, k])
    return pa.table(columns)


def _curve_table(trained: Training) -> pa.Table:
    names = ("step", "epoch", "train_loss", "valid_auc")
    return pa.table({name: [getattr(point, name) for point in trained.curve] for name in names})


def _write(path: Path, table: pa.Table) -> None:
    """All of the file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(path)
