"""The neighbours of a setting: what they change, which are left out and why, and that runs are shared."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from torch import nn

from bench.contestants import Contestant, Dial
from bench.contestants.tuned import TunedSetting, TunedSettings
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.fairness import one_step, plan_fairness
from bench.runs.plan import plan
from bench.runs.store import Store
from bench.runs.study_record import StudyRecord
from bench.runs.sweep import missing, sweep
from bench.spec import Budget
from tests.bench.contestants.test_tuned import PROVENANCE, of_size
from tests.bench.runs.quick import CPU, planned_runs, study

BUDGET = Budget(kind="dense_parameters", target=20_000)
COMMAND = "rankbench fairness quick"


class Deep(nn.Module):
    """As deep and wide as asked; `shape` sets nothing."""

    def __init__(self, field_dims, num_tasks=1, *, depth=1, width=8, shape="round", initialisation="torch"):
        super().__init__()
        widths = [sum(field_dims), *[width] * depth]
        layers = [nn.Linear(i, o) for i, o in itertools.pairwise(widths)]
        self.layers = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
        self.head = nn.Linear(width, num_tasks)
        if initialisation == "zero":
            nn.init.zeros_(self.head.weight)

    def forward(self, x_BI):
        return self.head(self.layers(x_BI))


def wide(size, hyperparameters, shape):
    """One wide layer has no taper."""
    return {"width": size if hyperparameters["depth"] == 1 else max(int(size * hyperparameters["taper"]), 1)}


def deep(name: str = "deep", changes=(), **entrant) -> Entrant:
    given = {
        "hyperparameters": {"depth": 2, "width": 8, "shape": "round", "initialisation": "torch"},
        "dial": Dial(name="width"),
        "search_space": {"depth": (1, 2, 3, 4)},
        "initialisations": ("torch", "zero"),
    }
    contestant = Contestant(name=name, title=name.title(), model=Deep, **{**given, **dict(changes)})
    return Entrant(contestant=contestant, **entrant)


def planned(dataset, *entrants, **changes):
    asked = study(*entrants, **{"budgets": (BUDGET,), **changes})
    return plan_fairness(asked, [dataset], command=COMMAND)


def varied(record: StudyRecord, label: str) -> dict[str | None, set[str | None]]:
    """What is varied → keys."""
    found: dict[str | None, set[str | None]] = {}
    for member in record.members:
        if member.label == label or member.label.startswith(f"{label} · "):
            found.setdefault(member.varied, set()).add(member.key)
    return found


@pytest.mark.parametrize(
    ("choices", "used", "steps"),
    [
        ((1, 2, 3, 4), 2, [1, 3]),
        ((1, 2, 3, 4), 1, [2]),
        ((1, 2, 3, 4), 4, [3]),
        ((2, 4, 8), 5, [4, 8]),
        ((2, 4, 8), 1, [2]),
        ((2, 4, 8), 16, [8]),
        ((4.0, 1.0, 0.25), 2.0, [1.0, 4.0]),
        ((4.0, 1.0, 0.25), 1.0, [4.0, 0.25]),
        ((False, True), False, [True]),
        (("parallel", "stacked"), "stacked", ["parallel"]),
        (("parallel", "stacked"), "crossed", ["parallel", "stacked"]),
        ((None, 2), 4, [None, 2]),
        (((8,), (8, 8), (8, 8, 8)), [8, 8], [(8,), (8, 8, 8)]),
    ],
)
def test_one_step_is_the_choice_before_and_the_one_after(choices, used, steps):
    assert one_step(choices, used) == steps


def test_a_setting_and_its_neighbours_differ_in_one_thing_each_at_equal_size(small_world):
    found = planned(small_world, deep(protocol={"sparse_lr": 0.08}, label="Deep"))
    ((_, runs),) = found.runs
    assert len(runs) == 2 * 8
    assert all(abs(run.cost.dense_parameters / 20_000 - 1) <= 0.02 for run in runs)
    own = {
        (r.spec.protocol.dense_lr, r.spec.protocol.sparse_lr, h["initialisation"], h["depth"])
        for r in runs
        if (h := r.spec.contestant.hyperparameters)
    }
    assert own == {
        (0.003, 0.08, "torch", 2),
        (0.0015, 0.08, "torch", 2),
        (0.006, 0.08, "torch", 2),
        (0.003, 0.04, "torch", 2),
        (0.003, 0.16, "torch", 2),
        (0.003, 0.08, "zero", 2),
        (0.003, 0.08, "torch", 1),
        (0.003, 0.08, "torch", 3),
    }
    members = {member.varied: member for member in found.record.members}
    assert members["dense_lr ×2"].label == "Deep · dense_lr 0.006"
    assert members["dense_lr ×2"].setting == {"sparse_lr": 0.08, "dense_lr": 0.006}
    assert members["depth 3"].setting == {"depth": 3, "sparse_lr": 0.08}
    assert members[None].label == "Deep"
    assert set(members) == {
        None,
        *(f"{name} {sign}" for name in ("dense_lr", "sparse_lr") for sign in ("÷2", "×2")),
        "initialisation zero",
        "depth 1",
        "depth 3",
    }
    assert found.record.kind == "fairness"
    assert found.record.name == "quick-fairness"
    assert StudyRecord.from_json(found.record.to_json()) == found.record


def test_runs_are_those_that_a_study_or_a_trial_of_the_same_setting_has(small_world):
    of_check = varied(planned(small_world, deep()).record, "Deep")
    for what, same in (
        (None, deep()),
        ("dense_lr ×2", deep(protocol={"dense_lr": 0.006})),
        ("depth 3", deep(hyperparameters={"depth": 3})),
        ("initialisation zero", deep(hyperparameters={"initialisation": "zero"})),
    ):
        runs = planned_runs(small_world, same, budgets=(BUDGET,))
        assert of_check[what] == {run.spec.key() for run in runs}


def test_neighbours_are_next_to_the_tuned_setting(small_world):
    settings = TunedSettings(
        provenance=PROVENANCE,
        tunings=(of_size(20_000),),
        settings=(
            TunedSetting(
                contestant="deep",
                rev=1,
                size=20_000,
                trial=1,
                valid_auc=0.7,
                default_valid_auc=0.6,
                hyperparameters={"depth": 4, "initialisation": "zero"},
                protocol={"dense_lr": 0.00312},
            ),
        ),
    )
    found = planned(small_world, deep(label="Deep"), deep("other"), tuned=settings, beside_equal=True)
    members = {m.varied: m for m in found.record.members if m.contestant == "deep"}
    assert members[None].label == "Deep"
    assert members[None].setting == {"depth": 4, "initialisation": "zero", "dense_lr": 0.00312}
    assert {what for what in members if what and "lr" not in what} == {"initialisation torch", "depth 3"}
    assert members["dense_lr ÷2"].setting["dense_lr"] == 0.00156
    study_of_it = study(deep(label="Deep"), budgets=(BUDGET,), tuned=settings)
    used = {run.spec.key() for _, runs in plan(study_of_it, [small_world], command="").runs for run in runs}
    assert varied(found.record, "Deep")[None] == used
    assert found.record.tuned == settings.told()
    assert found.record.untuned == ("Other",)
    assert found.record.equal == ()
    assert any("Other has no tuned setting" in warning for warning in found.warnings)


def test_steps_that_cannot_be_made_are_kept_with_the_reason(small_world):
    changes = {
        "dial": Dial(name="width", settings=wide, proportions={"taper": 1.0}),
        "search_space": {"depth": (1, 2, 400), "taper": (0.5, 1.0), "width": (4, 8)},
    }
    entrant = deep(changes=changes, hyperparameters={"depth": 1}, label="Deep")
    of_two = planned(small_world, entrant, deep("other"))
    reasons = {m.varied: m for m in of_two.record.members if m.label.startswith("Deep") and m.reason}
    assert reasons["taper 0.5"].reason == "it gives the same model as the setting in use"
    assert reasons["width 8"].reason.startswith("--set width=8: the budget decides width of deep")
    assert reasons["taper 0.5"].label == "Deep · taper 0.5"
    assert reasons["taper 0.5"].key is None
    assert "depth 2" in varied(of_two.record, "Deep")
    deepest = planned(small_world, dataclasses.replace(entrant, hyperparameters={"depth": 3}))
    assert "deep cannot reach 20,000 dense parameters" in next(
        m.reason for m in deepest.record.members if m.varied == "depth 400"
    )
    assert "depth 2" in varied(deepest.record, "Deep")


def test_one_that_cannot_take_part_has_no_neighbours_and_the_others_go_on(small_world):
    found = planned(small_world, deep(), deep("large", hyperparameters={"depth": 400}, label="Large"))
    (impossible,) = found.impossible
    assert (impossible.label, impossible.varied) == ("Large", None)
    assert len(found.runs[0][1]) == 2 * 8
    with pytest.raises(BadInput, match="not sized by the budget"):
        planned(small_world, deep(), deep(sized="given", label="given"))


def test_every_budget_has_its_own_check(small_world):
    larger = Budget(kind="dense_parameters", target=40_000)
    found = planned(small_world, deep(), budgets=(BUDGET, larger), seeds=(0,))
    ((_, runs),) = found.runs
    assert [run.spec.budget for run in runs].count(larger) == 8
    assert {member.budget for member in found.record.members} == {BUDGET, larger}


def test_killed_and_asked_again_it_goes_on(small_world, tmp_path):
    store = Store(tmp_path)
    ((_, runs),) = planned(small_world, deep(), seeds=(0,)).runs
    sweep(runs[:3], small_world, store, device=CPU)
    ((_, again),) = planned(small_world, deep(), seeds=(0,)).runs
    left = missing(again, store)
    assert len(left) == 5
    sweep(left, small_world, store, device=CPU)
    assert missing(again, store) == []
