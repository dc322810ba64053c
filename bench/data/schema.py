"""What a contestant may know of a data set: its fields, tasks and user column. Free of torch and of paths."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BadInput
from bench.metrics import MISSING_LABEL as MISSING_LABEL

KINDS = ("categorical", "numeric", "sequence")
GROUPS = ("user", "item", "context", "cross", "sequence")

MISSING_ID = 0
"""Row of every table for an absent value; also the padding of sequences."""
UNKNOWN_ID = 1
"""Row of every table for a value not seen (or seen too rarely) in the training split."""
FIRST_ID = 2
"""Row of the most frequent known value; rarer values follow."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One feature.

    Args:
        name: unique within the schema.
        kind: ``categorical`` (one id), ``numeric`` (one standardised number, NaN where missing) or
            ``sequence`` (up to `max_length` ids, padded at the end with `MISSING_ID`).
        group: semantic group, one of `GROUPS`; tokenizers keep a group's fields together.
        cardinality: rows of the embedding table, the missing and the unknown row included; 0 for numeric.
        max_length: longest sequence kept; 0 unless the kind is ``sequence``.
        table: name of the categorical field whose embedding table (and so whose ids) this field shares,
            such as a history of items sharing the table of the candidate item; that field is the target of
            target attention. None: a table of its own.
        mean, std: what a numeric field was standardised with, on the training split.
    """

    name: str
    kind: str
    group: str
    cardinality: int = 0
    max_length: int = 0
    table: str | None = None
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        if not self.name:
            raise BadInput("a field has an empty name")
        if self.kind not in KINDS:
            raise BadInput(f"field '{self.name}': kind is '{self.kind}', allowed: {', '.join(KINDS)}")
        if self.group not in GROUPS:
            raise BadInput(f"field '{self.name}': group is '{self.group}', allowed: {', '.join(GROUPS)}")
        if self.kind != "numeric" and self.cardinality <= FIRST_ID:
            raise BadInput(
                f"field '{self.name}': cardinality is {self.cardinality}; a table has a missing row, an "
                f"unknown row and at least one known value, so it must be {FIRST_ID + 1} or more"
            )
        if (self.kind == "sequence") != (self.max_length > 0):
            raise BadInput(
                f"field '{self.name}': max_length is {self.max_length} for kind '{self.kind}'; "
                "a sequence needs 1 or more, any other kind 0"
            )


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Fields in the order of the model input, the tasks to predict, and what is known of users and time.

    Args:
        fields: at least one.
        tasks: names of the binary labels, the first being the primary one. A row may lack some of them
            (`MISSING_LABEL`).
        user: name of the raw column that identifies users (for per-user metrics), or None.
        time: whether rows carry a time.
    """

    fields: tuple[Field, ...]
    tasks: tuple[str, ...]
    user: str | None = None
    time: bool = False

    def __post_init__(self) -> None:
        if not self.fields:
            raise BadInput("the schema has no fields; it needs at least one")
        if not self.tasks:
            raise BadInput("the schema has no tasks; it needs at least one label")
        for what, names in (("field", [f.name for f in self.fields]), ("task", list(self.tasks))):
            twice = [name for name, times in Counter(names).items() if times > 1]
            if twice:
                raise BadInput(f"the schema names {what} '{twice[0]}' twice; names must be unique")
        by_name = {f.name: f for f in self.fields}
        for field in self.fields:
            if field.table is None:
                continue
            target = by_name.get(field.table)
            if field.kind != "sequence" or target is None or target.kind != "categorical":
                raise BadInput(
                    f"field '{field.name}' shares the table of '{field.table}'; "
                    "only a sequence may share, and only with a categorical field of the schema"
                )
            if target.cardinality != field.cardinality:
                raise BadInput(
                    f"field '{field.name}' has cardinality {field.cardinality} but shares the table of "
                    f"'{field.table}' with {target.cardinality} rows; they must be equal"
                )

    def of_kind(self, kind: str) -> tuple[Field, ...]:
        """The fields of one kind, in schema order: the columns of that kind's matrix on disk."""
        return tuple(f for f in self.fields if f.kind == kind)

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the fields of each semantic group present, in the order of `GROUPS`."""
        indices = (tuple(i for i, f in enumerate(self.fields) if f.group == group) for group in GROUPS)
        return tuple(group for group in indices if group)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return {
            "fields": [dataclasses.asdict(f) for f in self.fields],
            "tasks": list(self.tasks),
            "user": self.user,
            "time": self.time,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Schema:
        return Schema(
            fields=tuple(Field(**f) for f in data["fields"]),
            tasks=tuple(data["tasks"]),
            user=data["user"],
            time=data["time"],
        )
