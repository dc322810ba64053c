"""Reading the small files of the named data sets, and handing what was joined of them to the importer."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from bench.dataset import Dataset
from bench.errors import BadInput
from bench.importing import ImportPlan, import_table


def read_parquet(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """The named columns of a Parquet file.

    Raises:
        BadInput: it cannot be read or lacks a column.
    """
    try:
        return pl.read_parquet(path, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(
            f"{path} cannot be read as Parquet with the columns {', '.join(columns)}: {_one_line(error)}"
        ) from error


def read_tabs(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """The named columns of a tab-separated file with a header, as text.

    Raises:
        BadInput: it cannot be read or lacks a column.
    """
    try:
        return pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(
            f"{path} cannot be read as tab-separated text with the columns {', '.join(columns)}: "
            f"{_one_line(error)}"
        ) from error


def read_double_colons(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """A file of `::`-separated latin-1 lines without a header, as text.

    Raises:
        BadInput: a line has another number of cells.
    """
    lines = path.read_text(encoding="latin-1").split("\n")  # splitlines() would also cut at latin-1's 0x85
    rows = [line.rstrip("\r").split("::") for line in lines if line]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise BadInput(f"{path} line {number} has {len(row)} cells, expected {'::'.join(columns)}")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def import_frame(frame: pl.DataFrame, plan: ImportPlan, directory: Path, *, rev: int, url: str) -> Dataset:
    """`frame` through the importer, as if it were a Parquet file.

    Args:
        rev, url: of the data set, for the record.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "joined.parquet"
        frame.write_parquet(file)
        return import_table(plan, file, directory, rev=rev, origin={"loader": plan.name, "url": url})


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
