"""MIND small (Wu et al., "MIND: A Large-scale Dataset for News Recommendation", ACL 2020): which of the
headlines shown did the user click?

A row is one headline of one impression in behaviors.tsv (impression, user, time, history, ``N1-0 N2-1``),
without headers; categories come from news.tsv. Train are the impressions of MINDsmall_train but those of its
last day, which are valid; test are those of MINDsmall_dev, a day later. `clicked_before` is the history as
published: the last `HISTORY` headlines the user clicked before the impressions of the whole set began. Titles
are not read.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Time
from bench.data.importing.plan import ByFile, Table
from bench.data.public.importing import folder_beside, import_named
from bench.errors import BadInput

REV = 1
HISTORY = 50

PLAN = ImportPlan(
    name="mind-small",
    user="user",
    time=Time(column="time", format="milliseconds"),
    tables=(Table(name="news", files=("news.parquet",), key="news"),),
    labels=(Label(name="click"),),
    fields=(
        FieldPlan(name="user", kind="categorical", group="user", minimum_count=2),
        FieldPlan(name="news", kind="categorical", group="item"),
        FieldPlan(name="category", kind="categorical", group="item", of="news"),
        FieldPlan(name="subcategory", kind="categorical", group="item", of="news"),
        FieldPlan(name="hour", kind="categorical", group="context", part="hour"),
        FieldPlan(
            name="clicked_before",
            kind="sequence",
            group="sequence",
            separator=" ",
            max_length=HISTORY,
            table="news",
        ),
    ),
    split=ByFile(train=("train.parquet",), valid=("valid.parquet",), test=("test.parquet",)),
)

_BEHAVIORS = ("impression", "user", "when", "clicked_before", "shown")
_NEWS = ("news", "category", "subcategory", "title", "abstract", "url", "title_entities", "abstract_entities")


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    with folder_beside(directory) as folder:
        train, test = (headlines(source / part / "behaviors.tsv") for part in ("train", "dev"))
        day = pl.col("time") // (24 * 3600 * 1000)
        last_day = train.select(day.max()).item()
        train.filter(day < last_day).write_parquet(folder / "train.parquet")
        train.filter(day == last_day).write_parquet(folder / "valid.parquet")
        test.write_parquet(folder / "test.parquet")
        news = pl.concat(_read(source / part / "news.tsv", _NEWS) for part in ("train", "dev"))
        news = news.select("news", "category", "subcategory").unique(
            "news", keep="first", maintain_order=True
        )
        news.write_parquet(folder / "news.parquet")
        return import_named(PLAN, folder, directory, rev=REV, progress=progress)


def headlines(file: Path) -> pl.DataFrame:
    """A row for every headline shown: user, time (milliseconds), clicked_before, news, click.

    Raises:
        BadInput: an impression without a time, or a headline without its 0 or 1.
    """
    when = pl.col("when").str.to_datetime("%m/%d/%Y %I:%M:%S %p", time_unit="ms", strict=False)
    shown = pl.col("shown").str.split(" ")
    last_clicked = pl.col("clicked_before").str.split(" ").list.tail(HISTORY).list.join(" ")
    rows = _read(file, _BEHAVIORS).select("user", last_clicked, time=when.dt.timestamp("ms"), shown=shown)
    rows = rows.explode("shown").filter(pl.col("shown").is_not_null())
    parts = rows["shown"].str.extract_groups(r"^(?<news>\w+)-(?<click>[01])$").struct.unnest()
    rows = pl.concat([rows.drop("shown"), parts], how="horizontal")
    for column, expected in (("time", "11/14/2019 7:01:48 AM"), ("click", "N55689-1")):
        if rows[column].has_nulls():
            raise BadInput(f"{file} has rows without a {column}; expected text such as {expected}")
    return rows


def _read(file: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(file, separator="\t", has_header=False, quote_char=None, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if frame.width != len(columns):
        raise BadInput(f"{file} has {frame.width} columns, expected {len(columns)}: {', '.join(columns)}")
    frame.columns = list(columns)
    return frame
