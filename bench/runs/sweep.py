"""Trains the runs that are missing from a store, and stores each one as soon as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from bench.data.dataset import Dataset
from bench.runs.execute import Planned
from bench.runs.executors import one_after_another, side_by_side
from bench.runs.keeping import keep
from bench.runs.record import Run
from bench.runs.store import Readable, Store


def missing(planned: Sequence[Planned], stores: Readable, *, weights: bool = False) -> list[Planned]:
    """The planned runs that still have to be done, the longest first, so that processes end together.

    Those whose process was killed the last time come last. A run that is to be observed and was not is done
    again.

    Args:
        weights: whether a run without its weights counts as not done.
    """
    view = stores.read()
    settled = view.settled()

    def done(key: str, run: Planned) -> bool:
        if key not in settled:
            return False
        wanted = (["weights"] if weights else []) + (["observations"] if run.observed else [])
        found = view.runs[key]
        return found.status != "ok" or all(stores.path(kind, found.key).is_file() for kind in wanted)

    left = list({key: run for run in planned if not done(key := run.spec.key(), run)}.values())
    killed = {key for key, run in view.runs.items() if run.status == "killed"}
    return sorted(left, key=lambda run: (run.spec.key() in killed, -run.train_rows * run.cost.flops_train))


def sweep(
    planned: Sequence[Planned],
    dataset: Dataset,
    store: Store,
    *,
    device: torch.device,
    processes: int = 1,
    threads: int = 1,
    keep_weights: bool = False,
    progress: Callable[[Planned, int, int], None] | None = None,
    finished: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Does the runs, and puts each into the store as soon as it ends; returns their records.

    Args:
        processes: how many runs at a time; 1 does them in this process, one after another.
        threads: of each run; other numbers give other last bits.
        keep_weights: whether to keep the weights of every run.
        progress: told of a run in flight, its rows done and its rows in all.
        finished: told of each record that has been stored.

    Raises:
        WorkerDied: processes end before any run has begun.
    """

    def tell(run: Planned, done: int, rows: int) -> None:
        if progress is not None:
            progress(run, done, rows)

    if processes > 1 and planned:
        outcomes = side_by_side(
            planned,
            dataset,
            device=device,
            processes=processes,
            threads=threads,
            keep_weights=keep_weights,
            progress=tell,
        )
    else:
        outcomes = one_after_another(
            planned, dataset, device=device, threads=threads, keep_weights=keep_weights, progress=tell
        )
    runs = []
    for outcome in outcomes:
        runs.append(keep(outcome, store))
        if finished is not None:
            finished(runs[-1])
    return runs
