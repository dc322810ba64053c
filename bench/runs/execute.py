"""One run: a plan in, an outcome out. Writes nothing; failures are records too."""

from __future__ import annotations

import datetime
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from bench.contestants import Contestant
from bench.contestants.blame import message_of, out_of_memory
from bench.contestants.cost import Cost
from bench.data.dataset import Dataset, Rows
from bench.data.references import known_references
from bench.machine.device import described
from bench.machine.environment import environment
from bench.machine.isolation import isolated
from bench.machine.paging import peak_rss_bytes
from bench.metrics import evaluate
from bench.runs.outcome import Outcome
from bench.runs.record import Run, Status
from bench.spec import Spec
from bench.training.ranker import Ranker, active_parameters, build_ranker, predict
from bench.training.trainer import Diverged, Progress, Training, train

_TRACEBACK_LINES = 12


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run to be: its spec, the contestant that the spec names, and what it costs.

    Args:
        train_rows: training rows of one pass.
        observed: whether to keep what the contestant, which must have `observe`, shows of itself.
    """

    spec: Spec
    contestant: Contestant
    cost: Cost
    train_rows: int
    observed: bool = False


def execute(
    planned: Planned,
    dataset: Dataset,
    *,
    device: torch.device,
    threads: int = 1,
    keep_weights: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Trains and tests one run.

    An error of the run itself, such as divergence or too little memory, is part of the outcome and not
    raised; nor is an attempt of the contestant to exit.

    Args:
        threads: that torch may use; other numbers give other last bits.
        keep_weights: whether the outcome has the weights.
        progress: told of the rows done and of all.
    """
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    timings: dict[str, Any] = {"started": started}
    found: dict[str, Any] = {"training": {}}
    status: Status = "ok"
    error = None
    with isolated(planned.spec.seed, threads=threads):
        machine = {**environment(), **described(device)}
        try:
            found = _trained_and_tested(planned, dataset, device, timings, progress, keep_weights)
        except KeyboardInterrupt:
            raise
        except BaseException as caught:
            status, error = _status(caught), _described(caught)
    timings["peak_rss_bytes"] = peak_rss_bytes()
    run = Run(
        spec=planned.spec,
        status=status,
        cost=planned.cost,
        metrics=found.get("metrics"),
        references=known_references(dataset) or {},
        observed=found.get("observed", {}),
        training=found["training"],
        error=error,
        environment=machine,
        timings=timings,
    )
    beside = ("predictions", "curves", "observations", "weights")
    return Outcome(run=run, **{name: found.get(name) for name in beside})


def killed(planned: Planned, device: torch.device, message: str) -> Run:
    """The record of a run whose process ended without a word, as when memory runs out."""
    return Run(
        spec=planned.spec,
        status="killed",
        cost=planned.cost,
        metrics=None,
        training={},
        error={"type": "Killed", "message": message, "traceback": ""},
        environment={**environment(), **described(device)},
        timings={},
    )


def _trained_and_tested(
    planned: Planned,
    dataset: Dataset,
    device: torch.device,
    timings: dict[str, Any],
    progress: Progress | None,
    keep_weights: bool,
) -> dict[str, Any]:
    """What the run finds, by name; `timings` grows as it goes."""
    spec = planned.spec
    if dataset.fingerprint != spec.dataset.fingerprint:
        raise RuntimeError(
            f"data set '{dataset.name}' has fingerprint {dataset.fingerprint[:16]}, but this run was planned "
            f"on {spec.dataset.fingerprint[:16]}: it was replaced in between; start the command again"
        )
    ranker = build_ranker(
        dataset,
        spec.features,
        planned.contestant,
        spec.contestant.hyperparameters,
        seed=spec.seed,
        device=device,
    )
    of_log = spec.dataset.train_rows
    shortened = dataset if of_log is None else dataset.with_train_rows(of_log)
    trained = train(
        ranker, shortened, spec.protocol, seed=spec.seed, observe=planned.observed, progress=progress
    )
    timings |= {"train_s": trained.seconds, "samples_per_s": trained.rows / trained.seconds}
    before = time.perf_counter()
    test = dataset.splits["test"]
    logits = {"valid": trained.valid_logits, "test": predict(ranker, test)}
    timings["evaluate_s"] = trained.valid_seconds + time.perf_counter() - before
    found = {
        "training": {name: getattr(trained, name) for name in ("epochs", "best_epoch", "steps", "rows")},
        "metrics": {split: _metrics(dataset, split, of_split) for split, of_split in logits.items()},
        "predictions": prediction_table(dataset.schema.tasks, test, logits["test"]),
        "curves": _curve_table(trained),
        "observations": _observation_table(trained),
    }
    if (active := active_parameters(ranker, test)) is not None:
        found["observed"] = {"active_parameters": active}
    if keep_weights:
        found["weights"] = _weights(ranker)
    return found


def _status(error: BaseException) -> Status:
    if isinstance(error, Diverged):
        return "diverged"
    return "oom" if out_of_memory(error) else "failed"


def _described(error: BaseException) -> dict[str, str]:
    lines = "".join(traceback.format_exception(error)).splitlines()
    message = message_of(error)
    if isinstance(error, SystemExit):
        message = f"it tried to exit ({message})"
    return {
        "type": type(error).__name__,
        "message": message,
        "traceback": "\n".join(lines[-_TRACEBACK_LINES:]).encode(errors="backslashreplace").decode(),
    }


def _metrics(dataset: Dataset, split: str, logits: np.ndarray) -> dict[str, Any]:
    rows = dataset.splits[split]
    if not np.isfinite(logits).all():
        raise Diverged(f"{(~np.isfinite(logits)).sum()} logits of the {split} split are not finite")
    return evaluate(np.asarray(rows.label), logits, dataset.schema.tasks, _user(rows))


def _user(rows: Rows) -> np.ndarray | None:
    return None if rows.user is None else np.asarray(rows.user)


def prediction_table(tasks: tuple[str, ...], rows: Rows, logits: np.ndarray) -> pa.Table:
    """`row`, `user` where known, and per task `logit.TASK` and `label.TASK`."""
    columns: dict[str, np.ndarray] = {"row": np.arange(len(rows), dtype=np.int64)}
    if (user := _user(rows)) is not None:
        columns["user"] = user
    for k, task in enumerate(tasks):
        columns[f"logit.{task}"] = logits[:, k]
        columns[f"label.{task}"] = np.asarray(rows.label[:, k])
    return pa.table(columns)


def _curve_table(trained: Training) -> pa.Table:
    names = ("step", "epoch", "train_loss", "valid_auc")
    return pa.table({name: [getattr(point, name) for point in trained.curve] for name in names})


def _observation_table(trained: Training) -> pa.Table | None:
    """Long: a row for every number of every tensor that the contestant showed."""
    rows = [
        {"step": step, "name": name, "index": list(index), "value": float(value)}
        for step, shown in trained.observations
        for name, array in shown.items()
        for index, value in np.ndenumerate(array)
    ]
    return pa.Table.from_pylist(rows) if rows else None


def _weights(ranker: Ranker) -> Mapping[str, np.ndarray]:
    return {name: value.detach().cpu().numpy() for name, value in ranker.state_dict().items()}
