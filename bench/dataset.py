"""A data set on disk, and how it is written and opened. Free of torch.

    NAME/
      dataset.json                  name, rev, schema, rows per split, source, fingerprint
      {train,valid,test}/
        categorical.npy             int32   (rows, categorical fields in schema order)
        numeric.npy                 float32 (rows, numeric fields), standardised, NaN where missing
        sequence.FIELD.npy          int32   (rows, max_length), padded at the end with 0
        label.npy                   uint8   (rows, tasks)
        user.npy                    int32   (rows,), where the schema has a user
        time.npy                    int64   (rows,), where the schema has time
        probability.npy             float32 (rows, tasks), the true probabilities, where known
      vocabulary/FIELD.parquet      value, id, count of an imported field (not part of the fingerprint)

Columns of one kind lie side by side in one matrix: a batch is then one contiguous read a kind, whatever the
number of fields. The fingerprint is SHA-256 over the schema and every column: other content, other
fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import write_array_header_1_0

from bench.canonical import canonical_json
from bench.errors import BadInput, cannot_write
from bench.schema import Schema

SPLITS = ("train", "valid", "test")
FORMAT = 1
MANIFEST = "dataset.json"

Layout = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]
"""File stem → (type, shape of one row) of a column matrix."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows, column by column; the shapes and types are those of the module's legend."""

    categorical: np.ndarray
    numeric: np.ndarray
    sequences: Mapping[str, np.ndarray]
    label: np.ndarray
    user: np.ndarray | None = None
    time: np.ndarray | None = None
    probability: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.label)

    def columns(self) -> Iterator[tuple[str, np.ndarray]]:
        """(file stem, array) of every column matrix present."""
        yield "categorical", self.categorical
        yield "numeric", self.numeric
        for name, array in self.sequences.items():
            yield f"sequence.{name}", array
        yield "label", self.label
        for name in ("user", "time", "probability"):
            if (array := getattr(self, name)) is not None:
                yield name, array

    def take(self, index: slice | np.ndarray) -> Rows:
        """The rows at `index`: views for a slice, a copy for an array."""
        return self.from_columns({name: array[index] for name, array in self.columns()})

    @staticmethod
    def from_columns(columns: Mapping[str, np.ndarray]) -> Rows:
        """The inverse of `columns`."""
        prefix = "sequence."
        sequences = {name.removeprefix(prefix): a for name, a in columns.items() if name.startswith(prefix)}
        return Rows(sequences=sequences, **{n: a for n, a in columns.items() if not n.startswith(prefix)})


