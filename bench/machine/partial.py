"""Writes a file under a temporary name until it is complete, and removes what a killed writer left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def partial_of(path: Path, what: str = "partial") -> Path:
    """The temporary path for what will be at `path`. Removes what killed processes left beside it."""
    for left in path.parent.glob(f".{_escaped(path.name)}.{what}-*"):
        process = left.name.rpartition("-")[2]
        if process.isdecimal() and not _runs(int(process)):
            remove(left)
    mine = path.with_name(f".{path.name}.{what}-{os.getpid()}")
    remove(mine)
    return mine


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write. It is moved to `path` if the block ends without an error, and removed otherwise.

    Raises:
        OSError: it cannot be written.
    """
    partial = partial_of(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Removes a file or folder, if possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists() or path.is_symlink():
        path.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    """A name as a pattern that fits itself alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True
