"""A table file as blocks of text: every cell a string, missing ones null, whatever the file's types.

Delimited text is read by pyarrow's streaming reader with type inference off, so that ``007`` stays ``007``
whatever stands in other rows. Values of a Parquet file are put into text: 4.0 is ``4.0``, true is ``1``, NaN
is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bench.errors import BadInput, unknown_name
from bench.importing.columns import Source

BLOCK_BYTES = 4 << 20
"""Of the file, decoded at a time. No row of a text file may be longer."""

PARQUET_SUFFIXES = (".parquet", ".pq")


def read_blocks(
    file: Path, source: Source, columns: tuple[str, ...], *, block_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[pl.DataFrame, int | None]]:
    """Blocks of the rows of `file` in their order, each with the file's number of rows where it is known.

    Args:
        columns: those to read; each block has them, as strings with nulls, in this order.
        block_bytes: about how much of the file a block holds.

    Raises:
        BadInput: no such file, no rows, a column that is not there, rows of unequal length, a file cut short.
    """
    if not file.is_file():
        raise BadInput(f"no file at {file}")
    if file.stat().st_size == 0:
        raise BadInput(f"{file} is empty")
    read = _read_parquet if file.suffix.lower() in PARQUET_SUFFIXES else _read_text
    rows = 0
    with _as_bad_input(file):
        for block, total in read(file, source, columns, block_bytes):
            if len(block):
                yield block, total
                rows += len(block)
    if not rows:
        raise BadInput(f"{file} has no rows")


@contextmanager
def _as_bad_input(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _check_columns(file: Path, columns: tuple[str, ...], present: list[str], hint: str = "") -> None:
    times = Counter(present)
    for column in columns:
        if times[column] > 1:
            raise BadInput(f"{file} has {times[column]} columns named '{column}'")
        if not times[column]:
            raise unknown_name(f"column of {file.name}{hint}:", column, present)


def _read_text(
    file: Path, source: Source, columns: tuple[str, ...], block_bytes: int
) -> Iterator[tuple[pl.DataFrame, None]]:
    reading = pyarrow.csv.ReadOptions(
        column_names=list(source.columns) or None,
        block_size=block_bytes,
        use_threads=False,  # messages then number the row
    )
    parsing = pyarrow.csv.ParseOptions(
        delimiter=source.delimiter,
        quote_char=source.quote or False,
        newlines_in_values=bool(source.quote),
    )
    with pyarrow.csv.open_csv(file, reading, parsing) as reader:
        present = reader.schema.names
    hint = f" with delimiter {source.delimiter!r}" if len(present) == 1 else ""
    _check_columns(file, columns, present, hint)
    converting = pyarrow.csv.ConvertOptions(
        column_types={column: pa.string() for column in columns},
        include_columns=list(columns),
        null_values=list(source.missing),
        strings_can_be_null=True,
    )
    with pyarrow.csv.open_csv(file, reading, parsing, converting) as reader:
        for batch in reader:
            yield pl.DataFrame(pl.from_arrow(batch)), None


def _read_parquet(
    file: Path, source: Source, columns: tuple[str, ...], block_bytes: int
) -> Iterator[tuple[pl.DataFrame, int]]:
    with pyarrow.parquet.ParquetFile(file) as reader:
        _check_columns(file, columns, reader.schema_arrow.names)
        total = reader.metadata.num_rows
        whole_bytes = sum(reader.metadata.row_group(i).total_byte_size for i in range(reader.num_row_groups))
        rows = max(1, block_bytes * total // max(1, whole_bytes))
        for batch in reader.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
            block = pl.DataFrame(pl.from_arrow(batch))
            yield block.select([_as_text(block[column], source.missing) for column in columns]), total


def _as_text(column: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    if column.dtype.is_nested():
        raise BadInput(
            f"column '{column.name}' holds {column.dtype} values; a sequence must be text with a separator"
        )
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    return column.cast(pl.String).replace(list(missing), [None] * len(missing))
