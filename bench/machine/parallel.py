"""Work side by side, in threads or in processes that end with their parent; results in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

import loky

from bench.errors import WorkerDied

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 4
_POLL_S = 0.25
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def cores() -> int:
    """How many this process may use: fewer than the machine has where affinity or a container says so."""
    return loky.cpu_count()


def leave_polars_one_thread() -> None:
    """For work that is in threads already. Must come before polars is imported, which reads it then."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")


@contextlib.contextmanager
def worker_processes(
    count: int,
    *,
    begin: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Executor]:
    """A pool of fresh interpreters, which are ended with the block.

    They are no forks: this process may have threads, of BLAS or torch, that a fork would not survive. They
    leave an interrupt to this process and end with it, however that ends.

    Args:
        count: how many.
        begin: what each does first.
        environment: variables that they get besides those of this process.

    Raises:
        WorkerDied: a process ended without a result; what was in flight is lost.
    """
    pool = loky.ProcessPoolExecutor(
        count, initializer=_begin, initargs=(os.getpid(), begin), env=dict(environment or {})
    )
    try:
        with interrupts_afterwards():  # a pool that was interrupted while it starts cannot be shut down
            pool.submit(_nothing)
        yield pool
    except loky.process_executor.TerminatedWorkerError as error:
        raise WorkerDied(
            f"a worker process died ({str(error).splitlines()[0]}); if memory ran out, give fewer --processes"
        ) from error
    finally:
        pool.shutdown(kill_workers=True)


@contextlib.contextmanager
def interrupts_afterwards() -> Iterator[None]:
    """Holds an interrupt of the block back until the block has ended; a second one ends it at once.

    For code that must not be interrupted, such as that of C++ which calls Python. Only the main thread gets
    interrupts.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    held_back = threading.Event()

    def hold(*_: object) -> None:
        if held_back.is_set():
            raise KeyboardInterrupt
        held_back.set()

    handler = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held_back.is_set():
        signal.raise_signal(signal.SIGINT)


def _nothing() -> None:
    """The first piece of work of a pool, which is what starts it."""


def _begin(parent: int, begin: Callable[[], None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":  # at once, even while one long call holds the interpreter
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    begin()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


def map_in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """``function(item)`` of every item, in their order; the first error in that order is raised.

    No more than `ahead` items are taken before their turn, for their results are in memory.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map_in_order` in a few threads, for work that lets go of the interpreter."""
    threads = min(MAX_THREADS, cores())
    with ThreadPoolExecutor(threads) as pool:
        yield from map_in_order(pool, function, items, ahead=threads)
