"""The schema file: which columns of a table become fields, labels, users, times and splits.

A schema file is TOML. Its tables are the dataclasses here, in `columns` and in `split_plans`; its keys are
their fields:

    name = "shop"                     # of the data set
    user = "customer"                 # column, optional
    [source]                          # `Source`, optional
    [[tables]]                        # `Table`, one per file of facts about users, items, …, optional
    [time]                            # `Time`, optional
    [[labels]]                        # `Label`, one per task, the primary one first
    [[fields]]                        # `FieldPlan`, in the order of the model input; `names = [...]` instead
                                      # of `name` makes one field of each of these columns
    [split]                           # by = "column" (`ByColumn`), "time" (`ByTime`), "user-time"
                                      # (`ByUserTime`), "order" (`ByOrder`), "random" (`ByRandom`) or "file"
                                      # (`ByFile`)

Examples are in examples/schemas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.importing.columns import ALL_ROWS, FieldPlan, Label, Source, Time, check_name, refuse_twice
from bench.data.importing.split_plans import (
    ByColumn,
    ByFile,
    ByOrder,
    ByRandom,
    ByTime,
    ByUserTime,
    SplitPlan,
    split_plan,
    split_table,
)
from bench.data.importing.strict_toml import build, check_keys, read_toml, table_list
from bench.errors import BadInput, unknown_name

__all__ = [
    "ByColumn",
    "ByFile",
    "ByOrder",
    "ByRandom",
    "ByTime",
    "ByUserTime",
    "ImportPlan",
    "SplitPlan",
    "Table",
]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file of facts that rows refer to by a key, such as one row per user. It is kept in memory as numbers.

    Args:
        name: name of the table, which `of` of a field refers to.
        files: names of its files, in the folder of the first file of rows.
        key: the column of the table that rows refer to; its values are unique. If a row has another key, the
            table's fields are missing in that row.
        on: the column of the file of rows that holds the key; empty: the column called like `key`.
        source: how its files are written: a table with the keys of ``[source]``.
    """

    name: str
    files: tuple[str, ...]
    key: str
    on: str = ""
    source: Source = dataclasses.field(default_factory=Source)

    def __post_init__(self) -> None:
        check_name("table", self.name)
        object.__setattr__(self, "on", self.on or self.key)
        if not self.files:
            raise BadInput(f"table '{self.name}' has no files; it needs at least one")


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """The keys and tables of a schema file.

    Args:
        name: name of the data set and of its folder.
        user: the column that identifies users, for per-user metrics and histories; no cell may be missing.
        source: how the files of rows are written.
        tables: files of facts about users, items and so on.
        time: when a row happened.
        labels: what to predict, one or more; the first is the primary one.
        fields: the inputs of a model, in order. ``names = [...]`` instead of ``name`` makes one field of each
            of these columns.
        split: which rows are for training, validation and test.
    """

    name: str
    labels: tuple[Label, ...]
    fields: tuple[FieldPlan, ...]
    split: SplitPlan
    source: Source = dataclasses.field(default_factory=Source)
    tables: tuple[Table, ...] = ()
    user: str | None = None
    time: Time | None = None

    def __post_init__(self) -> None:
        check_name("data set", self.name)
        refuse_twice("label", [label.name for label in self.labels])
        refuse_twice("field", [field.name for field in self.fields])
        refuse_twice("table", [table.name for table in self.tables])
        for field in self.fields:
            self._check_field(field)
        if isinstance(self.split, (ByTime, ByUserTime)) and self.time is None:
            raise BadInput(
                "[split] is by time, but the schema file has no [time]; add it with the column of the time"
            )
        if isinstance(self.split, ByUserTime) and self.user is None:
            raise BadInput(
                "[split] is by user-time, but the schema file has no user; add user = the column of users"
            )

    def _check_field(self, field: FieldPlan) -> None:
        label_of_column = {label.column: label.name for label in self.labels}
        if not field.of and field.column in label_of_column:
            raise BadInput(
                f"field '{field.name}' reads column '{field.column}', which is the label "
                f"'{label_of_column[field.column]}', so the model would see the answer; remove the field"
            )
        categorical = [f.name for f in self.of_kind("categorical")]
        if field.table is not None and field.table not in categorical:
            raise unknown_name(
                f"table of field '{field.name}', expected a categorical field:", field.table, categorical
            )
        tables = [table.name for table in self.tables]
        if field.of and field.of not in tables:
            raise unknown_name(f"table of facts of field '{field.name}':", field.of, tables)
        if field.part and (self.time is None or self.time.format == "integer"):
            raise BadInput(
                f"field '{field.name}' is a part of the time, so it needs a [time] with a format other than "
                "'integer'"
            )
        if field.history:
            labels = [ALL_ROWS, *(label.name for label in self.labels)]
            if field.history not in labels:
                raise unknown_name(
                    f"history of field '{field.name}', expected a label or", field.history, labels
                )
            if self.user is None or self.time is None:
                raise BadInput(
                    f"field '{field.name}' is a history, which needs user and [time] in the schema file"
                )
            if isinstance(self.split, ByRandom):
                raise BadInput(
                    f"field '{field.name}' is a history, but [split] is random, so training rows would hold "
                    "labels of test rows; split by 'time' or 'user-time'"
                )

    @staticmethod
    def from_toml(path: Path) -> ImportPlan:
        """The plan in the schema file at `path`.

        Raises:
            BadInput: a file that cannot be read, an unknown or missing key, or a value that is not allowed.
        """
        return ImportPlan.from_table(read_toml(path))

    @staticmethod
    def from_table(table: Mapping[str, Any]) -> ImportPlan:
        """The plan that the top table of a schema file says.

        Raises:
            BadInput: an unknown or missing key, or a value that is not allowed.
        """
        check_keys(table, [f.name for f in dataclasses.fields(ImportPlan)], "the schema file")
        if type(table.get("name")) is not str:
            raise BadInput(f"the schema file's name is {table.get('name')!r}, expected a text")
        if type(table.get("user", "")) is not str:
            raise BadInput(f"the schema file's user is {table['user']!r}, expected the name of a column")
        return ImportPlan(
            name=table["name"],
            user=table.get("user"),
            source=build(Source, table.get("source", {}), "[source]"),
            tables=tuple(build(Table, one, "[[tables]]") for one in table_list(table, "tables", least=0)),
            time=build(Time, table["time"], "[time]") if "time" in table else None,
            labels=tuple(build(Label, label, "[[labels]]") for label in table_list(table, "labels")),
            fields=tuple(
                build(FieldPlan, one, f"[[fields]] {one.get('name', '')}".rstrip())
                for fields in table_list(table, "fields")
                for one in _one_table_a_field(fields)
            ),
            split=split_plan(table.get("split")),
        )

    def to_table(self) -> dict[str, Any]:
        """The inverse of `from_table`, in plain JSON types."""
        return {**_without_none(dataclasses.asdict(self)), "split": _without_none(split_table(self.split))}

    def of_kind(self, kind: str) -> tuple[FieldPlan, ...]:
        """The fields of one kind, in their order."""
        return tuple(field for field in self.fields if field.kind == kind)

    def fields_of(self, table: str) -> tuple[FieldPlan, ...]:
        """The fields read from columns of that table; of the file of rows for the empty name."""
        return tuple(field for field in self.fields if field.read and field.of == table)

    def columns(self) -> tuple[str, ...]:
        """Every column that is read of the file of rows, once, in the order of first mention."""
        labels = [label.column for label in self.labels]
        fields = [field.column for field in self.fields_of("")]
        return tuple(dict.fromkeys([*labels, *fields, *self._columns_that_refer()]))

    def input_columns(self) -> tuple[str, ...]:
        """The `columns` that the fields need: without labels, users and splits."""
        fields = [field.column for field in self.fields_of("")]
        keys = [table.on for table in self.tables]
        times = [self.time.column] if self.time is not None and self.has_part_of_time() else []
        return tuple(dict.fromkeys([*fields, *keys, *times]))

    def has_part_of_time(self) -> bool:
        """Whether a field is a part of the row's time."""
        return any(field.part for field in self.fields)

    def list_columns(self, table: str = "") -> frozenset[str]:
        """Columns that only sequences read, and that may hold lists therefore."""
        fields = self.fields_of(table)
        single = [field.column for field in fields if field.kind != "sequence"]
        if table:
            single += [one.key for one in self.tables if one.name == table]
        else:
            single += [*(label.column for label in self.labels), *self._columns_that_refer()]
        return frozenset(field.column for field in fields if field.kind == "sequence") - set(single)

    def _columns_that_refer(self) -> list[str]:
        """Columns of the file of rows that hold keys of tables, users, times and splits."""
        named = [table.on for table in self.tables]
        named += [self.user] if self.user is not None else []
        named += [self.time.column] if self.time is not None else []
        named += [self.split.column] if isinstance(self.split, ByColumn) else []
        return named


def _without_none(value: Any) -> Any:
    """`value` without keys that are None, which TOML cannot say, and with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


def _one_table_a_field(table: Any) -> list[dict[str, Any]]:
    """`names = ["a", "b"]` is short for two tables that differ only in `name`."""
    if not isinstance(table, dict):
        raise BadInput(f"[[fields]] is {table!r}, expected a table")
    if "names" not in table:
        return [table]
    shared = {key: value for key, value in table.items() if key != "names"}
    names = table["names"]
    if not isinstance(names, list) or not names or "name" in shared or "column" in shared:
        raise BadInput(
            f"[[fields]] names is {names!r:.80}, expected a list of columns, without name and column"
        )
    return [{"name": name, **shared} for name in names]
