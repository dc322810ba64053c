"""Arms of an ablation: each is its baseline with one thing changed, however it is sized."""

from __future__ import annotations

import dataclasses

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.plan import plan
from bench.spec import Budget
from rankmixer import RankMixer
from tests.bench.contestants.test_tuned import settings, tuned
from tests.bench.runs.quick import study

RANKMIXER = CONTESTANTS["rankmixer"]
ARM = dataclasses.replace(RANKMIXER, name="rankmixer-arm", title="Arm")
TEN_THOUSAND = Budget(kind="dense_parameters", target=10_000)
SETTINGS = settings(
    tuned(
        10_000,
        RANKMIXER,
        hyperparameters={"num_layers": 1, "num_tokens": 4, "expansion": 2},
        protocol={"dense_lr": 0.02},
    )
)
BASE = Entrant(contestant=RANKMIXER)


def planned(dataset, *arms, base=BASE, **changes):
    given = {"tuned": SETTINGS, "seeds": (0,), "kind": "ablation", "baseline": base.label, **changes}
    found = plan(study(base, *arms, **given), [dataset], command="rankbench run quick")
    ((_, runs),) = found.runs
    return found, runs


def arm(label="arm", contestant=ARM, **changes) -> Entrant:
    return Entrant(contestant=contestant, label=label, **{"sized": "as_baseline", **changes})


def test_an_arm_as_the_baseline_has_its_solved_hyperparameters_but_for_its_own(small_world):
    found, (base, plain, without) = planned(
        small_world, arm(), arm("no norm", RANKMIXER, hyperparameters={"norm": "none"})
    )
    solved = base.spec.contestant.hyperparameters
    assert (solved["num_layers"], solved["num_tokens"]) == (1, 4)
    assert plain.spec.contestant.hyperparameters == solved
    assert without.spec.contestant.hyperparameters == {**solved, "norm": "none"}
    assert (base.spec.budget, plain.spec.budget) == (TEN_THOUSAND, None)
    assert {run.spec.protocol.dense_lr for run in (base, plain, without)} == {0.02}
    assert found.warnings == ()
    record = found.record
    assert (record.tuned, record.untuned) == (SETTINGS.told(), ())
    assert [member.sized for member in record.members] == ["budget", "as_baseline", "as_baseline"]
    assert record.members[2].setting == {
        "num_layers": 1,
        "num_tokens": 4,
        "expansion": 2,
        "dense_lr": 0.02,
        "norm": "none",
    }


def test_an_arm_by_the_budget_starts_from_what_was_tuned_for_the_baseline(small_world):
    _, (base, solved) = planned(
        small_world, arm(sized="budget", hyperparameters={"norm": "none", "num_tokens": 2})
    )
    own = solved.spec.contestant.hyperparameters
    assert (own["num_layers"], own["num_tokens"], own["norm"]) == (1, 2, "none")
    assert own["token_dim"] != base.spec.contestant.hyperparameters["token_dim"]
    assert abs(solved.cost.dense_parameters / 10_000 - 1) <= 0.02
    assert solved.spec.budget == TEN_THOUSAND
    assert solved.spec.protocol.dense_lr == 0.02


def test_a_share_of_the_baseline_is_solved_for_its_dense_parameters(small_world):
    _, (base, half) = planned(small_world, arm(sized="baseline", share=0.5))
    assert half.spec.budget.target == round(base.cost.dense_parameters / 2)
    assert abs(half.cost.dense_parameters / base.cost.dense_parameters - 0.5) <= 0.01


def test_another_default_of_an_arm_is_its_change_and_is_adapted_to_the_data(small_world):
    many = dataclasses.replace(ARM, hyperparameters={**ARM.hyperparameters, "num_tokens": 4096})
    for sized in ("as_baseline", "budget"):
        _, (_, run) = planned(small_world, arm(contestant=many, sized=sized), budgets=(None,))
        assert run.spec.contestant.hyperparameters["num_tokens"] == len(small_world.schema.fields)


def test_what_was_set_for_the_baseline_itself_is_of_the_arms_too(small_world):
    base = dataclasses.replace(BASE, hyperparameters={"num_layers": 3}, label="three")
    for sized in ("as_baseline", "budget"):
        _, runs = planned(small_world, arm(sized=sized), base=base)
        assert [run.spec.contestant.hyperparameters["num_layers"] for run in runs] == [3, 3]


