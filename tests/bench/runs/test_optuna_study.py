"""optuna's view of trials: rebuilt from what was tried, suggestions that replay, and a storage for others."""

from __future__ import annotations

import dataclasses

import optuna
import pytest

from bench.contestants.tuned import Setting
from bench.errors import BadInput
from bench.runs.optuna_study import as_optuna, open_storage, put, suggested
from bench.runs.samplers import Tpe
from bench.runs.space import PROTOCOL_AXES, points, space_of
from bench.runs.store import RUNS_FILE, Store
from bench.runs.trials import Search, Trial
from bench.training.protocols import PROTOCOLS
from tests.bench.runs.test_space import contestant
from tests.bench.runs.test_tuning import BUDGET, Entrant, Trains, deep, tuned


def search(count: int = 12, base: str = "short", **changes) -> Search:
    """Trials whose value is the higher the nearer their dense rate is to 0.003."""
    given = {"search_space": {"depth": (1, 2, 3), "widths": ((8,), (8, 8))}, **changes}
    one = contestant(hyperparameters={"depth": 2, "widths": (8, 8, 8)}, **given)
    space = space_of(Entrant(contestant=one), PROTOCOLS[base])
    settings = [Setting(), *map(space.at, points(count - 1, 0))]
    trials = [
        Trial(number=n, setting=s, keys=(f"{n:032x}",), value=1 - abs(space.values(s)["dense_lr"] - 0.003))
        for n, s in enumerate(settings)
    ]
    return Search(space=space, budget=BUDGET, trials=trials)


def test_a_trial_has_every_value_and_its_number():
    of = search()
    first, second = (as_optuna(of.space, trial) for trial in of.trials[:2])
    assert first.params == {
        "dense_lr": PROTOCOLS["short"].dense_lr,
        "sparse_lr": 0.05,
        "dense_decay": 0.0,
        "batch_size": 256,
        "depth": 2,
        "widths": "[8,8,8]",
    }
    assert first.user_attrs == {"trial": 0, "runs": [f"{0:032x}"]}
    assert first.state == optuna.trial.TrialState.COMPLETE
    assert second.value == of.trials[1].value
    assert second.params["widths"] in ("[8]", "[8,8]")
    assert first.distributions["widths"].choices == ("[8]", "[8,8]", "[8,8,8]")  # wide enough for the default
    assert (first.distributions["dense_lr"].low, first.distributions["dense_lr"].high) == (3e-4, 3e-2)


def test_a_default_outside_the_axes_widens_them():
    paper = search(base="paper").space
    trial = as_optuna(paper, Trial(number=0, setting=Setting(), value=0.7))
    assert trial.params["batch_size"] == 4096
    assert trial.distributions["batch_size"].choices == (128, 256, 512, 4096)


def test_the_same_trials_give_the_same_suggestion_which_is_of_the_space():
    found = [suggested(search(), 12, seed=3) for _ in range(2)]
    assert found[0] == found[1]
    assert suggested(search(), 12, seed=4) != found[0]
    for number in range(12, 30):
        setting = suggested(search(), number, seed=0)
        assert setting.protocol.keys() == PROTOCOL_AXES.keys()
        assert 3e-4 <= setting.protocol["dense_lr"] <= 3e-2
        assert setting.protocol["dense_lr"] == float(f"{setting.protocol['dense_lr']:.3g}")
        assert setting.hyperparameters["depth"] in (1, 2, 3)
        assert setting.hyperparameters["widths"] in ((8,), (8, 8), (8, 8, 8))


def test_suggestions_learn_from_values():
    many = search(count=64)
    near = [suggested(many, number, seed=0).protocol["dense_lr"] for number in range(64, 104)]
    assert sum(0.001 <= rate <= 0.009 for rate in near) > 25  # of the log-uniform ones, 19 of 40 would be


def test_tpe_begins_with_half_of_the_trials_at_the_points_of_qmc_and_goes_on_trial_by_trial():
    assert list(Tpe(trials=5, seed=0).rounds()) == [range(3), range(3, 4), range(4, 5)]
    assert list(Tpe(trials=1, seed=0).rounds()) == [range(1)]
    of = search()
    assert Tpe(trials=13, seed=0).setting(of, 3) == of.space.at(points(23, 0)[2])


def test_a_tpe_tuning_that_was_killed_replays_from_the_store(small_world, tmp_path):
    store = Store(tmp_path / "killed")
    for runs in (4, 7):
        with pytest.raises(KeyboardInterrupt):
            tuned(Trains(store, small_world, stop_after=runs), Tpe(13, 0), (deep(),))
    last = Trains(store, small_world)
    (found,) = tuned(last, Tpe(13, 0), (deep(),)).searches
    assert len(last.trained) == 13 - 11
    assert len((tmp_path / "killed" / RUNS_FILE).read_text().splitlines()) == 13
    (whole,) = tuned(Trains(Store(tmp_path / "whole"), small_world), Tpe(13, 0), (deep(),)).searches
    assert found.trials == whole.trials
    assert len({trial.keys for trial in found.trials}) == 13


def test_a_storage_has_each_trial_once_however_often_it_is_written(tmp_path):
    url = f"sqlite:///{tmp_path}/trials.db"
    of = search()
    unvalued = dataclasses.replace(of.trials[5], value=None)
    some = dataclasses.replace(of, trials=[*of.trials[:5], unvalued])
    for each in (some, some, of, of):
        put(open_storage(url), "RankMixer at 100k", each)
    study = optuna.load_study(storage=url, study_name="RankMixer at 100k")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert sorted(trial.user_attrs["trial"] for trial in study.trials) == list(range(12))
    assert study.best_trial.user_attrs["trial"] == of.best().number
    assert study.best_value == of.best().value


def test_another_space_in_the_same_study_is_refused(tmp_path):
    storage = open_storage(f"sqlite:///{tmp_path}/trials.db")
    put(storage, "one", search())
    other = search(search_space={"depth": (1, 2, 3, 4), "widths": ((8,), (8, 8))})
    other.trials[0] = dataclasses.replace(other.trials[0], keys=("f" * 32,))
    with pytest.raises(BadInput, match="study 'one' of the storage has another search space"):
        put(storage, "one", other)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/trials.db", "what://x", ""])
def test_a_storage_that_optuna_cannot_open_is_refused(url):
    with pytest.raises(BadInput, match="which optuna cannot open"):
        open_storage(url)
