"""What a schema file says of single columns: how they are written, which is a time, a label or a field."""

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
"""Of a sequence: every row has room for so many items, 4 bytes each."""
MAX_PREFIX = 1_000_000
MAX_NAME_BYTES = 200
"""Names are parts of file names, of which most file systems take 255 bytes."""

_OPTIONS_OF_KIND = {
    "categorical": {"minimum_count", "prefix", "pattern", "cardinality", "buckets", "transform", "part"},
    "numeric": {"transform", "clip"},
    "sequence": {"minimum_count", "cardinality", "buckets", "separator", "max_length", "table", "history"},
}
_POSITIVE = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_SIGNS = ("<", ">", "=", "!", "≤", "≥", "≠")
"""A text that starts so is taken for a comparison with a mistake in it, unless it stands in a list."""
_NAME = re.compile(r"\w[\w.:-]*")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a file is written. Of a Parquet file (`.parquet`, `.pq`) only `missing` and `on_bad_row` matter.

    Args:
        delimiter: what stands between the cells: a character, or several such as ``::``, which then must not
            stand inside of quotes.
        quote: one ASCII character around cells that hold the delimiter or a line end; empty: none, and
            faster.
        columns: names of the columns of a file without a header line; empty: the first line is the header.
        missing: texts that mean an absent value, in cells and in the items of sequences.
        encoding: any text encoding that Python knows by name, such as ``utf-8``, ``latin-1``, ``cp1252``,
            ``utf-16`` or ``gb18030``. A byte order mark at the start of the file is left out.
        on_bad_row: ``error`` stops at the first row that is not what the schema says, ``skip`` leaves such
            rows out and counts them by reason.
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
        check_one_of("[source] on_bad_row", self.on_bad_row, ON_BAD_ROW)


@dataclass(frozen=True, kw_only=True)
class Time:
    """When a row happened.

    Args:
        column: no cell of it may be missing.
        format: ``integer``, of any unit and kept as it is. All others are kept as microseconds since 1970 in
            UTC, and must lie in the years 1970 to 2100: ``iso`` (ISO 8601 text, or a date or timestamp of a
            Parquet file), ``seconds``, ``milliseconds``, ``microseconds`` or ``nanoseconds`` (integers since
            1970), ``yymmddhh`` (such as 14102123), or a pattern such as ``%d/%m/%Y %H:%M`` with the
            directives of Python's strptime (%Y %y %m %d %j %b %B %a %A %H %I %M %S %p %z, and %f after
            a ``.``).
    """

    column: str
    format: str = "integer"

    def __post_init__(self) -> None:
        check_format(self.format)


