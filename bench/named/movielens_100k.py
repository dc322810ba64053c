"""MovieLens-100K (Harper and Konstan, "The MovieLens Datasets", ACM TiiS 2015): what is liked next.

A rating of 4 or 5 is a like; there are no films that were shown and not rated. Every user's rows are split by
time, 70 % train, 10 % valid, the latest 20 % test; rows of one time keep the order of the file. (A split at
one moment for all would leave most test rows to users never seen before.)

`liked_before` holds the last films the user liked at a strictly earlier time, oldest first. Films liked in
the same second as the row are left out, whatever their order in the file.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bench.dataset import Dataset
from bench.importing import ImportPlan
from bench.importing.columns import FieldPlan, Label, Time
from bench.importing.plan import ByColumn
from bench.named import NAMED
from bench.named.files import import_frame, read_tabs

REV = 1

HISTORY = 50

PLAN = ImportPlan(
    name="movielens-100k",
    user="user",
    time=Time(column="time"),
    labels=(Label(name="liked", column="rating", positive=">= 4"),),
    fields=(
        FieldPlan(name="user", kind="categorical", group="user"),
        FieldPlan(name="age", kind="categorical", group="user"),
        FieldPlan(name="gender", kind="categorical", group="user"),
        FieldPlan(name="occupation", kind="categorical", group="user"),
        FieldPlan(name="zip_prefix", column="zip", prefix=3, kind="categorical", group="user"),
        FieldPlan(name="item", kind="categorical", group="item"),
        FieldPlan(name="year", kind="categorical", group="item"),
        FieldPlan(name="genres", kind="sequence", group="item", separator=" ", max_length=6),
        FieldPlan(
            name="liked_before",
            kind="sequence",
            group="sequence",
            separator=" ",
            max_length=HISTORY,
            table="item",
        ),
    ),
    split=ByColumn(column="split", train=("train",), valid=("valid",), test=("test",)),
)


def load(source: Path, directory: Path) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.named.NamedDataset.load`."""
    ratings = _read(
        source / "ml-100k.inter", "user_id:token", "item_id:token", "rating:float", "timestamp:float"
    )
    ratings = ratings.rename({"user_id": "user", "item_id": "item", "timestamp": "time"})
    users = _read(
        source / "ml-100k.user",
        "user_id:token",
        "age:token",
        "gender:token",
        "occupation:token",
        "zip_code:token",
    )
    movies = _read(source / "ml-100k.item", "item_id:token", "release_year:token", "class:token_seq")
    joined = (
        with_history(with_split(ratings.cast({"rating": pl.Float64, "time": pl.Int64})))
        .join(users.rename({"user_id": "user", "zip_code": "zip"}), on="user", how="left", validate="m:1")
        .join(
            movies.select(
                item="item_id",
                genres="class",
                year=pl.col("release_year").str.extract(r"^(\d{4})$"),  # two rows have other text
            ),
            on="item",
            how="left",
            validate="m:1",
        )
        .sort("row")
    )
    return import_frame(joined, PLAN, directory, rev=REV, url=NAMED["movielens-100k"].url)


def with_split(ratings: pl.DataFrame) -> pl.DataFrame:
    """Adds `row`, the place in the file, and `split`, by the place in time among the user's rows."""
    ordered = ratings.with_row_index("row").sort("user", "time", "row")
    tenths = 10 * pl.int_range(pl.len()).over("user") / pl.len().over("user")
    split = pl.when(tenths >= 8).then(pl.lit("test")).when(tenths >= 7).then(pl.lit("valid"))
    return ordered.with_columns(split=split.otherwise(pl.lit("train"))).sort("row")


def with_history(ratings: pl.DataFrame) -> pl.DataFrame:
    """Adds `liked_before` to rows with user, item, rating, time and `row`: item ids between spaces."""
    liked = pl.col("rating") >= 4
    ordered = ratings.sort("user", "time", "row")
    earlier = (liked.cum_sum() - liked).over(
        "user"
    )  # likes that stand before a row, those of its own second too
    ordered = ordered.with_columns(earlier=earlier).with_columns(pl.col("earlier").min().over("user", "time"))
    likes = ordered.filter(liked).group_by("user", maintain_order=True).agg(likes=pl.col("item"))
    kept = pl.min_horizontal("earlier", HISTORY)
    history = pl.col("likes").list.slice(pl.col("earlier") - kept, kept).list.join(" ")
    return (
        ordered.join(likes, on="user", how="left").with_columns(liked_before=history).drop("likes", "earlier")
    )


def _read(path: Path, *columns: str) -> pl.DataFrame:
    """The columns of a file whose header says ``name:type``, under their names."""
    return read_tabs(path, columns).rename(lambda column: column.partition(":")[0])
