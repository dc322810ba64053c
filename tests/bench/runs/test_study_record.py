"""What is kept of a study: lines of every format are read, and what goes in comes out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bench.runs.store import STUDIES_FILE, Store
from bench.runs.study_record import FORMAT, Member, StudyRecord
from bench.spec import DatasetRef

STORED = Path(__file__).parent / "stored" / "studies"
LINES = {path.stem: json.loads(path.read_text()) for path in sorted(STORED.glob("*.jsonl"))}


def member(key: str | None, **changes) -> Member:
    data = DatasetRef(name="d", rev=1, fingerprint="f")
    return Member(label="M", contestant="m", title="M", dataset=data, budget=None, seed=0, key=key, **changes)


def record(*members: Member, **changes) -> StudyRecord:
    given = {
        "name": "s",
        "kind": "comparison",
        "question": "?",
        "command": "c",
        "baseline": None,
        "paper": None,
    }
    return StudyRecord(**{**given, **changes}, members=members)


def test_a_stored_line_of_every_format_is_read():
    assert {line["format"] for line in LINES.values()} == set(range(1, FORMAT))
    for line in LINES.values():
        study = StudyRecord.from_json(line)
        assert [one.key for one in study.members] == [one["key"] for one in line["members"]]
        sized = {one.sized for one in (*study.members, *study.equal)}
        assert sized == ({"budget", "as_baseline"} if line["format"] == 3 else {None})
        assert {one.dataset.train_rows for one in (*study.members, *study.equal)} == {None}
        assert study.observed is (line["format"] == 3)
        written = study.to_json()
        assert written["format"] == FORMAT
        changed = ("format", "members", "equal")
        assert written.items() >= {k: v for k, v in line.items() if k not in changed}.items()
        assert StudyRecord.from_json(json.loads(json.dumps(written))) == study


def test_format_1_knew_of_no_settings():
    study = StudyRecord.from_json(LINES["format_1"])
    assert (study.equal, study.tuned, study.untuned) == ((), None, ())
    assert {(str(one.setting), one.trial, one.varied) for one in study.members} == {("{}", None, None)}


def test_format_2_knew_them():
    study = StudyRecord.from_json(LINES["format_2"])
    assert (study.tuned, study.untuned) == ("24 trials each", ("N",))
    assert [(one.setting, one.trial) for one in study.members] == [({"num_layers": 1, "dense_lr": 0.003}, 3)]
    assert [one.key for one in study.equal] == ["2" * 32]


def test_a_number_of_training_rows_comes_back():
    data = DatasetRef(name="d", rev=1, fingerprint="f", train_rows=20_000)
    kept = record(dataclasses.replace(member("a"), dataset=data))
    again = StudyRecord.from_json(json.loads(json.dumps(kept.to_json())))
    assert again == kept
    assert again.members[0].dataset.train_rows == 20_000


def test_what_a_tuning_says_comes_back_and_is_kept_once(tmp_path):
    tuned = member("a", setting={"hidden_dims": (64, 32), "dense_lr": 0.003}, trial=3, varied="dense_lr ×2")
    asked = record(tuned, kind="fairness", equal=(member("b"),), tuned="24 trials each", untuned=("N",))
    store = Store(tmp_path)
    store.append_study(asked)
    store.append_study(asked)
    assert len((tmp_path / STUDIES_FILE).read_text().splitlines()) == 1
    (kept,) = store.read().studies
    assert kept == asked
    assert kept.members[0].setting == {"hidden_dims": [64, 32], "dense_lr": 0.003}
    assert kept.run_keys() == {"a", "b"}


def test_runs_of_the_equal_protocol_belong_to_their_study(tmp_path):
    store = Store(tmp_path)
    store.append_study(record(member("a"), equal=(member("b"), member(None, reason="too small"))))
    assert store.read().superseded == frozenset()
    store.append_study(record(member("a"), equal=(member("c"),)))
    assert store.read().superseded == {"b"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": FORMAT + 1},
        {"format": 0},
        {"format": True},
        {"format": "2"},
        {"mood": 1},
        {"members": [3]},
        {"members": {}},
        {"kind": "race"},
    ],
)
@pytest.mark.parametrize("line", [*LINES.values(), record(member("a")).to_json()])
def test_a_line_that_is_wrong_is_refused(line, wrong):
    with pytest.raises(ValueError, match=r"."):
        StudyRecord.from_json({**line, **wrong})
    with pytest.raises(ValueError, match="list"):
        StudyRecord.from_json([line])
