"""Batches of a Parquet file as text, so that a value has the text that it has in a delimited file.

A whole number is written without a fraction, whatever its type: 12.0 is ``12``, for integers of which one is
missing are often stored as floats. True is ``1``, NaN is missing. Lists stay lists, of text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import types

from bench.errors import BadInput

_LARGEST_EXACT = 2**53
"""Up to here every whole number has a float of its own."""
_READABLE = (
    types.is_boolean,
    types.is_integer,
    types.is_floating,
    types.is_decimal128,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_binary,
    types.is_large_binary,
    types.is_fixed_size_binary,
    types.is_date,
    types.is_time,
    types.is_timestamp,
    types.is_null,
)
_LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)


def check_types(file: Path, schema: pa.Schema, columns: Sequence[str], lists: Collection[str]) -> None:
    """Raises BadInput for a column that cannot be read as text or, of `lists`, as lists of text."""
    for column in columns:
        held = schema.field(column).type
        is_list = any(is_kind(held) for is_kind in _LISTS)
        if is_list and column not in lists:
            raise BadInput(
                f"{file} column '{column}' holds lists ({held}); only a field of kind 'sequence' may read "
                "them, and nothing else may read the same column"
            )
        value = held.value_type if is_list or types.is_dictionary(held) else held
        if not any(is_kind(value) for is_kind in _READABLE):
            raise BadInput(
                f"{file} column '{column}' holds {held} values, which cannot be read; store it as text, "
                "integers, floats, decimals of up to 38 digits, booleans, dates, times, or lists of these"
            )


def as_text(batch: pa.RecordBatch, columns: Sequence[str], missing: Sequence[str]) -> pl.DataFrame:
    """The columns as strings, or lists of strings, with nulls for what is `missing`."""
    frame = pl.DataFrame({column: _series(batch.column(column), column) for column in columns})
    return frame.select(_expression(pl.col(name), frame[name].dtype, missing).alias(name) for name in columns)


def _series(array: pa.Array, column: str) -> pl.Series:
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if types.is_fixed_size_binary(array.type):
        array = array.cast(pa.binary())
    if types.is_binary(array.type) or types.is_large_binary(array.type):
        try:
            array = array.cast(pa.large_string())
        except pa.ArrowInvalid as error:
            raise BadInput(f"column '{column}' holds bytes that are not UTF-8 text") from error
    series = pl.Series(column, array)
    return series.arr.to_list() if isinstance(series.dtype, pl.Array) else series


def _expression(x: pl.Expr, dtype: pl.DataType, missing: Sequence[str]) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return x.list.eval(_text(pl.element(), pl.Series(dtype=dtype.inner).dtype))
    return _text(x, dtype).replace(list(missing), [None] * len(missing))


def _text(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        whole = (x == x.floor()) & (x.abs() < _LARGEST_EXACT)
        number = x.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(x.is_nan()).then(None).when(whole).then(number).otherwise(x.cast(pl.String))
    if dtype.is_decimal():  # 1.50 is 1.5, and 12.00 is 12
        return x.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", "")
    if dtype == pl.Boolean:
        return x.cast(pl.Int8).cast(pl.String)
    return x.cast(pl.String)
