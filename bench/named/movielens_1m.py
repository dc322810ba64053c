"""MovieLens-1M (Harper and Konstan, "The MovieLens Datasets", ACM TiiS 2015): will this user like this film?

A rating of 4 or 5 is a like; there are no films that were shown and not rated. Rows are split by the fold
they come with, 1 to 3 train, 4 valid, 5 test: within a user at random, so no history could be built without
seeing the future, and none is.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bench.dataset import Dataset
from bench.importing import ImportPlan
from bench.importing.columns import FieldPlan, Label
from bench.importing.plan import ByColumn
from bench.named import NAMED
from bench.named.files import import_frame, read_double_colons, read_parquet

REV = 1

PLAN = ImportPlan(
    name="movielens-1m",
    user="user",
    labels=(Label(name="liked", column="rating", positive=">= 4"),),
    fields=(
        FieldPlan(name="user", kind="categorical", group="user"),
        FieldPlan(name="gender", kind="categorical", group="user"),
        FieldPlan(name="age", kind="categorical", group="user"),
        FieldPlan(name="occupation", kind="categorical", group="user"),
        FieldPlan(name="zip_prefix", column="zip", prefix=3, kind="categorical", group="user"),
        FieldPlan(name="item", kind="categorical", group="item"),
        FieldPlan(name="year", kind="categorical", group="item"),
        FieldPlan(name="genres", kind="sequence", group="item", separator="|", max_length=6),
    ),
    split=ByColumn(column="fold", train=("1", "2", "3"), valid=("4",), test=("5",)),
)
"""At most 6 genres stand on a film; `age` is the lowest of a bracket, a category here."""


def load(source: Path, directory: Path) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.named.NamedDataset.load`."""
    ratings = read_parquet(source / "ratings.parquet", ("user", "item", "rating", "fold"))
    users = read_double_colons(source / "users.dat", ("user", "gender", "age", "occupation", "zip"))
    movies = read_double_colons(source / "movies.dat", ("item", "title", "genres"))
    movies = movies.select("item", "genres", year=pl.col("title").str.extract(r"\((\d{4})\)$"))
    joined = (
        ratings.with_columns(pl.col("user", "item").cast(pl.String))
        .join(users, on="user", how="left", validate="m:1", maintain_order="left")
        .join(movies, on="item", how="left", validate="m:1", maintain_order="left")
    )
    return import_frame(joined, PLAN, directory, rev=REV, url=NAMED["movielens-1m"].url)
