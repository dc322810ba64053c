"""`--set`, and options for all: what changes everyone alike is taken, what an entrant says itself is not."""

from __future__ import annotations

import dataclasses

import pytest

from ablations import ABLATIONS
from ablations.arm import RANKMIXER, varied
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.plan import size
from bench.runs.studies import Study
from rankbench import named
from rankbench.choices import Choices
from rankbench.request import study
from rankbench.settings import with_settings
from tests.ablations.test_sizing import schema


@pytest.mark.parametrize(
    ("target", "given", "label"),
    [
        ("components", "rankmixer.norm=pre", "no LayerNorm"),
        ("components", "rankmixer.norm=none", "no LayerNorm"),
        ("norm", "rankmixer.norm=pre", "pre-norm"),
        ("depth", "tokenmixer-large.num_layers=4", "2 blocks"),
        ("sparsity", "rankmixer-moe.active_fraction=0.5", "DTSI + ReLU · 1 active"),
        ("initialisation", "tokenmixer-large.down_init=0.1", "up 1, gate 1, down 1"),
        ("expansion", "rankmixer.expansion=2", "hidden layer · 1 × D"),
        ("expansion", "rankmixer.num_tokens=2", "hidden layer · 1 × D"),
        ("tokenization", "rankmixer.num_tokens=4", "one token per field"),
        ("tokenization", "rankmixer-token-per-field.num_tokens=4", "one token per field"),
        ("gates", "tokenmixer-large.num_experts=4", "1:2, α = 1"),
        ("directions", "rankmixer.num_layers=3", "RankMixer · 1 × base size"),
        ("directions", "rankmixer-more-num-layers.hidden_dim=8", "L · 2 × base size"),
    ],
)
def test_what_an_entrant_sets_itself_cannot_be_set(target, given, label):
    name = given.partition("=")[0].partition(".")[2]
    with pytest.raises(BadInput) as refused:
        study(target, Choices(settings=[given]))
    assert f"--set gives {name}, but '{label}' sets {name} itself" in str(refused.value)


@pytest.mark.parametrize(
    ("target", "given", "says"),
    [
        (
            "components",
            "rankmixer-without-mixing.num_layers=3",
            "to the arm 'no token mixing', but not to its base 'RankMixer'; give it to the base, as rankm",
        ),
        ("residuals", "rankmixer.num_layers=3", "give it to the base, as group-transformer.num_layers"),
        ("sparsity", "rankmixer-moe.num_layers=3", "give it to the base, as rankmixer.num_layers"),
    ],
)
def test_what_the_base_has_too_is_set_of_the_base(target, given, says):
    with pytest.raises(BadInput, match=says):
        study(target, Choices(settings=[given]))


def sizes(target: str, *given: str, **choices) -> dict[str, dict]:
    """Label → hyper-parameters."""
    asked = study(target, Choices(settings=list(given), **choices))
    return {one.entrant.label: dict(one.hyperparameters) for one in size(asked, schema(49))}


def test_what_is_set_of_the_base_its_arms_have_however_they_are_sized():
    for sized in ("base", "budget"):
        found = sizes("components", "rankmixer.num_layers=3", sized=sized)
        assert next(iter(found)) == "RankMixer (num_layers 3)"
        assert list(found)[1:] == [one.label for one in ABLATIONS["components"].entrants][1:]
        assert {values["num_layers"] for values in found.values()} == {3}
        assert [values["norm"] for values in found.values()].count("none") == 1
    ratios = []
    for expansion in (1, 8):  # a proportion, which the arms have as the base's widths
        found = sizes("components", f"rankmixer.expansion={expansion}")
        (ratio,) = {values["hidden_dim"] / values["token_dim"] for values in found.values()}
        ratios.append(ratio)
    assert 3 < ratios[1] / ratios[0] < 16
    found = sizes("blocks", "tokenmixer-large.num_layers=4")
    assert next(iter(found)) == "TokenMixer-Large (num_layers 4)"
    assert {values["num_layers"] for values in found.values()} == {4}


def test_what_only_arms_have_is_theirs_and_another_model_says_what_is_set():
    found = sizes("sparsity", "rankmixer-moe.offset_rate=0.2")
    assert list(found) == [one.label for one in ABLATIONS["sparsity"].entrants]
    assert [values.get("offset_rate") for values in found.values()] == [None, *([0.2] * 12), None]
    found = sizes("residuals", "tokenmixer-large.num_layers=2")
    assert list(found)[-1] == "TokenMixer-Large (num_layers 2, size of the baseline)"
    assert [values["num_layers"] for values in found.values()] == [2] * 9


def test_an_arm_as_given_of_another_contestant_takes_nothing_from_the_base():
    base = Entrant(contestant=RANKMIXER, sized="given", label="RankMixer")
    like = varied(RANKMIXER, "no norm", {"norm": "none"}, sized="given")
    found = with_settings([base, like], base, ["rankmixer.num_layers=3"])
    assert [dict(one.hyperparameters) for one in found] == [
        {"num_layers": 3},
        {"norm": "none", "num_layers": 3},
    ]
    other = dataclasses.replace(like, contestant=dataclasses.replace(RANKMIXER, name="mine"))
    with pytest.raises(BadInput, match="but 'no norm', which is sized as given, does not take it from there"):
        with_settings([base, other], base, ["rankmixer.num_layers=3"])


LAYERS = tuple(
    Entrant(contestant=RANKMIXER, hyperparameters={"num_layers": n}, label=f"{n} layers") for n in (1, 2)
)
RATES = tuple(
    Entrant(contestant=RANKMIXER, protocol={"dense_lr": rate}, label=f"rate {rate}") for rate in (0.1, 0.2)
)


@pytest.mark.parametrize(
    ("entrants", "choices", "says"),
    [
        (LAYERS, Choices(settings=["rankmixer.num_layers=3"]), "but '1 layers' sets num_layers itself"),
        (RATES, Choices(dense_lr=0.3), "--dense-lr is 0.3, but the entrants of 'mine' differ in it"),
    ],
)
def test_in_a_comparison_too(monkeypatch, entrants, choices, says):
    mine = Study(name="mine", question="Which?", entrants=entrants)
    monkeypatch.setitem(named.STUDIES, "mine", mine)
    with pytest.raises(BadInput, match=says):
        study("mine", choices)
    assert study("mine", Choices(settings=["rankmixer.norm=pre"], epochs=2)).protocol.epochs == 2


def test_a_value_that_a_study_gives_outlasts_the_choice_of_the_tuned_settings():
    for protocol, rate in (("tuned", 0.001), ("short", 0.003)):
        assert study("directions", Choices(protocol=protocol)).protocol.dense_lr == rate
    assert study("directions", Choices(protocol="tuned", dense_lr=0.02)).protocol.dense_lr == 0.02
