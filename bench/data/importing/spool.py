"""Numbers on disk between the reading of a file and the writing of its data set: one flat file a matrix.

A finished spool says so in `FINISHED`, with the key of what it was made from: an import that was killed after
its file had been read goes on from there. Everything is read and written by plain calls, never mapped, so
that memory stays that of a block and a full disk is an error like any other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow.parquet

from bench.data.writing import write_all
from bench.errors import cannot_write

SPOOL_ROWS = 1 << 16
"""Rows of the blocks given back: fixed, so that sums over them do not depend on how the file was cut."""

FINISHED = "finished.json"

Layout = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]


class Spool:
    """Rows go in by `append` and come out by `blocks`; texts of ids go in by `add_values`.

    Args:
        directory: empty; the spool is all that is in it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rows = 0
        self.skipped: Counter[str] = Counter()
        self.unmatched: Counter[str] = Counter()
        self._layout: Layout = {}
        self._files: dict[str, BinaryIO] = {}

    @staticmethod
    def finished(directory: Path, key: str) -> Spool | None:
        """The spool that was finished there under `key`, or None."""
        try:
            data = json.loads((directory / FINISHED).read_text())
            if data["key"] != key:
                return None
            spool = Spool(directory)
            spool.rows = data["rows"]
            spool.skipped, spool.unmatched = Counter(data["skipped"]), Counter(data["unmatched"])
        except (OSError, ValueError, KeyError, TypeError):  # none, a damaged one, or one of an older version
            return None
        spool._layout = {name: (np.dtype(d), tuple(shape)) for name, (d, shape) in data["layout"].items()}
        return spool

    def finish(self, key: str) -> None:
        """Says that all is there."""
        layout = {name: (dtype.str, shape) for name, (dtype, shape) in self._layout.items()}
        counts = {"skipped": self.skipped, "unmatched": self.unmatched}
        data = {"key": key, "rows": self.rows, **counts, "layout": layout}
        partial = self.directory / f"{FINISHED}.partial"
        try:
            partial.write_text(json.dumps(data))
        except OSError as error:
            raise cannot_write(self.directory, error) from error
        partial.rename(self.directory / FINISHED)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        """Adds rows at the end: column → (rows, …). Names, types and row shapes are the same every time."""
        (rows,) = {len(array) for array in columns.values()}
        for name, array in columns.items():
            self.write(name, array)
        self.rows += rows

    def write(self, name: str, array: np.ndarray) -> None:
        """Adds rows to one column, which in the end must have as many as the others.

        Raises:
            BadInput: the disk is full.
        """
        try:
            if name not in self._files:
                self._files[name] = (self.directory / name).open("wb", buffering=0)
                self._layout[name] = (array.dtype, array.shape[1:])
            assert self._layout[name] == (array.dtype, array.shape[1:]), name
            write_all(self._files[name], array)
        except OSError as error:
            raise cannot_write(self.directory, error) from error

    def add_values(self, name: str, values: pl.Series) -> None:
        """Keeps the texts of provisional ids."""
        try:
            values.alias("value").to_frame().write_parquet(self._values_file(name))
        except (OSError, pl.exceptions.ComputeError) as error:
            raise cannot_write(self.directory, error) from error

    def values(self, name: str) -> pl.Series:
        """The texts that were kept under `name`."""
        return pl.read_parquet(self._values_file(name), memory_map=False)["value"]

    def count_values(self, name: str) -> int:
        """How many texts were kept under `name`."""
        return pyarrow.parquet.read_metadata(self._values_file(name)).num_rows

    def _values_file(self, name: str) -> Path:
        # No column begins like this: 'sequence.a' of values and 'a.values' of a sequence are two files.
        return self.directory / f"values.{name}"

    def block(self, name: str, first_row: int, rows: int) -> np.ndarray:
        """Some rows of one column."""
        dtype, shape = self._layout[name]
        row_items = int(np.prod(shape, dtype=np.int64))
        array = np.fromfile(
            self.directory / name,
            dtype=dtype,
            count=rows * row_items,
            offset=first_row * row_items * dtype.itemsize,
        )
        return array.reshape(rows, *shape)

    def blocks(self, *names: str) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """(number of the first row, columns) of every `SPOOL_ROWS` rows; all columns where none is named."""
        for first_row in range(0, self.rows, SPOOL_ROWS):
            rows = min(SPOOL_ROWS, self.rows - first_row)
            yield first_row, {name: self.block(name, first_row, rows) for name in names or self._layout}
