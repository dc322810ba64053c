"""A table file as blocks of text: every cell a string, missing ones null, whatever the file's types.

Delimited text is parsed chunk by chunk with type inference off, so that ``007`` stays ``007`` whatever stands
in other rows; by polars where it is plain, by pyarrow otherwise. Values of a Parquet file are put into text
(`parquet`), but for lists, which stay lists of text. A row that is no row of the table (too few or too many
cells, not UTF-8) is an error with its line, or left out and counted, as `Source.on_bad_row` says.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bench.data.importing.chunks import (
    BYTE_ORDER_MARK,
    CHUNK_BYTES,
    Chunk,
    delimiter_in_chunks,
    not_text_of,
    read_chunks,
    read_header,
)
from bench.data.importing.columns import Source
from bench.data.importing.parquet import as_text, check_types
from bench.errors import BadInput, hint_of

PARQUET_SUFFIXES = (".parquet", ".pq")
DELIMITERS = (",", "\t", ";", "|")
"""Those that files mostly have."""
WRONG_WIDTH = "wrong number of cells"


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some consecutive rows.

    Args:
        frame: the columns asked for, strings, or lists of strings, with nulls.
        place: index of a row of `frame` → where it stands in the file, such as ``line 17``. Slow.
        skipped: reason → rows left out.
        left_out: which rows those are, counted from 0 at the first of the block, in rising order.
    """

    frame: pl.DataFrame
    file: Path
    place: Callable[[int], str]
    skipped: Counter[str]
    left_out: tuple[int, ...] = ()


Unread = tuple[Callable[[], Block], float]
"""A function that parses a block, safe to call in any thread, and the share of the file read with it."""


def unread_blocks(
    file: Path,
    source: Source,
    columns: tuple[str, ...],
    *,
    lists: Collection[str] = (),
    block_bytes: int = CHUNK_BYTES,
) -> Iterator[Unread]:
    """Blocks of the rows of `file` in their order, still to be parsed.

    Args:
        columns: those to read; each block has them in this order.
        lists: those of them that may be lists in a Parquet file.
        block_bytes: about how much of the file a block holds; what comes out does not depend on it.

    Raises:
        BadInput: no such file, an empty one, a column that is not there, a file that is damaged, cut short or
            written to while it is read.
    """
    if not file.is_file():
        raise BadInput(f"file {file} does not exist")
    before = file_state(file)
    if not before[0]:
        raise BadInput(f"{file} is empty")
    with _as_bad_input(file):
        if file.suffix.lower() in PARQUET_SUFFIXES:
            yield from _unread_parquet(file, source, columns, lists, block_bytes)
        else:
            yield from _unread_text(file, source, columns, block_bytes)
        changed = file_state(file) != before
    if changed:
        raise BadInput(f"{file} changed while it was read; import it again when it is complete")


def file_state(file: Path) -> tuple[int, int]:
    """(size, time of the last change in nanoseconds): what tells a changed file."""
    state = file.stat()
    return state.st_size, state.st_mtime_ns


@contextmanager
def _as_bad_input(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _check_columns(
    file: Path, columns: tuple[str, ...], present: tuple[str, ...], delimiter: str = ""
) -> None:
    times = Counter(present)
    for column in columns:
        if times[column] > 1:
            raise BadInput(f"{file} has {times[column]} columns named '{column}'")
        if not times[column]:
            has = hint_of(column, present, listed="it has")
            other = _other_delimiter(present, delimiter)
            wrong = f"; the file seems to be separated by {other!r}, not {delimiter!r}" if other else ""
            raise BadInput(f"{file.name} has no column '{column}', which the schema needs{has}{wrong}")


def _other_delimiter(present: tuple[str, ...], delimiter: str) -> str | None:
    """The delimiter that seems to be in the header, if `delimiter` does not separate it."""
    if len(present) != 1 or not delimiter:
        return None
    counts = {other: present[0].count(other) for other in DELIMITERS if other != delimiter}
    likely = max(counts, key=lambda other: counts[other])
    return likely if counts[likely] else None


def _unread_text(file: Path, source: Source, columns: tuple[str, ...], block_bytes: int) -> Iterator[Unread]:
    present = read_header(file, source)
    _check_columns(file, columns, present, source.delimiter)
    for chunk in read_chunks(file, source, block_bytes):
        yield functools.partial(_parse, chunk, file, source, present, columns), chunk.share_read


def _parse(
    chunk: Chunk, file: Path, source: Source, present: tuple[str, ...], columns: tuple[str, ...]
) -> Block:
    if (frame := _parse_plain(chunk, source, present, columns)) is not None:
        return Block(
            frame=frame,
            file=file,
            place=lambda row: f"line {chunk.first_line + row}",
            skipped=Counter(),
        )
    not_text = _rows_not_utf8(chunk, file, source)
    data = chunk.data
    if not_text:
        kept = (row for i, (_, row) in enumerate(_rows(chunk, source)) if i not in not_text)
        data = b"".join(kept)

    def line_of(row: int) -> int:
        rows = _rows(chunk, source)
        return rows[min(_nth_outside(not_text, row), len(rows) - 1)][0]

    invalid: list[pyarrow.csv.InvalidRow] = []

    def keep_aside(row: pyarrow.csv.InvalidRow) -> str:
        invalid.append(row)  # an error raised here would be swallowed
        return "skip"

    with _as_bad_input(file):
        table = pyarrow.csv.read_csv(
            pa.BufferReader(_guarded(data)),
            pyarrow.csv.ReadOptions(column_names=list(present), block_size=len(data) + 8, use_threads=False),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter_in_chunks(source),
                quote_char=source.quote or False,
                newlines_in_values=bool(source.quote),
                invalid_row_handler=keep_aside,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=list(columns),
                null_values=list(source.missing),
                strings_can_be_null=True,
                check_utf8=False,
            ),
        )
    for row in invalid:
        line = line_of(row.number - 1)
        if source.quote and row.text.count(source.quote) % 2:
            raise BadInput(f"{file} line {line} opens a quote that is never closed")
        if source.on_bad_row == "error":
            raise BadInput(
                f"{file} line {line} has {row.actual_columns} cells, expected {row.expected_columns}: "
                f"{row.text[:80]!r}"
            )
    wrong_width = {row.number - 1 for row in invalid}
    return Block(
        frame=pl.DataFrame(pl.from_arrow(table)),
        file=file,
        place=lambda row: f"line {line_of(_nth_outside(wrong_width, row))}",
        skipped=+Counter({WRONG_WIDTH: len(wrong_width), not_text_of(source): len(not_text)}),
        left_out=tuple(sorted(not_text | {_nth_outside(not_text, row) for row in wrong_width})),
    )


