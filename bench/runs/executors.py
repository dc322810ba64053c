"""How runs are done: one after another here, or several at a time, each in a process of its own.

A small contestant keeps one core busy and little more, so on a CPU two runs side by side take much less time
than one after the other on all cores. Workers train and hand the outcome back; they write nothing. A worker
ends with its parent, however that ends.

A process that dies takes the runs in flight with it, and does not say whose fault it was. So each of these
is tried once more, alone; one whose process dies again is recorded as killed, and the others go on.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import numpy as np
import torch

from bench.data.dataset import Dataset
from bench.errors import WorkerDied
from bench.machine.allocator import huge_pages, keep_buffers
from bench.machine.parallel import worker_processes
from bench.runs.execute import Planned, execute, killed
from bench.runs.outcome import Outcome

Told = Callable[[Planned, int, int], None]
"""Called now and then with a run in flight, its rows done and its rows in all."""
_POLL_S = 0.25
_BYTES_OF_A_PROCESS = 600 << 20
"""Libraries, batches and the pages of the data that are in use."""


def bytes_of_run(planned: Planned) -> int:
    """What a run is expected to need: tables and weights with their optimizers, and activations."""
    cost, protocol = planned.cost, planned.spec.protocol
    snapshot = 1 if protocol.epochs > 1 else 0  # the weights of the best epoch
    of_tables = cost.embedding_parameters + cost.linear_parameters
    parameters = (2 + snapshot) * of_tables + (4 + snapshot) * cost.dense_parameters
    return _BYTES_OF_A_PROCESS + 4 * parameters + 2 * protocol.batch_size * cost.activation_bytes


def one_after_another(
    planned: Sequence[Planned],
    dataset: Dataset,
    *,
    device: torch.device,
    threads: int,
    keep_weights: bool,
    progress: Told,
) -> Iterator[Outcome]:
    """The outcome of each run, in this process."""
    for run in planned:
        yield execute(
            run,
            dataset,
            device=device,
            threads=threads,
            keep_weights=keep_weights,
            progress=functools.partial(progress, run),
        )


def side_by_side(
    planned: Sequence[Planned],
    dataset: Dataset,
    *,
    device: torch.device,
    processes: int,
    threads: int,
    keep_weights: bool,
    progress: Told,
) -> Iterator[Outcome]:
    """The outcome of each run, in the order in which they end.

    Args:
        processes: how many at a time, each with so many `threads`.

    Raises:
        WorkerDied: processes end before any run has begun.
    """
    left = list(planned)
    work = functools.partial(
        _work, dataset=dataset.directory, device=device, threads=threads, keep_weights=keep_weights
    )

    def done_by(count: int, runs: Sequence[Planned], suspects: list[Planned]) -> Iterator[Outcome]:
        for run, outcome in _in_a_pool(count, runs, work, threads, progress, suspects):
            left.remove(run)
            yield outcome

    while left:
        suspects: list[Planned] = []
        try:
            yield from done_by(min(processes, len(left)), list(left), suspects)
        except WorkerDied:
            if not suspects:
                raise
        for run in suspects:
            try:
                yield from done_by(1, [run], [])
            except WorkerDied as error:
                left.remove(run)
                yield Outcome(run=killed(run, device, f"{error}, twice, the second time alone"))


def _in_a_pool(
    processes: int,
    planned: Sequence[Planned],
    work: Callable[..., Outcome],
    threads: int,
    progress: Told,
    suspects: list[Planned],
) -> Iterator[tuple[Planned, Outcome]]:
    """Runs with their outcomes. Where a process dies, `suspects` are those that had begun and not ended."""
    with tempfile.TemporaryDirectory() as folder:
        board_file = Path(folder) / "rows_done"
        board = np.memmap(board_file, np.int64, "w+", shape=(len(planned), 3))
        futures: dict[Future[Outcome], int] = {}
        try:
            with worker_processes(
                processes, begin=begin_work, environment=worker_environment(threads)
            ) as pool:
                futures |= {
                    pool.submit(work, run, board_file=board_file, index=i): i for i, run in enumerate(planned)
                }
                while futures:
                    done, _ = wait(futures, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=lambda future: future.exception() is not None):
                        outcome = future.result()
                        yield planned[futures.pop(future)], outcome
                    for i in futures.values():
                        _, rows_done, rows = board[i].tolist()
                        if rows:
                            progress(planned[i], rows_done, rows)
        except WorkerDied:
            suspects += [planned[i] for i in futures.values() if board[i, 0]]
            raise


def worker_environment(threads: int) -> dict[str, str]:
    """The variables that a worker whose torch may use so many threads starts with."""
    return {"OMP_NUM_THREADS": str(threads), **huge_pages()}


def begin_work() -> None:
    """What a worker does first. What a contestant prints, be it past Python, is no answer."""
    sys.stdout = sys.stderr
    os.dup2(2, 1)
    keep_buffers()


def _work(
    planned: Planned,
    *,
    dataset: Path,
    device: torch.device,
    threads: int,
    keep_weights: bool,
    board_file: Path,
    index: int,
) -> Outcome:
    board = np.memmap(board_file, np.int64, "r+")[3 * index :]
    board[0] = 1

    def progress(done: int, rows: int) -> None:
        board[1:3] = done, rows

    return execute(
        planned,
        _opened(dataset),
        device=device,
        threads=threads,
        keep_weights=keep_weights,
        progress=progress,
    )


@functools.cache
def _opened(directory: Path) -> Dataset:
    return Dataset.open(directory)
