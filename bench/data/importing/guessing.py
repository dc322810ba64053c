"""What a single column of text may be: a label, a time, an id, a number, a sequence, or nothing of use."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from bench.data.importing.lists import lists_from_text
from bench.data.importing.time_formats import is_pattern
from bench.data.importing.times import parsed

_TIME = re.compile(r"time|date|(^|_)(ts|at|day|hour|when)($|_)", re.IGNORECASE)
_ID = re.compile(r"(^|_)(id|ids|key|code|type|category|cat|zip|hash|no|sku|asin)($|_)|id$", re.IGNORECASE)
_LIST = re.compile(r"hist|seq|tags|genres|list|items|keywords|recent|previous", re.IGNORECASE)
_GROUPS = (
    ("user", re.compile(r"user|customer|visitor|member|client|account|age|gender|sex|occupation|zip", re.I)),
    (
        "item",
        re.compile(
            r"item|product|video|movie|film|article|ad($|_)|news|song|app|brand|author|seller|price|"
            r"categor|genre|title|duration|sku|asin",
            re.I,
        ),
    ),
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_DAY_FIRST, _MONTH_FIRST = "%d{0}%m{0}%Y", "%m{0}%d{0}%Y"
_DATES = re.compile(r"\d{1,4}([/.-])\d{1,2}\1\d{1,4}\b")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_SECONDS = (100_000_000, 4_102_444_800)  # 1973 … 2100
_FEW_VALUES = 50
_MANY_VALUES = 1_000
_MINIMUM_COUNT = 5
LONGEST_SEQUENCE = 50


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a sample of a column holds.

    Args:
        name: of the column.
        cells: its texts, null where missing.
        rows, missing, distinct: of the sample; `distinct` without the missing.
        is_numeric, is_integer: every value present is one.
        low, high, mean, median: of the numbers; NaN where it holds others.
    """

    name: str
    cells: pl.Series
    rows: int
    missing: int
    distinct: int
    is_numeric: bool
    is_integer: bool
    low: float
    high: float
    mean: float
    median: float

    @property
    def is_unique(self) -> bool:
        """Whether no value occurs twice, in a sample large enough to say so."""
        return self.rows > 20 and self.distinct == self.rows - self.missing


def examine(cells: pl.Series) -> Column:
    """What the cells (strings with nulls) hold."""
    present = cells.drop_nulls()
    numbers = present.cast(pl.Float64, strict=False)
    finite = numbers.is_not_null().all() and bool(numbers.is_finite().all()) and len(present) > 0
    x = numbers.to_numpy() if finite else np.array([np.nan])
    return Column(
        name=cells.name,
        cells=cells,
        rows=len(cells),
        missing=cells.null_count(),
        distinct=present.n_unique(),
        is_numeric=finite,
        is_integer=finite and bool((x == np.trunc(x)).all()),
        low=float(x.min()),
        high=float(x.max()),
        mean=float(x.mean()),
        median=float(np.median(x)),
    )


def splits_by_time(column: Column, form: str) -> bool:
    """Whether a split of 80, 10 and 10 % in the order of the times leaves rows in each part."""
    values = column.cells.drop_nulls()
    if column.is_numeric:
        values = values.cast(pl.Float64)
    elif is_pattern(form):
        values = pl.select(parsed(pl.lit(values), form)).to_series()
    values = values.sort()
    first, second = values[int(0.8 * len(values))], values[int(0.9 * len(values))]
    return bool(values[0] < first < second)


def is_binary(column: Column) -> bool:
    """Whether the numbers are 0 and 1, both of them."""
    return column.is_integer and column.distinct == 2 and (column.low, column.high) == (0.0, 1.0)


def sounds_like_time(name: str) -> bool:
    return _TIME.search(name) is not None


def guess_time(column: Column) -> tuple[str, str] | None:
    """(format of a time, reason), or None where the column is none."""
    if not column.distinct:
        return None
    texts = column.cells.drop_nulls().unique(maintain_order=True)
    if not sounds_like_time(
        column.name
    ):  # a time of day makes it a time whatever its name; a date may be any
        return _pattern(texts) if ":" in texts[0] else None
    if column.is_integer:
        for form, factor in (("seconds", 1), ("milliseconds", 1000)):
            if _SECONDS[0] * factor <= column.low <= column.high <= _SECONDS[1] * factor:
                return form, f"{form} since 1970, by its name and values"
        return ("integer", "integers that grow, by its name") if column.distinct > 2 else None
    if all(_ISO.fullmatch(text) for text in texts.head(1000)):
        return "iso", "ISO 8601 text"
    return _pattern(texts)


