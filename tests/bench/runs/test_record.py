"""A record outlives the code: lines of every format there was are read, and a bad one costs only itself."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.runs.record import FORMAT, Run
from bench.runs.store import RUNS_FILE, STUDIES_FILE, JoinedStores, Store
from bench.spec import Spec

STORED = Path(__file__).parent / "stored"
LINES = {path.stem: json.loads(path.read_text()) for path in sorted(STORED.glob("*.jsonl"))}


@pytest.mark.parametrize("name", LINES)
def test_a_stored_line_of_every_format_is_read_and_its_numbers_are_kept(name):
    line = LINES[name]
    run = Run.from_json(line)
    assert run.key == line["key"]
    assert run.status == line["status"]
    if line["metrics"] is None:
        assert run.metrics is None
    else:
        assert {**run.metrics, **run.references} == {**line["metrics"], **line.get("references", {})}
        assert run.metrics.keys() == {"valid", "test"}
        assert run.references.keys() == {"oracle", "logistic_regression"}
    assert vars(run.cost) == {"linear_parameters": 0, **line["cost"]}
    again = Run.from_json(json.loads(json.dumps(run.to_json())))
    assert again == run
    assert run.to_json()["format"] == FORMAT


def test_the_formats_there_were_are_all_stored():
    assert {line["format"] for line in LINES.values()} == set(range(1, FORMAT))
    protocols = [line["spec"]["protocol"] for line in LINES.values()]
    assert {"cooldown" in protocol for protocol in protocols} == {True, False}
    assert {protocol.get("cooldown") for protocol in protocols} == {None, 0.0, 0.2}


def test_a_spec_of_today_finds_what_was_run_before_a_field_was_added():
    before = Run.from_json(LINES["format_1_before_cooldown"])
    assert before.spec.protocol.cooldown == 0.0
    assert before.spec.key() == before.key


def test_a_field_that_was_written_at_its_default_once_is_found_too(tmp_path):
    written = Run.from_json(LINES["format_1_cooldown_of_zero"])
    assert written.key != written.spec.key()  # its files are named by the key it was stored with
    store = Store(tmp_path)
    store.append(written)
    assert store.read().settled() == {written.spec.key()}
    assert store.read().runs[written.spec.key()].key == written.key


def test_a_later_field_off_its_default_makes_another_key():
    spec = Run.from_json(LINES["format_1_cooldown"]).spec
    keys = {
        dataclasses.replace(spec, contestant=dataclasses.replace(spec.contestant, source=source)).key()
        for source in (None, "a", "b")
    }
    assert len(keys) == 3
    assert spec.key() in keys


def values_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from values_in(item, (*path, key))


def changed(line: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    result = copy.deepcopy(line)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return result


@pytest.mark.parametrize("strange", ["x", 1, 1.5, None, [], {}, True, -1])
def test_a_value_of_another_type_costs_its_line_and_is_never_a_crash(tmp_path, strange):
    line = LINES["format_1_cooldown"]
    paths = [path for path, value in values_in(line) if path and type(value) is not type(strange)]
    lines = [changed(line, path, strange) for path in paths]
    (tmp_path / RUNS_FILE).write_text("\n".join(map(json.dumps, [*lines, line])) + "\n")
    view = Store(tmp_path).read()
    assert line["key"] in view.runs
    for path, mutated in zip(paths, lines, strict=True):
        if path[0] in ("spec", "status", "cost", "key", "format"):
            with pytest.raises(ValueError, match=r"."):
                Run.from_json(mutated)


@pytest.mark.parametrize(
    "changes", [{"status": "asleep"}, {"mood": 1}, {"format": FORMAT + 1}, {"key": "0" * 32}, {"spec": None}]
)
def test_an_unknown_status_or_key_costs_that_line_never_the_store(tmp_path, changes):
    good = LINES["format_1_cooldown"]
    (tmp_path / RUNS_FILE).write_text(json.dumps({**good, **changes}) + "\n" + json.dumps(good) + "\n")
    view = Store(tmp_path).read()
    assert list(view.runs) == [good["key"]]
    (torn,) = view.torn
    assert torn.startswith(f"{RUNS_FILE} line 1: ")


def test_an_unknown_key_of_a_spec_is_named():
    data = Run.from_json(LINES["format_1_cooldown"]).spec.to_json()
    data["protocol"]["momentum"] = 0.9
    with pytest.raises(ValueError, match=r"unknown key protocol\.momentum"):
        Spec.from_json(data)


def test_stores_are_joined_for_reading(tmp_path):
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    first, second = (Run.from_json(LINES[name]) for name in ("format_1_cooldown", "format_1_before_cooldown"))
    one.append(first)
    two.append(first)
    two.append(second)
    (two.directory / RUNS_FILE).open("a").write("torn\n")
    two.path("curves", first.key).parent.mkdir()
    two.path("curves", first.key).write_bytes(b"")
    joined = JoinedStores([one, two])
    assert joined.read().runs.keys() == {first.spec.key(), second.spec.key()}
    assert joined.path("curves", first.key) == two.path("curves", first.key)
    assert joined.path("predictions", first.key) == one.path("predictions", first.key)
    one.path("curves", first.key).parent.mkdir()
    one.path("curves", first.key).write_bytes(b"")  # of two runs the last counts, and so do its files
    assert joined.path("curves", first.key) == two.path("curves", first.key)
    (torn,) = joined.read().torn
    assert torn.startswith(f"{two.directory}: {RUNS_FILE} line 3")
    assert not (two.directory / STUDIES_FILE).exists()
