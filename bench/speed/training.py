"""Training speed of a contestant, in a process of its own.

MFU (model FLOPs utilisation) is the training FLOPs of the contestant alone, as `counting` counts them, over
the time of the whole step, loader, embedding look-ups and optimizers included, as a share of the GEMM peak.
Steps and matrix products take turns in one process, for the speed of a machine changes from minute to minute:
MFU is a ratio within one round.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.contestants.blame import message_of
from bench.contestants.contract import Contestant, Hyperparameters
from bench.contestants.cost import Cost
from bench.data.dataset import Dataset, Rows
from bench.data.loader import batches, rows_per_second
from bench.errors import WorkerDied
from bench.machine.paging import peak_rss_bytes
from bench.machine.parallel import worker_processes
from bench.runs.entrants import features_of
from bench.runs.executors import begin_work, worker_environment
from bench.runs.sizing import SizedEntrant
from bench.runs.studies import Study
from bench.spec import FeatureSpec, Protocol
from bench.speed.clock import ROUNDS, for_seconds, gemm_peak, percentile, timed
from bench.speed.profile import PROFILER_ENVIRONMENT, Profile, profile
from bench.training.protocols import changed
from bench.training.ranker import build_ranker
from bench.training.trainer import Trainer

_LEAST_STEPS = 2
_WARM_UP_STEPS = 3, 10
"""The fewest and the most; a process takes some steps until its memory has found its place."""
_SHARE_OF_GEMM = 0.2
"""Of the time of a round."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to measure.

    Args:
        dataset: its folder.
        cost: of the contestant with these hyper-parameters on that data.
        threads: that torch may use.
        seconds: for all rounds together; the profile takes a third of it again.
        profiled: whether to find out where the time goes; CPU only.
    """

    contestant: Contestant
    hyperparameters: Hyperparameters
    cost: Cost
    dataset: Path
    features: FeatureSpec
    protocol: Protocol
    device: torch.device
    threads: int
    seconds: float
    profiled: bool = False


@dataclass(frozen=True, kw_only=True)
class Round:
    """One of the repetitions: steps, then matrix products."""

    step_p10_ms: float
    step_p50_ms: float
    gemm_flops_per_second: float


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a contestant trains; every figure is the median over the rounds.

    Args:
        flops_train: per example, of matrix products only.
        peak_memory_bytes: the most that the process held while it trained: Python and its libraries, the
            window of the loader, tables and weights with their optimizers, activations.
    """

    rounds: tuple[Round, ...]
    batch_size: int
    threads: int
    dense_parameters: int
    flops_train: int
    peak_memory_bytes: int
    profile: Profile | None = None

    @property
    def step_p10_ms(self) -> float:
        return statistics.median(one.step_p10_ms for one in self.rounds)

    @property
    def step_p50_ms(self) -> float:
        return statistics.median(one.step_p50_ms for one in self.rounds)

    @property
    def samples_per_second(self) -> float:
        """At the median step."""
        return 1e3 * self.batch_size / self.step_p50_ms

    @property
    def flops_per_second(self) -> float:
        return self.flops_train * self.samples_per_second

    @property
    def gemm_flops_per_second(self) -> float:
        return statistics.median(one.gemm_flops_per_second for one in self.rounds)

    @property
    def mfu(self) -> float | None:
        """None without matrix products."""
        if not self.flops_train:
            return None
        flops = 1e3 * self.batch_size * self.flops_train
        return statistics.median(flops / one.step_p50_ms / one.gemm_flops_per_second for one in self.rounds)

    def to_json(self) -> dict[str, Any]:
        """All fields and figures, plain JSON types."""
        figures = ("samples_per_second", "step_p10_ms", "step_p50_ms", "flops_per_second", "mfu")
        return {
            **{name: getattr(self, name) for name in (*figures, "gemm_flops_per_second")},
            **dataclasses.asdict(self),
        }


