"""How fast a contestant trains here, against how fast this machine multiplies matrices, in one process.

MFU (model FLOPs utilisation) is the training FLOPs of the contestant alone, as `counting` counts them, over
the time of the whole step, embedding look-ups and optimizers included, as a share of the measured GEMM
peak.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.contestants.contract import Contestant, Hyperparameters
from bench.contestants.counting import cost, on_meta
from bench.data.dataset import Dataset, Rows
from bench.data.loader import batches, rows_per_second
from bench.spec import FeatureSpec, Protocol
from bench.training.ranker import build_ranker
from bench.training.trainer import Trainer

_GEMM_SIZE = 2048
_LOADER_ROWS, _LOADER_FIELDS, _LOADER_BATCH = 1 << 19, 39, 4096
_WARM_UP_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Training speed of a contestant, FLOPs being of its matrix products only; `mfu` is None without any."""

    samples_per_second: float
    flops_per_second: float
    mfu: float | None


def loader_rows_per_second(*, seconds: float) -> float:
    """What shuffled batches of 4096 rows of 39 ids, as wide as Criteo, deliver from a warm page cache."""
    with tempfile.TemporaryDirectory() as folder:
        ids = np.random.default_rng(0).integers(0, 1000, (_LOADER_ROWS, _LOADER_FIELDS), dtype=np.int32)
        np.save(Path(folder) / "ids.npy", ids)
        rows = Rows(
            categorical=np.load(Path(folder) / "ids.npy", mmap_mode="r"),
            numeric=np.empty((_LOADER_ROWS, 0), np.float32),
            sequences={},
            label=np.zeros((_LOADER_ROWS, 1), np.uint8),
        )
        return rows_per_second(rows, batch_size=_LOADER_BATCH, seconds=seconds)


def gemm_peak(device: torch.device, *, seconds: float) -> float:
    """The best FLOP/s of a float32 product of two 2048 × 2048 matrices within about `seconds`."""
    a, b = (torch.rand(_GEMM_SIZE, _GEMM_SIZE, device=device) for _ in range(2))
    best = min(_timed(lambda: torch.mm(a, b), device) for _ in _for_seconds(seconds))
    return 2 * _GEMM_SIZE**3 / best


def training_speed(
    contestant: Contestant,
    hyperparameters: Hyperparameters,
    dataset: Dataset,
    features: FeatureSpec,
    protocol: Protocol,
    *,
    peak: float,
    device: torch.device,
    seconds: float,
) -> Speed:
    """The median training step over about `seconds`, batches read from the data set as in a run."""
    ranker = build_ranker(dataset, features, contestant, hyperparameters, seed=0, device=device)
    trainer = Trainer(ranker, protocol)
    stream = _endless(dataset.splits["train"], protocol.batch_size)
    for _ in range(_WARM_UP_STEPS):
        trainer.step(next(stream))
    times = sorted(_timed(lambda: trainer.step(next(stream)), device) for _ in _for_seconds(seconds))
    samples_per_second = protocol.batch_size / times[len(times) // 2]
    shape = ranker.features.input_shape()
    model = on_meta(contestant, shape, hyperparameters)
    work = cost(model, shape, **ranker.features.parameter_counts())
    flops = work.flops_train * samples_per_second
    return Speed(
        samples_per_second=samples_per_second, flops_per_second=flops, mfu=flops / peak if flops else None
    )


def _endless(rows: Rows, batch_size: int) -> Iterator[Rows]:
    """Whole batches, pass after pass."""
    for epoch in itertools.count():
        for batch in batches(rows, batch_size=batch_size, shuffle_seed=epoch):
            if len(batch) == batch_size:
                yield batch


def _timed(work: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _for_seconds(seconds: float) -> Iterator[None]:
    """Goes on for about `seconds`, at least three times."""
    end = time.perf_counter() + seconds
    for turn in itertools.count():
        if turn >= 3 and time.perf_counter() > end:
            return
        yield
