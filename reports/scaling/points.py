"""Points of any source, from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.counts import parse_count
from bench.errors import BadInput, hint_of

NEEDED = ("size", "value")
COLUMNS = (*NEEDED, "seed", "series", "rows", "exclude")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run.

    Args:
        size: what the law is in, above 0.
        value: the metric; NaN only where the point is excluded.
        seed: its name, empty where unknown.
        series: whose it is; empty where there is only one.
        rows: training rows, None where not given.
        exclude: why it is not fitted; empty where it is.
    """

    size: float
    value: float
    seed: str = ""
    series: str = ""
    rows: float | None = None
    exclude: str = ""


def read_points(path: Path) -> list[Point]:
    """The points of a CSV file with a header and the columns of `COLUMNS`, in any order.

    Sizes and rows may be written like 300k or 1.5M. An excluded point needs no value.

    Raises:
        BadInput: the file cannot be read, has no points, lacks a column or has one that is unknown or there
            twice, or a cell is not what its column holds; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = list(csv.reader(text.splitlines(), strict=True))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}"
        ) from error
    except csv.Error as error:
        raise BadInput(f"{path} is not a CSV file: {error}") from error
    if not lines:
        raise BadInput(f"{path} is empty; it needs a header with the columns {' and '.join(NEEDED)}")
    header = [name.strip().lower() for name in lines[0]]
    _check_header(path, header)
    points = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, line {number}"
        if len(cells) != len(header):
            raise BadInput(f"{where} has {len(cells)} cells; the header has {len(header)}")
        points.append(_point(where, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}))
    if not points:
        raise BadInput(f"{path} has a header and no points")
    _check_seeds(path, points, header)
    return points


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            raise BadInput(f"{path} has an unknown column '{name}'{hint_of(name, COLUMNS)}")
        if header.count(name) > 1:
            raise BadInput(f"{path} has the column '{name}' twice; give it once")
    for name in NEEDED:
        if name not in header:
            raise BadInput(f"{path} has no column '{name}'; it has {', '.join(header)}")


def _check_seeds(path: Path, points: Sequence[Point], header: Sequence[str]) -> None:
    named = [bool(point.seed) for point in points if not point.exclude]
    if "seed" in header and any(named) and not all(named):
        raise BadInput(f"{path} has a seed in some lines only; give one in each, or leave the column out")


def _point(where: str, cells: dict[str, str]) -> Point:
    excluded = cells.get("exclude", "")
    value = math.nan
    if cells["value"] or not excluded:
        value = _number(where, "value", cells["value"], suffixes=False)
    if not math.isfinite(value) and not excluded:
        raise BadInput(
            f"{where}: the value is '{cells['value']}'; it must be a number, or the column 'exclude' must "
            "say why the run has none"
        )
    rows = _positive(where, "rows", cells["rows"]) if "rows" in cells else None
    return Point(
        size=_positive(where, "size", cells["size"]),
        value=value,
        seed=cells.get("seed", ""),
        series=cells.get("series", ""),
        rows=rows,
        exclude=excluded,
    )


def _positive(where: str, column: str, text: str) -> float:
    number = _number(where, column, text, suffixes=True)
    if not (math.isfinite(number) and number > 0):
        raise BadInput(f"{where}: the {column} is '{text}'; it must be a number above 0")
    return number


def _number(where: str, column: str, text: str, *, suffixes: bool) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        if suffixes and text[:1].isdigit():
            return float(parse_count(column, text))
    except BadInput:
        pass
    allowed = "a number, such as 300000 or 300k" if suffixes else "a number, such as 0.7312"
    raise BadInput(f"{where}: the {column} is '{text}'; it must be {allowed}")