def _pattern(texts: pl.Series) -> tuple[str, str] | None:
    """(pattern, reason) of different texts such as 05/03/2024 10:33."""
    if (found := _DATES.match(texts[0])) is None:
        return None
    separator = found[1]
    year_first = f"%Y{separator}%m{separator}%d"

    def reads(form: str) -> bool:
        return not pl.select(parsed(pl.lit(texts), form)).to_series().has_nulls()

    for clock in _CLOCKS:
        day_first, month_first = (form.format(separator) + clock for form in (_DAY_FIRST, _MONTH_FIRST))
        by_day, by_month = reads(day_first), reads(month_first)
        if by_day and by_month:
            return day_first, f"no day is above 12, so it may also be {month_first}; check which comes first"
        if by_day or by_month:
            return (day_first, "the day comes first") if by_day else (month_first, "the month comes first")
        if reads(year_first + clock):
            return year_first + clock, "the year comes first"
    return None


def guess_field(column: Column, *, is_user: bool) -> tuple[dict[str, object], str]:
    """(keys of a field, reason); no keys where the column says nothing that a model could use."""
    group = "user" if is_user else _group(column.name)
    if not column.distinct:
        return {}, "it is empty"
    if column.distinct == 1 and not column.missing:
        return {}, "it has the same value in every row"
    if column.is_numeric and not _is_category(column, is_user):
        keys: dict[str, object] = {"kind": "numeric", "group": group}
        if column.low >= 0 and column.high > 20 * max(column.median, 1.0):
            return keys | {"transform": "log1p"}, f"numbers up to {column.high:g}, median {column.median:g}"
        return keys, f"numbers from {column.low:g} to {column.high:g}"
    if (longest_list := _longest_list(column)) is not None:
        max_length = min(longest_list, LONGEST_SEQUENCE)
        return {
            "kind": "sequence",
            "group": "sequence",
            "max_length": max_length,
        }, f"lists of up to {longest_list} items"
    if (separator := _separator(column)) is not None:
        longest = int(column.cells.str.count_matches(separator, literal=True).max() or 0) + 1  # type: ignore[arg-type]
        return {
            "kind": "sequence",
            "group": "sequence",
            "separator": separator,
            "max_length": min(longest, LONGEST_SEQUENCE),
        }, f"up to {longest} items between {separator!r}"
    if column.is_unique and not is_user:
        return {}, "every row has another value"
    keys = {"kind": "categorical", "group": group}
    if column.distinct > _MANY_VALUES and _most_frequent(column) >= 2 * _MINIMUM_COUNT:
        return keys | {"minimum_count": _MINIMUM_COUNT}, f"{column.distinct:,} values; rare ones are unknown"
    return keys, f"{column.distinct:,} values"


def _is_category(column: Column, is_user: bool) -> bool:
    return is_user or (column.is_integer and bool(_ID.search(column.name) or column.distinct <= _FEW_VALUES))


def _most_frequent(column: Column) -> int:
    return int(column.cells.drop_nulls().value_counts()["count"].max())  # type: ignore[arg-type]


def _longest_list(column: Column) -> int | None:
    """How many items the longest list has, or None where the cells are not lists such as ['a', 'b']."""
    cells = column.cells.drop_nulls().unique()
    if not cells.str.contains(r"^\s*\[").all():
        return None
    lists = lists_from_text(cells)
    return None if lists.has_nulls() else max(int(lists.list.len().max()), 1)  # type: ignore[arg-type]


def _separator(column: Column) -> str | None:
    """What stands between the items of a sequence, or None where the cells hold one value each."""
    for separator in ("|", ";", ",", " "):
        share = column.cells.str.contains(separator, literal=True).mean() or 0
        listed = bool(_LIST.search(column.name))
        if (listed and float(share) > 0.05) or (separator == "|" and float(share) > 0.3):  # type: ignore[arg-type]
            return separator
    return None


def _group(name: str) -> str:
    return next((group for group, pattern in _GROUPS if pattern.search(name)), "context")
