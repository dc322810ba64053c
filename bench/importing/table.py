"""A table file into a data set: read once, spool, split, survey, write."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from bench.dataset import SPLITS, Dataset, DatasetWriter, Rows
from bench.importing.blocks import BLOCK_BYTES, read_blocks
from bench.importing.cells import raw_rows
from bench.importing.columns import FieldPlan
from bench.importing.ids import Dictionary, dense_user_index, final_ids, ids_of_fields
from bench.importing.plan import ByColumn, ImportPlan
from bench.importing.splits import SPLIT_COLUMN, SplitOf, rows_per_split, split_rule, splits_in_column
from bench.importing.spool import Spool
from bench.importing.survey import Survey, survey
from bench.schema import FIRST_ID, Field, Schema

REV = 1
"""Raised by hand whenever the same file and plan would give another data set."""

Progress = Callable[[int, int | None], None]
"""(rows done, rows in all or None): rises while the file is read, then anew while the data set is written."""


def import_table(
    plan: ImportPlan,
    file: Path,
    directory: Path,
    *,
    rev: int = REV,
    origin: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Dataset:
    """Imports `file` as `plan` says; memory grows with the distinct values of its columns, not with its rows.

    Beside `directory` a spool of about 4 bytes a category and 8 a number stands until the import ends.

    Args:
        file: delimited text or Parquet (`.parquet`, `.pq`); text may be compressed (`.gz`, `.bz2`).
        directory: where the data set itself will stand; what is there is replaced, once all went well.
        rev: of the data set.
        origin: where the data came from, for the record (plain JSON values, no paths); None: the file's name.
        progress: called after every block.
        block_bytes: about how much of the file is decoded at a time; what comes out does not depend on it.

    Raises:
        BadInput: the file is not what the plan says. Nothing is left behind.
    """
    ids, users = ids_of_fields(plan), Dictionary()
    with _folder_beside(directory) as folder:
        with Spool(folder) as spool:
            for block, total in read_blocks(file, plan.source, plan.columns(), block_bytes=block_bytes):
                columns = dict(raw_rows(block, spool.rows, plan, ids, users).columns())
                if isinstance(plan.split, ByColumn):
                    columns[SPLIT_COLUMN] = splits_in_column(block, spool.rows, plan.split)
                spool.append(columns)
                _tell(progress, spool.rows, total)
        split_of = split_rule(plan.split, spool)
        rows = rows_per_split(spool, split_of)
        found = survey(plan, spool, split_of, ids)
        with DatasetWriter(
            directory,
            name=plan.name,
            rev=rev,
            schema=_schema(plan, found),
            rows=rows,
            source={"file": file.name} if origin is None else origin,
        ) as writer:
            _write_rows(writer, plan, spool, split_of, found, dense_user_index(users), progress)
            _write_vocabularies(writer.partial / "vocabulary", found)
    return Dataset.open(directory)


@contextmanager
def _folder_beside(directory: Path) -> Iterator[Path]:
    """A new folder beside `directory`, removed at the end together with the parents made for it, if empty."""
    directory = directory.absolute()
    made = [parent for parent in directory.parents if not parent.exists()]
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}.spool-", dir=directory.parent) as folder:
            yield Path(folder)
    finally:
        with suppress(OSError):  # a parent that holds the data set stays
            for parent in made:
                parent.rmdir()


def _schema(plan: ImportPlan, found: Survey) -> Schema:
    numeric = plan.of_kind("numeric")
    mean = {field.name: float(x) for field, x in zip(numeric, found.mean, strict=True)}
    std = {field.name: float(x) for field, x in zip(numeric, found.std, strict=True)}
    by_name = {field.name: field for field in plan.fields}

    def cardinality(field: FieldPlan) -> int:
        owner = by_name[field.table or field.name]
        if owner.kind == "numeric":
            return 0
        return (
            owner.cardinality + FIRST_ID if owner.cardinality else found.vocabularies[owner.name].cardinality
        )

    return Schema(
        fields=tuple(
            Field(
                name=field.name,
                kind=field.kind,
                group=field.group,
                cardinality=cardinality(field),
                max_length=field.max_length,
                table=field.table,
                mean=mean.get(field.name, 0.0),
                std=std.get(field.name, 1.0),
            )
            for field in plan.fields
        ),
        tasks=tuple(label.name for label in plan.labels),
        user=plan.user,
        time=plan.time is not None,
    )


def _write_rows(
    writer: DatasetWriter,
    plan: ImportPlan,
    spool: Spool,
    split_of: SplitOf,
    found: Survey,
    user_index: np.ndarray,
    progress: Progress | None,
) -> None:
    for first_row, columns in spool.blocks():
        split = split_of(first_row, columns)
        rows = _final_rows(columns, plan, found, user_index)
        for number, name in enumerate(SPLITS):
            writer.append(name, rows.take(np.flatnonzero(split == number)))
        _tell(progress, first_row + len(rows), spool.rows)


def _final_rows(
    columns: Mapping[str, np.ndarray], plan: ImportPlan, found: Survey, user_index: np.ndarray
) -> Rows:
    raw = Rows.from_columns({name: array for name, array in columns.items() if name != SPLIT_COLUMN})
    categorical = np.empty_like(raw.categorical)
    for i, field in enumerate(plan.of_kind("categorical")):
        categorical[:, i] = final_ids(raw.categorical[:, i], field, found.vocabularies)
    return dataclasses.replace(
        raw,
        categorical=categorical,
        numeric=((raw.numeric - found.mean) / found.std).astype(np.float32),
        sequences={
            field.name: final_ids(raw.sequences[field.name], field, found.vocabularies)
            for field in plan.of_kind("sequence")
        },
        user=None if raw.user is None else user_index[raw.user],
    )


def _write_vocabularies(directory: Path, found: Survey) -> None:
    directory.mkdir()
    for name, vocabulary in found.vocabularies.items():
        vocabulary.known.write_parquet(directory / f"{name}.parquet")


def _tell(progress: Progress | None, done: int, total: int | None) -> None:
    if progress is not None:
        progress(done, total)
