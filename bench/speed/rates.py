"""Rows per second of what comes before training: the loader, the synthetic world, the importer."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.data.dataset import Rows
from bench.data.loader import rows_per_second
from bench.data.synthetic import synthesize
from bench.machine.parallel import cores, worker_processes
from bench.runs.executors import begin_work

_LOADER_ROWS, _LOADER_FIELDS, _LOADER_BATCH = 1 << 19, 39, 4096
_SYNTHETIC_ROWS = 500_000
"""Enough that the start of the processes hardly counts."""
_IMPORTED_ROWS = 300_000
_COUNTS, _CATEGORIES = 13, 26


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


def synthesis_rows_per_second() -> float:
    """How fast the trees world of 500 thousand rows is made, with a process a core."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        synthesize(Path(folder) / "trees", family="trees", rows=_SYNTHETIC_ROWS, seed=1, processes=cores())
        return _SYNTHETIC_ROWS / (time.perf_counter() - start)


def import_rows_per_second() -> float:
    """How fast 300 thousand random rows in the format of Criteo are imported, in a fresh process.

    `examples/benchmark_import.py` measures the importer on real rows, and on more of them.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        worker_processes(1, begin=begin_work, environment={"POLARS_MAX_THREADS": "1"}) as pool,
    ):
        pool.submit(_write_rows, Path(folder) / "train.txt").result()
        return _IMPORTED_ROWS / pool.submit(_import, Path(folder)).result()


def _write_rows(file: Path) -> None:
    import polars as pl

    generator = np.random.default_rng(0)
    columns = {"label": pl.Series(generator.integers(0, 2, _IMPORTED_ROWS))}
    for i in range(_COUNTS):
        columns[f"count {i}"] = pl.Series(generator.geometric(0.05, _IMPORTED_ROWS))
    for i in range(_CATEGORIES):
        values = pl.Series([f"{value * 2654435761 % 2**32:08x}" for value in range(1 + 10 ** (1 + i % 5))])
        columns[f"category {i}"] = values.gather(
            (len(values) * generator.random(_IMPORTED_ROWS) ** 3).astype(int)
        )
    pl.DataFrame(columns).write_csv(file, separator="\t", include_header=False)


def _import(folder: Path) -> float:
    """The seconds that the import takes."""
    from bench.data.importing import import_table
    from bench.data.public.criteo import PLANS

    start = time.perf_counter()
    import_table(PLANS["criteo"], folder / "train.txt", folder / "criteo")
    return time.perf_counter() - start
