"""Answers go to stdout, progress and complaints to stderr."""

from __future__ import annotations

import codecs
import io
import json
import math
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from bench.counts import short

_NUMBERS = re.compile(r"[\d\s.,%±+−–\-\[\]()]*[kKMGTB]{0,2}")
"""Cells that are right-aligned: numbers with their intervals and suffixes, and empty cells."""
_WIDTH_OF_A_FILE = 200
"""Width of a table that is written to a file or a pipe, which has no terminal width."""


def answer(text: str) -> None:
    """One answer on stdout."""
    print(text)


def answer_json(value: Any) -> None:
    """One answer as JSON on stdout; where that is not UTF-8, other characters than ASCII are escaped."""
    escaped = not _is_utf_8(sys.stdout)
    json.dump(_finite(value), sys.stdout, indent=1, ensure_ascii=escaped, allow_nan=False)
    print()


def print_in_any_encoding() -> None:
    """Lets stdout print a question mark for what its encoding lacks, such as a minus sign in latin-1."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not _is_utf_8(sys.stdout):
        sys.stdout.reconfigure(errors="replace")


def _is_utf_8(stream: TextIO) -> bool:
    """A stream without an encoding holds any text."""
    return stream.encoding is None or codecs.lookup(stream.encoding).name == "utf-8"


def _finite(value: Any) -> Any:
    """`value` with null in place of NaN and infinities, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def complain(text: str) -> None:
    """One line on stderr, in which no text from outside can move the cursor or change colours."""
    from reports.writing.escaping import visible

    print(f"rankbench: {visible(text)}", file=sys.stderr)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout, with right-aligned numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from reports.writing.escaping import visible

    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    printed = Table(title=Text(visible(title)), title_justify="left", title_style="bold", box=box.SIMPLE)
    for index, column in enumerate(columns):
        numeric = all(_NUMBERS.fullmatch(row[index]) for row in rows)
        printed.add_column(Text(visible(column)), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        printed.add_row(*(Text(visible(cell)) for cell in row))  # a text, never rich's own markup
    console.print(printed)


def count(value: float, *, billion: str = "G") -> str:
    """A large number in short form: 950, 12.3k, 1.2M, 4.5G. For parameters, 10⁹ is written B."""
    return short(value, billion=billion)
