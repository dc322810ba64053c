"""A trained contestant outside of its run: its weights into a ranker, rows into a file of predictions.

Batches are cut as the test of a run cuts them, so that on its test rows the same machine, with the same
number of threads, gives the logits of the run to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from scipy.special import expit

from bench.contestants import Contestant
from bench.contestants.blame import blamed
from bench.data.dataset import Dataset, Rows
from bench.data.importing.applying import AnotherFile
from bench.data.loader import batches
from bench.errors import BadInput
from bench.machine.isolation import isolated
from bench.runs.record import Run
from bench.training.ranker import EVALUATION_BATCH, Ranker, build_ranker, predict

Batch = tuple[np.ndarray, Rows]
"""(numbers of the rows where they come from, int64, from 0; the rows)."""


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What was written.

    Args:
        rows: how many.
        mean_probability: by task.
    """

    rows: int
    mean_probability: Mapping[str, float]


def batches_of_split(rows: Rows) -> Iterator[Batch]:
    """A split of a data set, in its order."""
    first = 0
    for batch in batches(rows.inputs_and_labels(), batch_size=EVALUATION_BATCH):
        yield np.arange(first, first + len(batch)), batch
        first += len(batch)


def batches_of_file(file: AnotherFile, *, progress: Callable[[int, int | None], None]) -> Iterator[Batch]:
    """The rows of a file, in its order.

    Args:
        progress: told (rows done, an estimate of all).
    """
    waiting: list[dict[str, np.ndarray]] = []
    count = done = 0
    for numbers, rows, share_read in file.blocks():
        waiting.append({_NUMBER: numbers, **dict(rows.columns())})
        count += len(rows)
        done += len(rows)
        progress(done, int(done / max(share_read, 1e-9)))
        if count >= EVALUATION_BATCH:
            joined = _joined(waiting)
            whole = count - count % EVALUATION_BATCH
            for start in range(0, whole, EVALUATION_BATCH):
                yield _batch(joined, slice(start, start + EVALUATION_BATCH))
            waiting = [{name: array[whole:] for name, array in joined.items()}]
            count -= whole
    if count:
        yield _batch(_joined(waiting), slice(None))


_NUMBER = ".number"
"""Beside the columns of rows, none of which is called so."""


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _batch(columns: dict[str, np.ndarray], some: slice) -> Batch:
    """Some of the rows, in memory of their own."""
    taken = {name: array[some].copy() for name, array in columns.items()}
    return taken.pop(_NUMBER), Rows.from_columns(taken)


def write_predictions(
    run: Run,
    contestant: Contestant,
    weights: Path,
    dataset: Dataset,
    rows: Iterable[Batch],
    output: Path,
    *,
    device: torch.device,
) -> Predicted:
    """Writes a Parquet file with ``row``, and per task ``logit.TASK`` and ``probability.TASK``.

    Args:
        contestant: the one that the run's spec names.
        weights: file of the run's weights.
        dataset: whose schema the run was trained on.
        output: written row group by row group: the caller says what becomes of a part of it.

    Raises:
        BadInput: the weights do not fit the contestant, the contestant raises, or a logit is not finite.
    """
    spec, tasks = run.spec, dataset.schema.tasks
    schema = pa.schema(
        [("row", pa.int64())]
        + [(f"{what}.{task}", pa.float32()) for task in tasks for what in ("logit", "probability")]
    )
    total, count = np.zeros(len(tasks)), 0
    threads = int(run.environment.get("threads") or 1)  # another number gives other last bits
    with (
        isolated(spec.seed, threads=threads),
        pq.ParquetWriter(output, schema, compression="zstd") as writer,
    ):
        ranker = _trained(run, contestant, weights, dataset, device)
        for numbers, batch in rows:
            with blamed(f"contestant '{contestant.name}'"):
                logits = predict(ranker, batch)
            _refuse_not_finite(contestant.name, numbers, logits)
            probability = expit(logits.astype(np.float64))
            columns: dict[str, np.ndarray] = {"row": numbers.astype(np.int64)}
            for k, task in enumerate(tasks):
                columns[f"logit.{task}"] = logits[:, k]
                columns[f"probability.{task}"] = probability[:, k].astype(np.float32)
            writer.write_table(pa.table(columns, schema=schema))
            total += probability.sum(axis=0)
            count += len(numbers)
    return Predicted(rows=count, mean_probability=dict(zip(tasks, (total / count).tolist(), strict=True)))


def _trained(
    run: Run, contestant: Contestant, weights: Path, dataset: Dataset, device: torch.device
) -> Ranker:
    spec = run.spec
    hyperparameters = spec.contestant.hyperparameters
    ranker = build_ranker(dataset, spec.features, contestant, hyperparameters, seed=spec.seed, device=device)
    try:
        ranker.load_state_dict(safetensors.torch.load_file(weights))
    except (RuntimeError, OSError, safetensors.SafetensorError) as error:
        raise BadInput(
            f"{weights} does not fit contestant '{contestant.name}' in its present form: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error
    return ranker


def _refuse_not_finite(name: str, numbers: np.ndarray, logits: np.ndarray) -> None:
    bad = ~np.isfinite(logits).all(axis=1)
    if bad.any():
        raise BadInput(
            f"contestant '{name}' returns logits that are not finite for {np.count_nonzero(bad)} of "
            f"{len(bad)} rows, first for row {numbers[bad.argmax()]}; nothing is written"
        )
