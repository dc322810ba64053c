"""The store: where runs are kept. Append-only, one writer at a time, nothing rewritten. Free of torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock

from bench.canonical import canonical_json
from bench.runs.record import Run

RUNS_FILE = "runs.jsonl"
SETTLED = ("ok", "diverged")
"""Statuses that running the same spec again would only repeat; any other is tried again."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The runs of a store, one per key (the last ``ok`` one, else the last), sorted by key.

    `torn` lists the lines that could not be read, as ``line N: why``.
    """

    runs: Mapping[str, Run]
    torn: tuple[str, ...]

    def settled(self) -> set[str]:
        """Keys that need no further run."""
        return {key for key, run in self.runs.items() if run.status in SETTLED}


class Store:
    """A folder with `runs.jsonl`, `predictions/` and `curves/` (see `results/README.md`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def prediction_path(self, key: str) -> Path:
        return self.directory / "predictions" / f"{key}.parquet"

    def curve_path(self, key: str) -> Path:
        return self.directory / "curves" / f"{key}.parquet"

    def append(self, run: Run) -> None:
        """Adds one record: one write of one whole line, on disk when this returns."""
        self.directory.mkdir(parents=True, exist_ok=True)
        line = (canonical_json(run.to_json()) + "\n").encode()
        with filelock.FileLock(self.directory / ".append.lock"):
            descriptor = os.open(self.directory / RUNS_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                if _ends_torn(
                    descriptor
                ):  # a writer died in the middle of a line: close it, do not continue it
                    line = b"\n" + line
                written = os.write(descriptor, line)
                if written != len(line):
                    raise OSError(
                        f"only {written} of {len(line)} bytes of a record were written to {self.directory}"
                    )
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read(self) -> View:
        """All records. Unreadable lines are reported and skipped; a store that is not there is empty."""
        path = self.directory / RUNS_FILE
        runs: dict[str, Run] = {}
        torn = []
        lines = path.read_bytes().split(b"\n") if path.is_file() else []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                run = Run.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                torn.append(f"line {number}: {error}")
                continue
            earlier = runs.get(run.key)
            if earlier is None or run.status == "ok" or earlier.status != "ok":
                runs[run.key] = run
        return View(runs=dict(sorted(runs.items())), torn=tuple(torn))


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