def _parse_plain(
    chunk: Chunk, source: Source, present: tuple[str, ...], columns: tuple[str, ...]
) -> pl.DataFrame | None:
    """The columns of a chunk without quotes and with nothing odd about it; None for any other.

    polars parses twice as fast as pyarrow, but takes a row with too few cells for one with missing ones. The
    number of delimiters, and its own error on a row with too many, tell that every row has the right width.
    """
    data = chunk.data
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    plain = not source.quote and "" in source.missing and b"\r" not in data and b"\n\n" not in data
    if (
        not plain
        or data.startswith(b"\n")
        or _count(delimiter_in_chunks(source), data) != rows * (len(present) - 1)
        or not (data.isascii() or _is_utf8(data))
    ):
        return None
    try:
        frame = pl.read_csv(
            _guarded(data),
            separator=delimiter_in_chunks(source),
            quote_char=None,
            has_header=False,
            new_columns=[str(i) for i in range(len(present))],
            infer_schema=False,
            null_values=list(source.missing),
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.shape != (rows, len(present)):
        return None
    return frame.select(pl.nth(present.index(column)).alias(column) for column in columns)


def _guarded(data: bytes) -> bytes:
    """`data` for a parser that takes one byte order mark off its front: one in a first cell is text."""
    return BYTE_ORDER_MARK + data if data.startswith(BYTE_ORDER_MARK) else data


def _count(delimiter: str, data: bytes) -> int:
    """How often one ASCII character occurs; `bytes.count` is slow on what occurs every few bytes."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord(delimiter)))


def _rows_not_utf8(chunk: Chunk, file: Path, source: Source) -> set[int]:
    """Which rows of the chunk, counted from 0 and without blank lines, are not UTF-8 text."""
    if chunk.data.isascii() or _is_utf8(chunk.data):
        return set()
    rows = _rows(chunk, source)
    bad = {i for i, (_, row) in enumerate(rows) if not _is_utf8(row)}
    if source.on_bad_row == "error":
        raise BadInput(
            f"{file} line {rows[min(bad)][0]} is {not_text_of(source)}; name the right encoding in [source], "
            "such as 'cp1252', or 'latin-1', which reads any byte"
        )
    return bad


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _rows(chunk: Chunk, source: Source) -> list[tuple[int, bytes]]:
    """(line of the file, bytes) of every row of the chunk that is not blank. Slow, for what went wrong."""
    quote, rows, begun, first = source.quote.encode(), [], b"", 0
    for number, line in enumerate(chunk.data.splitlines(keepends=True), start=chunk.first_line):
        first = first if begun else number
        begun += line
        if quote and begun.count(quote) % 2:
            continue
        if begun.strip(b"\r\n"):
            rows.append((first, begun))
        begun = b""
    return [*rows, (first, begun)] if begun else rows


def _nth_outside(left_out: set[int], n: int) -> int:
    """The number that stands at place `n` when those left out are taken from 0, 1, 2, …"""
    for number in sorted(left_out):
        n += number <= n
    return n


def _unread_parquet(
    file: Path, source: Source, columns: tuple[str, ...], lists: Collection[str], block_bytes: int
) -> Iterator[Unread]:
    with pyarrow.parquet.ParquetFile(file) as reader:
        _check_columns(file, columns, tuple(reader.schema_arrow.names))
        check_types(file, reader.schema_arrow, columns, lists)
        total = max(1, reader.metadata.num_rows)
        whole_bytes = sum(reader.metadata.row_group(i).total_byte_size for i in range(reader.num_row_groups))
        rows = max(1, block_bytes * total // max(1, whole_bytes))
        done = 0
        for batch in reader.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
            yield functools.partial(_as_block, batch, file, source, columns, done), done / total
            done += batch.num_rows


def _as_block(
    batch: pa.RecordBatch, file: Path, source: Source, columns: tuple[str, ...], rows_before: int
) -> Block:
    with _as_bad_input(file):
        frame = as_text(batch, columns, source.missing)
    return Block(frame=frame, file=file, place=lambda row: f"row {rows_before + row + 1}", skipped=Counter())
