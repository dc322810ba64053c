"""What a single column of text may be: a label, a time, an id, a number, a sequence, or nothing of use."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

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

    @property
    def splits_by_time(self) -> bool:
        """Whether a split of 80, 10 and 10 % in the order of the values leaves rows in each part."""
        values = self.cells.drop_nulls()
        values = (values.cast(pl.Float64) if self.is_numeric else values).sort()
        first, second = values[int(0.8 * len(values))], values[int(0.9 * len(values))]
        return bool(values[0] < first < second)


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


def is_binary(column: Column) -> bool:
    """Whether the numbers are 0 and 1, both of them."""
    return column.is_integer and column.distinct == 2 and (column.low, column.high) == (0.0, 1.0)


def guess_time(column: Column) -> tuple[str, str] | None:
    """(format of a time, reason), or None where the column is none."""
    if not _TIME.search(column.name) or not column.distinct:
        return None
    if column.is_integer:
        for form, factor in (("seconds", 1), ("milliseconds", 1000)):
            if _SECONDS[0] * factor <= column.low <= column.high <= _SECONDS[1] * factor:
                return form, f"{form} since 1970, by its name and values"
        return ("integer", "integers that grow, by its name") if column.distinct > 2 else None
    if all(_ISO.fullmatch(text) for text in column.cells.drop_nulls().unique().head(1000)):
        return "iso", "ISO 8601 text"
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
    if column.is_unique and not is_user:
        return {}, "every row has another value"
    if (separator := _separator(column)) is not None:
        longest = int(column.cells.str.count_matches(separator, literal=True).max() or 0) + 1  # type: ignore[arg-type]
        return {
            "kind": "sequence",
            "group": "sequence",
            "separator": separator,
            "max_length": min(longest, LONGEST_SEQUENCE),
        }, f"up to {longest} items between {separator!r}"
    keys = {"kind": "categorical", "group": group}
    if column.distinct > _MANY_VALUES and _most_frequent(column) >= 2 * _MINIMUM_COUNT:
        return keys | {"minimum_count": _MINIMUM_COUNT}, f"{column.distinct:,} values; rare ones are unknown"
    return keys, f"{column.distinct:,} values"


def _is_category(column: Column, is_user: bool) -> bool:
    return is_user or (column.is_integer and bool(_ID.search(column.name) or column.distinct <= _FEW_VALUES))


def _most_frequent(column: Column) -> int:
    return int(column.cells.drop_nulls().value_counts()["count"].max())  # type: ignore[arg-type]


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
