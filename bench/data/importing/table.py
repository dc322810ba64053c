"""Table files into a data set: read once into a spool, then split, survey and write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.importing.applying import write_rules
from bench.data.importing.chunks import CHUNK_BYTES
from bench.data.importing.columns import FieldPlan
from bench.data.importing.finishing import final_rows
from bench.data.importing.ids import dense_user_index
from bench.data.importing.notices import (
    class_warnings,
    id_warnings,
    label_counts,
    leak_warnings,
    range_warnings,
    unit_warnings,
)
from bench.data.importing.plan import ImportPlan
from bench.data.importing.reading import USER_VALUES, Progress, files_of, read_into_spool, spool_folder, tell
from bench.data.importing.splits import SplitOf, rows_per_split, split_rule
from bench.data.importing.spool import Spool
from bench.data.importing.survey import Survey, survey
from bench.data.schema import FIRST_ID, Field, Schema
from bench.data.writing import DatasetWriter
from bench.errors import cannot_write
from bench.machine.parallel import map_in_threads

REV = 3
"""Raised by hand whenever the same file and plan would give another data set."""


def import_table(
    plan: ImportPlan,
    files: Path | Sequence[Path],
    directory: Path,
    *,
    rev: int = REV,
    origin: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    block_bytes: int = CHUNK_BYTES,
) -> Dataset:
    """Imports `files` as `plan` says; memory grows with the distinct values, not with the rows.

    The `source` of the data set holds, besides its origin: ``labels`` (task → split → rows that are
    ``positive``, ``negative``, ``missing``), ``warnings`` (texts), and where there are some ``skipped_rows``
    (reason → rows) and ``clipped`` (field → ``low``, ``high`` and ``rows`` set to one of them by split).

    Beside `directory` a spool of about 4 bytes a category and 8 a number stands until the import ends. An
    import that was killed after its files had been read leaves it, and the same import goes on from there.

    Args:
        files: one or several, read one after the other: delimited text, which may be compressed (`.gz`,
            `.bz2`, `.zst`), or Parquet (`.parquet`, `.pq`). Where the plan splits by file: the folder of
            those files.
        directory: where the data set itself will stand; what is there is replaced, once all went well.
        rev: of the data set.
        origin: where the data came from, for the record (plain JSON values, no paths); None: the files'
            names.
        progress: called after every block.
        block_bytes: about how much of a file is parsed at a time; what comes out does not depend on it.

    Raises:
        BadInput: a file is not what the plan says, the training rows have one class only, the disk is full,
            or another import is at it. No data set is left behind.
    """
    chosen = files_of(plan, files)
    with spool_folder(directory) as folder:
        spool = read_into_spool(plan, chosen, folder, rev=REV, progress=progress, block_bytes=block_bytes)
        split_of = split_rule(plan.split, spool)
        rows = rows_per_split(plan.split, spool, split_of)
        counts = label_counts(plan, spool, split_of)
        found = survey(plan, spool, split_of)
        out_of_range, clipped = range_warnings(plan, spool, split_of, found)
        warnings = [
            *class_warnings(counts),
            *out_of_range,
            *leak_warnings(plan, spool, split_of),
            *id_warnings(plan, spool),
            *unit_warnings(plan, spool),
        ]
        users = None if plan.user is None else dense_user_index(spool.values(USER_VALUES))
        told: dict[str, Any] = {"labels": counts, "warnings": warnings}
        for what, count in {"skipped_rows": spool.skipped, "unmatched_keys": spool.unmatched}.items():
            if count:
                told[what] = dict(sorted(count.items()))
        if clipped:
            told["clipped"] = clipped
        with DatasetWriter(
            directory,
            name=plan.name,
            rev=rev,
            schema=_schema(plan, found),
            rows=rows,
            source={**(origin or {"files": [file.name for file in chosen]}), **told},
        ) as writer:
            _write_rows(writer, plan, spool, split_of, found, users, progress)
            _write_vocabularies(writer.partial / "vocabulary", found)
            write_rules(writer.partial, plan, found, rev=REV)
    return Dataset.open(directory)


def _schema(plan: ImportPlan, found: Survey) -> Schema:
    numeric = plan.of_kind("numeric")
    mean = {field.name: float(x) for field, x in zip(numeric, found.mean, strict=True)}
    std = {field.name: float(x) for field, x in zip(numeric, found.std, strict=True)}
    by_name = {field.name: field for field in plan.fields}

    def cardinality(field: FieldPlan) -> int:
        owner = by_name[field.table or field.name]
        if owner.kind == "numeric":
            return 0
        if given := owner.cardinality or owner.buckets:
            return given + FIRST_ID
        return found.vocabularies[owner.name].cardinality

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
    user_index: np.ndarray | None,
    progress: Progress | None,
) -> None:
    def work(block: tuple[int, dict[str, np.ndarray]]) -> list[Rows]:
        first_row, columns = block
        split = split_of(first_row, columns)
        rows = final_rows(columns, plan, found, user_index)
        return [rows.take(np.flatnonzero(split == number)) for number in range(len(SPLITS))]

    done = 0
    for parts in map_in_threads(work, spool.blocks()):
        for name, part in zip(SPLITS, parts, strict=True):
            writer.append(name, part)
            done += len(part)
        tell(progress, done, spool.rows)


def _write_vocabularies(directory: Path, found: Survey) -> None:
    try:
        directory.mkdir()
        for name, vocabulary in found.vocabularies.items():
            vocabulary.known.write_parquet(directory / f"{name}.parquet")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise cannot_write(directory, error) from error
