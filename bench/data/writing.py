"""Writes a data set of known size block by block, in constant memory. Free of torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import write_array_header_1_0

from bench.data.dataset import (
    FORMAT,
    MANIFEST,
    SPLITS,
    Rows,
    column_layout,
    fingerprint,
    manifest_digest,
    vocabulary_digests,
)
from bench.data.schema import Schema
from bench.errors import BadInput, cannot_write
from bench.machine.partial import partial_of, remove


class DatasetWriter:
    """Writes a data set of known size block by block, in constant memory.

    The data set appears under its directory only when the context ends without an error and every split
    has all its rows; until then it is written beside it, and an interrupted write leaves nothing to open.
    What a killed process left beside it is removed by the next writer. A full disk is a BadInput.

    Args:
        directory: where the data set will stand; a data set that is there is replaced at the end.
        name, rev: identity of the data set; `rev` is raised by hand when its making changes.
        schema: what the columns mean.
        rows: rows of each split; valid and test may not be empty, nor train.
        source: where the data came from, for the record (plain JSON values, no paths).
        probability: whether blocks carry the true probabilities.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        rev: int,
        schema: Schema,
        rows: Mapping[str, int],
        source: Mapping[str, Any],
        probability: bool = False,
    ) -> None:
        empty = [split for split in SPLITS if rows.get(split, 0) < 1]
        if empty:
            raise BadInput(
                f"data set '{name}': the {empty[0]} split has no rows; each of {', '.join(SPLITS)} needs at "
                "least one"
            )
        if directory.exists() and not (directory / MANIFEST).is_file():
            raise BadInput(f"{directory} exists and is not a data set; remove it or choose another folder")
        self.directory = directory
        self.manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": name,
            "rev": rev,
            "schema": schema.to_json(),
            "rows": {split: int(rows[split]) for split in SPLITS},
            "source": dict(source),
            "probability": probability,
        }
        self.schema = schema
        self.probability = probability
        self.partial = partial_of(directory)
        self._written = dict.fromkeys(SPLITS, 0)
        self._layout = column_layout(schema, probability=probability)
        self._files: dict[tuple[str, str], BinaryIO] = {}

    def __enter__(self) -> DatasetWriter:
        try:
            for split, rows in self.manifest["rows"].items():
                (self.partial / split).mkdir(parents=True)
                for name, (dtype, shape) in self._layout.items():
                    file = (self.partial / split / f"{name}.npy").open("wb", buffering=0)
                    self._files[split, name] = file
                    header = {"descr": dtype.str, "fortran_order": False, "shape": (rows, *shape)}
                    write_array_header_1_0(file, header)
        except OSError as error:
            self._give_up(error)
        return self

    def append(self, split: str, block: Rows) -> None:
        """Adds `block` to the end of `split`. Ids are checked against the cardinality of their field."""
        stop = self._written[split] + len(block)
        assert stop <= self.manifest["rows"][split], f"{split} was announced with fewer rows"
        self._check_ids(block)
        given = dict(block.columns())
        assert given.keys() == self._layout.keys(), f"columns {sorted(given)} do not fit the schema"
        for name, array in given.items():
            dtype, shape = self._layout[name]
            assert array.shape == (len(block), *shape), f"{name} has rows of shape {array.shape[1:]}"
            write_all(self._files[split, name], array.astype(dtype, copy=False))
        self._written[split] = stop

    def _check_ids(self, block: Rows) -> None:
        if not len(block):
            return
        categorical = self.schema.of_kind("categorical")
        low, high = block.categorical.min(axis=0), block.categorical.max(axis=0)
        ranges = [(f, int(low[i]), int(high[i])) for i, f in enumerate(categorical)]
        sequences = [(f, block.sequences[f.name]) for f in self.schema.of_kind("sequence")]
        ranges += [(f, int(array.min()), int(array.max())) for f, array in sequences]
        for f, least, most in ranges:
            if least < 0 or most >= f.cardinality:
                raise BadInput(
                    f"field '{f.name}': id {least if least < 0 else most} is outside 0 … {f.cardinality - 1}"
                )

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        if error is not None:
            self._give_up(error)
            return
        assert self._written == self.manifest["rows"], (
            f"wrote {self._written}, announced {self.manifest['rows']}"
        )
        try:
            self._finish()
        except BaseException as failure:
            self._give_up(failure)
            raise

    def _give_up(self, error: BaseException) -> None:
        """Removes what is written. Raises BadInput where the disk was the reason."""
        for file in self._files.values():
            file.close()
        remove(self.partial)
        if isinstance(error, OSError):
            raise cannot_write(self.directory, error) from error

    def _finish(self) -> None:
        manifest = {
            **self.manifest,
            "fingerprint": fingerprint(self.partial, self.schema, probability=self.probability),
            "vocabulary": vocabulary_digests(self.partial),
        }
        manifest["digest"] = manifest_digest(manifest)
        (self.partial / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        old = partial_of(self.directory, "partial-old")
        if self.directory.exists():  # aside first: a data set is there whole or not at all
            self.directory.rename(old)
        self.partial.rename(self.directory)
        remove(old)


def write_all(file: BinaryIO, array: np.ndarray) -> None:
    """Writes all bytes of `array` to an unbuffered file.

    Raises:
        OSError: the disk is full.
    """
    left = memoryview(array.tobytes())
    while len(left):
        left = left[file.write(left) :]
