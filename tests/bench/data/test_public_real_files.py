"""Loaders of public data sets on the published files; skipped where they are absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import SPLITS
from bench.data.describe import describe
from bench.data.public import NAMED
from bench.data.schema import FIRST_ID
from bench.errors import BadInput
from tests.bench.data.test_public import base_rate, fields_of, load


def test_movielens_1m_folds(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-1m-folds"].load(real_data("movielens-1m"), tmp_path / "movielens-1m")
    assert dataset.rows == {"train": 600_126, "valid": 200_042, "test": 200_041}
    assert base_rate(dataset) == pytest.approx(0.5752, abs=1e-4)
    assert fields_of(dataset, "user") == ["user", "gender", "age", "occupation", "zip_prefix"]
    assert fields_of(dataset, "item") == ["item", "year", "genres"]
    cardinalities = {field.name: field.cardinality - FIRST_ID for field in dataset.schema.fields}
    assert cardinalities["user"] == 6040
    assert (cardinalities["gender"], cardinalities["age"], cardinalities["occupation"]) == (2, 7, 21)
    assert cardinalities["genres"] == 18
    for split in SPLITS:
        genres = dataset.splits[split].sequences["genres"]
        assert (genres[:, 0] >= FIRST_ID).all()
    assert describe(dataset)["users"]["train"] == 6040


def test_movielens_1m_in_its_official_format(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    """A tenth of the ratings, those whose times are at hand."""
    folder = real_data("movielens-1m")
    (tmp_path / "ratings.dat").symlink_to(folder / "ratings_100k_with_ts.dat")
    for file in ("users.dat", "movies.dat"):
        (tmp_path / file).symlink_to(folder / file)
    dataset = load("movielens-1m", tmp_path)
    assert sum(dataset.rows.values()) == 100_000
    assert dataset.schema.fields[-1].table == "item"
    assert (dataset.splits["test"].sequences["liked_before"] > 0).any(axis=1).mean() > 0.8


def test_movielens_100k(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-100k"].load(real_data("movielens-100k"), tmp_path / "movielens-100k")
    assert dataset.rows == {"train": 70_418, "valid": 9_949, "test": 19_633}
    assert base_rate(dataset) == pytest.approx(0.55375)
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    latest = np.zeros(943, np.int64)
    np.maximum.at(latest, train.user, train.time)
    assert (latest[valid.user] <= valid.time).all()
    assert (latest[test.user] <= test.time).all()
    liked = np.unique(train.categorical[train.label[:, 0] == 1][:, 5])
    assert np.isin(train.sequences["liked_before"], np.append(liked, 0)).all()
    assert describe(dataset)["base_rate"]["liked"]["test"] == pytest.approx(test.label.mean())


def test_frappe(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    source = real_data("frappe")
    dataset = NAMED["frappe"].load(source, tmp_path / "frappe")
    assert dataset.rows == {"train": 202_027, "valid": 57_722, "test": 28_860}
    assert base_rate(dataset) == pytest.approx(1 / 3, abs=1e-3)
    assert fields_of(dataset, "user") == ["user"]
    assert fields_of(dataset, "item") == ["item", "cost"]
    assert describe(dataset)["users"]["train"] == 924
    for split in SPLITS:  # as published: CSV with line ends of two characters
        pl.read_parquet(source / f"{split}.parquet").write_csv(
            tmp_path / f"{split}.csv", line_terminator="\r\n"
        )
    assert load("frappe", tmp_path).fingerprint == dataset.fingerprint


def test_the_heads_of_criteo_and_avazu(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    criteo = NAMED["criteo"].load(real_data("criteo-head"), tmp_path / "criteo")
    assert criteo.rows == {"train": 8_000, "valid": 1_000, "test": 1_000}
    described = describe(criteo)
    assert [field["name"] for field in described["fields"]][:2] == ["I1", "I2"]
    assert described["base_rate"]["click"]["train"] == pytest.approx(0.2269, abs=0.03)
    with pytest.raises(BadInput, match="train split has no rows"):  # the head is of one hour
        NAMED["avazu"].load(real_data("avazu-head"), tmp_path / "avazu")
