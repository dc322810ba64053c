"""Numbers on disk between the reading of a file and the writing of its data set: one flat file a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

SPOOL_ROWS = 1 << 16
"""Rows of the blocks given back: fixed, so that sums over them do not depend on how the file was cut."""


class Spool:
    """Rows go in by `append`; after the context in which they did, they come out by `blocks`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, BinaryIO] = {}
        self._layout: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self.rows = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def append(self, columns: Mapping[str, np.ndarray]) -> None:
        """Adds rows at the end: column → (rows, …). Names, types and row shapes are the same every time."""
        (rows,) = {len(array) for array in columns.values()}
        for name, array in columns.items():
            if name not in self._files:
                self._files[name] = (self._directory / name).open("wb")
                self._layout[name] = (array.dtype, array.shape[1:])
            assert self._layout[name] == (array.dtype, array.shape[1:]), name
            np.ascontiguousarray(array).tofile(self._files[name])
        self.rows += rows

    def column(self, name: str) -> np.ndarray:
        """All rows of one column, memory-mapped."""
        dtype, shape = self._layout[name]
        if 0 in shape:  # a memory map cannot be empty
            return np.empty((self.rows, *shape), dtype=dtype)
        return np.memmap(self._directory / name, dtype=dtype, mode="r", shape=(self.rows, *shape))

    def blocks(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """(number of the first row, columns) of every `SPOOL_ROWS` rows; the last block is shorter."""
        whole = {name: self.column(name) for name in self._layout}
        for first_row in range(0, self.rows, SPOOL_ROWS):
            yield (
                first_row,
                {name: array[first_row : first_row + SPOOL_ROWS] for name, array in whole.items()},
            )
