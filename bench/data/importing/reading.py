"""The first pass: files of text into a spool of raw numbers, which an import that was killed finds again."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from bench.canonical import digest
from bench.data.dataset import SPLITS
from bench.data.importing.blocks import Unread, file_state, unread_blocks
from bench.data.importing.encoding import Encoder
from bench.data.importing.history import add_histories, add_user_splits
from bench.data.importing.plan import ByFile, ImportPlan
from bench.data.importing.spool import FINISHED, Spool
from bench.errors import BadInput, cannot_write
from bench.machine.parallel import map_in_threads

Progress = Callable[[int, int | None], None]
"""(rows done, rows in all or an estimate): rises while files are read, then anew while rows are written."""

USER_VALUES = ".users"
"""Name of the users' texts in the spool; no field may be called so."""


def files_of(plan: ImportPlan, given: Path | Sequence[Path]) -> list[Path]:
    """The files to import, in their order.

    Raises:
        BadInput: a folder where files are needed or the reverse, or a file, also one of a table, that does
            not exist.
    """
    files = [given] if isinstance(given, Path) else list(given)
    if isinstance(plan.split, ByFile):
        if len(files) != 1 or not files[0].is_dir():
            raise BadInput(f"[split] is by file: give the folder that holds {', '.join(plan.split.files())}")
        files = [files[0] / name for name in plan.split.files()]
    elif folders := [file for file in files if file.is_dir()]:
        raise BadInput(f"{folders[0]} is a folder; give the files (only [split] by file takes a folder)")
    if missing := [file for file in _every(plan, files) if not file.is_file()]:
        raise BadInput(f"file {missing[0]} does not exist")
    return files


def _every(plan: ImportPlan, files: list[Path]) -> list[Path]:
    """The files and those of the tables beside them."""
    return [*files, *(files[0].parent / name for table in plan.tables for name in table.files)]


@contextmanager
def spool_folder(directory: Path) -> Iterator[Path]:
    """A folder beside `directory` that one process has to itself.

    It is removed at the end, with the parents made for it if they are empty; but after an interruption it
    stays if the spool in it is finished.
    """
    directory = directory.absolute()
    made = [parent for parent in directory.parents if not parent.exists()]
    outer = directory.with_name(f".{directory.name}.importing")
    try:
        outer.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(outer, error) from error
    keep = False
    try:
        with FileLock(outer / "lock", timeout=0):
            folder = outer / "spool"
            folder.mkdir(exist_ok=True)
            try:
                yield folder
            except BaseException as error:
                keep = not isinstance(error, Exception) and (folder / FINISHED).is_file()
                raise
            finally:
                if not keep:
                    shutil.rmtree(outer, ignore_errors=True)
    except Timeout as error:
        raise BadInput(f"another process is importing to {directory}; wait for it or stop it") from error
    finally:
        with suppress(OSError):  # a parent that holds something stays
            for parent in made:
                parent.rmdir()


def _key(plan: ImportPlan, files: list[Path], rev: int) -> str:
    """What a spool was made from: the plan and the state of every file."""
    states = [[str(file.absolute()), *file_state(file)] for file in _every(plan, files)]
    split = type(plan.split).__name__
    return digest({"rev": rev, "split": split, "plan": dataclasses.asdict(plan), "files": states})


def read_into_spool(
    plan: ImportPlan,
    files: list[Path],
    folder: Path,
    *,
    rev: int,
    progress: Progress | None,
    block_bytes: int,
) -> Spool:
    """All rows of all files in a finished spool; the one that is there, if it was made of the same.

    Raises:
        BadInput: a file is not what the plan says, or the disk is full.
    """
    key = _key(plan, files, rev)
    if (finished := Spool.finished(folder, key)) is not None:
        return finished
    for left in folder.iterdir():  # of an import that was killed, or of other files
        left.unlink()
    encoder = Encoder(plan, files[0].parent)
    with Spool(folder) as spool:
        spool.skipped += encoder.skipped
        for number, file in enumerate(files):
            split = _split_of_file(plan, file)
            before = spool.rows
            for columns, skipped, share_read in _encoded(plan, file, split, encoder, block_bytes):
                spool.append(columns)
                spool.skipped += skipped
                rows_per_file = (spool.rows - before) / max(share_read, 1e-9)
                tell(progress, spool.rows, int(before + rows_per_file * (len(files) - number)))
            if spool.rows == before:
                raise BadInput(f"{file} has no rows{_told(spool.skipped)}")
        spool.unmatched = +encoder.unmatched
        add_histories(plan, spool)
        add_user_splits(plan, spool)
        for name, values in encoder.values():
            spool.add_values(name, values)
        if plan.user is not None:
            spool.add_values(USER_VALUES, encoder.users.values())
    spool.finish(key)
    return spool


def _encoded(
    plan: ImportPlan, file: Path, split: int | None, encoder: Encoder, block_bytes: int
) -> Iterator[tuple[dict[str, np.ndarray], Counter[str], float]]:
    """(spool columns, rows left out, share of the file read) of every block, made by several threads."""

    def work(unread: Unread) -> tuple[dict[str, np.ndarray], Counter[str], float]:
        read, share_read = unread
        return *encoder.encode(read(), split), share_read

    blocks = unread_blocks(
        file, plan.source, plan.columns(), lists=plan.list_columns(), block_bytes=block_bytes
    )
    return map_in_threads(work, blocks)


def _split_of_file(plan: ImportPlan, file: Path) -> int | None:
    if not isinstance(plan.split, ByFile):
        return None
    (split,) = (number for number, name in enumerate(SPLITS) if file.name in getattr(plan.split, name))
    return split


def _told(skipped: Counter[str]) -> str:
    reasons = ", ".join(f"{count} skipped: {reason}" for reason, count in sorted(skipped.items()))
    return f" ({reasons})" if reasons else ""


def tell(progress: Progress | None, done: int, total: int | None) -> None:
    if progress is not None:
        progress(done, total)
