"""From a study to its runs: sizes, labels, and those who cannot take part."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import pytest
import torch

from bench.contestants import Contestant, Dial
from bench.errors import BadInput
from bench.runs.entrants import Entrant, told_apart
from bench.runs.plan import plan, size
from bench.runs.studies import STUDIES
from bench.runs.study_record import StudyRecord
from bench.spec import Budget, FeatureSpec
from bench.training.features import Features
from tests.bench.runs.quick import entrant, study

TEN_THOUSAND = Budget(kind="dense_parameters", target=10_000)


def test_a_plan_goes_seed_by_seed_and_meets_the_budget(small_world):
    asked = study(budgets=(TEN_THOUSAND, None))
    planned = plan(asked, [small_world], command="rankbench run quick")
    ((dataset, runs),) = planned.runs
    assert dataset is small_world
    assert [(p.spec.contestant.name, p.spec.budget, p.spec.seed) for p in runs] == [
        (name, budget, seed)
        for seed in (0, 1)
        for budget in (TEN_THOUSAND, None)
        for name in ("dlrm-mlp", "rankmixer")
    ]
    assert len({p.spec.key() for p in runs}) == 8
    for run in runs:
        if run.spec.budget is not None:
            assert abs(run.cost.dense_parameters / 10_000 - 1) <= 0.02
    assert runs[2].spec.contestant.hyperparameters["hidden_dims"] == (256, 256, 256)
    assert {m.key for m in planned.record.members} == {p.spec.key() for p in runs}
    assert planned.record.command == "rankbench run quick"
    assert planned.impossible == ()


def test_one_that_is_impossible_says_why_and_the_others_go_on(small_world):
    tiny = Budget(kind="dense_parameters", target=700)
    planned = plan(study(budgets=(tiny, TEN_THOUSAND)), [small_world], command="")
    reasons = {m.label: m.reason for m in planned.impossible}
    assert reasons.keys() == {"RankMixer"}
    assert "rankmixer cannot reach 700 dense parameters" in reasons["RankMixer"]
    ((_, runs),) = planned.runs
    assert {(p.spec.contestant.name, p.spec.budget) for p in runs} == {
        ("dlrm-mlp", tiny),
        ("dlrm-mlp", TEN_THOUSAND),
        ("rankmixer", TEN_THOUSAND),
    }


def test_where_nobody_can_take_part_the_study_is_refused(small_world):
    tiny = Budget(kind="dense_parameters", target=50)
    with pytest.raises(
        BadInput, match=r"no contestant can take part.*dlrm-mlp cannot reach 50.*rankmixer cannot"
    ):
        plan(study(budgets=(tiny,)), [small_world], command="")


def test_an_entrant_can_be_of_the_size_of_the_baseline_or_as_given(small_world):
    wide = entrant("dlrm-mlp", hyperparameters={"hidden_dims": (50,)}, sized="given")
    like = entrant("rankmixer", sized="baseline")
    asked = study(wide, like, baseline=wide.label, budgets=(None,))
    given, solved = size(asked, small_world.schema)
    assert given.hyperparameters["hidden_dims"] == (50,)
    assert given.solved_for is None
    assert abs(solved.cost.dense_parameters / given.cost.dense_parameters - 1) <= 0.02
    with pytest.raises(BadInput, match="no baseline"):
        study(wide, like)
    with pytest.raises(BadInput, match=r"has a budget \(10k\), but no entrant is sized by it: 'DLRM"):
        study(wide, like, baseline=wide.label)


def test_what_an_entrant_changes_of_the_protocol_is_in_its_name_and_key(small_world):
    faster = entrant("dlrm-mlp", protocol={"dense_lr": 0.01})
    same = entrant("rankmixer", protocol={"dense_lr": 0.003})
    ((_, runs),) = plan(study(faster, same, seeds=(0,)), [small_world], command="").runs
    assert runs[0].spec.protocol.dense_lr == 0.01
    assert runs[0].spec.protocol.name == "quick, dense_lr 0.01"
    assert runs[1].spec.protocol == study().protocol
    unknown = entrant("dlrm-mlp", protocol={"dense_rate": 1})
    with pytest.raises(BadInput, match="unknown protocol value 'dense_rate'; did you mean"):
        plan(study(unknown), [small_world], command="")


def test_what_an_entrant_changes_of_the_features_is_in_its_name_key_and_setting(small_world):
    given = FeatureSpec(width=4, widths={"user": 6})
    plain, own = entrant("dlrm-mlp"), entrant("dlrm-mlp", features={"sequence_encoder": "hstu", "width": 5})
    assert own.label == "DLRM-MLP (sequence_encoder hstu, width 5)"
    found = plan(study(plain, own, seeds=(0,), features=given), [small_world], command="")
    ((_, runs),) = found.runs
    assert [run.spec.features for run in runs] == [
        given,
        FeatureSpec(width=5, widths={"user": 6}, sequence_encoder="hstu"),
    ]
    for run in runs:  # the sizes are those of its own features
        built = Features(small_world.schema, run.spec.features)
        assert run.cost.embedding_parameters == sum(p.numel() for p in built.embedding_parameters())
        assert run.cost.encoder_parameters == sum(p.numel() for p in built.encoder_parameters())
    assert [one.setting for one in found.record.members] == [
        {},
        {"features.sequence_encoder": "hstu", "features.width": 5},
    ]
    assert StudyRecord.from_json(found.record.to_json()) == found.record


def test_features_that_cannot_be_are_refused(small_world):
    with pytest.raises(BadInput, match="unknown value of the features 'sequence_encode'; did you mean"):
        entrant("dlrm-mlp", features={"sequence_encode": "hstu"})
    for wrong, says in (
        ({"gate": "open"}, "gate is 'open', allowed: none, lhuc"),
        ({"widths": {"usr": 3}}, "unknown field 'usr'; did you mean 'user'"),
    ):
        with pytest.raises(BadInput, match=says):
            plan(study(entrant("dlrm-mlp", features=wrong)), [small_world], command="")


def test_labels_say_what_was_given_and_differ():
    assert entrant("rankmixer").label == "RankMixer"
    assert entrant("rankmixer", hyperparameters={"num_layers": 3}).label == "RankMixer (num_layers 3)"
    arm = entrant("dlrm-mlp", hyperparameters={"hidden_dims": (64, 32)}, protocol={"dense_lr": 0.01})
    assert arm.label == "DLRM-MLP (hidden_dims 64-32, dense_lr 0.01)"
    twin = Contestant(name="twin", title="RankMixer", model="x:X", hyperparameters={}, dial=Dial(name="d"))
    first, second = told_apart([entrant("rankmixer"), Entrant(contestant=twin)])
    assert (first.label, second.label) == ("RankMixer [rankmixer]", "RankMixer [twin]")
    with pytest.raises(BadInput, match="two entrants are called 'RankMixer'"):
        study(entrant("rankmixer"), entrant("rankmixer"))


def test_a_study_says_what_is_wrong_with_it():
    with pytest.raises(BadInput, match="kind is 'race', allowed: comparison"):
        study(kind="race")
    with pytest.raises(BadInput, match="has no seeds"):
        study(seeds=())
    with pytest.raises(BadInput, match="study 'quick': baseline is 'DCNv2', allowed: DLRM-MLP, RankMixer"):
        study(baseline="DCNv2")
    with pytest.raises(BadInput, match="sized = 'eye'"):
        entrant("dlrm-mlp", sized="eye")


@pytest.mark.parametrize("wrong", [7, "", "  ", "two\nlines", "a\u2028b", "a\x1b[31mred", "\ud800", b"bytes"])
def test_what_a_table_prints_in_a_line_is_a_line(wrong):
    for changes, what in (
        ({"name": wrong}, "the name of a study is"),
        ({"question": wrong}, "study 'quick': its question is"),
    ):
        with pytest.raises(BadInput, match=f"{what} .*; it must be one line of text, and not empty"):
            study(**changes)
    if wrong != "":  # its own label, from its title
        with pytest.raises(
            BadInput, match=r"the label of an entrant of rankmixer is .*; it must be one line"
        ):
            entrant("rankmixer", label=wrong)
    titled = dataclasses.replace(entrant("rankmixer").contestant, title=wrong)
    with pytest.raises(BadInput, match=r"the title of contestant 'rankmixer' is .*; it must be one line"):
        Entrant(contestant=titled, label="x")


def test_a_line_may_have_any_letters_and_spaces():
    spelt = "ünï/<b>co,m'ma</b> & “λ”\u00a0· × 🐟"
    assert study(entrant("rankmixer", label=spelt), name=spelt, question=spelt).name == spelt


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"paper": 7}, r"Expected `str \| null`, got `int` - at `\$\.paper`"),
        ({"observed": 1}, r"at `\$\.observed`"),
        ({"seeds": ("0",)}, r"at `\$\.members\[0\]\.seed`"),
    ],
)
def test_what_no_store_could_give_back_is_refused_before_anything_is_trained(small_world, changes, says):
    with pytest.raises(BadInput, match=f"study 'quick' cannot be kept, because a value .*{says}"):
        plan(study(**changes), [small_world], command="")


def test_a_study_record_comes_back_from_json(small_world):
    record = plan(study(baseline="DLRM-MLP"), [small_world], command="rankbench run quick").record
    assert StudyRecord.from_json(record.to_json()) == record
    for wrong in ({"format": 9}, {"surprise": 1}, {"members": [{"label": 3}]}, {"kind": "race"}):
        with pytest.raises(ValueError, match=r"."):
            StudyRecord.from_json({**record.to_json(), **wrong})
    assert record.identity != dataclasses.replace(record, baseline=None).identity


def test_every_named_study_has_its_baseline_and_its_labels():
    for name, asked in STUDIES.items():
        assert asked.name == name
        assert asked.baseline == ("RankMixer with mean" if name == "sequence" else "DLRM-MLP")
        assert len({one.label for one in asked.entrants}) == len(asked.entrants)
    assert len(STUDIES["compare"].entrants) == 10


class Wide(torch.nn.Module):
    """One logit too many."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks + width)

    def forward(self, x_BI):
        return self.head(x_BI)


