"""Finds a run that kept its weights, by its key or the first digits of it. Imports no torch."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import safetensors

from bench.canonical import digest_of_file
from bench.errors import BadInput
from bench.runs.record import Run
from bench.runs.store import JoinedStores, View
from bench.spec import Spec

LEAST_DIGITS = 6
_KEY = re.compile(f"[0-9a-f]{{{LEAST_DIGITS},32}}")
_SHOWN = 8
"""Runs that an error names at most."""


def run_with_weights(stores: JoinedStores, key: str) -> tuple[Run, Path]:
    """The run whose key begins with `key`, and the file of its weights, which is the one that it wrote.

    Raises:
        BadInput: no such run or several, a run without weights, or a damaged file of them.
    """
    view = stores.read()
    run = run_called(view, key.lower(), stores)
    path = stores.path("weights", run.key)
    if run.status != "ok":
        raise BadInput(f"run {_told(run)} is {run.status}, so it has no weights to predict with")
    if not path.is_file():
        raise BadInput(
            f"run {_told(run)} has no weights ({path} is missing); {_way_to_weights(view, run, stores)}"
        )
    if (expected := run.files.get("weights")) is not None and digest_of_file(path) != expected:
        raise BadInput(
            f"{path} is damaged: its SHA-256 is not that of the record; {_way_to_weights(view, run, stores)}"
        )
    if (of := _spec_of(path)) is None or of.key() != run.spec.key():
        raise BadInput(
            f"{path} does not hold the weights of run {run.key}; {_way_to_weights(view, run, stores)}"
        )
    return run, path


def run_called(view: View, key: str, stores: JoinedStores) -> Run:
    """The run whose key, of now or of its record, begins with `key`.

    Raises:
        BadInput: none or several, or a text that is no key.
    """
    where = ", ".join(str(store.directory) for store in stores.stores)
    with_weights = _list(run for run in view.runs.values() if stores.path("weights", run.key).is_file())
    if not _KEY.fullmatch(key):
        way = f"give at least the first {LEAST_DIGITS} digits of one of: {with_weights}"
        none = f"and {where} has no run with weights; train one with 'rankbench run … --keep weights'"
        raise BadInput(f"'{key}' is no key; {way}" if with_weights else f"'{key}' is no key, {none}")
    found = [run for now, run in view.runs.items() if now.startswith(key) or run.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(
            f"{len(found)} runs have keys that begin with '{key}'; give more digits: {_list(found)}"
        )
    nearest = difflib.get_close_matches(key, [run.key[: len(key)] for run in view.runs.values()], n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    raise BadInput(
        f"no run in {where} has the key '{key}'{hint} (runs with weights: {with_weights or 'none'})"
    )


def _list(runs: Iterable[Run]) -> str:
    told = [_told(run) for run in runs]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return ", ".join(told[:_SHOWN]) + more


def _told(run: Run) -> str:
    return f"{run.key} ({run.spec.contestant.name}, {run.spec.dataset.name}, seed {run.spec.seed})"


def _way_to_weights(view: View, run: Run, stores: JoinedStores) -> str:
    """The command that trains a run again and keeps its weights, in the first of the stores."""
    more = shlex.join(["--keep", "weights", "--store", str(stores.stores[0].directory)])
    for study in view.studies:
        if run.spec.key() in study.run_keys():
            return f"'{study.command} {more}' trains it again and keeps them"
    return f"'rankbench run' with {more} trains it again and keeps them"


def _spec_of(path: Path) -> Spec | None:
    """The spec in the metadata of a file of weights, or None."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return Spec.from_json(json.loads((file.metadata() or {})["spec"]))
    except (OSError, safetensors.SafetensorError, KeyError, ValueError, RecursionError):
        return None