def job_of(
    study: Study,
    sized: SizedEntrant,
    dataset: Dataset,
    *,
    device: torch.device,
    threads: int,
    seconds: float,
    profiled: bool = False,
) -> Job:
    """What to measure of an entrant of `study` that is possible."""
    assert sized.hyperparameters is not None
    assert sized.cost is not None
    return Job(
        contestant=sized.entrant.contestant,
        hyperparameters=sized.hyperparameters,
        cost=sized.cost,
        dataset=dataset.directory,
        features=features_of(sized.entrant, study.features),
        protocol=changed(study.protocol, sized.entrant.protocol),
        device=device,
        threads=threads,
        seconds=seconds,
        profiled=profiled,
    )


def measured(jobs: Sequence[Job]) -> Iterator[Speed | str]:
    """The speed of each, or why it could not be measured; each in a fresh process, one after another."""
    for job in jobs:
        environment = {**worker_environment(job.threads), **PROFILER_ENVIRONMENT}
        result: Speed | str
        try:
            with worker_processes(1, begin=begin_work, environment=environment) as pool:
                result = pool.submit(measure, job).result()
        except WorkerDied:
            result = "its process died, for example because memory ran out"
        except Exception as error:
            result = f"{type(error).__name__}: {message_of(error)}"
        yield result


def measure(job: Job) -> Speed:
    """Trains from seed 0 in this process, and measures its steps."""
    torch.set_num_threads(job.threads)
    dataset = Dataset.open(job.dataset)
    rows = dataset.splits["train"].inputs_and_labels()
    batch_size = job.protocol.batch_size
    ranker = build_ranker(
        dataset, job.features, job.contestant, job.hyperparameters, seed=0, device=job.device
    )
    ranker.train()
    trainer = Trainer(ranker, job.protocol)
    stream = _whole_batches(rows, batch_size)

    def step() -> None:
        trainer.step(next(stream))

    of_round = job.seconds / ROUNDS
    fewest, most = _WARM_UP_STEPS
    for _ in itertools.islice(for_seconds(of_round, least=fewest), most):
        step()
    rounds, peak_memory = [], 0
    for _ in range(ROUNDS):
        times = _step_times(step, job.device, (1 - _SHARE_OF_GEMM) * of_round)
        peak_memory = peak_memory or peak_rss_bytes()  # before there are matrices to multiply
        rounds.append(
            Round(
                step_p10_ms=1e3 * percentile(times, 0.1),
                step_p50_ms=1e3 * percentile(times, 0.5),
                gemm_flops_per_second=gemm_peak(job.device, seconds=_SHARE_OF_GEMM * of_round),
            )
        )
    return Speed(
        rounds=tuple(rounds),
        batch_size=batch_size,
        threads=job.threads,
        dense_parameters=job.cost.dense_parameters,
        flops_train=job.cost.flops_train,
        peak_memory_bytes=peak_memory,
        profile=_profile(trainer, stream, rows, of_round) if job.profiled else None,
    )


def _step_times(step: Callable[[], None], device: torch.device, seconds: float) -> list[float]:
    return [timed(step, device) for _ in for_seconds(seconds, least=_LEAST_STEPS)]


def _profile(trainer: Trainer, stream: Iterator[Rows], rows: Rows, seconds: float) -> Profile:
    batch = next(stream)
    loader = len(batch) / rows_per_second(rows, batch_size=len(batch), seconds=seconds / 2)
    # Batches taken before: what the loader does within a step would count as Python.
    taken = itertools.cycle([batch, *itertools.islice(stream, 7)])
    return profile(lambda: trainer.step(next(taken)), loader_seconds=loader, seconds=seconds)


def _whole_batches(rows: Rows, batch_size: int) -> Iterator[Rows]:
    """Batches of `batch_size` rows, pass after pass."""
    for epoch in itertools.count():
        for batch in batches(rows, batch_size=batch_size, shuffle_seed=epoch):
            if len(batch) == batch_size:
                yield batch
