"""A delimited text file as chunks of whole rows in UTF-8, each knowing its line, in the memory of a chunk.

A byte order mark at the start of the file is taken off; anywhere else it is text. A chunk ends at a line end
that is not inside of quotes, which is told by counting quotes.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from bench.data.importing.columns import Source
from bench.data.importing.text_encodings import Recoder, is_utf8
from bench.errors import BadInput

CHUNK_BYTES = 8 << 20
LONGEST_ROW_BYTES = 64 << 20
CELL_SEPARATOR = "\x1f"
"""Takes the place of a delimiter of several characters; ASCII keeps it for that purpose (unit separator)."""

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
BYTE_ORDER_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows of the file, one after the other.

    Args:
        data: their bytes, UTF-8 unless the file says so wrongly.
        first_line: number of the first line, from 1.
        share_read: of the whole file, as far as it has been read; for progress.
    """

    data: bytes
    first_line: int
    share_read: float


def delimiter_in_chunks(source: Source) -> str:
    """What stands between the cells of a chunk."""
    return source.delimiter if len(source.delimiter) == 1 else CELL_SEPARATOR


def not_text_of(source: Source) -> str:
    """What is said of bytes that are not text of the encoding."""
    return f"not {'UTF-8' if is_utf8(source.encoding) else source.encoding} text"


def read_header(file: Path, source: Source) -> tuple[str, ...]:
    """The names of the columns: those of `source`, or those in the first line.

    Raises:
        BadInput: no rows, or text that is not in the encoding.
    """
    if source.columns:
        return source.columns
    for chunk in _chunks(file, source, CHUNK_BYTES):
        line = chunk.data.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"{file} line 1 is {not_text_of(source)} ({error.reason})") from error
        if "\r" in text:
            raise BadInput(
                f"{file} line 1 has a carriage return inside it; lines must end with a line feed (LF or "
                "CRLF): convert the file, for example with  tr '\\r' '\\n'"
            )
        if source.quote:
            reader = csv.reader([text], delimiter=delimiter_in_chunks(source), quotechar=source.quote)
            try:
                return tuple(next(reader, ()))
            except csv.Error as error:
                raise BadInput(f"{file} line 1 is not a header: {error}") from error
        return tuple(text.split(delimiter_in_chunks(source)))
    raise BadInput(f"{file} has no rows")


def read_chunks(file: Path, source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The rows of the file, without its header line, in chunks of about `chunk_bytes`.

    Raises:
        BadInput: a row longer than `LONGEST_ROW_BYTES`, as a quote that is never closed makes.
        OSError: the file cannot be read or a compressed file is cut short.
    """
    header_left = not source.columns
    for chunk in _chunks(file, source, chunk_bytes):
        if not header_left:
            yield chunk
            continue
        blank = len(chunk.data) - len(chunk.data.lstrip(b"\r\n"))
        end = chunk.data.find(b"\n", blank) + 1 or len(chunk.data)
        header_left = blank == len(chunk.data)
        if end < len(chunk.data):
            lines = chunk.data.count(b"\n", 0, end)
            yield Chunk(
                data=chunk.data[end:], first_line=chunk.first_line + lines, share_read=chunk.share_read
            )


def _chunks(file: Path, source: Source, chunk_bytes: int) -> Iterator[Chunk]:
    size, line, left = file.stat().st_size, 1, b""
    with (
        file.open("rb") as raw,
        pa.input_stream(raw, compression=_COMPRESSIONS.get(file.suffix.lower())) as stream,
    ):
        for block in _pieces(file, source, stream, chunk_bytes):
            if raw.tell() > size:  # else a file that somebody keeps writing to would never end
                raise BadInput(f"{file} changed while it was read; import it again when it is complete")
            data = left + block
            end = _end_of_rows(data, source.quote.encode())
            left = data[end:]
            if len(left) > LONGEST_ROW_BYTES:
                last_line = line + data.count(b"\n", 0, end)
                raise BadInput(
                    f"{file} line {last_line}: no row ends within "
                    f"{LONGEST_ROW_BYTES >> 20} MB; a quote may not be closed; quote = '' in [source] reads "
                    "quotes as text"
                )
            if end:
                yield Chunk(
                    data=_with_short_delimiter(data[:end], source),
                    first_line=line,
                    share_read=min(1.0, raw.tell() / size),
                )
                line += data.count(b"\n", 0, end)
        if left:
            yield Chunk(data=_with_short_delimiter(left, source), first_line=line, share_read=1.0)


def _pieces(file: Path, source: Source, stream: pa.NativeFile, chunk_bytes: int) -> Iterator[bytes]:
    """The text of the file in UTF-8, cut anywhere, without the byte order mark at its start."""
    recoder = Recoder(source.encoding)
    at_start = True
    while True:
        block = stream.read(chunk_bytes)
        if at_start and is_utf8(source.encoding) and block.startswith(_UTF16_MARKS):
            raise BadInput(
                f"{file} starts with the byte order mark of UTF-16; set encoding = 'utf-16' in [source]"
            )
        try:
            piece = recoder.recode(block, final=not block)
        except UnicodeDecodeError as error:
            raise BadInput(f"{file} is {not_text_of(source)}: {error.reason}") from error
        if at_start and piece:
            piece, at_start = piece.removeprefix(BYTE_ORDER_MARK), False
        if piece:
            yield piece
        if not block:
            return


def _end_of_rows(data: bytes, quote: bytes) -> int:
    """Where the last whole row ends: after the last line end before which the quotes are even in number."""
    end = data.rfind(b"\n") + 1
    if not quote:
        return end
    odd = data.count(quote, 0, end) % 2
    while end and odd:
        earlier = data.rfind(b"\n", 0, end - 1) + 1
        odd = (odd + data.count(quote, earlier, end)) % 2
        end = earlier
    return end


def _with_short_delimiter(data: bytes, source: Source) -> bytes:
    if len(source.delimiter) == 1:
        return data
    return data.replace(source.delimiter.encode(), CELL_SEPARATOR.encode())