@dataclass(frozen=True, kw_only=True)
class Label:
    """A binary label to predict.

    Args:
        name: of the task.
        column: where it is read; empty: the column of that name.
        positive: which cells are a 1: a comparison with a number, such as ``>= 4``, or a text or a list of
            texts, such as ``yes`` or ``[">50K"]``; every other text is then a 0. None: the cells are 0 and 1,
            or true and false, already.

    A row may lack a label: it then does not count for that task. A row that lacks all of them is a bad row.
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
                "such as '>= 4' (>=, >, <=, <, ==, !=), or a text, or a list of texts, such as ['>50K']"
            )

    def rule(self) -> tuple[str, float] | None:
        """(operator, number) of `positive`, if it is a comparison."""
        match = _POSITIVE.fullmatch(self.positive) if isinstance(self.positive, str) else None
        return (match[1], float(match[2])) if match else None

    def texts(self) -> tuple[str, ...]:
        """The texts that are a 1, if `positive` says so."""
        if isinstance(self.positive, tuple):
            return self.positive
        is_text = self.positive and not self.positive.lstrip().startswith(_SIGNS)
        return (str(self.positive),) if is_text else ()


@dataclass(frozen=True, kw_only=True)
class FieldPlan:
    """A field and the column it is made of.

    Args:
        name: of the field, unique; also the name of its files.
        kind: ``categorical`` (an id), ``numeric`` (a number) or ``sequence`` (several ids).
        group: what it tells of: ``user``, ``item``, ``context``, ``cross`` or ``sequence``. Some models keep
            the fields of a group together.
        column: where it is read; empty: the column of that name.
        of: the name of the table of facts that has the column; empty: the file of the rows itself.
        minimum_count: values rarer than this on the training rows share the unknown id.
        prefix: keep only so many characters of a categorical value; 0: all.
        pattern: regular expression (of Rust's regex crate) whose first group, where it is found in a
            categorical value, is kept of it; the value is missing where it is not found.
        cardinality: the cells hold ids 0 … cardinality − 1 already, which are stored shifted by `FIRST_ID`;
            0: ids are given by falling count on the training rows, equals in the order of their text.
        buckets: ids are hashes of the text, so many of them, in place of a dictionary: memory then does not
            grow with the distinct values, and some values share an id; 0: a dictionary.
        transform: ``none``; of a numeric field, before it is standardised, ``log1p``, which is
            sign(x)·log(1 + |x|) and so defined for negative numbers too; of a categorical one
            ``floor_log_squared``, which makes a category of a number: ⌊ln(x)²⌋ above 2, below it the number
            without its fraction.
        clip: numbers outside the range of the training rows are set to its nearest end; false: they stay as
            they are, and the import warns about them.
        part: the field is the ``hour``, ``weekday`` or ``weekend`` of the row's time and reads no column.
        separator: between the items of a sequence; empty: the cells are lists as JSON or Python write them,
            such as ``[1, 2, 3]`` or ``["a", "b"]``. A list column of a Parquet file needs no separator. Empty
            and missing items are dropped.
        max_length: most items kept of a sequence: the last ones.
        table: the categorical field whose ids a sequence shares; items that are no known value of it are
            unknown.
        history: the sequence reads no column: it holds the values of `table` in the same user's rows of
            strictly earlier times at which this label was positive, oldest first; ``*``: in all such rows.
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
        check_one_of(f"{where}: kind", self.kind, KINDS)
        check_one_of(f"{where}: group", self.group, GROUPS)
        self._check_options_fit_kind(where)
        check_one_of(f"{where}: transform", self.transform, TRANSFORMS_OF_KIND[self.kind])
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
            raise BadInput(f"{where}: cardinality says the ids are given; {changed_by[0]} cannot change them")
        if self.buckets and self.minimum_count > 1:
            raise BadInput(f"{where}: buckets keeps no counts; leave minimum_count out")
        if self.pattern:
            self._check_pattern(where)
        if self.part:
            check_one_of(f"{where}: part", self.part, PARTS)
            if self.column or self.of or self.cardinality not in (0, PARTS[self.part]):
                raise BadInput(f"{where}: part is of the row's time; leave column, of and cardinality out")
            object.__setattr__(self, "cardinality", PARTS[self.part])
        if self.kind == "sequence":
            self._check_sequence(where)
        if self.read and not self.column:
            object.__setattr__(self, "column", self.name)

    @property
    def read(self) -> bool:
        """Whether the field is read from a column, not made of other ones."""
        return not (self.part or self.history)

    def _check_pattern(self, where: str) -> None:
        import polars as pl

        try:
            groups = pl.select(pl.lit("").str.extract_groups(self.pattern)).to_series().struct.fields
        except pl.exceptions.PolarsError as error:
            reason = " ".join(str(error).split())[:200]
            raise BadInput(
                f"{where}: pattern {self.pattern!r:.80} is no regular expression: {reason}"
            ) from error
        if not groups:
            raise BadInput(f"{where}: pattern '{self.pattern}' has no group, such as (\\d+), to keep")

    def _check_sequence(self, where: str) -> None:
        if self.max_length < 1:
            raise BadInput(f"{where}: a sequence needs a max_length of 1 or more (got {self.max_length})")
        if self.separator and self.history:
            raise BadInput(
                f"{where}: a sequence has either a separator (got '{self.separator}'), between the items in "
                f"its cells, or a history (got '{self.history}')"
            )
        if self.history and (self.table is None or self.column or self.of):
            raise BadInput(f"{where}: a history reads the field named by table, and no column")
        if self.table is not None and (self.cardinality or self.buckets or self.minimum_count > 1):
            raise BadInput(
                f"{where}: it shares the ids of '{self.table}'; cardinality, buckets and minimum_count are "
                "said there"
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
    if (size := len(name.encode())) > MAX_NAME_BYTES:
        raise BadInput(f"{what} name {name[:40]!r}… has {size} bytes, allowed: {MAX_NAME_BYTES} at most")


def check_one_of(what: str, got: str, allowed: Iterable[str]) -> None:
    if got not in allowed:
        raise unknown_name(what, got, allowed)


def refuse_twice(what: str, names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"the schema names {what} '{twice[0]}' twice")