def test_logits_of_another_shape_make_an_entrant_impossible(small_world):
    wide = Contestant(
        name="wide", title="Wide", model=Wide, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    planned = plan(
        study(Entrant(contestant=wide), entrant("dlrm-mlp"), budgets=(None,)), [small_world], command=""
    )
    (member,) = planned.impossible
    assert "logits of shape [4, 3] for 4 rows, expected [4, 2]" in member.reason


class ChangesItsProcess(torch.nn.Linear):
    """Does in its constructor and forward what would reach every contestant after it."""

    def __init__(self, field_dims, num_tasks=1, *, rank=1):
        super().__init__(sum(field_dims), num_tasks)
        os.chdir("/")

    def forward(self, x_BI):
        torch.set_num_threads(7)
        print("forward")
        return super().forward(x_BI)


def test_what_one_does_to_its_process_while_it_is_sized_reaches_no_other(
    small_world, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    own = Contestant(
        name="own", title="Own", model=ChangesItsProcess, hyperparameters={"rank": 1}, dial=Dial(name="rank")
    )
    asked = study(Entrant(contestant=own), entrant("dlrm-mlp"), budgets=(None,))
    planned = plan(asked, [small_world], command="rankbench run quick")
    assert planned.impossible == ()
    assert torch.get_num_threads() == threads
    assert Path.cwd() == tmp_path
    assert capsys.readouterr().out == ""


def test_a_bound_that_the_budget_does_not_reach_is_refused_and_not_dropped(small_world):
    tokens = entrant("hiformer", hyperparameters={"max_tokens": 60})
    asked = study(tokens, budgets=(Budget(kind="dense_parameters", target=30_000),))
    with pytest.raises(BadInput, match=r"max_tokens=60: the budget decides max_tokens of hiformer \("):
        plan(asked, [small_world], command="")


class Interrupted(torch.nn.Module):
    """Is interrupted, as by Ctrl-C, while it is sized."""

    went_on = False

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        if not Interrupted.went_on:
            signal.raise_signal(signal.SIGINT)
            Interrupted.went_on = True
        return self.head(x_BI)


def test_an_interrupt_waits_until_one_is_sized(small_world, interruptible):
    one = Contestant(
        name="i", title="I", model=Interrupted, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    with pytest.raises(KeyboardInterrupt):
        size(study(Entrant(contestant=one), budgets=(None,)), small_world.schema)
    assert Interrupted.went_on
