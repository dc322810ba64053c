"""Ali-CCP (Ma et al., "Entire Space Multi-Task Model", SIGIR 2018, arXiv 1804.07931): is a product that was
shown clicked, and bought?

    sample_skeleton_{train,test}.csv   row, click, conversion, key of common features, number, features
    common_features_{train,test}.csv   key, number, features

without headers; the features of a row are ``field \\x02 value \\x03 weight``, joined by ``\\x01``. The format
is as the programs of others read it (the files need a login), not verified here. Fields have numbers for
names, grouped here by their published meaning: users' 101 … 150_14, products' 205 … 216, crosses 508 … 853,
context 301. Weights are not read. Of a field with several values in a row, the last `LONGEST` are kept in the
order of the file. Test is the published test file; 5 % of the training rows, drawn at random, are valid. The
user's id, field 101, is one of the common features, so there are no per-user metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.chunks import read_chunks
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByFile, Table
from bench.data.public.importing import folder_beside, import_named
from bench.errors import BadInput

REV = 1
LONGEST = 50
MINIMUM_COUNT = 10

_USER = ("101", "121", "122", "124", "125", "126", "127", "128", "129")
_USER_LISTS = ("109_14", "110_14", "127_14", "150_14")
_OF_ROW = {
    "item": ("205", "206", "207", "216"),
    "cross": ("508", "509", "702", "853"),
    "context": ("301",),
}
_ITEM_LISTS = ("210",)

PLAN = ImportPlan(
    name="ali-ccp",
    tables=(Table(name="common", files=("common_train.parquet", "common_test.parquet"), key="key"),),
    labels=(Label(name="click"), Label(name="conversion")),
    fields=(
        *(
            FieldPlan(name=name, kind="categorical", group="user", of="common", minimum_count=MINIMUM_COUNT)
            for name in _USER
        ),
        *(
            FieldPlan(
                name=name,
                kind="sequence",
                group="sequence",
                of="common",
                minimum_count=MINIMUM_COUNT,
                separator=" ",
                max_length=LONGEST,
            )
            for name in _USER_LISTS
        ),
        *(
            FieldPlan(name=name, kind="categorical", group=group, minimum_count=MINIMUM_COUNT)
            for group, names in _OF_ROW.items()
            for name in names
        ),
        *(
            FieldPlan(
                name=name,
                kind="sequence",
                group="item",
                minimum_count=MINIMUM_COUNT,
                separator=" ",
                max_length=LONGEST,
            )
            for name in _ITEM_LISTS
        ),
    ),
    split=ByFile(train=("train.parquet",), test=("test.parquet",), valid_fraction=0.05),
)

_SKELETON = ("row", "click", "conversion", "key", "number", "features")
_COMMON = ("key", "number", "features")


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    with folder_beside(directory) as folder:
        of_row = [field for fields in _OF_ROW.values() for field in fields] + list(_ITEM_LISTS)
        for part in ("train", "test"):
            of_part = pl.concat_str(pl.lit(f"{part}-"), "key").alias("key")  # the files may share keys
            unpack(
                source / f"sample_skeleton_{part}.csv",
                _SKELETON,
                [pl.col("click"), pl.col("conversion"), of_part],
                of_row,
                folder / f"{part}.parquet",
            )
            unpack(
                source / f"common_features_{part}.csv",
                _COMMON,
                [of_part],
                [*_USER, *_USER_LISTS],
                folder / f"common_{part}.parquet",
            )
        return import_named(PLAN, folder, directory, rev=REV, progress=progress)


def unpack(
    file: Path, columns: tuple[str, ...], kept: Sequence[pl.Expr], fields: Sequence[str], to: Path
) -> None:
    """Writes `file` as Parquet with what is `kept` of its columns and one of each field: its values between
    spaces.

    Raises:
        BadInput: a file that cannot be read or has another number of columns.
    """
    source = Source(quote="", columns=columns)
    writer = None
    try:
        for chunk in read_chunks(file, source):
            table = _unpacked(_table(chunk.data, file, columns), kept, fields).to_arrow()
            writer = writer or pyarrow.parquet.ParquetWriter(to, table.schema, compression="zstd")
            writer.write_table(table)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise BadInput(f"{file} has no rows")


def _table(data: bytes, file: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(data, has_header=False, quote_char=None, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if frame.width != len(columns):
        raise BadInput(f"{file} has {frame.width} columns, expected {len(columns)}: {', '.join(columns)}")
    frame.columns = list(columns)
    return frame


def _unpacked(frame: pl.DataFrame, kept: Sequence[pl.Expr], fields: Sequence[str]) -> pl.DataFrame:
    numbered = frame.with_row_index("number_in_chunk")
    parts = pl.col("feature").str.extract_groups("^(?<field>[^\x02]+)\x02(?<value>[^\x03]*)")
    values = (
        numbered.select("number_in_chunk", feature=pl.col("features").str.split("\x01"))
        .explode("feature")
        .select("number_in_chunk", parts.struct.unnest())
        .filter(pl.col("field").is_in(fields))
    )
    joined = numbered.select("number_in_chunk", *kept)
    for field in fields:
        of_field = values.filter(pl.col("field") == field).group_by("number_in_chunk", maintain_order=True)
        column = of_field.agg(pl.col("value").str.join(" ").alias(field))
        joined = joined.join(column, on="number_in_chunk", how="left", maintain_order="left")
    return joined.drop("number_in_chunk")
