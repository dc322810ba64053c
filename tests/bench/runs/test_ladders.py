"""Ladders, numbers of training rows, and budgets in FLOPs: what is planned, and what is trained."""

from __future__ import annotations

import dataclasses
import math

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.data.synthetic import schema
from bench.errors import BadInput
from bench.runs.ladders import LADDERS
from bench.runs.plan import plan, size
from bench.runs.store import Store
from bench.runs.studies import COMPARED, STUDIES
from bench.runs.sweep import missing
from bench.spec import Budget
from tests.bench.contestants.test_tuned import settings, tuned
from tests.bench.runs.quick import entrant, planned_runs, run, study

TEN_THOUSAND = Budget(kind="dense_parameters", target=10_000)


@pytest.mark.parametrize("name", ["scaling", "scaling-flops"])
def test_a_ladder_has_the_ten_of_compare_six_sizes_over_two_decades_and_three_seeds(name):
    asked = LADDERS[name]
    assert asked.kind == "ladder"
    assert tuple(one.contestant.name for one in asked.entrants) == COMPARED
    targets = [budget.target for budget in asked.budgets]
    assert len(targets) >= 6
    assert math.log10(max(targets) / min(targets)) >= 2
    assert len(asked.seeds) >= 3
    assert asked.tuned is STUDIES["compare"].tuned
    kind = {"scaling": "dense_parameters", "scaling-flops": "flops_forward"}[name]
    assert {budget.kind for budget in asked.budgets} == {kind}


def test_data_has_sizes_times_training_rows():
    asked = LADDERS["data"]
    assert len(asked.budgets) >= 4
    counts = [count for count in asked.train_rows if count is not None]
    assert len(counts) >= 5
    assert max(counts) / min(counts) >= 10
    assert None in asked.train_rows


def test_all_ten_meet_the_smallest_dense_size_with_their_tuned_settings():
    asked = dataclasses.replace(LADDERS["scaling"], budgets=LADDERS["scaling"].budgets[:1])
    for s in size(asked, schema()):
        assert s.reason is None
        assert (s.tuned, s.warnings) == (True, ())
        assert abs(s.cost.dense_parameters / 30_000 - 1) <= 0.02, s.entrant.label


def test_at_one_million_flops_all_ten_take_part_and_meet_it():
    sized = size(STUDIES["compare-flops"], schema())
    assert [s.reason for s in sized] == [None] * 10
    for s in sized:
        assert abs(s.cost.flops_forward / 1_000_000 - 1) <= 0.02, s.entrant.label
    dense = {s.entrant.contestant.name: s.cost.dense_parameters for s in sized}
    assert dense["autoint-plus"] < 0.3 * dense["dlrm-mlp"]  # attention over fields uses a weight many times


def test_attention_over_all_fields_costs_more_than_the_low_rungs_and_says_so():
    low = Budget(kind="flops_forward", target=200_000)
    (sized,) = size(study(entrant("autoint-plus"), budgets=(low,)), schema())
    assert "autoint-plus cannot reach 200,000 flops forward" in sized.reason
    assert "is the smallest possible" in sized.reason


def test_a_budget_in_flops_has_the_setting_of_the_size_that_it_gives():
    """At 1 million FLOPs AutoInt+ has about 100 thousand parameters, where an MLP has 500 thousand."""
    autoint = CONTESTANTS["autoint-plus"]
    of_sizes = settings(
        tuned(100_000, autoint, hyperparameters={"num_heads": 2}, protocol={"dense_lr": 0.02}),
        tuned(500_000, autoint, hyperparameters={"num_heads": 2}, protocol={"dense_lr": 0.01}),
    )
    million = Budget(kind="flops_forward", target=1_000_000)
    asked = study(entrant("autoint-plus"), budgets=(million,), features=STUDIES["compare"].features)
    (sized,) = size(dataclasses.replace(asked, tuned=of_sizes), schema())
    assert 50_000 < sized.cost.dense_parameters < 200_000
    assert sized.entrant.protocol["dense_lr"] == 0.02


def test_each_number_of_training_rows_has_its_runs_and_its_key(small_world):
    there_are = small_world.rows["train"]
    asked = study(train_rows=(1_000, 2_000, None), seeds=(0,))
    planned = plan(asked, [small_world], command="")
    ((_, runs),) = planned.runs
    assert [(r.spec.contestant.name, r.spec.dataset.train_rows, r.train_rows) for r in runs] == [
        (name, count, count or there_are)
        for count in (1_000, 2_000, None)
        for name in ("dlrm-mlp", "rankmixer")
    ]
    assert len({r.spec.key() for r in runs}) == 6
    assert [m.dataset.train_rows for m in planned.record.members] == [1_000, 1_000, 2_000, 2_000, None, None]
    assert {r.spec.dataset.fingerprint for r in runs} == {small_world.fingerprint}


def test_all_rows_by_their_number_are_the_same_runs_as_all(small_world):
    plain = planned_runs(small_world)
    for counts in ((small_world.rows["train"],), (None, small_world.rows["train"])):
        assert [r.spec.key() for r in planned_runs(small_world, train_rows=counts)] == [
            r.spec.key() for r in plain
        ]


def test_more_training_rows_than_there_are_are_refused_by_name(small_world):
    with pytest.raises(BadInput, match="training rows are 99,999, but rules-12000-0 has 8,727"):
        plan(study(train_rows=(99_999,)), [small_world], command="")


def test_one_that_is_impossible_is_named_for_every_number_of_training_rows(small_world):
    tiny = Budget(kind="dense_parameters", target=700)
    found = plan(study(budgets=(tiny,), train_rows=(1_000, None)), [small_world], command="")
    assert [(m.label, m.dataset.train_rows) for m in found.impossible] == [
        ("RankMixer", 1_000),
        ("RankMixer", None),
    ]


def test_a_run_trains_on_that_many_rows_and_is_tested_on_the_same(small_world, tmp_path):
    store = Store(tmp_path)
    runs = run(small_world, store, entrant("dlrm-mlp"), train_rows=(1_000, None), seeds=(0,))
    by_rows = {one.spec.dataset.train_rows: one for one in runs}
    assert {count: one.training["rows"] for count, one in by_rows.items()} == {
        1_000: 1_000,
        None: small_world.rows["train"],
    }
    fewer, every = by_rows[1_000].metrics["test"]["finish"], by_rows[None].metrics["test"]["finish"]
    assert fewer["base_rate"] == every["base_rate"]
    assert fewer["auc"] != every["auc"]
    assert by_rows[1_000].references == by_rows[None].references


def test_the_longest_runs_come_first_whatever_makes_them_long(small_world, tmp_path):
    large = Budget(kind="dense_parameters", target=40_000)
    planned = planned_runs(
        small_world, entrant("dlrm-mlp"), budgets=(TEN_THOUSAND, large), train_rows=(1_000, None), seeds=(0,)
    )
    left = missing(planned, Store(tmp_path))
    assert [(r.spec.budget.target, r.spec.dataset.train_rows) for r in left] == [
        (40_000, None),
        (10_000, None),
        (40_000, 1_000),
        (10_000, 1_000),
    ]