def test_the_features_of_the_baseline_are_those_of_the_arms_but_for_their_own(small_world):
    base = dataclasses.replace(BASE, features={"sequence_encoder": "target"}, label="DIN")
    gated = arm(features={"gate": "lhuc"})
    for sized in ("as_baseline", "budget", "given"):
        _, (first, second) = planned(small_world, dataclasses.replace(gated, sized=sized), base=base)
        assert (first.spec.features.sequence_encoder, first.spec.features.gate) == ("target", "none")
        assert (second.spec.features.sequence_encoder, second.spec.features.gate) == ("target", "lhuc")


class NotOfFour(RankMixer):
    def block(self):
        if self.num_tokens == 4:
            raise ValueError("four tokens are too few")
        return super().block()


def test_where_the_settings_of_the_baseline_do_not_fit_an_arm_has_its_own_and_a_warning(small_world):
    picky = dataclasses.replace(ARM, model=NotOfFour)
    found, (_, run) = planned(small_world, arm(contestant=picky, sized="budget"))
    assert run.spec.contestant.hyperparameters["num_tokens"] == 8
    assert run.spec.protocol.dense_lr == 0.02
    (warning,) = found.warnings
    assert warning.startswith(
        "arm has its default hyper-parameters, because those tuned for the baseline cannot"
    )
    assert "four tokens are too few" in warning
    of_base = dataclasses.replace(BASE, hyperparameters={"num_layers": 3}, label="three")
    _, (_, run) = planned(small_world, arm(contestant=picky, sized="budget"), base=of_base)
    of_run = run.spec.contestant.hyperparameters  # without what was tuned, with what was asked
    assert (of_run["num_tokens"], of_run["num_layers"]) == (8, 3)
    possible = arm("no norm", RANKMIXER, hyperparameters={"norm": "none"})
    found, (_, _) = planned(small_world, arm(contestant=picky), possible)
    assert "four tokens are too few" in found.impossible[0].reason


def test_an_arm_of_an_impossible_baseline_says_so(small_world):
    tiny = Budget(kind="dense_parameters", target=50)
    with pytest.raises(
        BadInput, match="arm has the size of the baseline 'RankMixer', which cannot take part"
    ):
        planned(small_world, arm(), budgets=(tiny,))


def test_an_ablation_of_which_no_arm_is_possible_is_refused_whatever_its_base_can(small_world):
    wrong = arm("wrong", RANKMIXER, hyperparameters={"norm": "nonsense"})
    with pytest.raises(BadInput, match="no arm can take part in study 'quick': rankmixer: norm is"):
        planned(small_world, wrong)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"baseline": None}, "is an ablation, but has no baseline; name one of RankMixer, arm"),
        ({"baseline": "arm"}, "'arm' cannot be the baseline"),
        ({"kind": "comparison"}, "only the arms of an ablation"),
    ],
)
def test_an_arm_as_the_baseline_needs_one(small_world, changes, says):
    with pytest.raises(BadInput, match=says):
        planned(small_world, arm(), **changes)


def test_another_model_cannot_have_the_hyperparameters_of_the_baseline(small_world):
    other = arm("other", CONTESTANTS["tokenmixer-large"])
    says = "'other' cannot have the hyper-parameters of the baseline 'RankMixer': .* without slicing; size"
    with pytest.raises(BadInput, match=says):
        planned(small_world, other)
    _, (_, sized) = planned(small_world, dataclasses.replace(other, sized="budget"))
    assert abs(sized.cost.dense_parameters / 10_000 - 1) <= 0.02


def test_two_models_have_two_names(small_world):
    other = dataclasses.replace(ARM, model=NotOfFour)
    with pytest.raises(BadInput, match="two contestants are called 'rankmixer-arm', one of them that of 'b'"):
        planned(small_world, arm("a"), arm("b", contestant=other))


def test_a_proportion_needs_a_budget(small_world):
    with pytest.raises(
        BadInput, match="'wide' changes expansion, a proportion, which only a budget can keep"
    ):
        planned(small_world, arm("wide", hyperparameters={"expansion": 8}))
