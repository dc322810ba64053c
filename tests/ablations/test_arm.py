"""How an arm is made of its base."""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, arm, varied
from bench.contestants import Dial
from bench.runs.entrants import Entrant
from rankmixer import RankMixer


def test_an_arm_is_its_base_but_for_what_it_changes():
    class Other(RankMixer):
        pass

    made = arm(RANKMIXER, "other", "another block", model=Other, hyperparameters={"norm": "none"})
    contestant = made.contestant
    assert (made.label, made.sized) == ("another block", "as_baseline")
    assert (contestant.name, contestant.title) == ("other", "RankMixer: another block")
    assert contestant.load() is Other
    assert contestant.hyperparameters == {**RANKMIXER.hyperparameters, "norm": "none"}
    for name in ("rev", "adapt", "dial", "trim", "search_space", "initialisations", "paper"):
        assert getattr(contestant, name) == getattr(RANKMIXER, name)


def test_with_another_dial_the_search_space_has_only_what_it_knows():
    made = arm(RANKMIXER, "deeper", "more layers", dial=Dial(name="num_layers")).contestant
    assert made.load() is RankMixer
    assert made.trim == "hidden_dim"
    assert set(made.search_space) == set(RANKMIXER.search_space) - {"expansion"}


def test_an_ablation_is_of_its_base_by_what_was_tuned_for_it():
    without = varied(RANKMIXER, "no norm", {"norm": "none"})
    study = ablation("q", "Is it so?", RANKMIXER, without, paper="rankmixer/table_2", observed=True)
    assert without.contestant is RANKMIXER
    assert [one.label for one in study.entrants] == ["RankMixer", "no norm"]
    assert (study.baseline, study.kind, study.paper) == ("RankMixer", "ablation", "rankmixer/table_2")
    assert study.observed
    assert study.resizable
    assert study.tuned is not None
    assert [budget.target for budget in study.budgets] == [100_000]
    base = Entrant(contestant=RANKMIXER, sized="given")
    assert ablation("q", "Is it so?", base, without).budgets == (None,)
