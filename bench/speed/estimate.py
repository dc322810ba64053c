"""How long runs will take on this machine, from a few of their steps on random rows: a minute, not hours.

A run's time is that of its training steps and of predicting valid and test. Not counted: reading the rows,
which takes little beside a step, and what is done once, such as generating the data.
"""

from __future__ import annotations

import heapq
import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bench.contestants.blame import message_of
from bench.contestants.contract import Contestant
from bench.data.dataset import DatasetFacts
from bench.data.loader import num_training_batches
from bench.errors import WorkerDied
from bench.machine.isolation import isolated
from bench.machine.parallel import map_in_order, worker_processes
from bench.runs.execute import Planned
from bench.runs.executors import begin_work, worker_environment
from bench.spec import Spec
from bench.speed.clock import for_seconds, timed
from bench.speed.random_data import random_rows
from bench.training.ranker import EVALUATION_BATCH, build_ranker, predict
from bench.training.trainer import Trainer

_BATCHES = 4
"""Batches that take turns."""
_WARM_UP_STEPS = 3
_LEAST_STEPS = 5
_SECONDS = 0.3
"""Of training steps for each."""
_PREDICTIONS = 3


@dataclass(frozen=True, kw_only=True)
class Paced:
    """What to measure: one run, on random rows of the schema of its data."""

    spec: Spec
    contestant: Contestant
    data: DatasetFacts
    device: torch.device
    threads: int


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds of one training step, and of predicting `EVALUATION_BATCH` rows."""

    step_s: float
    predict_s: float

    def run_seconds(self, run: Planned, data: DatasetFacts) -> float:
        """Of a run with all its epochs."""
        predicted = data.rows["test"] + run.spec.protocol.epochs * data.rows["valid"]
        return num_steps(run) * self.step_s + predicted / EVALUATION_BATCH * self.predict_s


def num_steps(run: Planned) -> int:
    """Training steps of a run, with all its epochs."""
    protocol = run.spec.protocol
    return protocol.epochs * num_training_batches(run.train_rows, protocol.batch_size)


def paces(jobs: Sequence[Paced], *, processes: int) -> Iterator[Pace | str]:
    """The pace of each in their order, or why it could not be measured.

    Args:
        processes: how many are measured at a time, for runs that train side by side slow each other down.
    """
    done = 0
    while done < len(jobs):
        count = min(processes, len(jobs) - done)
        try:
            environment = worker_environment(jobs[done].threads)
            with worker_processes(count, begin=begin_work, environment=environment) as pool:
                for result in map_in_order(pool, pace_or_why, jobs[done:], ahead=count):
                    done += 1
                    yield result
        except WorkerDied:
            if count == 1:  # with several it is not known whose fault it was
                done += 1
                yield "its process died, for example because memory ran out"
            processes = 1


def pace_or_why(job: Paced) -> Pace | str:
    """Measures the pace in this process, or says why it cannot."""
    try:
        with isolated(0, threads=job.threads):
            return _pace(job)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a contestant may raise anything, or exit
        return f"{type(error).__name__}: {message_of(error)}"


def seconds_of_all(seconds: Iterable[float], *, processes: int) -> float:
    """Until the last run ends, the longest being begun first and so many running at a time."""
    ends = [0.0] * processes
    for of_one in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + of_one)
    return max(ends)


def _pace(job: Paced) -> Pace:
    spec, generator = job.spec, np.random.default_rng(0)
    ranker = build_ranker(
        job.data,
        spec.features,
        job.contestant,
        spec.contestant.hyperparameters,
        seed=0,
        device=job.device,
    )
    ranker.train()
    trainer = Trainer(ranker, spec.protocol)
    size = spec.protocol.batch_size
    batches = itertools.cycle([random_rows(job.data.schema, size, generator) for _ in range(_BATCHES)])

    def step() -> None:
        trainer.step(next(batches))

    for _ in range(_WARM_UP_STEPS):
        step()
    steps = [timed(step, job.device) for _ in for_seconds(_SECONDS, least=_LEAST_STEPS)]
    rows = random_rows(job.data.schema, EVALUATION_BATCH, generator)
    predictions = [timed(lambda: predict(ranker, rows), job.device) for _ in range(_PREDICTIONS)]
    return Pace(step_s=statistics.median(steps), predict_s=statistics.median(predictions))
