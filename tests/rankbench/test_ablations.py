"""Ablations on the command line: listed, sized as asked, and questions of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablations import ABLATIONS
from bench.errors import BadInput
from rankbench.choices import Choices
from rankbench.request import study

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_question.py"


def sizes(asked) -> dict[str, str]:
    return {one.label: one.sized for one in asked.entrants}


def test_every_study_is_listed_with_its_question_and_the_item_of_the_paper(bench):
    listed = {one["name"]: one for one in json.loads(bench("list", "studies", "--json").stdout)["studies"]}
    assert list(listed)[-len(ABLATIONS) :] == list(ABLATIONS)
    for name, asked in ABLATIONS.items():
        assert listed[name] == {
            "name": name,
            "kind": "ablation",
            "question": asked.question,
            "paper": asked.paper or "",
        }


def test_sized_switches_every_arm_and_leaves_the_base():
    own = sizes(ABLATIONS["components"])
    assert set(list(own.values())[1:]) == {"as_baseline"}
    for given, expected in (("base", "as_baseline"), ("budget", "budget")):
        found = sizes(study("components", Choices(sized=given)))
        assert found == dict.fromkeys(own, expected) | {"RankMixer": "budget"}


@pytest.mark.parametrize(
    ("target", "choices", "says"),
    [
        ("components", {"sized": "big"}, "--sized is 'big', allowed: base, budget"),
        ("compare", {"sized": "base"}, "--sized applies to ablations, but 'compare' is a comparison"),
        ("components", {"baseline": "no token mixing"}, "'no token mixing' cannot be the baseline"),
        ("components", {"baseline": "none"}, "no baseline; name one"),
    ],
)
def test_what_cannot_be_sized_is_refused(target, choices, says):
    with pytest.raises(BadInput, match=says):
        study(target, Choices(**choices))


def test_set_changes_the_base_and_with_it_the_arms():
    asked = study("components", Choices(settings=["rankmixer.num_layers=3"]))
    assert asked.baseline == "RankMixer (num_layers 3)"
    assert [one.label for one in asked.entrants][1:] == [
        one.label for one in ABLATIONS["components"].entrants
    ][1:]


def test_the_example_is_a_question_of_its_own(bench, tmp_path):
    shutil.copy(EXAMPLE, tmp_path)
    for name in ("my_question.py:STUDY", "my_question:STUDY"):
        rows = json.loads(bench("show", "--study", name, "--json").stdout)
        base, without_norm, without_skip = rows
        assert base["contestant"] == without_norm["contestant"] == "rankmixer"
        assert without_skip["contestant"] == "my-rankmixer-without-residuals"
        assert without_norm["hyperparameters"] == {**base["hyperparameters"], "norm": "none"}
        assert without_skip["hyperparameters"] == base["hyperparameters"]


def test_an_own_arm_has_a_source_and_an_edited_file_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked_one.py").write_text(EXAMPLE.read_text())
    (tmp_path / "asked_two.py").write_text(EXAMPLE.read_text() + "\n# edited\n")
    found = [study(f"asked_{n}.py:STUDY", Choices()).entrants for n in ("one", "two")]
    sources = [one[2].contestant.source for one in found]
    assert None not in sources
    assert sources[0] != sources[1]
    assert {one[1].contestant.source for one in found} == {None}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("STUDY = 3", "is a int; it must be a bench.runs.studies.Study or a bench.contestants"),
        ("", "unknown study or contestant in refused_1.py: 'STUDY'"),
        ("import nothing_like_it", "nothing_like_it"),
        (
            EXAMPLE.read_text().replace('"my-rankmixer-without-residuals"', '"dcnv2"'),
            "'dcnv2', which is taken",
        ),
        (EXAMPLE.read_text().replace('"no residuals"', '"no LayerNorm"'), "two entrants are called"),
        (EXAMPLE.read_text().replace('"norm"', '"nrom"'), None),
        (EXAMPLE.read_text().replace("arm(RANK", "arm(5, RANK"), r"raised TypeError.*\(refused_6.py:23\)"),
    ],
)
def test_a_wrong_question_is_refused_by_name(request, tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    name = f"refused_{next(iter(request.node.callspec.indices.values()))}"
    (tmp_path / f"{name}.py").write_text(text)
    asked = f"{name}.py:STUDY"
    if says is None:  # known only when it is sized: then an arm is impossible, and the others go on
        assert study(asked, Choices()).name == "my-question"
        return
    with pytest.raises(BadInput, match=says):
        study(asked, Choices())


def test_the_target_is_given_once(bench):
    both = bench("show", "compare", "--study", "my_question.py:STUDY", code=2)
    assert "--study is 'my_question.py:STUDY', but 'compare' is given too" in both.stderr
    assert "neither a study nor a contestant is given" in bench("show", code=2).stderr