def column_layout(schema: Schema, *, probability: bool) -> Layout:
    """Every column matrix that a data set of `schema` has."""
    tasks = (len(schema.tasks),)
    layout: Layout = {
        "categorical": (np.dtype(np.int32), (len(schema.of_kind("categorical")),)),
        "numeric": (np.dtype(np.float32), (len(schema.of_kind("numeric")),)),
        **{f"sequence.{f.name}": (np.dtype(np.int32), (f.max_length,)) for f in schema.of_kind("sequence")},
        "label": (np.dtype(np.uint8), tasks),
    }
    if schema.user is not None:
        layout["user"] = (np.dtype(np.int32), ())
    if schema.time:
        layout["time"] = (np.dtype(np.int64), ())
    if probability:
        layout["probability"] = (np.dtype(np.float32), tasks)
    return layout


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An opened data set: memory-mapped splits, read only."""

    directory: Path
    name: str
    rev: int
    schema: Schema
    rows: Mapping[str, int]
    source: Mapping[str, Any]
    fingerprint: str
    splits: Mapping[str, Rows] = field(repr=False)

    @staticmethod
    def open(directory: Path) -> Dataset:
        """Opens what a `DatasetWriter` wrote.

        Raises:
            BadInput: no data set there, one of another format, or columns that do not fit the manifest.
        """
        manifest = directory / MANIFEST
        if not manifest.is_file():
            raise BadInput(f"no data set at {directory}: {MANIFEST} is missing")
        data = json.loads(manifest.read_text())
        if data["format"] != FORMAT:
            raise BadInput(
                f"{manifest} has format {data['format']}; this version reads format {FORMAT}: import it again"
            )
        schema = Schema.from_json(data["schema"])
        layout = column_layout(schema, probability=data["probability"])
        splits = {
            split: Rows.from_columns(_open_columns(directory / split, layout, data["rows"][split]))
            for split in SPLITS
        }
        return Dataset(
            directory=directory,
            name=data["name"],
            rev=data["rev"],
            schema=schema,
            rows=data["rows"],
            source=data["source"],
            fingerprint=data["fingerprint"],
            splits=splits,
        )


def _open_columns(directory: Path, layout: Layout, rows: int) -> dict[str, np.ndarray]:
    columns = {}
    for name, (dtype, shape) in layout.items():
        path = directory / f"{name}.npy"
        try:
            array = np.load(path, mmap_mode="r") if rows and 0 not in shape else np.load(path)
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} cannot be read ({error}): import the data set again") from error
        if array.shape != (rows, *shape) or array.dtype != dtype:
            raise BadInput(
                f"{path} holds {array.dtype}{list(array.shape)}, "
                f"expected {dtype}{[rows, *shape]}: import the data set again"
            )
        columns[name] = array
    return columns


def fingerprint(directory: Path, schema: Schema, *, probability: bool) -> str:
    """SHA-256 over the schema and the bytes of every column file, 64 hexadecimal digits."""
    sha = hashlib.sha256(canonical_json(schema.to_json()).encode())
    for split in SPLITS:
        for name in sorted(column_layout(schema, probability=probability)):
            sha.update(f"{split}/{name}".encode())
            with (directory / split / f"{name}.npy").open("rb") as file:
                while chunk := file.read(1 << 22):
                    sha.update(chunk)
    return sha.hexdigest()


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
                f"data set '{name}': the {empty[0]} split has no rows; each of {', '.join(SPLITS)} needs some"
            )
        if directory.exists() and not (directory / MANIFEST).is_file():
            raise BadInput(f"{directory} exists and is no data set; remove it or choose another place")
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
        self.partial = directory.with_name(f".{directory.name}.partial-{os.getpid()}")
        self._written = dict.fromkeys(SPLITS, 0)
        self._layout = column_layout(schema, probability=probability)
        self._files: dict[tuple[str, str], BinaryIO] = {}

    def __enter__(self) -> DatasetWriter:
        _remove_abandoned(self.directory)
        shutil.rmtree(self.partial, ignore_errors=True)
        for split, rows in self.manifest["rows"].items():
            (self.partial / split).mkdir(parents=True)
            for name, (dtype, shape) in self._layout.items():
                file = (self.partial / split / f"{name}.npy").open("wb", buffering=0)
                self._files[split, name] = file
                header = {"descr": dtype.str, "fortran_order": False, "shape": (rows, *shape)}
                write_array_header_1_0(file, header)
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
        if error_type is not None:
            shutil.rmtree(self.partial, ignore_errors=True)
            if isinstance(error, OSError):
                raise cannot_write(self.directory, error) from error
            return
        assert self._written == self.manifest["rows"], (
            f"wrote {self._written}, announced {self.manifest['rows']}"
        )
        manifest = {
            **self.manifest,
            "fingerprint": fingerprint(self.partial, self.schema, probability=self.probability),
        }
        (self.partial / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        old = self.partial.with_name(f".{self.directory.name}.partial-old-{os.getpid()}")
        if self.directory.exists():  # aside first: a data set is there whole or not at all
            self.directory.rename(old)
        self.partial.rename(self.directory)
        shutil.rmtree(old, ignore_errors=True)


def write_all(file: BinaryIO, array: np.ndarray) -> None:
    """Writes all bytes of `array` to an unbuffered file.

    Raises:
        OSError: the disk is full.
    """
    left = memoryview(array.tobytes())
    while len(left):
        left = left[file.write(left) :]


def _remove_abandoned(directory: Path) -> None:
    """Removes what writers of `directory` left that no longer run."""
    for partial in directory.parent.glob(f".{directory.name}.partial-*"):
        process = partial.name.rpartition("-")[2]
        if process.isdecimal() and not _runs(int(process)):
            shutil.rmtree(partial, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True
