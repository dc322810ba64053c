"""Your own studies and contestants have names of their own, and papers that there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reports.records.paper
from bench.errors import BadInput
from rankbench.choices import Choices
from rankbench.named import STUDIES
from rankbench.own import PAPERS
from rankbench.request import study
from reports.records.paper import FIGURE_2, stands_beside

QUESTION = """
from ablations.arm import RANKMIXER, ablation, arm, varied
from rankmixer import RankMixer

class Mine(RankMixer):
    pass

STUDY = ablation(
    "{name}", "Is it so?", RANKMIXER, arm(RANKMIXER, "{arm}", "mine", model=Mine), paper={paper!r}
)
"""
MODEL = (Path(__file__).parents[2] / "examples" / "my_model.py").read_text()


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str):
    """The study or contestant of that name in a file of this text."""
    monkeypatch.chdir(folder)
    file = folder / f"own_{abs(hash(text))}.py"  # a module is imported once
    file.write_text(text)
    return study(f"{file.name}:{name}", Choices())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "components"}, "the name 'components', which is taken by a study of rankbench; choose"),
        ({"name": "dcnv2"}, "the name 'dcnv2', which is taken by a contestant of rankbench"),
        ({"name": "compare-tuning"}, "which is taken by the tuning of compare"),
        ({"name": "rankmixer-fairness"}, "which is taken by the fairness of rankmixer"),
        (
            {"arm": "rankmixer-without-skip"},
            "of 'mine' has the name 'rankmixer-without-skip', which is taken",
        ),
        (
            {"paper": "rankmixer/table_99"},
            r"'rankmixer/table_99'; did you mean 'rankmixer/table_\d'\? \(known",
        ),
        ({"paper": "rankmixer/Table 2"}, "did you mean 'rankmixer/table_2'"),
        ({"paper": "nonsense"}, r"unknown paper of study .*: 'nonsense' \(known: .*gate_scaling"),
        ({"paper": 7}, "unknown paper of study .*: '7'"),
    ],
)
def test_a_taken_name_and_a_paper_that_is_none_are_refused(tmp_path, monkeypatch, given, says):
    text = QUESTION.format(**{"name": "mine", "arm": "my-arm", "paper": None, **given})
    with pytest.raises(BadInput, match=says):
        asked(tmp_path, monkeypatch, text, "STUDY")


def test_a_name_of_ones_own_and_a_paper_that_there_is_are_taken(tmp_path, monkeypatch):
    text = QUESTION.format(name="mine", arm="my-arm", paper="rankmixer/table_2")
    found = asked(tmp_path, monkeypatch, text, "STUDY")
    assert (found.name, found.paper) == ("mine", "rankmixer/table_2")


def test_an_arm_of_rankbench_is_taken_into_a_study_of_ones_own(tmp_path, monkeypatch):
    text = """
import dataclasses
from ablations.components import STUDY as COMPONENTS
STUDY = dataclasses.replace(COMPONENTS, name="again", paper=None)
"""
    found = asked(tmp_path, monkeypatch, text, "STUDY")
    assert found.entrants[1].contestant.name == "rankmixer-without-skip"


def test_a_contestant_alone_has_no_name_of_a_study(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="the name 'compare', which is taken by a study of rankbench"):
        asked(tmp_path, monkeypatch, MODEL.replace('name="fm"', 'name="compare"'), "FM")
    assert asked(tmp_path, monkeypatch, MODEL, "FM").name == "fm"


def test_the_papers_of_all_studies_exist_and_are_all_that_can_be_named():
    path = Path(reports.records.paper.__file__).with_name("paper_tables.json")
    tables = set(json.loads(path.read_text(encoding="utf-8")))
    assert set(PAPERS) == tables - {FIGURE_2}  # a figure of ladders, which Table 1 stands beside
    for one in STUDIES.values():
        assert one.paper is None or stands_beside(one.paper, "trees-160000-1")
