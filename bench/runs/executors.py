"""Several runs at a time, each in a process of its own.

A small contestant keeps one core busy and little more, so on a CPU two runs side by side take much less time
than one after the other on all cores. Workers train and hand back the record; the caller alone writes the
store. A worker ends with its parent, however that ends.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import numpy as np
import torch

from bench.data.dataset import Dataset
from bench.machine.allocator import keep_buffers
from bench.machine.parallel import worker_processes
from bench.runs.execute import Planned, execute
from bench.runs.record import Run
from bench.runs.store import Store

_POLL_S = 0.25


def run_side_by_side(
    planned: Sequence[Planned],
    dataset: Dataset,
    store: Store,
    *,
    device: torch.device,
    processes: int,
    progress: Callable[[Planned, int, int], None],
) -> Iterator[Run]:
    """The record of each run as soon as it is there, not yet in the store.

    Args:
        processes: how many at a time; the threads of this process are shared out among them.
        progress: called now and then with a run in flight, its rows done and its rows in all.

    Raises:
        WorkerDied: a process ended without a result; the runs in flight are lost.
    """
    threads = max(1, torch.get_num_threads() // processes)
    with (
        tempfile.TemporaryDirectory() as folder,
        worker_processes(
            min(processes, len(planned)),
            begin=functools.partial(_begin, threads),
            environment={"OMP_NUM_THREADS": str(threads)},
        ) as pool,
    ):
        board_file = Path(folder) / "rows_done"
        board = np.memmap(board_file, np.int64, "w+", shape=(len(planned), 2))
        futures: dict[Future[Run], int] = {
            pool.submit(_work, p, dataset.directory, store.directory, device, board_file, i): i
            for i, p in enumerate(planned)
        }
        while futures:
            done, _ = wait(futures, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in done:
                del futures[future]
                yield future.result()
            for i in futures.values():
                rows_done, rows = board[i].tolist()
                if rows:
                    progress(planned[i], rows_done, rows)


def _begin(threads: int) -> None:
    """What a worker does first."""
    torch.set_num_threads(threads)
    keep_buffers()


def _work(
    planned: Planned, dataset: Path, store: Path, device: torch.device, board_file: Path, index: int
) -> Run:
    board = np.memmap(board_file, np.int64, "r+")[2 * index :]

    def progress(done: int, rows: int) -> None:
        board[:2] = done, rows

    return execute(planned, _opened(dataset), Store(store), device=device, progress=progress)


@functools.cache
def _opened(directory: Path) -> Dataset:
    return Dataset.open(directory)
