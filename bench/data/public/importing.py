"""What the loaders of named data sets share: the import itself, with its origin on record."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress, import_table
from bench.data.public.catalogue import NAMED


def import_named(
    plan: ImportPlan,
    files: Path | Sequence[Path],
    directory: Path,
    *,
    rev: int,
    progress: Progress | None,
) -> Dataset:
    """`files` as the data set that `plan` is named after; see `bench.data.importing.import_table`."""
    origin = {"loader": plan.name, "url": NAMED[plan.name].url}
    return import_table(plan, files, directory, rev=rev, origin=origin, progress=progress)


@contextmanager
def folder_beside(directory: Path) -> Iterator[Path]:
    """A folder for files in between, on the disk that the data set will be on; removed at the end."""
    made = not directory.parent.exists()
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(
            prefix=f".{directory.name}.prepared-", dir=directory.parent
        ) as folder:
            yield Path(folder)
    finally:
        if made:
            with suppress(OSError):  # it holds the data set now
                directory.parent.rmdir()
