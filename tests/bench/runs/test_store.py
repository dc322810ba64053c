from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.contestants.cost import Cost
from bench.runs.record import Run
from bench.runs.store import RUNS_FILE, Store
from bench.spec import ContestantRef, DatasetRef, FeatureSpec, Protocol, Spec


def record(seed: int = 0, status: str = "ok", auc: float = 0.7, text: str = "") -> Run:
    return Run(
        spec=Spec(
            dataset=DatasetRef(name="d", rev=1, fingerprint="f"),
            features=FeatureSpec(),
            contestant=ContestantRef(name="m", rev=1, hyperparameters={"note": text}),
            protocol=Protocol(name="p"),
            budget=None,
            seed=seed,
        ),
        status=status,
        cost=Cost(
            embedding_parameters=1,
            linear_parameters=0,
            encoder_parameters=2,
            dense_parameters=3,
            active_parameters=3,
            flops_forward=4,
            flops_train=12,
            activation_bytes=5,
        ),
        metrics={"test": {"click": {"auc": auc}}} if status == "ok" else None,
        training={},
        error=None if status == "ok" else {"type": "E", "message": "m", "traceback": "t"},
        environment={},
        timings={},
    )


def test_what_goes_in_comes_out(tmp_path):
    store = Store(tmp_path / "new" / "store")
    assert store.read().runs == {}
    store.append(record())
    (run,) = store.read().runs.values()
    assert run.to_json() == record().to_json()
    assert store.read().settled() == {record().key}


def test_last_ok_wins_and_ok_beats_failure(tmp_path):
    store = Store(tmp_path)
    for run in (record(auc=0.6), record(auc=0.7), record(status="failed")):
        store.append(run)
    (kept,) = store.read().runs.values()
    assert kept.metrics["test"]["click"]["auc"] == 0.7


def test_failures_are_tried_again_and_divergence_is_settled(tmp_path):
    store = Store(tmp_path)
    for seed, status in enumerate(("ok", "diverged", "oom", "failed")):
        store.append(record(seed=seed, status=status))
    assert store.read().settled() == {record(seed=0).key, record(seed=1).key}


@pytest.mark.parametrize("kept_bytes", [1, 40, -2, -1])
def test_a_torn_last_line_is_reported_and_the_next_record_survives(tmp_path, kept_bytes):
    store = Store(tmp_path)
    store.append(record(seed=0))
    store.append(record(seed=1))
    path = tmp_path / RUNS_FILE
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + (second + b"\n")[:kept_bytes])
    torn = kept_bytes != -1  # -1 leaves a whole record and takes only its newline
    view = store.read()
    assert set(view.runs) == ({record(seed=0).key} if torn else {record(seed=0).key, record(seed=1).key})
    assert len(view.torn) == torn
    store.append(record(seed=2))
    again = store.read()
    assert record(seed=2).key in again.runs
    assert again.torn == view.torn
    assert path.read_bytes().startswith(first + b"\n" + (second + b"\n")[:kept_bytes]), "nothing is rewritten"


def test_what_was_read_is_not_parsed_again_unless_the_file_is_another(tmp_path):
    store, parsed = Store(tmp_path), []

    def parse(line):
        parsed.append(line["key"])
        return line["key"]

    keys = [record(seed=seed).key for seed in range(3)]
    store.append(record(seed=0))
    store.append(record(seed=1))
    assert store.lines(RUNS_FILE, parse) == keys[:2]
    store.append(record(seed=2))
    assert store.lines(RUNS_FILE, parse) == keys
    assert parsed == keys
    path = tmp_path / RUNS_FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert store.lines(RUNS_FILE, parse) == keys[1:]


def test_a_line_that_was_torn_is_read_when_it_is_whole_and_keeps_its_number(tmp_path):
    store, path = Store(tmp_path), tmp_path / RUNS_FILE
    store.append(record(seed=0))
    line = json.dumps(record(seed=1).to_json()).encode()
    with path.open("ab") as file:
        file.write(line[:40])
        file.flush()
        assert store.read().torn[0].startswith(f"{RUNS_FILE} line 2: ")
        file.write(line[40:] + b"\n{}\n")
    view = store.read()
    assert set(view.runs) == {record(seed=0).key, record(seed=1).key}
    assert [said.partition(":")[0] for said in view.torn] == [f"{RUNS_FILE} line 3"]


def test_a_record_whose_key_is_not_that_of_its_spec_is_reported(tmp_path):
    data = record().to_json() | {"key": "0" * 32}
    (tmp_path / RUNS_FILE).write_text(json.dumps(data) + "\n" + json.dumps({"format": 99}) + "\n")
    view = Store(tmp_path).read()
    assert view.runs == {}
    assert "its spec hashes to" in view.torn[0]
    assert "record format is 99" in view.torn[1]


def test_concatenating_two_stores_merges_them(tmp_path):
    one, two, both = (Store(tmp_path / name) for name in ("one", "two", "both"))
    one.append(record(seed=0))
    two.append(record(seed=1))
    both.directory.mkdir()
    (both.directory / RUNS_FILE).write_bytes(
        (one.directory / RUNS_FILE).read_bytes() + (two.directory / RUNS_FILE).read_bytes()
    )
    assert len(both.read().runs) == 2


WRITER = """
import json, sys
from pathlib import Path
from bench.runs.record import Run
from bench.runs.store import Store
for line in sys.stdin:
    Store(Path(sys.argv[1])).append(Run.from_json(json.loads(line)))
"""


def test_writers_at_once_do_not_mix_their_lines(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdin=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for number, writer in enumerate(writers):
        runs = [record(seed=100 * number + seed) for seed in range(25)]
        writer.stdin.writelines(json.dumps(run.to_json()) + "\n" for run in runs)
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    view = Store(tmp_path).read()
    assert len(view.runs) == 75
    assert not view.torn


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["ok", "failed"]), st.text(max_size=8)), max_size=8)
)
def test_any_sequence_of_records_is_read_back_by_the_rule(entries):
    expected: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        for seed, status, text in entries:
            run = record(seed=seed, status=status, text=text)
            store.append(run)
            if run.key not in expected or status == "ok" or expected[run.key].status != "ok":
                expected[run.key] = run
        view = store.read()
    assert {key: run.to_json() for key, run in view.runs.items()} == {
        k: r.to_json() for k, r in expected.items()
    }
    assert not view.torn
