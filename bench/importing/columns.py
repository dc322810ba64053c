"""What a schema file says of single columns: how they are written, which is a time, a label or a field."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.errors import BadInput, unknown_name
from bench.schema import FIRST_ID, GROUPS, KINDS

TRANSFORMS = ("none", "log1p")
TIME_FORMATS = ("integer", "iso")
MAX_CARDINALITY = 2**31 - 1 - FIRST_ID

_OPTIONS_OF_KIND = {
    "categorical": {"minimum_count", "prefix", "cardinality"},
    "numeric": {"transform"},
    "sequence": {"minimum_count", "cardinality", "separator", "max_length", "table"},
}
_POSITIVE = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_NAME = re.compile(r"\w[\w.:-]*")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How the file is written. Of a Parquet file (`.parquet`, `.pq`) only `missing` matters; others are text.

    Args:
        delimiter: one character between the cells.
        quote: one character around cells that hold the delimiter or a line end; empty: none, and faster.
        columns: names of the columns of a file without a header line; empty: the first line is the header.
        missing: texts that mean an absent value, in cells and in the items of sequences.
    """

    delimiter: str = ","
    quote: str = '"'
    columns: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1:
            raise BadInput(f"[source] delimiter is {self.delimiter!r}, expected one character")
        if len(self.quote) > 1:
            raise BadInput(f"[source] quote is {self.quote!r}, expected one character or none")
        refuse_twice("column in [source] columns", self.columns)


@dataclass(frozen=True, kw_only=True)
class Time:
    """When a row happened: an integer of any unit, or ISO 8601 text, kept as microseconds since 1970 in UTC.

    Args:
        column: no cell of it may be missing.
        format: ``integer`` or ``iso``.
    """

    column: str
    format: str = "integer"

    def __post_init__(self) -> None:
        check_one_of("[time] format", self.format, TIME_FORMATS)


@dataclass(frozen=True, kw_only=True)
class Label:
    """A binary label to predict.

    Args:
        name: of the task.
        column: where it is read; empty: the column of that name.
        positive: which numbers are a 1, such as ``>= 4``; None: the cells are 0 and 1 already.
    """

    name: str
    column: str = ""
    positive: str | None = None

    def __post_init__(self) -> None:
        check_name("label", self.name)
        object.__setattr__(self, "column", self.column or self.name)
        if self.positive is not None and not _POSITIVE.fullmatch(self.positive):
            raise BadInput(
                f"label '{self.name}': positive is '{self.positive}', "
                "expected a comparison with a number, such as '>= 4' (>=, >, <=, <, ==, !=)"
            )

    def rule(self) -> tuple[str, float] | None:
        """(operator, number) of `positive`."""
        match = _POSITIVE.fullmatch(self.positive or "")
        return (match[1], float(match[2])) if match else None


@dataclass(frozen=True, kw_only=True)
class FieldPlan:
    """A field and the column it is made of.

    Args:
        name: of the field, unique; also the name of its files.
        kind, group: as in `bench.schema.Field`.
        column: where it is read; empty: the column of that name.
        minimum_count: values rarer than this on the training rows share the unknown id.
        prefix: keep only so many characters of a categorical value; 0: all.
        cardinality: the cells hold ids 0 … cardinality − 1 already, which are stored shifted by `FIRST_ID`;
            0: ids are given by falling count on the training rows, equals in the order of their text.
        transform: of a numeric field, before it is standardised: ``none``, or ``log1p``, which is
            sign(x)·log(1 + |x|) and so defined for negative numbers too.
        separator: between the items of a sequence. Empty and missing items are dropped.
        max_length: most items kept of a sequence: the last ones.
        table: the categorical field whose ids a sequence shares; items that are no known value of it are
            unknown.
    """

    name: str
    kind: str
    group: str
    column: str = ""
    minimum_count: int = 1
    prefix: int = 0
    cardinality: int = 0
    transform: str = "none"
    separator: str = ""
    max_length: int = 0
    table: str | None = None

    def __post_init__(self) -> None:
        check_name("field", self.name)
        object.__setattr__(self, "column", self.column or self.name)
        where = f"field '{self.name}'"
        check_one_of(f"{where}: kind", self.kind, KINDS)
        check_one_of(f"{where}: group", self.group, GROUPS)
        check_one_of(f"{where}: transform", self.transform, TRANSFORMS)
        self._check_options_fit_kind(where)
        for option, low, high in (
            ("minimum_count", 1, math.inf),
            ("prefix", 0, math.inf),
            ("cardinality", 0, MAX_CARDINALITY),
        ):
            if not low <= (got := getattr(self, option)) <= high:
                raise BadInput(f"{where}: {option} is {got}, allowed: {low} … {high}")
        if self.cardinality and (self.minimum_count > 1 or self.prefix):
            raise BadInput(
                f"{where}: cardinality says the ids are given; minimum_count and prefix cannot change them"
            )
        if self.kind == "sequence" and (not self.separator or self.max_length < 1):
            raise BadInput(
                f"{where}: a sequence needs a separator (got '{self.separator}') "
                f"and a max_length of 1 or more (got {self.max_length})"
            )
        if self.table is not None and (self.cardinality or self.minimum_count > 1):
            raise BadInput(
                f"{where}: it shares the ids of '{self.table}'; cardinality and minimum_count are said there"
            )

    def _check_options_fit_kind(self, where: str) -> None:
        of_any_kind = set().union(*_OPTIONS_OF_KIND.values())
        for option in dataclasses.fields(self):
            given = option.name in of_any_kind and getattr(self, option.name) != option.default
            if given and option.name not in _OPTIONS_OF_KIND[self.kind]:
                raise BadInput(
                    f"{where}: {option.name} does not apply to kind '{self.kind}' "
                    f"(which has {', '.join(sorted(_OPTIONS_OF_KIND[self.kind]))})"
                )


def check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{what} name {name!r} is not allowed: letters, digits, '_', '.', ':' and '-', not first a sign"
        )


def check_one_of(what: str, got: str, allowed: Iterable[str]) -> None:
    if got not in allowed:
        raise unknown_name(what, got, allowed)


def refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"the schema names {what} '{twice[0]}' twice")
