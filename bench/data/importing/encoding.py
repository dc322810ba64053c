"""Blocks of text into the columns of the spool: what is checked first, what then gets ids.

Fields of a `Table` are encoded once, when the table is read; a row of the file then takes the numbers of the
table's row that has its key.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.data.importing import cells
from bench.data.importing.blocks import Block, unread_blocks
from bench.data.importing.columns import FieldPlan, Source
from bench.data.importing.ids import Dictionary, Ids, ids_of_fields
from bench.data.importing.lists import sequence_items
from bench.data.importing.plan import ByColumn, ImportPlan, Table
from bench.data.importing.splits import SPLIT_COLUMN, splits_in_column
from bench.data.importing.times import part_of_time, times
from bench.data.schema import MISSING_ID
from bench.errors import BadInput

Columns = dict[str, np.ndarray]
"""Field name → ids or numbers of it, one row a row."""


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """A table of facts in memory.

    Args:
        name: of the table.
        on: column of the file of rows that holds the keys.
        keys: their provisional ids.
        row_of: provisional id of a key → row in `columns`.
        columns: field → its numbers; row 0 is that of keys that are not in the table.
    """

    name: str
    on: str
    keys: Dictionary
    row_of: np.ndarray
    columns: Columns

    def rows(self, frame: pl.DataFrame) -> tuple[Columns, int]:
        """The fields of the rows that `frame` refers to, and how many rows name a key that is not there."""
        key = self.keys.encode(frame[self.on])  # what is not in the table gets an id beyond it
        row = self.row_of[np.where(key < len(self.row_of), key, 0)]
        unmatched = int(np.count_nonzero((row == 0) & (key != MISSING_ID)))
        return {name: column[row] for name, column in self.columns.items()}, unmatched


class Encoder:
    """Makes spool columns of blocks; holds the dictionaries and tables they share. Threads may share it.

    Args:
        folder: where the files of the tables are.
        vocabularies: as of `ids_of_fields`; with them all ids are final.

    ``unmatched`` counts, by table, the rows whose key is not in it.

    Raises:
        BadInput: a table that is not what the plan says.
    """

    def __init__(
        self, plan: ImportPlan, folder: Path, vocabularies: Mapping[str, pl.DataFrame] | None = None
    ) -> None:
        self.plan = plan
        self.ids = ids_of_fields(plan, vocabularies)
        self.users = Dictionary()
        self.skipped: Counter[str] = Counter()
        self.unmatched: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.tables = [self._table(table, folder) for table in plan.tables]

    def values(self) -> Iterator[tuple[str, pl.Series]]:
        """Every field with a dictionary of its own, with its values in the order of their provisional ids."""
        for field in self.plan.fields:
            if field.table is None and isinstance(dictionary := self.ids.get(field.name), Dictionary):
                yield field.name, dictionary.values()

    def encode(self, block: Block, split: int | None) -> tuple[dict[str, np.ndarray], Counter[str]]:
        """(spool columns, rows left out by reason).

        Args:
            split: of all rows of the block, where their file says it.

        Raises:
            BadInput: a cell that is not what the plan says.
        """
        plan, frame = self.plan, block.frame
        check = cells.Check(block, plan.source)
        columns = {"label": cells.labels(frame, plan.labels, check)}
        if plan.time is not None:
            columns["time"] = times(frame, plan.time, check)
        if isinstance(plan.split, ByColumn):
            columns[SPLIT_COLUMN] = splits_in_column(frame, plan.split, check)
        elif split is not None:
            columns[SPLIT_COLUMN] = np.full(len(frame), split, dtype=np.uint8)
        if plan.user is not None:
            check.refuse(plan.user, frame[plan.user].is_null().to_numpy(), "a user in every row")
        inputs, kept = self._inputs(frame, check, columns.get("time"))
        columns = cells.kept_of(columns, kept)
        if plan.user is not None:
            users = frame[plan.user] if kept is None else frame[plan.user].filter(pl.Series(kept))
            columns["user"] = self.users.encode(users)
        return {**columns, **inputs}, check.skipped

    def encode_inputs(self, block: Block) -> tuple[dict[str, np.ndarray], np.ndarray | None, Counter[str]]:
        """(columns of the fields, which rows (bool) of the block they are of, rows left out by reason).

        Of the block only the plan's `input_columns` are read.

        Raises:
            BadInput: a cell that is not what the plan says.
        """
        check, plan = cells.Check(block, self.plan.source), self.plan
        needed = plan.time if plan.has_part_of_time() else None
        time = None if needed is None else times(block.frame, needed, check)
        inputs, kept = self._inputs(block.frame, check, time)
        return inputs, kept, check.skipped

    def _inputs(
        self, frame: pl.DataFrame, check: cells.Check, time: np.ndarray | None
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """The spool columns of the fields, without the rows that were refused, and which were not."""
        plan = self.plan
        of_field, kept = self._fields(frame, "", plan.source, check)
        if kept is not None:
            frame = frame.filter(kept)
        for table in self.tables:
            facts, unmatched = table.rows(frame)
            of_field |= facts
            with self._counting:
                self.unmatched[table.name] += unmatched
        for field in plan.fields:
            if field.part:
                assert time is not None, "a part of the time needs the time"
                of_field[field.name] = part_of_time(time if kept is None else time[kept], field.part)
        columns = {
            "categorical": _matrix(plan.of_kind("categorical"), of_field, len(frame), np.dtype(np.int32)),
            "numeric": _matrix(plan.of_kind("numeric"), of_field, len(frame), np.dtype(np.float64)),
        }
        for field in plan.of_kind("sequence"):
            if not field.history:
                columns[f"sequence.{field.name}"] = of_field[field.name]
        return columns, kept

    def _fields(
        self, frame: pl.DataFrame, table: str, source: Source, check: cells.Check
    ) -> tuple[Columns, np.ndarray | None]:
        """The fields read from columns of `frame`, rows that were refused left out, and which were not."""
        fields = self.plan.fields_of(table)
        numeric_fields = [field for field in fields if field.kind == "numeric"]
        numbers = cells.numeric(frame, numeric_fields, check)
        columns = {field.name: numbers[:, i] for i, field in enumerate(numeric_fields)}
        texts: dict[str, pl.Series] = {}
        for field in fields:
            if field.kind == "categorical":
                texts[field.name] = cells.categorical_text(frame, field, check)
                cells.check_given(texts[field.name], field, self.ids[field.name], check)
            elif field.kind == "sequence":
                texts[field.name] = sequence_items(frame, field, source.missing, check)
                cells.check_items(texts[field.name], field, self.ids[field.name], check)
        kept = check.kept()
        columns = cells.kept_of(columns, kept)
        for field in fields:  # only now: a value of a refused row is not met
            if field.kind != "numeric":
                text = texts[field.name] if kept is None else texts[field.name].filter(pl.Series(kept))
                columns[field.name] = _ids(text, field, self.ids[field.name])
        return columns, kept

    def _table(self, table: Table, folder: Path) -> TableRows:
        fields = self.plan.fields_of(table.name)
        names = tuple(dict.fromkeys([table.key, *(field.column for field in fields)]))
        keys = Dictionary()
        parts: list[Columns] = []
        key_parts: list[np.ndarray] = []
        for file in table.files:
            lists = self.plan.list_columns(table.name)
            for read, _ in unread_blocks(folder / file, table.source, names, lists=lists):
                block = read()
                check = cells.Check(block, table.source)
                check.refuse(table.key, block.frame[table.key].is_null().to_numpy(), "a key in every row")
                columns, kept = self._fields(block.frame, table.name, table.source, check)
                frame = block.frame if kept is None else block.frame.filter(kept)
                parts.append(columns)
                key_parts.append(keys.encode(frame[table.key]))
                self.skipped += Counter(
                    {f"table '{table.name}': {reason}": n for reason, n in check.skipped.items()}
                )
        if not parts:
            raise BadInput(f"table '{table.name}' has no rows")
        key = np.concatenate(key_parts)
        row_of = np.zeros(len(keys), dtype=np.int64)
        row_of[key] = np.arange(1, len(key) + 1)
        if len(key) != len(keys) - 1:
            twice = keys.values()[int(np.bincount(key).argmax()) - 1]
            raise BadInput(
                f"table '{table.name}' has {len(key)} rows for {len(keys) - 1} keys; key '{twice}' occurs "
                "more than once"
            )
        columns = {
            field.name: np.concatenate([_missing(field), *(part[field.name] for part in parts)])
            for field in fields
        }
        return TableRows(name=table.name, on=table.on, keys=keys, row_of=row_of, columns=columns)


def _ids(text: pl.Series, field: FieldPlan, ids: Ids) -> np.ndarray:
    return ids.encode(text) if field.kind == "categorical" else cells.sequence(text, field, ids)


def _missing(field: FieldPlan) -> np.ndarray:
    """One row of `field` without a value."""
    if field.kind == "numeric":
        return np.array([np.nan])
    return np.zeros((1, field.max_length) if field.kind == "sequence" else 1, dtype=np.int32)


def _matrix(
    fields: tuple[FieldPlan, ...], columns: Mapping[str, np.ndarray], rows: int, dtype: np.dtype
) -> np.ndarray:
    matrix = np.empty((rows, len(fields)), dtype=dtype)
    for i, field in enumerate(fields):
        matrix[:, i] = columns[field.name]
    return matrix
