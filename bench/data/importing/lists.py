"""Cells that hold sequences: items with a separator between them, lists as text, lists of a Parquet file."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Sequence

import polars as pl

from bench.data.importing.cells import Check
from bench.data.importing.columns import FieldPlan

_ABSENT = ("null", "None", "nan", "NaN")
_PLAIN_LIST = r"^\s*\[([^\[\]\"'\\]*)\]\s*$"
"""A list in which nothing is quoted, its inside as the first group."""


def sequence_items(frame: pl.DataFrame, field: FieldPlan, missing: Sequence[str], check: Check) -> pl.Series:
    """The last `max_length` items of every row, as lists; null for a missing cell."""
    cells = frame[field.column]
    if isinstance(cells.dtype, pl.List):
        items = cells
    elif field.separator:
        items = _separated(cells, field, check)
    else:
        items = _from_text(cells, field, check)
    dropped = ["", *missing]
    return items.list.eval(pl.element().filter(~pl.element().is_in(dropped))).list.tail(field.max_length)


def _separated(cells: pl.Series, field: FieldPlan, check: Check) -> pl.Series:
    """Items with the separator between them; a list in brackets is refused, not taken apart into ``[1``."""
    inside = cells.str.extract(_PLAIN_LIST)
    is_list = inside.is_not_null() & (
        inside.str.contains(field.separator, literal=True) | (inside.str.strip_chars() == "")
    )
    expected = (
        f"items of field '{field.name}' separated by {field.separator!r}; "
        "leave separator out where the cells are lists such as [1, 2]"
    )
    check.refuse(field.column, is_list.fill_null(False).to_numpy(), expected)
    return cells.str.split(field.separator)


def _from_text(cells: pl.Series, field: FieldPlan, check: Check) -> pl.Series:
    items = lists_from_text(cells)
    check.refuse(
        field.column,
        (cells.is_not_null() & items.is_null()).to_numpy(),
        f"a list such as [1, 2, 3], or a separator named in field '{field.name}'",
    )
    return items


def lists_from_text(cells: pl.Series) -> pl.Series:
    """Lists as JSON or Python write them, null where a cell is none.

    What needs no quotes is taken apart without a parser.
    """
    inside = cells.str.extract(_PLAIN_LIST)
    item = pl.element().str.strip_chars()
    plain = inside.str.split(",").list.eval(
        pl.when(~item.is_in(_ABSENT)).then(item.str.replace(r"^(-?\d+)\.0+$", "$1"))
    )
    with_space = plain.list.eval(pl.element().str.contains(r"\s")).list.any()  # as numpy writes: [1 2 3]
    readable = inside.is_not_null() & ~with_space.fill_null(False)
    rest = [
        None if done or cell is None else _parsed(cell)
        for done, cell in zip(readable, cells if not readable.all() else [None] * len(cells), strict=True)
    ]
    parsed = pl.Series(rest, dtype=pl.List(pl.String))
    return pl.select(pl.when(readable).then(plain).otherwise(parsed)).to_series()


def _parsed(cell: str) -> list[str | None] | None:
    """The items of a list; None if it is none, or one of anything but texts and numbers."""
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    if not isinstance(value, (list, tuple)):
        return None
    if not all(item is None or isinstance(item, (str, int, float)) for item in value):
        return None
    return [_item(item) for item in value]


def _item(item: str | float | None) -> str | None:
    if isinstance(item, bool):
        return str(int(item))
    if isinstance(item, float):
        return None if math.isnan(item) else str(int(item)) if item.is_integer() else str(item)
    return None if item is None else str(item)
