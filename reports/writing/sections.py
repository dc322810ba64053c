"""The page as a tree of sections with texts, figures and tables, independent of the medium.

All texts are plain, never markup: the templates escape them for their medium (`reports.writing.escaping`).
The templates loop over the tree, so new content is a new `Section`, `Image` or `Table`, and needs no change
of a template.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.judge.statistics import Difference
from reports.writing import escaping
from reports.writing.drawing import Image

LONGEST_NAME = 120
"""Length of a file name before its suffix; file systems allow 255 bytes."""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """One paragraph; `style` is ``lead``, ``warning``, ``code`` or empty."""

    text: str
    style: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """(name, value) pairs; `terms`: long explanations, set one below the other."""

    pairs: tuple[tuple[str, str], ...]
    terms: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`text`, an aside in smaller type, and a style: ``better``, ``worse``, ``tie``, ``undecided``,
    ``quiet`` or none. A `difference` is drawn beside it, on one scale for the whole table."""

    text: str
    aside: str = ""
    style: str = ""
    difference: Difference | None = None

    def __str__(self) -> str:
        return f"{self.text} ({self.aside})" if self.aside else self.text


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table.

    Args:
        name: what it shows; the file names of a report begin with it.
        header: titles of the columns.
        rows: as many cells each.
        num_text_columns: how many columns from the left hold text; the others hold numbers.
        notes: sentences to print under it.
        wrapped: whether long cells break into several lines.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    num_text_columns: int = 1
    notes: tuple[str, ...] = ()
    wrapped: bool = False

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.header) for row in self.rows), self.name

    def latex(self) -> str:
        """A booktabs `tabular`."""
        text = pd.DataFrame(
            [[escaping.latex(str(cell)) for cell in row] for row in self.rows],
            columns=[escaping.latex(title) for title in self.header],
        )
        alignment = "l" * self.num_text_columns + "r" * (len(self.header) - self.num_text_columns)
        return text.to_latex(index=False, escape=False, column_format=alignment)

    def bars(self) -> list[list[Bar | None]]:
        """A bar or None per cell. The widest interval of a difference fills its cell."""
        drawn = [cell.difference for row in self.rows for cell in row if cell.difference]
        bounds = [abs(bound) for value in drawn for bound in (value.low, value.high)]
        span = max((bound for bound in bounds if bound < 1), default=0.0) or 1.0
        return [[_bar(cell.difference, span) for cell in row] for row in self.rows]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A difference drawn in a table cell: percent of the cell's width, zero being 50."""

    low: float
    mean: float
    high: float
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a page: its texts, then figures, tables and subsections.

    Args:
        title: also part of the names of its files and of its address.
    """

    title: str
    text: tuple[Paragraph | Facts, ...] = ()
    figures: tuple[Image, ...] = ()
    tables: tuple[Table, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A section with the names that its place in the tree gives it, all unique: its address on the page and
    the stems of the files of its figures and tables."""

    section: Section
    level: int
    anchor: str
    figures: tuple[tuple[str, Image], ...]
    tables: tuple[tuple[str, Table], ...]


def words(*texts: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(Cell(text=text) for text in texts)


def placed(sections: Sequence[Section]) -> list[Placed]:
    """Every section in the order of the page, from level 2 (the title of the page is level 1)."""
    taken: set[str] = set()

    def name(*path: str) -> str:
        """Readable and unique: of names that would be the same, such as ``a.b`` and ``a-b``, or that have no
        letters of a file name, the later ones end in letters of their hash."""
        readable = "-".join(part for text in path if (part := slug(text)))[:LONGEST_NAME]
        digest = hashlib.sha256("\n".join(path).encode()).hexdigest()
        lossless = all(slug(text) for text in path) and len("-".join(path)) <= LONGEST_NAME
        found = readable if lossless else f"{readable}-{digest[:8]}".strip("-")
        if found in taken:
            found = f"{readable}-{digest[:8]}"
        taken.add(found)
        return found

    def walk(section: Section, path: tuple[str, ...]) -> Iterator[Placed]:
        here = (*path, section.title)
        yield Placed(
            section=section,
            level=len(here) + 1,
            anchor=name(*here),
            figures=tuple((name(image.name, *here), image) for image in section.figures),
            tables=tuple((name(table.name, *here), table) for table in section.tables),
        )
        for child in section.sections:
            yield from walk(child, here)

    return [place for section in sections for place in walk(section, ())]


def slug(text: str) -> str:
    """`text` as part of a file name; different texts may have the same."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _bar(value: Difference | None, span: float) -> Bar | None:
    if value is None or value.half_width is None:
        return None
    low, mean, high = (
        50 + 46 * max(-1.0, min(1.0, place / span)) for place in (value.low, value.mean, value.high)
    )
    return Bar(low=low, mean=mean, high=high, verdict=value.verdict)
