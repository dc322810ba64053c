"""Ablations on the command line: listed, sized as asked, and questions of one's own."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations import ABLATIONS
from bench.errors import BadInput
from bench.runs.store import Store
from bench.spec import ContestantRef
from rankbench.choices import Choices
from rankbench.predict import _contestant
from rankbench.request import study

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_question.py"
EXAMPLE_WITHOUT_ARMS = """
from ablations.arm import RANKMIXER, ablation
STUDY = ablation("alone", "What is left of it?", RANKMIXER)
"""


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
            "sizes": {"directions": "as given", "old-operators": "30k, 100k, 300k dense"}.get(
                name, "100k dense"
            ),
            "training rows": "all",
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
        ("residuals", {"sized": "base"}, "'TokenMixer-Large' cannot have the hyper-parameters of the base"),
        ("directions", {"sized": "budget"}, "the sizes of its arms are what 'directions' asks for"),
        (
            "components",
            {"sized": "budget", "budget": "none"},
            "--sized is 'budget', but there is none to meet",
        ),
        ("expansion", {"sized": "base"}, "changes expansion, a proportion, which only a budget can keep"),
        ("components", {"baseline": "no token mixing"}, "'no token mixing' cannot be the baseline"),
        (
            "components",
            {"baseline": "none"},
            "is an ablation, but has no baseline; name one of RankMixer",
        ),
        ("expansion", {"baseline": "none"}, "is an ablation, but has no baseline; name one of hidden layer"),
        (
            "routing",
            {"contestants": "rankmixer"},
            "'routing' is an ablation of its baseline 'RankMixer' only",
        ),
        (
            "directions",
            {"budget": "1M"},
            r"a budget \(1M\), but no entrant is sized by it: 'RankMixer · 1 × base",
        ),
        ("directions", {"budget": "none,2M", "budget_kind": "flops_forward"}, r"has a budget \(2M\), but no"),
        ("routing", {"contestants": "dcnv2,dlrm-mlp"}, "has no baseline; name one of DCNv2, DLRM-MLP"),
    ],
)
def test_what_cannot_be_sized_or_compared_is_refused(target, choices, says):
    with pytest.raises(BadInput, match=says):
        study(target, Choices(**choices))


def test_the_entrants_of_an_ablation_are_named_once_where_a_name_is_unknown():
    with pytest.raises(BadInput, match=r"\(known: RankMixer, no LayerNorm, pre-norm, rankmixer\)"):
        study("norm", Choices(baseline="nope"))
    with pytest.raises(BadInput, match=r"CONTESTANT.num_layers=3 \(one of rankmixer\)"):
        study("norm", Choices(settings=["num_layers=3"]))


def test_a_rate_that_a_study_gives_holds_unless_another_is_asked_for():
    for choices, rate in ((Choices(), 0.001), (Choices(dense_lr=0.01), 0.01), (Choices(epochs=2), 0.001)):
        asked = study("directions", choices)
        assert (asked.protocol.dense_lr, "dense_lr" in asked.given) == (rate, True)


def test_set_changes_the_base_and_with_it_the_arms():
    asked = study("components", Choices(settings=["rankmixer.num_layers=3"]))
    assert asked.baseline == "RankMixer (num_layers 3)"
    assert [one.label for one in asked.entrants][1:] == [
        one.label for one in ABLATIONS["components"].entrants
    ][1:]


def test_the_example_is_a_question_of_its_own(bench, tmp_path):
    shutil.copy(EXAMPLE, tmp_path)
    for name in ("my_question.py:STUDY", "my_question:STUDY"):
        rows = json.loads(bench("show", "--study", name, "--json").stdout)["contestants"]
        base, without_norm, without_skip = rows
        assert base["contestant"] == without_norm["contestant"] == "rankmixer"
        assert without_skip["contestant"] == "my-rankmixer-without-residuals"
        assert without_norm["hyperparameters"] == {**base["hyperparameters"], "norm": "none"}
        assert without_skip["hyperparameters"] == base["hyperparameters"]


QUICK = ("--rows", "4000", "--budget", "100k", "--seeds", "1", "--processes", "1")


def test_the_example_runs(bench, tmp_path):
    shutil.copy(EXAMPLE, tmp_path)
    done = bench("run", "--study", "my_question.py:STUDY", *QUICK)
    assert "runs: 3 planned, 0 already in the store" in done.stderr
    (asked,) = Store(tmp_path / "results" / "local").read().studies
    assert (asked.name, asked.kind, asked.baseline) == ("my-question", "ablation", "RankMixer")
    assert asked.command == "rankbench run my_question.py:STUDY --rows 4000 --budget 100k --seeds 1"
    assert {one.label for one in asked.members} == {"RankMixer", "no LayerNorm", "no residuals"}


def test_an_ablation_resumes_and_what_is_watched_is_kept_beside_its_runs(bench, tmp_path):
    store = Store(tmp_path / "results" / "local")
    bench("run", "activation", *QUICK)
    runs = store.read().runs.values()
    watched = {one.key: store.path("observations", one.key).is_file() for one in runs}
    assert {one.spec.contestant.name for one in runs if watched[one.key]} == {"rankmixer-moe"}
    assert list(watched.values()).count(True) == 3
    next(store.path("observations", key) for key, found in watched.items() if found).unlink()
    assert "runs: 4 planned, 3 already in the store" in bench("run", "activation", *QUICK).stderr
    assert all(store.path("observations", key).is_file() for key, found in watched.items() if found)


def test_a_run_of_an_arm_is_known_to_predict():
    reference = ContestantRef(name="rankmixer-without-mixing", rev=4, hyperparameters={})
    of = SimpleNamespace(key="k", spec=SimpleNamespace(contestant=reference))
    assert _contestant(of, None).model == "ablations.arms.components:WithoutMixing"
    reference = dataclasses.replace(reference, rev=1)
    of = SimpleNamespace(key="k", spec=SimpleNamespace(contestant=reference))
    with pytest.raises(BadInput, match="at rev 4, but run k trained rev 1"):
        _contestant(of, None)


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
        (EXAMPLE.read_text().replace("arm(RANK", "arm(5, RANK"), r"raised TypeError.*\(refused_6.py:22\)"),
        (EXAMPLE_WITHOUT_ARMS, "study 'alone' is an ablation of its baseline 'RankMixer' only"),
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
