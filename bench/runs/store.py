"""The store of runs and studies. It is append-only: one writer at a time, and nothing is rewritten.

Free of torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import filelock

from bench.canonical import canonical_json
from bench.runs.record import Run
from bench.runs.study_record import StudyRecord

RUNS_FILE = "runs.jsonl"
STUDIES_FILE = "studies.jsonl"
SETTLED = ("ok", "diverged")
"""Statuses that running the same spec again would only repeat; any other is tried again."""
SUFFIXES = {
    "predictions": ".parquet",
    "curves": ".parquet",
    "observations": ".parquet",
    "weights": ".safetensors",
}
"""Files that a run may have beside its record, each kind in a folder of its name."""

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class View:
    """What stores hold.

    Args:
        runs: by `Spec.key`, one each (the last ``ok`` one, else the last), sorted.
        studies: in the order in which they were last asked; of those that one command asked for, the last.
        superseded: keys of runs that belong only to studies whose command was asked again, with other runs,
            such as those of a contestant whose source has been edited since.
        torn: lines that could not be read, as ``FILE line N: why``.
    """

    runs: Mapping[str, Run]
    studies: tuple[StudyRecord, ...]
    superseded: frozenset[str]
    torn: tuple[str, ...]

    def settled(self) -> set[str]:
        """Keys that need no further run."""
        return {key for key, run in self.runs.items() if run.status in SETTLED}


@dataclass
class _Read(Generic[Record]):
    """The whole lines of a file that were read, and their records."""

    text: bytes = b""
    records: list[Record | str] = field(default_factory=list)


class Readable(Protocol):
    """One store, or several read as one."""

    def read(self) -> View: ...
    def path(self, kind: str, key: str) -> Path: ...


class Store:
    """A folder with `runs.jsonl`, `studies.jsonl` and folders for files (`results/README.md`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._read: dict[str, _Read[Any]] = {}

    def path(self, kind: str, key: str) -> Path:
        """Where the file of that kind, one of `SUFFIXES`, of the run `key` (its record's) is or would be."""
        return self.directory / kind / f"{key}{SUFFIXES[kind]}"

    def append(self, run: Run) -> None:
        """Adds one record: one write of one whole line, on disk when this returns."""
        self._append(RUNS_FILE, run.to_json())

    def append_study(self, study: StudyRecord) -> None:
        """Adds a study, as `append` does a run, unless it is the last that its command asked for."""
        if study not in self.read().studies:
            self._append(STUDIES_FILE, study.to_json())

    def read(self) -> View:
        """All records. Unreadable lines are reported and skipped; a store that is not there is empty."""
        return view_of([self])

    def lines(self, file: str, parse: Callable[[Any], Record]) -> list[Record | str]:
        """The records of a file in their order; of a line that is none, why.

        What was read before is not parsed again, because lines are only ever added.
        """
        path = self.directory / file
        text = path.read_bytes() if path.is_file() else b""
        read: _Read[Record] = self._read.get(file, _Read())
        if not text.startswith(read.text):
            read = _Read()
        *whole, torn = text[len(read.text) :].split(b"\n")
        first = read.text.count(b"\n") + 1
        for number, line in enumerate(whole, start=first):
            if line.strip():
                read.records.append(_parsed(file, number, line, parse))
        read.text = text[: len(text) - len(torn)]
        self._read[file] = read
        records = read.records.copy()
        if torn.strip():
            records.append(_parsed(file, first + len(whole), torn, parse))
        return records

    def _lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.directory / ".append.lock")

    def _append(self, file: str, record: Mapping[str, Any]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        line = (canonical_json(record) + "\n").encode()
        with self._lock():
            descriptor = os.open(self.directory / file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                if _ends_torn(descriptor):  # a writer died within a line: close it, do not continue it
                    line = b"\n" + line
                written = os.write(descriptor, line)
                if written != len(line):
                    raise OSError(f"only {written} of {len(line)} bytes of a record were written to {file}")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class JoinedStores:
    """Several stores read as one: a run that two of them have is one run."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = tuple(stores)

    def read(self) -> View:
        return view_of(self.stores)

    def path(self, kind: str, key: str) -> Path:
        """The last that is there, as of runs the last counts; where none is, where the first store would
        have it."""
        paths = [store.path(kind, key) for store in self.stores]
        return next((path for path in reversed(paths) if path.is_file()), paths[0])


def view_of(stores: Sequence[Store]) -> View:
    """What the stores hold together."""
    runs: dict[str, Run] = {}
    studies: dict[tuple[str, str], StudyRecord] = {}
    asked: set[str] = set()
    torn = []
    for store in stores:
        before = f"{store.directory}: " if len(stores) > 1 else ""
        for run in store.lines(RUNS_FILE, Run.from_json):
            if isinstance(run, str):
                torn.append(before + run)
            elif (
                (earlier := runs.get(run.spec.key())) is None or run.status == "ok" or earlier.status != "ok"
            ):
                runs[run.spec.key()] = run
        for study in store.lines(STUDIES_FILE, StudyRecord.from_json):
            if isinstance(study, str):
                torn.append(before + study)
            else:  # asked again: the last answer counts, at the place of the last asking
                asked |= study.run_keys()
                studies.pop((study.name, study.command), None)
                studies[study.name, study.command] = study
    current = {key for study in studies.values() for key in study.run_keys()}
    return View(
        runs=dict(sorted(runs.items())),
        studies=tuple(studies.values()),
        superseded=frozenset(asked - current),
        torn=tuple(torn),
    )


def _parsed(file: str, number: int, line: bytes, parse: Callable[[Any], Record]) -> Record | str:
    try:
        return parse(json.loads(line))
    except (ValueError, RecursionError) as error:
        return f"{file} line {number}: {' '.join(str(error).split())[:200]}"


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
