"""What a schema file says: which columns of a table become which fields, labels, users, times and splits.

A schema file is TOML; the dataclasses below are its tables and their fields its keys:

    name = "shop"                     # of the data set
    user = "customer"                 # column, optional
    [source]                          # `Source`, optional
    [time]                            # `Time`, optional
    [[labels]]                        # `Label`, one per task, the primary one first
    [[fields]]                        # `FieldPlan`, in the order of the model input; `names = [...]` in place
                                      # of `name` makes one field of every column named, all alike
    [split]                           # by = "column" (`ByColumn`), "time" (`ByTime`) or "random" (`ByRandom`)

Examples stand in examples/schemas.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.dataset import SPLITS
from bench.errors import BadInput, unknown_name
from bench.importing.columns import FieldPlan, Label, Source, Time, check_name, refuse_twice
from bench.importing.strict_toml import build, check_keys, read_toml, table_list


@dataclass(frozen=True, kw_only=True)
class ByColumn:
    """The text in `column` says the split of a row; every value that occurs must be in one of the lists."""

    column: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse_twice("value in [split]", [value for split in SPLITS for value in getattr(self, split)])


@dataclass(frozen=True, kw_only=True)
class ByTime:
    """Earlier rows train, the latest test. `fractions` are those of train, valid and test.

    Rows of one time stay together: those of the time at a border belong to the later split, so train and
    valid have at most their fraction.
    """

    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)


@dataclass(frozen=True, kw_only=True)
class ByRandom:
    """A row's split is drawn from `seed` and the row's number: train, valid and test by `fractions`."""

    fractions: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        _check_fractions(self.fractions)
        if not 0 <= self.seed < 2**63:
            raise BadInput(f"[split] seed is {self.seed}, allowed: 0 … 2^63 − 1")


SplitPlan = ByColumn | ByTime | ByRandom
_SPLIT_PLANS: dict[str, type[SplitPlan]] = {"column": ByColumn, "time": ByTime, "random": ByRandom}


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """A whole schema file. `user` is the column that identifies users; no cell of it may be missing."""

    name: str
    labels: tuple[Label, ...]
    fields: tuple[FieldPlan, ...]
    split: SplitPlan
    source: Source = dataclasses.field(default_factory=Source)
    user: str | None = None
    time: Time | None = None

    def __post_init__(self) -> None:
        check_name("data set", self.name)
        refuse_twice("label", [label.name for label in self.labels])
        refuse_twice("field", [field.name for field in self.fields])
        label_columns = {label.column: label.name for label in self.labels}
        categorical = [field.name for field in self.of_kind("categorical")]
        for field in self.fields:
            if field.column in label_columns:
                raise BadInput(
                    f"field '{field.name}' reads column '{field.column}', which is the label "
                    f"'{label_columns[field.column]}': the model would be told the answer"
                )
            if field.table is not None and field.table not in categorical:
                raise unknown_name(
                    f"table of field '{field.name}', expected a categorical field:", field.table, categorical
                )
        if isinstance(self.split, ByTime) and self.time is None:
            raise BadInput("[split] is by time but the schema file has no [time]; name the column there")

    @staticmethod
    def from_toml(path: Path) -> ImportPlan:
        """The plan in the schema file at `path`.

        Raises:
            BadInput: a file that cannot be read, an unknown or missing key, or a value that is not allowed.
        """
        table = read_toml(path)
        check_keys(table, [f.name for f in dataclasses.fields(ImportPlan)], "the schema file")
        if type(table.get("name")) is not str:
            raise BadInput(f"the schema file's name is {table.get('name')!r}, expected a text")
        if type(table.get("user", "")) is not str:
            raise BadInput(f"the schema file's user is {table['user']!r}, expected the name of a column")
        return ImportPlan(
            name=table["name"],
            user=table.get("user"),
            source=build(Source, table.get("source", {}), "[source]"),
            time=build(Time, table["time"], "[time]") if "time" in table else None,
            labels=tuple(build(Label, label, "[[labels]]") for label in table_list(table, "labels")),
            fields=tuple(
                build(FieldPlan, one, f"[[fields]] {one.get('name', '')}".rstrip())
                for fields in table_list(table, "fields")
                for one in _one_table_a_field(fields)
            ),
            split=_split_plan(table.get("split")),
        )

    def of_kind(self, kind: str) -> tuple[FieldPlan, ...]:
        """The fields of one kind, in their order."""
        return tuple(field for field in self.fields if field.kind == kind)

    def columns(self) -> tuple[str, ...]:
        """Every column the plan reads, once, in the order of first mention."""
        named = [label.column for label in self.labels] + [field.column for field in self.fields]
        named += [self.user] if self.user is not None else []
        named += [self.time.column] if self.time is not None else []
        named += [self.split.column] if isinstance(self.split, ByColumn) else []
        return tuple(dict.fromkeys(named))


def _one_table_a_field(table: Any) -> list[dict[str, Any]]:
    """`names = ["a", "b"]` is short for two tables that differ in `name` only."""
    if not isinstance(table, dict):
        raise BadInput(f"[[fields]] is {table!r}, expected a table")
    if "names" not in table:
        return [table]
    shared = {key: value for key, value in table.items() if key != "names"}
    names = table["names"]
    if not isinstance(names, list) or not names or "name" in shared or "column" in shared:
        raise BadInput("[[fields]] names is a list of columns, and goes without name and column")
    return [{"name": name, **shared} for name in names]


def _split_plan(table: Any) -> SplitPlan:
    by = table.get("by") if isinstance(table, dict) else None
    if not isinstance(by, str) or by not in _SPLIT_PLANS:
        raise BadInput(f"[split] by is {by!r}, allowed: {', '.join(_SPLIT_PLANS)}")
    return build(_SPLIT_PLANS[by], {key: value for key, value in table.items() if key != "by"}, "[split]")


def _check_fractions(fractions: tuple[float, ...]) -> None:
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise BadInput(
            f"[split] fractions are {list(fractions)}, expected three above 0 (train, valid, test) of sum 1"
        )
