"""A speed is measured in a process of its own, and its figures follow from its rounds."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from bench.data.dataset import Dataset
from bench.runs.entrants import Entrant
from bench.runs.plan import size
from bench.runs.studies import Study, entrants_called
from bench.speed.clock import ROUNDS, for_seconds, percentile
from bench.speed.training import Job, Round, Speed, job_of, measured

STUDY = Study(name="speed", question="How fast?", entrants=entrants_called("dlrm-mlp"), budgets=(None,))


def job(dataset: Dataset, *, entrant: Entrant = STUDY.entrants[0], profiled: bool = False) -> Job:
    study = dataclasses.replace(STUDY, entrants=(entrant,))
    (only,) = size(study, dataset.schema)
    return job_of(
        study,
        only,
        dataset,
        device=torch.device("cpu"),
        threads=1,
        seconds=0.1,
        profiled=profiled,
    )


def test_every_figure_is_there(small_world: Dataset) -> None:
    (speed,) = measured([job(small_world, profiled=True)])
    assert isinstance(speed, Speed), speed
    assert len(speed.rounds) == ROUNDS
    assert all(one.step_p10_ms <= one.step_p50_ms for one in speed.rounds)
    assert speed.step_p10_ms <= speed.step_p50_ms
    assert speed.mfu is not None
    assert 0 < speed.mfu < 1
    assert speed.profile is not None
    assert sum(speed.profile.shares.values()) == pytest.approx(1)
    found = json.loads(json.dumps(speed.to_json(), allow_nan=False))
    assert found["mfu"] == speed.mfu
    assert found["rounds"][0]["step_p50_ms"] == speed.rounds[0].step_p50_ms


def test_the_figures_are_medians_of_the_rounds() -> None:
    rounds = tuple(
        Round(step_p10_ms=p10, step_p50_ms=p50, gemm_flops_per_second=gemm)
        for p10, p50, gemm in ((1.0, 2.0, 8e9), (3.0, 4.0, 1e9), (9.0, 10.0, 1e9))
    )
    speed = Speed(
        rounds=rounds,
        batch_size=100,
        threads=1,
        dense_parameters=1,
        flops_train=10_000,
        peak_memory_bytes=1,
    )
    assert (speed.step_p10_ms, speed.step_p50_ms) == (3.0, 4.0)
    assert speed.samples_per_second == pytest.approx(100 / 4e-3)
    assert speed.flops_per_second == pytest.approx(10_000 * 100 / 4e-3)
    # 1e6 FLOPs a step: shares of 1/16, 1/4 and 1/10, each within its round; not 4 ms at the median GEMM.
    assert speed.mfu == pytest.approx(0.1)
    assert dataclasses.replace(speed, flops_train=0).mfu is None


def test_one_that_fails_says_why_and_the_next_goes_on(small_world: Dataset) -> None:
    whole = job(small_world)
    broken = dataclasses.replace(whole, hyperparameters={"hidden_dims": (-1,)})
    first, second = measured([broken, whole])
    assert isinstance(first, str)
    assert "dlrm-mlp" in first
    assert isinstance(second, Speed)


def test_the_peak_of_one_is_not_that_of_another(small_world: Dataset) -> None:
    wide = Entrant(contestant=STUDY.entrants[0].contestant, hyperparameters={"hidden_dims": (4096, 4096)})
    held = np.ones(80_000_000)  # what this process holds is not that of its workers either
    before, large, after = measured([job(small_world), job(small_world, entrant=wide), job(small_world)])
    assert isinstance(before, Speed)
    assert isinstance(large, Speed)
    assert isinstance(after, Speed)
    weights_and_moments = 4 * large.dense_parameters * 4
    assert large.peak_memory_bytes > before.peak_memory_bytes + weights_and_moments // 2
    assert after.peak_memory_bytes < large.peak_memory_bytes - weights_and_moments // 2
    assert before.peak_memory_bytes < held.nbytes


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0, 10.0, 9.0, 8.0, 6.0, 7.0, 11.0]
    assert percentile(values, 0.1) == 2.0
    assert percentile(values, 0.5) == 6.0
    assert percentile([7.0], 0.1) == 7.0


def test_time_that_is_over_still_gives_the_least_number_of_turns() -> None:
    assert len(list(for_seconds(0.0, least=4))) == 4
