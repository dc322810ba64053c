"""What the loaders of named data sets share: the import itself, with its origin on record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress, import_table
from bench.data.public.catalogue import NAMED
from bench.errors import cannot_write
from bench.machine.partial import partial_of, remove


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
    """A folder for files in between, on the disk that the data set will be on; removed at the end.

    What a killed process left of one is removed first.

    Raises:
        BadInput: it cannot be written, as on a full disk.
    """
    made = not directory.parent.exists()
    folder = partial_of(directory, "prepared")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        remove(folder)
        if made:
            with suppress(OSError):  # it holds the data set now
                directory.parent.rmdir()
