"""What a schema file says about columns: how they are written, and which is a time, label or field."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.data.importing.text_encodings import check_encoding
from bench.data.importing.time_formats import check_format
from bench.data.schema import FIRST_ID, GROUPS, KINDS
from bench.errors import BadInput, unknown_name

TRANSFORMS_OF_KIND = {
    "categorical": ("none", "floor_log_squared"),
    "numeric": ("none", "log1p"),
    "sequence": ("none",),
}
PARTS = {"hour": 24, "weekday": 7, "weekend": 2}
"""Part of a row's time → its values: hours; Monday to Sunday; whether it is one of the last two."""
ON_BAD_ROW = ("error", "skip")
ALL_ROWS = "*"
MAX_CARDINALITY = 2**31 - 1 - FIRST_ID
MAX_LENGTH = 10_000
"""Limit on `max_length`: every row stores that many items, 4 bytes each."""
MAX_PREFIX = 1_000_000
MAX_NAME_BYTES = 200
"""Names are parts of file names, which most file systems limit to 255 bytes."""

_OPTIONS_OF_KIND = {
    "categorical": {"minimum_count", "prefix", "pattern", "cardinality", "buckets", "transform", "part"},
    "numeric": {"transform", "clip"},
    "sequence": {"minimum_count", "cardinality", "buckets", "separator", "max_length", "table", "history"},
}
_POSITIVE = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_SIGNS = ("<", ">", "=", "!", "≤", "≥", "≠")
"""A text that starts like this is a comparison with a mistake, except in a list."""
_NAME = re.compile(r"\w[\w.:-]*")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a file is written. For a Parquet file (`.parquet`, `.pq`) only `missing` and `on_bad_row` apply.

    Args:
        delimiter: text between cells: one character, or several such as ``::``, which must then not occur
            inside quotes.
        quote: one ASCII character around cells that hold the delimiter or a line end; empty: no quotes, which
            is faster.
        columns: column names of a file without a header line; empty: the first line is the header.
        missing: texts that mean a missing value, in cells and in items of sequences.
        encoding: any text encoding that Python knows by name, such as ``utf-8``, ``latin-1``, ``cp1252``,
            ``utf-16`` or ``gb18030``. A byte order mark at the start of the file is ignored.
        on_bad_row: ``error`` stops at the first row that does not fit the schema, ``skip`` skips such rows
            and counts them by reason.
    """

    delimiter: str = ","
    quote: str = '"'
    columns: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    encoding: str = "utf-8"
    on_bad_row: str = "error"

    def __post_init__(self) -> None:
        if not self.delimiter or set(self.delimiter) & set("\n\r\0") or not self.delimiter.isascii():
            raise BadInput(f"[source] delimiter is {self.delimiter!r}, expected ASCII text on one line")
        if len(self.quote) > 1 or self.quote in ("\n", "\r", "\0") or not self.quote.isascii():
            raise BadInput(f"[source] quote is {self.quote!r}, expected one ASCII character or none")
        if self.quote and self.quote in self.delimiter:
            raise BadInput(f"[source] quote {self.quote!r} is part of the delimiter {self.delimiter!r}")
        refuse_twice("column in [source] columns", self.columns)
        check_encoding(self.encoding)
        check_one_of("[source]", "on_bad_row", self.on_bad_row, ON_BAD_ROW)


@dataclass(frozen=True, kw_only=True)
class Time:
    """When a row happened.

    Args:
        column: the column of the time; no cell may be missing.
        format: ``integer`` is a number in any unit, stored unchanged. All others are stored as microseconds
            since 1970 in UTC, and must be in the years 1970 to 2100: ``iso`` (ISO 8601 text, or a date or
            timestamp of a Parquet file), ``seconds``, ``milliseconds``, ``microseconds`` or ``nanoseconds``
            (integers since 1970), ``yymmddhh`` (such as 14102123), or a pattern such as ``%d/%m/%Y %H:%M``
            with the directives of Python's strptime (%Y %y %m %d %j %b %B %a %A %H %I %M %S %p %z, and %f
            after a ``.``).
    """

    column: str
    format: str = "integer"

    def __post_init__(self) -> None:
        check_format(self.format)


@dataclass(frozen=True, kw_only=True)
class Label:
    """A binary label to predict.

    Args:
        name: name of the task.
        column: the column that holds the label; empty: the column called `name`.
        positive: which cells mean 1: a comparison with a number, such as ``>= 4``, or a text or a list of
            texts, such as ``yes`` or ``[">50K"]``; every other text then means 0. None: the cells are already
            0 and 1, or true and false.

    A row without a label does not count for that task. A row without any label is a bad row.
    """

    name: str
    column: str = ""
    positive: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_name("label", self.name)
        object.__setattr__(self, "column", self.column or self.name)
        if self.positive is not None and not (self.rule() or self.texts()):
            raise BadInput(
                f"label '{self.name}': positive is {self.positive!r}, expected a comparison with a number, "
                "such as '>= 4' (>=, >, <=, <, ==, !=), a text, or a list of texts, such as ['>50K']"
            )

    def rule(self) -> tuple[str, float] | None:
        """(operator, number) of `positive`, if it is a comparison."""
        match = _POSITIVE.fullmatch(self.positive) if isinstance(self.positive, str) else None
        return (match[1], float(match[2])) if match else None

    def texts(self) -> tuple[str, ...]:
        """The texts that mean 1, if `positive` is a text or a list."""
        if isinstance(self.positive, tuple):
            return self.positive
        is_text = self.positive and not self.positive.lstrip().startswith(_SIGNS)
        return (str(self.positive),) if is_text else ()


@dataclass(frozen=True, kw_only=True)
class FieldPlan:
    """A field and the column it reads.

    Args:
        name: name of the field, unique; also the name of its files.
        kind: ``categorical`` (an id), ``numeric`` (a number) or ``sequence`` (several ids).
        group: what the field describes: ``user``, ``item``, ``context``, ``cross`` or ``sequence``. Some
            models keep the fields of a group together.
        column: the column that holds the values; empty: the column called `name`.
        of: the table of facts that has the column; empty: the file of rows.
        minimum_count: values rarer than this in the training rows share the unknown id.
        prefix: number of leading characters to keep of a categorical value; 0: all.
        pattern: regular expression (of Rust's regex crate). Its first group is kept of a categorical value;
            a value without a match is missing.
        cardinality: the cells already hold ids from 0 to cardinality − 1, which are stored shifted by
            `FIRST_ID`. 0: the import numbers the values by falling count in the training rows, and values of
            equal count by their text.
        buckets: number of hash buckets to use instead of a dictionary: memory does not grow with the number
            of distinct values, but some values share an id. 0: a dictionary.
        transform: ``none``; for a numeric field ``log1p``, which is sign(x)·log(1 + |x|), applied before it
            is standardised; for a categorical field ``floor_log_squared``, which turns a number into a
            category: ⌊ln(x)²⌋ above 2, otherwise the number without its fraction.
        clip: true sets numbers outside the range of the training rows to its nearest end; false keeps them,
            and the import warns about them.
        part: the field is the ``hour``, ``weekday`` or ``weekend`` of the row's time and reads no column.
        separator: text between the items of a sequence; empty: the cells are lists in JSON or Python form,
            such as ``[1, 2, 3]`` or ``["a", "b"]``. A list column of a Parquet file needs no separator. Empty
            and missing items are dropped.
        max_length: maximum number of items of a sequence; the last ones are kept.
        table: the categorical field whose ids the sequence shares; items that are not among its values are
            unknown.
        history: the sequence reads no column. It holds the values of `table` in the same user's strictly
            earlier rows in which this label was positive, oldest first; ``*``: in all earlier rows.
    """

    name: str
    kind: str
    group: str
    column: str = ""
    of: str = ""
    minimum_count: int = 1
    prefix: int = 0
    pattern: str = ""
    cardinality: int = 0
    buckets: int = 0
    transform: str = "none"
    clip: bool = False
    part: str = ""
    separator: str = ""
    max_length: int = 0
    table: str | None = None
    history: str = ""

    def __post_init__(self) -> None:
        check_name("field", self.name)
        where = f"field '{self.name}'"
        check_one_of(where, "kind", self.kind, KINDS)
        check_one_of(where, "group", self.group, GROUPS)
        self._check_options_fit_kind(where)
        check_one_of(where, "transform", self.transform, TRANSFORMS_OF_KIND[self.kind])
        for option, low, high in (
            ("minimum_count", 1, 2**63 - 1),
            ("prefix", 0, MAX_PREFIX),
            ("max_length", 0, MAX_LENGTH),
            ("cardinality", 0, MAX_CARDINALITY),
            ("buckets", 0, MAX_CARDINALITY),
        ):
            if not low <= (got := getattr(self, option)) <= high:
                raise BadInput(f"{where}: {option} is {got}, allowed: {low} … {high}")
        changed_by = [o for o in ("prefix", "pattern", "buckets") if getattr(self, o)]
        changed_by += ["minimum_count"] if self.minimum_count > 1 else []
        if self.cardinality and changed_by:
            raise BadInput(
                f"{where}: cardinality means that the cells hold ids, which {changed_by[0]} cannot change; "
                "leave one out"
            )
        if self.buckets and self.minimum_count > 1:
            raise BadInput(
                f"{where}: minimum_count does not apply with buckets, which keep no counts; leave it out"
            )
        if self.pattern:
            self._check_pattern(where)
        if self.part:
            check_one_of(where, "part", self.part, PARTS)
            if self.column or self.of or self.cardinality not in (0, PARTS[self.part]):
                raise BadInput(f"{where}: part reads the row's time; leave column, of and cardinality out")
            object.__setattr__(self, "cardinality", PARTS[self.part])
        if self.kind == "sequence":
            self._check_sequence(where)
        if self.read and not self.column:
            object.__setattr__(self, "column", self.name)

    @property
    def read(self) -> bool:
        """Whether the field reads a column of its own."""
        return not (self.part or self.history)

    def _check_pattern(self, where: str) -> None:
        import polars as pl

        try:
            groups = pl.select(pl.lit("").str.extract_groups(self.pattern)).to_series().struct.fields
        except pl.exceptions.PolarsError as error:
            reason = " ".join(str(error).split())[:200]
            raise BadInput(
                f"{where}: pattern {self.pattern!r:.80} is not a regular expression: {reason}"
            ) from error
        if not groups:
            raise BadInput(f"{where}: pattern '{self.pattern}' has no group to keep; add one, such as (\\d+)")

    def _check_sequence(self, where: str) -> None:
        if self.max_length < 1:
            raise BadInput(f"{where}: max_length is {self.max_length}, but a sequence needs 1 or more")
        if self.separator and self.history:
            raise BadInput(
                f"{where}: a sequence has either a separator or a history, but separator is "
                f"'{self.separator}' and history is '{self.history}'; leave one out"
            )
        if self.history and (self.table is None or self.column or self.of):
            raise BadInput(
                f"{where}: a history reads the field given as table; set table, and leave column and of out"
            )
        if self.table is not None and (self.cardinality or self.buckets or self.minimum_count > 1):
            raise BadInput(
                f"{where}: it shares the ids of '{self.table}'; set cardinality, buckets and minimum_count "
                "there"
            )

    def _check_options_fit_kind(self, where: str) -> None:
        of_any_kind = set().union(*_OPTIONS_OF_KIND.values())
        for option in dataclasses.fields(self):
            given = option.name in of_any_kind and getattr(self, option.name) != option.default
            if given and option.name not in _OPTIONS_OF_KIND[self.kind]:
                raise BadInput(
                    f"{where}: {option.name} does not apply to kind '{self.kind}' "
                    f"(allowed: {', '.join(sorted(_OPTIONS_OF_KIND[self.kind]))})"
                )


def check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{what} name {name!r} is not allowed; a name has letters, digits, '_', '.', ':' and '-', and "
            "starts with none of the last three"
        )
    if (size := len(name.encode())) > MAX_NAME_BYTES:
        raise BadInput(f"{what} name {name[:40]!r}… has {size} bytes, allowed: {MAX_NAME_BYTES} at most")


def check_one_of(where: str, what: str, got: str, allowed: Iterable[str]) -> None:
    if got not in allowed:
        raise BadInput(f"{where}: {unknown_name(what, got, allowed)}")


def refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"the schema names {what} '{twice[0]}' twice")
