"""A block of text cells as numbers, every cell checked.

A bad cell is an error that names its line, column and value, or its row is left out and counted by reason, as
`Source.on_bad_row` says. The numbers made here are raw: categorical ids and users are provisional
(`bench.data.importing.ids`), numbers are transformed but not yet standardised and keep 64 bits.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from bench.data.importing.blocks import Block
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.ids import NOT_AN_ID, GivenIds, Ids
from bench.data.schema import FIRST_ID
from bench.errors import BadInput

_COMPARE = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_ISO_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_MICROSECONDS_PER = {"seconds": 1_000_000, "milliseconds": 1_000}
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_EXPECTED_TIME = {
    "iso": "ISO 8601 text such as 2024-05-31T23:59:59Z",
    "yymmddhh": "a time such as 14102123",
}


class Check:
    """The rows of a block that are in order so far."""

    def __init__(self, block: Block, source: Source) -> None:
        self._block = block
        self._source = source
        self._bad = np.zeros(len(block.frame), dtype=bool)
        self.skipped = Counter(block.skipped)

    def refuse(self, column: str, bad: np.ndarray, expected: str) -> None:
        """Deals with the rows (bool) whose cell in `column` is not what is `expected`.

        Raises:
            BadInput: there are some, and `on_bad_row` is ``error``.
        """
        bad = bad & ~self._bad
        if not bad.any():
            return
        if self._source.on_bad_row == "error":
            row = int(bad.argmax())
            value = self._block.frame[column][row]
            got = "a missing value" if value is None else repr(value[:80])
            raise BadInput(
                f"{self._block.file} {self._block.place(row)}, column '{column}': "
                f"got {got}, expected {expected}"
            )
        self.skipped[f"column '{column}' is not {expected}"] += int(np.count_nonzero(bad))
        self._bad |= bad

    def kept(self) -> np.ndarray | None:
        """Which rows (bool) are in order; None: all."""
        return ~self._bad if self._bad.any() else None


def labels(frame: pl.DataFrame, plans: Sequence[Label], check: Check) -> np.ndarray:
    """uint8 (rows, labels)."""
    return np.column_stack([_label(frame[label.column], label, check) for label in plans])


def _label(cells: pl.Series, label: Label, check: Check) -> np.ndarray:
    x = cells.cast(pl.Float64, strict=False).to_numpy()  # NaN where it is no number
    rule = label.rule()
    if rule is None:
        expected = f"0 or 1, or a rule in label '{label.name}' (positive = '>= 4')"
        check.refuse(label.column, (x != 0) & (x != 1), expected)
        return (x == 1).astype(np.uint8)
    check.refuse(label.column, ~np.isfinite(x), f"a number for label '{label.name}'")
    return _COMPARE[rule[0]](x, rule[1]).astype(np.uint8)


def numeric(frame: pl.DataFrame, fields: Sequence[FieldPlan], check: Check) -> np.ndarray:
    """float64 (rows, fields), column by column in memory; NaN where missing."""
    if not fields:
        return np.empty((len(frame), 0))
    matrix = frame.select(
        pl.col(field.column).cast(pl.Float64, strict=False).alias(str(i)) for i, field in enumerate(fields)
    ).to_numpy(writable=True)
    for i, field in enumerate(fields):
        x = matrix[:, i]
        if np.count_nonzero(~np.isfinite(x)) > frame[field.column].null_count():
            bad = ~np.isfinite(x) & frame[field.column].is_not_null().to_numpy()
            check.refuse(field.column, bad, "a finite number")
        if field.transform == "log1p":
            matrix[:, i] = np.copysign(np.log1p(np.abs(x)), x)
    return matrix


def times(frame: pl.DataFrame, time: Time, check: Check) -> np.ndarray:
    """int64 (rows,); 0 in rows that were refused."""
    text = pl.col(time.column)
    if time.format == "iso":
        expression = _microseconds(text)
    elif time.format == "yymmddhh":
        minutes = (text + "00").str.to_datetime("%y%m%d%H%M", time_unit="us", strict=False)
        expression = minutes.dt.timestamp("us")
    else:
        expression = text.cast(pl.Int64, strict=False) * _MICROSECONDS_PER.get(time.format, 1)
    found = frame.select(expression).to_series()
    expected = _EXPECTED_TIME.get(time.format, "an integer")
    check.refuse(time.column, found.is_null().to_numpy(), f"{expected}, for the time")
    return found.fill_null(0).to_numpy()


def _microseconds(text: pl.Expr) -> pl.Expr:
    """ISO 8601 text as microseconds since 1970 in UTC. A date is its midnight; no offset means UTC."""
    full = pl.when(text.str.len_bytes() == len("2024-05-31")).then(text + "T00:00").otherwise(text)
    full = full.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    full = pl.when(full.str.contains(r"T.*[+-]")).then(full).otherwise(full + "+00:00")
    parsed = [full.str.to_datetime(form, time_unit="us", strict=False) for form in _ISO_FORMATS]
    return pl.coalesce(parsed).dt.timestamp("us")


def part_of_time(time_us: np.ndarray, part: str) -> np.ndarray:
    """Ids (int32) of the hour, the weekday (Monday first) or whether it is weekend, in UTC."""
    if part == "hour":
        return (time_us // _HOUR_US % 24 + FIRST_ID).astype(np.int32)
    weekday = (time_us // _DAY_US + 3) % 7  # 1970 began on a Thursday
    return ((weekday if part == "weekday" else weekday >= 5) + FIRST_ID).astype(np.int32)


def categorical_text(frame: pl.DataFrame, field: FieldPlan, check: Check) -> pl.Series:
    """The text of a categorical field, of which its ids are made."""
    text = frame[field.column]
    if field.transform == "floor_log_squared":
        x = text.cast(pl.Float64, strict=False)
        bad = text.is_not_null() & ~x.is_finite().fill_null(False)
        check.refuse(field.column, bad.to_numpy(), "a number")
        numbers = x.fill_null(0).to_numpy()
        squares = np.floor(np.log(np.maximum(numbers, 2)) ** 2)
        buckets = pl.Series(np.where(numbers > 2, squares, np.trunc(numbers)).astype(np.int64))
        return pl.select(pl.when(text.is_not_null()).then(buckets.cast(pl.String))).to_series()
    if field.pattern:
        text = text.str.extract(field.pattern)
    return text.str.slice(0, field.prefix) if field.prefix else text


def check_given(text: pl.Series, field: FieldPlan, ids: Ids, check: Check) -> None:
    """Refuses rows whose cell should hold an id and does not."""
    if isinstance(ids, GivenIds):
        expected = f"an id of field '{field.name}', 0 … {ids.cardinality - 1}"
        check.refuse(field.column, ids.encode(text) == NOT_AN_ID, expected)


def sequence_items(frame: pl.DataFrame, field: FieldPlan, missing: Sequence[str]) -> pl.Series:
    """The last `max_length` items of every row, as lists; null for a missing cell."""
    dropped = ["", *missing]
    items = frame[field.column].str.split(field.separator)
    return items.list.eval(pl.element().filter(~pl.element().is_in(dropped))).list.tail(field.max_length)


def check_items(items: pl.Series, field: FieldPlan, ids: Ids, check: Check) -> None:
    """Refuses rows with an item that should be an id and is not."""
    if isinstance(ids, GivenIds):
        bad = (sequence(items, field, ids) == NOT_AN_ID).any(axis=1)
        check.refuse(field.column, bad, f"ids of field '{field.name}', 0 … {ids.cardinality - 1}")


def sequence(items: pl.Series, field: FieldPlan, ids: Ids) -> np.ndarray:
    """Ids, int32 (rows, max_length), padded at the end with the missing one."""
    lengths = items.list.len().fill_null(0).to_numpy()
    matrix = np.zeros((len(items), field.max_length), dtype=np.int32)
    flat = items.explode().drop_nulls()
    matrix[np.arange(field.max_length) < lengths[:, np.newaxis]] = ids.encode(flat)
    return matrix


def kept_of(columns: Mapping[str, np.ndarray], kept: np.ndarray | None) -> dict[str, np.ndarray]:
    """The rows that are `kept` of every column."""
    return {name: array if kept is None else array[kept] for name, array in columns.items()}
