"""A store without what is large: runs, studies, curves, observations, and answers about the test rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.canonical import canonical_json
from bench.errors import BadInput
from bench.machine.partial import remove, written_whole
from bench.runs.store import RUNS_FILE, STUDIES_FILE
from bench.runs.study_record import StudyRecord
from reports.records.sources import Sources
from reports.records.test_rows import TEST_ROWS_FILE

_KINDS = ("curves", "observations")


def refuse_to_pack(into: Path, stores: Sequence[Path]) -> None:
    """Nothing, where a packed store can be written to `into`, or replace an earlier one there.

    Raises:
        BadInput: `into` is one of the stores, or has more than packing writes.
    """
    if into.resolve() in {store.resolve() for store in stores}:
        raise BadInput(f"--pack is {into}, which is a store of this report; choose another folder")
    found = sorted(path.name for path in into.iterdir()) if into.is_dir() else []
    others = [name for name in found if name not in (RUNS_FILE, STUDIES_FILE, TEST_ROWS_FILE, *_KINDS)]
    if others or (into.exists() and not into.is_dir()):
        what = f"has {', '.join(others)}" if others else "is a file"
        raise BadInput(f"--pack {into} {what}; choose a new folder or that of an earlier --pack")


def pack(sources: Sources, studies: Sequence[StudyRecord], keys: Iterable[str], into: Path) -> None:
    """Writes the runs `keys` and the studies, with all that a report of them needs but the predictions.

    Ask everything of the predictions first: a question that was not asked has no answer in the packed store.
    """
    into.mkdir(parents=True, exist_ok=True)
    kept = sorted(set(keys))
    _write_lines(into / RUNS_FILE, (canonical_json(sources.runs[key].to_json()) for key in kept))
    _write_lines(into / STUDIES_FILE, (canonical_json(study.to_json()) for study in studies))
    _write_lines(into / TEST_ROWS_FILE, sources.test_rows.lines())
    for kind in _KINDS:
        remove(into / kind)
        for key in kept:
            if (file := sources.path(kind, key)) is not None:
                (into / kind).mkdir(exist_ok=True)
                shutil.copyfile(file, into / kind / file.name)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with written_whole(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
