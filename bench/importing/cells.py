"""A block of text cells as numbers, every cell checked. What is wrong is named by column, row and value.

The `Rows` made here are raw: categorical ids and users are provisional (`bench.importing.ids`), numbers are
transformed but not yet standardised and keep 64 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping

import numpy as np
import polars as pl

from bench.dataset import Rows
from bench.errors import BadInput
from bench.importing.columns import FieldPlan, Label, Time
from bench.importing.ids import NOT_AN_ID, Dictionary, GivenIds, Ids
from bench.importing.plan import ImportPlan

_COMPARE = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_ISO_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")


def raw_rows(
    block: pl.DataFrame, first_row: int, plan: ImportPlan, ids: Mapping[str, Ids], users: Dictionary
) -> Rows:
    """The cells of `block` as raw rows.

    Args:
        first_row: number of the block's first row in the file, from 0.

    Raises:
        BadInput: a cell that is not what the plan says.
    """
    return Rows(
        categorical=_categorical(block, first_row, plan, ids),
        numeric=_numeric(block, first_row, plan),
        sequences={
            field.name: _sequence(block, first_row, field, ids[field.name], plan.source.missing)
            for field in plan.of_kind("sequence")
        },
        label=np.column_stack([_label(block, first_row, label) for label in plan.labels]),
        user=None if plan.user is None else _user(block, first_row, plan.user, users),
        time=None if plan.time is None else _time(block, first_row, plan.time),
    )


def bad_cell(block: pl.DataFrame, first_row: int, column: str, bad: np.ndarray, expected: str) -> BadInput:
    """The error for the first of the `bad` cells (bool, one a row). Rows count from 1, the header is none."""
    row = int(bad.argmax())
    value = block[column][row]
    got = "a missing value" if value is None else repr(value[:80])
    return BadInput(f"column '{column}', data row {first_row + row + 1}: got {got}, expected {expected}")


def _categorical(block: pl.DataFrame, first_row: int, plan: ImportPlan, ids: Mapping[str, Ids]) -> np.ndarray:
    fields = plan.of_kind("categorical")
    if not fields:
        return np.empty((len(block), 0), dtype=np.int32)
    matrix = block.select(
        ids[field.name].expression(_text(field)).alias(str(i)) for i, field in enumerate(fields)
    ).to_numpy(order="c")
    for i, field in enumerate(fields):
        if field.cardinality and (bad := matrix[:, i] == NOT_AN_ID).any():
            raise bad_cell(
                block,
                first_row,
                field.column,
                bad,
                f"an id of field '{field.name}', 0 … {field.cardinality - 1}",
            )
    return matrix


def _text(field: FieldPlan) -> pl.Expr:
    text = pl.col(field.column)
    return text.str.slice(0, field.prefix) if field.prefix else text


def _numeric(block: pl.DataFrame, first_row: int, plan: ImportPlan) -> np.ndarray:
    fields = plan.of_kind("numeric")
    if not fields:
        return np.empty((len(block), 0))
    matrix = block.select(
        pl.col(field.column).cast(pl.Float64, strict=False).alias(str(i)) for i, field in enumerate(fields)
    ).to_numpy(writable=True)  # column by column in memory, as the transforms want it
    for i, field in enumerate(fields):
        x = matrix[:, i]
        if np.count_nonzero(~np.isfinite(x)) > block[field.column].null_count():
            bad = ~np.isfinite(x) & block[field.column].is_not_null().to_numpy()
            raise bad_cell(block, first_row, field.column, bad, "a finite number")
        if field.transform == "log1p":
            matrix[:, i] = np.copysign(np.log1p(np.abs(x)), x)
    return matrix


def _label(block: pl.DataFrame, first_row: int, label: Label) -> np.ndarray:
    x = block[label.column].cast(pl.Float64, strict=False).to_numpy()  # NaN where it is no number
    rule = label.rule()
    if rule is None:
        bad, expected = (x != 0) & (x != 1), f"0 or 1, or a rule in label '{label.name}' (positive = '>= 4')"
    else:
        bad, expected = ~np.isfinite(x), f"a number for label '{label.name}'"
    if bad.any():
        raise bad_cell(block, first_row, label.column, bad, expected)
    positive = x == 1 if rule is None else _COMPARE[rule[0]](x, rule[1])
    return positive.astype(np.uint8)


def _user(block: pl.DataFrame, first_row: int, column: str, users: Dictionary) -> np.ndarray:
    if block[column].has_nulls():
        raise bad_cell(block, first_row, column, block[column].is_null().to_numpy(), "a user in every row")
    return block.select(users.expression(pl.col(column))).to_series().to_numpy()


def _time(block: pl.DataFrame, first_row: int, time: Time) -> np.ndarray:
    text = pl.col(time.column)
    expression = text.cast(pl.Int64, strict=False) if time.format == "integer" else _microseconds(text)
    series = block.select(expression).to_series()
    if series.has_nulls():
        expected = "an integer" if time.format == "integer" else "ISO 8601 text such as 2024-05-31T23:59:59Z"
        raise bad_cell(
            block, first_row, time.column, series.is_null().to_numpy(), f"{expected}, for the time"
        )
    return series.to_numpy()


def _microseconds(text: pl.Expr) -> pl.Expr:
    """ISO 8601 text as microseconds since 1970 in UTC. A date is its midnight; no offset means UTC."""
    full = pl.when(text.str.len_bytes() == len("2024-05-31")).then(text + "T00:00").otherwise(text)
    full = full.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    full = pl.when(full.str.contains(r"T.*[+-]")).then(full).otherwise(full + "+00:00")
    parsed = [full.str.to_datetime(form, time_unit="us", strict=False) for form in _ISO_FORMATS]
    return pl.coalesce(parsed).dt.timestamp("us")


def _sequence(
    block: pl.DataFrame, first_row: int, field: FieldPlan, ids: Ids, missing: tuple[str, ...]
) -> np.ndarray:
    dropped = ["", *missing]
    items = (
        block[field.column]
        .str.split(field.separator)
        .list.eval(pl.element().filter(~pl.element().is_in(dropped)))
        .list.tail(field.max_length)
    )
    lengths = items.list.len().fill_null(0).to_numpy()
    flat = items.explode().drop_nulls().to_frame("item").select(ids.expression(pl.col("item"))).to_series()
    matrix = np.zeros((len(block), field.max_length), dtype=np.int32)
    matrix[np.arange(field.max_length) < lengths[:, np.newaxis]] = flat.to_numpy()
    if isinstance(ids, GivenIds) and (bad := (matrix == NOT_AN_ID).any(axis=1)).any():
        raise bad_cell(
            block, first_row, field.column, bad, f"ids of field '{field.name}', 0 … {ids.cardinality - 1}"
        )
    return matrix
