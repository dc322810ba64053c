"""Several runs at a time, each in a process of its own.

A small contestant keeps one core busy and little more, so on a CPU two runs side by side take much less time
than one after the other on all cores. Workers train and hand back the record; the caller alone writes the
store. A worker ends with its parent, however that ends.
"""

from __future__ import annotations

import functools
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import loky
import numpy as np
import torch

from bench.allocator import keep_buffers
from bench.dataset import Dataset
from bench.errors import WorkerDied
from bench.record import Run
from bench.runs import Planned, execute
from bench.store import Store

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
    with tempfile.TemporaryDirectory() as folder:
        board_file = Path(folder) / "rows_done"
        board = np.memmap(board_file, np.int64, "w+", shape=(len(planned), 2))
        pool = loky.ProcessPoolExecutor(
            max_workers=min(processes, len(planned)),
            initializer=_begin,
            initargs=(os.getpid(), threads),
            env={"OMP_NUM_THREADS": str(threads)},
        )
        try:
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
        except loky.process_executor.TerminatedWorkerError as error:
            raise WorkerDied(
                f"a worker process died ({str(error).splitlines()[0]}); "
                "with fewer processes at a time there is more memory for each"
            ) from error
        finally:
            pool.shutdown(kill_workers=True)


def _begin(parent: int, threads: int) -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends its workers
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    torch.set_num_threads(threads)
    keep_buffers()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


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
