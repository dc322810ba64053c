"""Tuning: as many trials for each, chosen on valid, and nothing trained twice."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from statistics import fmean

import pytest
from torch import nn

from bench.contestants import Contestant, Dial
from bench.contestants.tuned import Setting
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.samplers import Grid, Quasirandom, Started
from bench.runs.space import RATES
from bench.runs.store import RUNS_FILE, Store
from bench.runs.sweep import missing, sweep
from bench.runs.trials import CONFIRMING_SEEDS, TRIAL_SEED, Trial, value_of
from bench.runs.tuning import tune
from bench.spec import Budget
from tests.bench.contestants.test_tuned import settings
from tests.bench.contestants.test_tuned import tuned as setting_at
from tests.bench.runs.quick import CPU, planned_runs, study
from tests.bench.runs.test_store import record

BUDGET = Budget(kind="dense_parameters", target=2_000)


class Deep(nn.Module):
    """As deep and wide as asked; the wider, the less deep it may be for a budget."""

    def __init__(self, field_dims, num_tasks=1, *, depth=1, width=8):
        super().__init__()
        widths = [sum(field_dims), *[width] * depth]
        layers = [nn.Linear(i, o) for i, o in itertools.pairwise(widths)]
        self.layers = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
        self.head = nn.Linear(width, num_tasks)

    def forward(self, x_BI):
        return self.head(self.layers(x_BI))


def deep(name: str = "deep", **changes) -> Entrant:
    given = {
        "hyperparameters": {"depth": 1, "width": 8},
        "dial": Dial(name="width"),
        "search_space": {"depth": (1, 2, 3)},
    }
    return Entrant(contestant=Contestant(name=name, title=name.title(), model=Deep, **{**given, **changes}))


def asked(*entrants: Entrant):
    return study(*(entrants or (deep(), deep("wide"))), budgets=(BUDGET,))


class Trains:
    """Trains into a store, and stops after so many runs, as if it had been killed."""

    def __init__(self, store, dataset, stop_after=None):
        self.store, self.dataset, self.left, self.trained = store, dataset, stop_after, []

    def __call__(self, planned):
        every = [run for _, runs in planned.runs for run in runs]
        self.store.append_study(planned.record)
        for run in missing(every, self.store):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left = None if self.left is None else self.left - 1
            self.trained += sweep([run], self.dataset, self.store, device=CPU)
        return self.store.read().runs


def tuned(train, sampler=None, entrants=(), **changes):
    return tune(
        asked(*entrants),
        [train.dataset],
        BUDGET,
        sampler or Quasirandom(4, 0),
        command="rankbench tune quick",
        train=train,
        **{"finalists": 0, **changes},
    )


def test_each_gets_exactly_as_many_trials_the_default_first_and_the_same_protocols(small_world, tmp_path):
    train = Trains(Store(tmp_path), small_world)
    found = tuned(train)
    assert [[trial.number for trial in one.trials] for one in found.searches] == [[0, 1, 2, 3]] * 2
    assert Counter(run.spec.contestant.name for run in train.trained) == {"deep": 4, "wide": 4}
    first, second = ([trial.setting for trial in one.trials] for one in found.searches)
    assert first == second
    assert first[0] == Setting()
    default = planned_runs(small_world, deep(), budgets=(BUDGET,), seeds=(TRIAL_SEED,))[0]
    assert found.searches[0].trials[0].keys == (default.spec.key(),)
    for run in train.trained:
        assert run.spec.seed == TRIAL_SEED
        assert run.spec.budget == BUDGET
        assert abs(run.cost.dense_parameters / 2_000 - 1) <= 0.02
    assert found.failed == ()


def test_a_trial_is_worth_its_auc_on_valid_and_the_first_of_the_best_is_chosen(small_world, tmp_path):
    train = Trains(Store(tmp_path), small_world)
    (found,) = tuned(train, entrants=(deep(),)).searches
    runs = train.store.read().runs
    for trial in found.trials:
        valid = runs[trial.keys[0]].metrics["valid"]
        assert trial.value == pytest.approx((valid["finish"]["auc"] + valid["skip"]["auc"]) / 2)
    assert found.best().value == max(trial.value for trial in found.trials)
    tied = [Trial(number=n, setting=Setting(), value=v) for n, v in enumerate((0.6, None, 0.7, 0.7))]
    assert dataclasses.replace(found, trials=tied).best().number == 2


def test_the_default_and_the_best_others_run_again_and_their_means_decide(small_world, tmp_path):
    train = Trains(Store(tmp_path), small_world)
    found = tuned(train, Quasirandom(6, 0), (deep(),), finalists=3)
    (one,) = found.searches
    order = sorted(one.trials[1:], key=lambda trial: -trial.value)
    finalists = {0, *(trial.number for trial in order[:2])}
    assert {trial.number for trial in one.trials if trial.confirmed is not None} == finalists
    seeds = Counter(run.spec.seed for run in train.trained)
    assert seeds == {TRIAL_SEED: 6, **dict.fromkeys(CONFIRMING_SEEDS, 3)}
    runs = train.store.read().runs
    for number in finalists:
        keys = [m.key for m in found.plan.record.members if m.trial == number]
        assert len(keys) == 3
        valid = [runs[key].metrics["valid"] for key in keys]
        aucs = [(of_one["finish"]["auc"] + of_one["skip"]["auc"]) / 2 for of_one in valid]
        assert one.trials[number].confirmed == pytest.approx(fmean(aucs))
    best = max(finalists, key=lambda number: one.trials[number].confirmed)
    assert found.chosen[0].trial == one.best().number == best
    assert found.chosen[0].valid_auc == one.trials[best].confirmed
    assert found.chosen[0].default_valid_auc == one.trials[0].confirmed
    again = Trains(train.store, small_world)
    assert tuned(again, Quasirandom(6, 0), (deep(),), finalists=3).searches[0].trials == one.trials
    assert not again.trained


def test_a_default_alone_has_nothing_to_be_confirmed_against(small_world, tmp_path):
    train = Trains(Store(tmp_path), small_world)
    tuned(train, Quasirandom(1, 0), (deep(),), finalists=4)
    assert len(train.trained) == 1


def ran(status: str = "ok", aucs=(0.6,)):
    run = record(status=status)
    valid = {f"t{i}": {"auc": auc} for i, auc in enumerate(aucs)}
    return run if status != "ok" else dataclasses.replace(run, metrics={"valid": valid, "test": valid})


def test_values_are_means_over_tasks_and_then_over_data_sets():
    assert value_of([ran(aucs=(0.6, 0.8))]) == pytest.approx(0.7)
    assert value_of([ran(aucs=(0.6, 0.8)), ran(aucs=(0.9,))]) == pytest.approx(fmean([0.7, 0.9]))
    assert value_of([ran(aucs=(0.6, None))]) == pytest.approx(0.6)
    assert value_of([ran(aucs=(0.9,)), ran("diverged")]) == pytest.approx(0.7)
    for status in ("oom", "killed", "failed"):
        assert value_of([ran(), ran(status)]) is None
    with pytest.raises(BadInput, match="the valid split of d has one class only"):
        value_of([ran(aucs=(None,))])


def test_killed_anywhere_and_asked_again_nothing_is_trained_twice(small_world, tmp_path):
    store = Store(tmp_path / "killed")
    for runs in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            tuned(Trains(store, small_world, stop_after=runs))
    last = Trains(store, small_world)
    found = tuned(last)
    assert len(last.trained) == 8 - 4
    assert len((tmp_path / "killed" / RUNS_FILE).read_text().splitlines()) == 8
    whole = tuned(Trains(Store(tmp_path / "whole"), small_world))
    assert [one.trials for one in found.searches] == [one.trials for one in whole.searches]
    assert store.read().studies == Store(tmp_path / "whole").read().studies
    (kept,) = store.read().studies
    assert kept.kind == "tuning"
    assert [(m.label, m.trial, m.seed) for m in kept.members[:2]] == [
        ("Deep · trial 0", 0, TRIAL_SEED),
        ("Deep · trial 1", 1, TRIAL_SEED),
    ]
    setting = found.searches[0].trials[1].setting
    assert kept.members[1].setting == {**setting.hyperparameters, **setting.protocol}
    assert kept.members[0].setting == {}


def test_a_point_that_the_budget_cannot_meet_moves_and_the_protocol_stays(small_world, tmp_path):
    decided = deep("decided", search_space={"width": (4, 8, 16)})  # the budget decides every one of them
    shallow = deep("shallow", search_space={"depth": (1, 400)})  # too deep for any width
    train = Trains(Store(tmp_path), small_world)
    free, fixed, moved = tuned(train, Quasirandom(6, 0), (deep(), decided, shallow)).searches
    assert [t.setting.protocol for t in fixed.trials] == [t.setting.protocol for t in free.trials]
    assert [t.setting.protocol for t in moved.trials] == [t.setting.protocol for t in free.trials]
    assert {str(t.setting.hyperparameters) for t in fixed.trials} == {"{}"}
    assert {t.setting.hyperparameters["depth"] for t in moved.trials[1:]} == {1}
    asked_for = {moved.space.at(point).hyperparameters["depth"] for point in Quasirandom(6, 0)._points}
    assert asked_for == {1, 400}


def test_one_that_cannot_take_part_says_why_and_the_others_go_on(small_world, tmp_path):
    large = deep("large", hyperparameters={"depth": 400, "width": 8}, search_space={"depth": (400, 500)})
    train = Trains(Store(tmp_path), small_world)
    found = tuned(train, entrants=(deep(), large))
    assert [len(one.trials) for one in found.searches] == [4, 0]
    assert "large cannot reach 2,000 dense parameters" in found.searches[1].reason
    (impossible,) = found.plan.impossible
    assert impossible.label == "Large · trial 0"
    with pytest.raises(BadInput, match="no contestant can take part"):
        tuned(train, entrants=(large,))


class Breaks(Deep):
    """Fails in training, while `broken` says so."""

    broken = True

    def forward(self, x_BI):
        if Breaks.broken and x_BI.device.type != "meta":
            raise RuntimeError("not today")
        return super().forward(x_BI)


def test_a_run_that_fails_leaves_its_trial_without_a_value_until_it_is_tried_again(small_world, tmp_path):
    contestant = dataclasses.replace(deep().contestant, model=Breaks)
    train = Trains(Store(tmp_path), small_world)
    found = tuned(train, Quasirandom(2, 0), (Entrant(contestant=contestant),))
    assert found.failed == ("Deep · trial 0", "Deep · trial 1")
    assert [trial.value for trial in found.searches[0].trials] == [None, None]
    Breaks.broken = False
    again = tuned(train, Quasirandom(2, 0), (Entrant(contestant=contestant),))
    assert again.failed == ()
    assert again.searches[0].best().value > 0.4


def test_only_what_a_budget_sizes_can_be_tuned(small_world, tmp_path):
    given = Entrant(contestant=deep().contestant, sized="given")
    with pytest.raises(BadInput, match="'Deep \\(size as given\\)' is not sized by the budget"):
        tuned(Trains(Store(tmp_path), small_world), entrants=(deep("sized"), given))


def test_a_grid_tries_the_default_and_every_other_rate(small_world, tmp_path):
    train = Trains(Store(tmp_path), small_world)
    (found,) = tuned(train, Grid(0.003), (deep(),)).searches  # the rate of the quick protocol
    assert [trial.setting for trial in found.trials] == [
        Setting(),
        *(Setting(protocol={"dense_lr": rate}) for rate in RATES if rate != 0.003),
    ]
    assert sorted(run.spec.protocol.dense_lr for run in train.trained) == sorted(RATES)


def test_trial_1_can_be_what_was_chosen_at_the_nearest_other_size(small_world, tmp_path):
    def at(size, depth, rate):
        own, protocol = {"depth": depth}, {"dense_lr": rate}
        return setting_at(size, deep().contestant, hyperparameters=own, protocol=protocol)

    start = settings(at(100, 1, 0.001), at(1_000, 2, 0.004), at(2_000, 3, 0.005), at(100_000, 1, 0.006))
    train, plain = Trains(Store(tmp_path), small_world), Quasirandom(3, 0)
    sampler = Started(plain, start)
    of_deep, of_wide = tuned(train, sampler, (deep(), deep("wide"))).searches
    started = sampler.setting(of_deep, 1)
    assert started.hyperparameters == {"depth": 2}, "of 1,000: the size itself does not count"
    assert started.protocol["dense_lr"] == of_deep.trials[1].setting.protocol["dense_lr"] == 0.004
    assert sampler.setting(of_deep, 2) == plain.setting(of_deep, 2)
    assert sampler.setting(of_wide, 1) == plain.setting(of_wide, 1), "nothing was chosen for it"
    assert [len(one.trials) for one in (of_deep, of_wide)] == [3, 3]
