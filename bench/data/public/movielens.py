"""MovieLens (Harper and Konstan, "The MovieLens Datasets", ACM TiiS 2015): will this user like this film?

    movielens-100k       ml-100k.zip, or its atomic files of RecBole; with what is known of users and films
    movielens-1m         ml-1m.zip; likewise
    movielens-20m        ml-20m.zip; films have genres and years, of users nothing is known
    movielens-1m-folds   the ratings of ml-1m in a Parquet file with folds 1 … 5 and without times

A rating of 4 or 5 is a like; there are no films that were shown and not rated. Where times are known every
user's rows are split by time, 70 % train, 10 % valid, the latest 20 % test (a split at one moment for all
would leave most test rows to users never seen before), and `liked_before` holds the last films the user liked
at a strictly earlier time. The folds, 1 to 3 train, 4 valid, 5 test, are random within a user: no history
could be built without seeing the future, and none is.

    movielens-tags       MovielensLatest_x1 of BARS (arXiv 2205.09626, first used by the AFN paper, arXiv
                         1909.03276): did this user give this film this tag? Two sampled negatives a tag; its
                         random split
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn, ByFile, ByUserTime, Table
from bench.data.public.importing import folder_beside, import_named
from bench.errors import BadInput

REV = 2

HISTORY = 50
BY_USER_TIME = ByUserTime(fractions=(0.7, 0.1, 0.2))

_TABS = Source(delimiter="\t", quote="")
_COLONS = Source(delimiter="::", quote="", encoding="latin-1")
_LIKED_BEFORE = FieldPlan(
    name="liked_before", kind="sequence", group="sequence", table="item", history="liked", max_length=HISTORY
)


def _user_fields(*names: str, zip_column: str, typed: str = "") -> tuple[FieldPlan, ...]:
    return (
        *(
            FieldPlan(name=name, column=f"{name}{typed}", of="users", kind="categorical", group="user")
            for name in names
        ),
        FieldPlan(
            name="zip_prefix", column=zip_column, of="users", prefix=3, kind="categorical", group="user"
        ),
    )


def _film_fields(item: str, year: str, pattern: str, genres: str, separator: str) -> tuple[FieldPlan, ...]:
    return (
        FieldPlan(name="item", column=item, kind="categorical", group="item"),
        FieldPlan(name="year", column=year, of="films", pattern=pattern, kind="categorical", group="item"),
        FieldPlan(
            name="genres",
            column=genres,
            of="films",
            kind="sequence",
            group="item",
            separator=separator,
            max_length=6,
        ),
    )


_100K = ImportPlan(
    name="movielens-100k",
    user="user_id:token",
    source=_TABS,
    time=Time(column="timestamp:float", format="seconds"),
    tables=(
        Table(name="users", files=("ml-100k.user",), key="user_id:token", source=_TABS),
        Table(name="films", files=("ml-100k.item",), key="item_id:token", source=_TABS),
    ),
    labels=(Label(name="liked", column="rating:float", positive=">= 4"),),
    fields=(
        FieldPlan(name="user", column="user_id:token", kind="categorical", group="user"),
        *_user_fields("age", "gender", "occupation", zip_column="zip_code:token", typed=":token"),
        *_film_fields("item_id:token", "release_year:token", r"^(\d{4})$", "class:token_seq", " "),
        _LIKED_BEFORE,
    ),
    split=BY_USER_TIME,
)

_1M_FIELDS = (
    FieldPlan(name="user", kind="categorical", group="user"),
    *_user_fields("gender", "age", "occupation", zip_column="zip"),
    *_film_fields("item", "title", r"\((\d{4})\)$", "genres", "|"),
)
_1M_TABLES = (
    Table(
        name="users",
        files=("users.dat",),
        key="user",
        source=replace(_COLONS, columns=("user", "gender", "age", "occupation", "zip")),
    ),
    Table(
        name="films",
        files=("movies.dat",),
        key="item",
        source=replace(_COLONS, columns=("item", "title", "genres")),
    ),
)

PLANS = {
    "movielens-100k": _100K,
    "movielens-1m": ImportPlan(
        name="movielens-1m",
        user="user",
        source=replace(_COLONS, columns=("user", "item", "rating", "time")),
        time=Time(column="time", format="seconds"),
        tables=_1M_TABLES,
        labels=(Label(name="liked", column="rating", positive=">= 4"),),
        fields=(*_1M_FIELDS, _LIKED_BEFORE),
        split=BY_USER_TIME,
    ),
    "movielens-1m-folds": ImportPlan(
        name="movielens-1m-folds",
        user="user",
        tables=_1M_TABLES,
        labels=(Label(name="liked", column="rating", positive=">= 4"),),
        fields=_1M_FIELDS,
        split=ByColumn(column="fold", train=("1", "2", "3"), valid=("4",), test=("5",)),
    ),
    "movielens-20m": ImportPlan(
        name="movielens-20m",
        user="userId",
        time=Time(column="timestamp", format="seconds"),
        tables=(Table(name="films", files=("movies.csv",), key="movieId"),),
        labels=(Label(name="liked", column="rating", positive=">= 4"),),
        fields=(
            FieldPlan(name="user", column="userId", kind="categorical", group="user"),
            *_film_fields("movieId", "title", r"\((\d{4})\)\s*$", "genres", "|"),
            _LIKED_BEFORE,
        ),
        split=BY_USER_TIME,
    ),
    "movielens-tags": ImportPlan(
        name="movielens-tags",
        user="user_id",
        labels=(Label(name="tagged", column="label"),),
        fields=(
            FieldPlan(name="user_id", kind="categorical", group="user"),
            FieldPlan(name="item_id", kind="categorical", group="item"),
            FieldPlan(name="tag_id", kind="categorical", group="item"),
        ),
        split=ByFile(train=("train.csv",), valid=("valid.csv",), test=("test.csv",)),
    ),
}
"""A film has at most 6 genres; `age` is the lowest of a bracket in 1M, and a category in both."""

_FILES = {
    "movielens-1m": "ratings.dat",
    "movielens-1m-folds": "ratings.parquet",
    "movielens-20m": "ratings.csv",
}
_GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    if name == "movielens-100k":
        if (source / "ml-100k.inter").is_file():
            return _import(name, source / "ml-100k.inter", directory, progress)
        with folder_beside(directory) as folder:
            write_atomic_files(source, folder)
            return _import(name, folder / "ml-100k.inter", directory, progress)
    if name == "movielens-tags":
        return import_named(PLANS[name], source, directory, rev=REV, progress=progress)
    return _import(name, source / _FILES[name], directory, progress)


def _import(name: str, file: Path, directory: Path, progress: Progress | None) -> Dataset:
    return import_named(PLANS[name], [file], directory, rev=REV, progress=progress)


def write_atomic_files(source: Path, folder: Path) -> None:
    """Writes u.data, u.user and u.item of ml-100k.zip in the form of the atomic files.

    Raises:
        BadInput: a file that has another number of columns.
    """
    ratings = _read(source / "u.data", "\t", 4)
    ratings.columns = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    users = _read(source / "u.user", "|", 5)
    users.columns = ["user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"]
    films = _read(source / "u.item", "|", 5 + len(_GENRES))
    flags = films.columns[5:]
    genres = [
        pl.when(pl.col(flag) == "1").then(pl.lit(genre)) for flag, genre in zip(flags, _GENRES, strict=True)
    ]
    films = films.select(
        pl.nth(0).alias("item_id:token"),
        pl.nth(2).str.extract(r"(\d{4})$").alias("release_year:token"),
        pl.concat_str(genres, separator=" ", ignore_nulls=True).alias("class:token_seq"),
    )
    for name, frame in (("inter", ratings), ("user", users), ("item", films)):
        frame.write_csv(folder / f"ml-100k.{name}", separator="\t", quote_style="never")


def _read(file: Path, separator: str, columns: int) -> pl.DataFrame:
    try:
        frame = pl.read_csv(
            file.read_text("latin-1").encode(),
            separator=separator,
            has_header=False,
            quote_char=None,
            infer_schema=False,
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if frame.width != columns:
        raise BadInput(f"{file} has {frame.width} columns, expected {columns}")
    return frame
