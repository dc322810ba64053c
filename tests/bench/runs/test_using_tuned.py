"""Studies by tuned settings: who gets which, what wins over them, and the same entrants beside them."""

from __future__ import annotations

import dataclasses

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.contestants.tuned import TunedSettings
from bench.errors import BadInput
from bench.runs.plan import plan
from bench.runs.studies import STUDIES, Study
from bench.spec import Budget
from tests.bench.contestants.test_tuned import settings, tuned
from tests.bench.runs.quick import entrant, study

DCNV2 = CONTESTANTS["dcnv2"]
TEN_THOUSAND = Budget(kind="dense_parameters", target=10_000)
SETTINGS = settings(
    tuned(
        10_000, DCNV2, hyperparameters={"num_cross_layers": 1}, protocol={"dense_lr": 0.02, "batch_size": 256}
    ),
    tuned(80_000, DCNV2, hyperparameters={"num_cross_layers": 2}, protocol={"dense_lr": 0.01}),
)


def asked(*entrants, **changes) -> Study:
    given = {"tuned": SETTINGS, "seeds": (0,), **changes}
    return study(*(entrants or (entrant("dcnv2"), entrant("rankmixer"))), **given)


def planned(dataset, *entrants, **changes):
    found = plan(asked(*entrants, **changes), [dataset], command="rankbench run quick")
    ((_, runs),) = found.runs
    return found, runs


def test_one_with_a_setting_has_it_and_one_without_is_named(small_world):
    found, (dcnv2, rankmixer) = planned(small_world)
    assert dcnv2.spec.contestant.hyperparameters["num_cross_layers"] == 1
    assert dcnv2.spec.protocol.name == "quick, batch_size 256, dense_lr 0.02"
    assert dcnv2.spec.budget == TEN_THOUSAND
    assert abs(dcnv2.cost.dense_parameters / 10_000 - 1) <= 0.02
    assert rankmixer.spec.protocol == study().protocol
    assert found.warnings == ("RankMixer has no tuned setting; it is trained by the base protocol 'quick'",)
    record = found.record
    assert (record.tuned, record.untuned, record.equal) == (SETTINGS.told(), ("RankMixer",), ())
    assert [member.label for member in record.members] == ["DCNv2", "RankMixer"]
    assert record.members[0].setting == {"num_cross_layers": 1, "dense_lr": 0.02, "batch_size": 256}
    assert record.members[1].setting == {}


def test_each_budget_has_the_setting_of_its_size(small_world):
    budgets = tuple(Budget(kind="dense_parameters", target=n) for n in (10_000, 50_000))
    budgets += (Budget(kind="flops_forward", target=100_000),)  # about 50 thousand parameters
    _, runs = planned(small_world, entrant("dcnv2"), budgets=budgets)
    assert [run.spec.contestant.hyperparameters["num_cross_layers"] for run in runs] == [1, 2, 2]
    assert [run.spec.protocol.dense_lr for run in runs] == [0.02, 0.01, 0.01]


def test_without_settings_all_is_as_by_the_base_protocol(small_world):
    plain = planned(small_world, tuned=None)
    for nothing in (TunedSettings(), dataclasses.replace(SETTINGS, settings=())):
        found = planned(small_world, tuned=nothing, beside_equal=True)
        assert [run.spec for run in found[1]] == [run.spec for run in plain[1]]
        assert found[0].record == plain[0].record
        assert found[0].warnings == ()


def test_a_study_of_nobody_who_was_tuned_says_so_and_has_no_settings(small_world):
    found, _ = planned(small_world, entrant("rankmixer"))
    assert (found.record.tuned, found.record.untuned) == (None, ())
    assert "no tuned setting" in found.warnings[0]


def test_what_was_given_wins_over_what_was_tuned(small_world):
    protocol = dataclasses.replace(study().protocol, dense_lr=0.007)
    own = entrant("dcnv2", hyperparameters={"num_cross_layers": 3}, protocol={"batch_size": 64}, label="own")
    _, (given, set_itself) = planned(
        small_world, entrant("dcnv2"), own, protocol=protocol, given=("dense_lr",)
    )
    assert (given.spec.protocol.dense_lr, given.spec.protocol.batch_size) == (0.007, 256)
    assert (set_itself.spec.protocol.dense_lr, set_itself.spec.protocol.batch_size) == (0.007, 64)
    assert set_itself.spec.contestant.hyperparameters["num_cross_layers"] == 3
    with pytest.raises(BadInput, match="the budget decides hidden_dims"):
        planned(small_world, entrant("dcnv2", hyperparameters={"hidden_dims": (9, 9)}))


def test_only_the_protocol_is_tuned_for_what_no_budget_sizes(small_world):
    given = entrant("dcnv2", hyperparameters={"hidden_dims": (64, 64)}, sized="given", label="given")
    like = entrant("dcnv2", sized="baseline", label="like")
    for runs in (
        planned(small_world, given, like, baseline="given", budgets=(None,))[1],
        planned(small_world, given, budgets=(None,))[1],
    ):
        for run in runs:
            nearest = 0.02 if run.cost.dense_parameters < (10_000 * 80_000) ** 0.5 else 0.01
            assert run.spec.protocol.dense_lr == nearest
            assert run.spec.contestant.hyperparameters["num_cross_layers"] == 3


def test_hyperparameters_that_the_budget_cannot_meet_are_left_and_the_protocol_kept(small_world):
    for wrong in ({"num_cross_layers": 900}, {"hidden_dims": (64, 64)}):
        unmet = settings(tuned(10_000, DCNV2, hyperparameters=wrong, protocol={"dense_lr": 0.02}))
        found, (run,) = planned(small_world, entrant("dcnv2"), tuned=unmet)
        assert run.spec.contestant.hyperparameters["num_cross_layers"] == 3
        assert run.spec.protocol.dense_lr == 0.02
        (warning,) = found.warnings
        assert warning.startswith("DCNv2 has its default hyper-parameters, because its tuned ones cannot be")
        assert found.record.members[0].setting == {"dense_lr": 0.02}
        assert found.record.untuned == ()


def test_one_that_is_impossible_either_way_gives_its_own_reason(small_world):
    tiny = Budget(kind="dense_parameters", target=700)
    found, _ = planned(small_world, entrant("dlrm-mlp"), entrant("dcnv2"), budgets=(tiny,))
    reasons = [member.reason for member in found.impossible]
    assert all("cannot reach 700 dense parameters" in reason for reason in reasons)
    assert not any("DCNv2 has its default" in warning for warning in found.warnings)


def test_the_equal_protocol_beside_it_has_each_run_once(small_world):
    found, runs = planned(small_world, beside_equal=True, seeds=(0, 1))
    keys = [run.spec.key() for run in runs]
    assert len(keys) == len(set(keys)) == 6  # RankMixer has no setting: it runs the same either way
    record = found.record
    assert record.run_keys() == set(keys)
    assert [(m.label, m.seed) for m in record.equal] == [(m.label, m.seed) for m in record.members]
    assert {m.key for m in record.equal if m.label == "RankMixer"} == {
        m.key for m in record.members if m.label == "RankMixer"
    }
    plain, _ = planned(small_world, tuned=None, seeds=(0, 1))
    assert record.equal == plain.record.members


def test_the_named_studies_are_by_tuned_settings_with_the_equal_protocol_beside_them():
    for name in ("compare", "compare-flops", "worlds"):
        assert STUDIES[name].tuned is not None
        assert STUDIES[name].beside_equal
