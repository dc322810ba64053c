"""From steps to the time of a run and of all runs; and models that cannot be measured."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.contestants import Contestant, Dial
from bench.data.synthetic import schema
from bench.runs.entrants import Entrant
from bench.speed.estimate import Pace, Paced, num_steps, pace_or_why, paces, seconds_of_all
from bench.speed.random_data import random_rows
from tests.bench.runs.quick import CPU, entrant, planned_runs


def test_a_run_is_its_steps_and_its_predictions(small_world):
    (run,) = planned_runs(small_world, entrant("dlrm-mlp"), seeds=(0,), train_rows=(2_049,))
    assert num_steps(run) == 2  # of 1024 rows; the last single row joins the one before
    # 0.5 s a step; valid has 1,091 rows and test 2,182, predicted by 1024 in 2 s
    assert small_world.rows == {"train": 8_727, "valid": 1_091, "test": 2_182}
    pace = Pace(step_s=0.5, predict_s=2.0)
    assert pace.run_seconds(run, small_world.facts) == pytest.approx(2 * 0.5 + 2.0 * 3_273 / 1_024)
    three = dataclasses.replace(
        run, spec=dataclasses.replace(run.spec, protocol=dataclasses.replace(run.spec.protocol, epochs=3))
    )
    expected = 6 * 0.5 + 2.0 * (3 * 1_091 + 2_182) / 1_024
    assert pace.run_seconds(three, small_world.facts) == pytest.approx(expected)


def test_the_longest_begin_first_and_the_last_end_counts():
    assert seconds_of_all([1, 2, 3, 4], processes=1) == 10
    assert seconds_of_all([3, 3, 2, 2, 2], processes=2) == 7  # 3 + 2 + 2 beside 3 + 2
    assert seconds_of_all([10, 1, 1], processes=2) == 10
    assert seconds_of_all([], processes=2) == 0


def test_random_rows_fit_a_schema_with_every_kind_of_field():
    world = schema()
    rows = random_rows(world, 64, np.random.default_rng(0))
    assert rows.label.shape == (64, len(world.tasks))
    assert rows.numeric.shape == (64, len(world.of_kind("numeric")))
    cardinalities = [field.cardinality for field in world.of_kind("categorical")]
    assert (rows.categorical < cardinalities).all()
    assert rows.categorical.min() >= 2
    for field in world.of_kind("sequence"):
        assert rows.sequences[field.name].shape == (64, field.max_length)
        assert rows.sequences[field.name].max() < field.cardinality


class Ends(torch.nn.Module):
    """Trains on no device: it raises, exits, or takes its process with it."""

    def __init__(self, field_dims, num_tasks=1, *, how=0):
        super().__init__()
        self.how = how
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        if x_BI.device.type != "meta":
            if self.how == 0:
                raise ValueError("not here")
            if self.how == 1:
                raise SystemExit(3)
            os._exit(9)
        return self.head(x_BI)


def paced(small_world, *entrants: Entrant) -> list[Paced]:
    runs = planned_runs(small_world, *entrants, seeds=(0,), budgets=(None,))
    return [
        Paced(spec=run.spec, contestant=run.contestant, data=small_world.facts, device=CPU, threads=1)
        for run in runs
    ]


def ending(how: int) -> Entrant:
    one = Contestant(
        name=f"ends-{how}", title=f"E{how}", model=Ends, hyperparameters={"how": how}, dial=Dial(name="how")
    )
    return Entrant(contestant=one)


def test_an_error_is_told_and_the_process_is_as_before(small_world):
    threads = torch.get_num_threads()
    raises, exits, well = paced(small_world, ending(0), ending(1), entrant("dlrm-mlp"))
    assert pace_or_why(raises) == "ValueError: not here"
    assert pace_or_why(exits).startswith("SystemExit: ")
    found = pace_or_why(well)
    assert isinstance(found, Pace)
    assert found.step_s > 0
    assert found.predict_s > 0
    assert torch.get_num_threads() == threads


def test_one_whose_process_dies_is_named_and_the_others_are_measured(small_world, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))  # where processes find the model above
    jobs = paced(small_world, entrant("dlrm-mlp"), ending(2), entrant("dcnv2"))
    first, died, last = paces(jobs, processes=2)
    assert died == "its process died, for example because memory ran out"
    assert isinstance(first, Pace)
    assert isinstance(last, Pace)
