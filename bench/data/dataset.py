"""A data set on disk, and how it is opened; `writing` writes one. Free of torch.

    NAME/
      dataset.json                  name, rev, schema, rows per split, source, fingerprint, digests
      {train,valid,test}/
        categorical.npy             int32   (rows, categorical fields in schema order)
        numeric.npy                 float32 (rows, numeric fields), standardised, NaN where missing
        sequence.FIELD.npy          int32   (rows, max_length), padded at the end with 0
        label.npy                   uint8   (rows, tasks), 0 or 1, or 255 where the task has no label
        user.npy                    int32   (rows,), where the schema has a user
        time.npy                    int64   (rows,), where the schema has time
        probability.npy             float32 (rows, tasks), the true probabilities, where known
      vocabulary/FIELD.parquet      value, id, count of an imported field
      import.json                   how the files were read, so that another is read the same way

    The last two are those of an import, and not part of the fingerprint.

Columns of one kind lie side by side in one matrix: a batch is then one contiguous read a kind, whatever the
number of fields. The fingerprint is SHA-256 over the schema and every column: other content, other
fingerprint. Opening looks at the manifest and the shapes only; `verification` reads every byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.canonical import canonical_json, digest, digest_of_file
from bench.data.schema import Schema
from bench.errors import BadInput

SPLITS = ("train", "valid", "test")
FORMAT = 1
MANIFEST = "dataset.json"
IMPORT_FILE = "import.json"

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
        if isinstance(index, slice):
            return self.from_columns({name: array[index] for name, array in self.columns()})
        # A third of the time of `array[index]`.
        return self.from_columns({name: array.take(index, axis=0) for name, array in self.columns()})

    def inputs_and_labels(self) -> Rows:
        """The same rows with only what training reads."""
        return replace(self, user=None, time=None, probability=None)

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
class DatasetFacts:
    """What there is to know of a data set without opening its columns.

    Args:
        rows: of each split.
        fingerprint: empty where the data set has yet to be generated.
    """

    name: str
    rev: int
    schema: Schema
    rows: Mapping[str, int]
    fingerprint: str


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
            BadInput: no data set there, a damaged manifest, another format, or columns that do not fit.
        """
        data = read_manifest(directory)
        schema = _schema_of(data, directory / MANIFEST)
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

    @property
    def facts(self) -> DatasetFacts:
        return DatasetFacts(
            name=self.name,
            rev=self.rev,
            schema=self.schema,
            rows=self.rows,
            fingerprint=self.fingerprint,
        )

    def with_train_rows(self, count: int) -> Dataset:
        """The same valid and test splits, and the last `count` training rows, as a shorter log has them.

        The last in time, and not the first, so that the training rows end where valid begins however many
        there are: with the first ones, the gap to valid would grow as they get fewer, and the effect of drift
        could not be told from that of the number. Fewer rows are a part of more. Where time is not known, the
        rows are the last in the order of the data set. The fingerprint stays that of all rows.

        Rows that lie in the order of time are not copied; others are, into memory.

        Raises:
            BadInput: there are fewer training rows, or `count` is below 1.
        """
        refuse_train_rows(count, self.facts)
        rows = self.splits["train"]
        chosen: slice | np.ndarray = slice(len(rows) - count, None)
        if rows.time is not None and (rows.time[1:] < rows.time[:-1]).any():
            chosen = np.sort(np.argsort(rows.time, kind="stable")[len(rows) - count :])
        return replace(
            self,
            rows={**self.rows, "train": count},
            splits={**self.splits, "train": rows.take(chosen)},
        )


def refuse_train_rows(count: int, data: DatasetFacts) -> None:
    """Raises BadInput where a data set does not have so many training rows, or the count is below 1."""
    there_are = data.rows["train"]
    if not 1 <= count <= there_are:
        raise BadInput(
            f"training rows are {count:,}, but {data.name} has {there_are:,}; give --train-rows from 1 to "
            f"{there_are}, or 'all'"
        )


_MANIFEST_TYPES = {
    "name": str,
    "rev": int,
    "schema": dict,
    "rows": dict,
    "source": dict,
    "probability": bool,
    "fingerprint": str,
}


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of the data set at `directory`, its keys and types checked.

    Raises:
        BadInput: none there, a damaged one, or one of another format.
    """
    manifest = directory / MANIFEST
    if not manifest.is_file():
        raise BadInput(f"no data set at {directory}: {MANIFEST} is missing")
    try:
        data = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(manifest, f"cannot be read ({error})") from error
    if not isinstance(data, dict) or "format" not in data:
        raise _damaged(manifest, "is no manifest of a data set")
    if data["format"] != FORMAT:
        raise BadInput(
            f"{manifest} has format {data['format']}, but this version reads format {FORMAT}; import the "
            "data set again"
        )
    for key, expected in _MANIFEST_TYPES.items():
        if type(data.get(key)) is not expected:
            raise _damaged(manifest, f"has {key} {data.get(key)!r:.80}, expected {expected.__name__}")
    rows = data["rows"]
    if rows.keys() != set(SPLITS) or not all(type(count) is int and count > 0 for count in rows.values()):
        raise _damaged(manifest, f"has rows {rows!r:.80}, expected a number above 0 for each of {SPLITS}")
    if "digest" in data and data["digest"] != manifest_digest(data):
        raise _damaged(manifest, "was changed after it was written")
    return data


def manifest_digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of everything in a manifest but the digest itself."""
    return digest({key: value for key, value in data.items() if key != "digest"})


def _schema_of(data: Mapping[str, Any], manifest: Path) -> Schema:
    try:
        return Schema.from_json(data["schema"])
    except (BadInput, KeyError, TypeError, AttributeError) as error:
        raise _damaged(manifest, f"has a schema that cannot be read ({error})") from error


def _damaged(manifest: Path, what: str) -> BadInput:
    return BadInput(f"{manifest} {what}, so it is damaged; import the data set again")


def _open_columns(directory: Path, layout: Layout, rows: int) -> dict[str, np.ndarray]:
    columns = {}
    for name, (dtype, shape) in layout.items():
        path = directory / f"{name}.npy"
        try:
            array = np.load(path, mmap_mode="r") if rows and 0 not in shape else np.load(path)
        except (OSError, ValueError) as error:
            raise BadInput(f"{path} cannot be read ({error}); import the data set again") from error
        if array.shape != (rows, *shape) or array.dtype != dtype:
            raise BadInput(
                f"{path} holds {array.dtype}{list(array.shape)}, "
                f"expected {dtype}{[rows, *shape]}; import the data set again"
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


def vocabulary_digests(directory: Path) -> dict[str, str]:
    """File name → SHA-256 of everything that an import left beside the columns at `directory`."""
    return {path.name: digest_of_file(path) for path in files_of_import(directory)}


def files_of_import(directory: Path) -> list[Path]:
    """Every vocabulary of the data set at `directory`, and its `IMPORT_FILE`; those that are there."""
    described = directory / IMPORT_FILE
    vocabularies = sorted((directory / "vocabulary").glob("*.parquet"))
    return [*vocabularies, described] if described.is_file() else vocabularies
