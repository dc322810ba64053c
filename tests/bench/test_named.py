"""The named data sets: their joins on small made files, and the whole sets where the real data is at hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.dataset import SPLITS, Dataset
from bench.errors import BadInput
from bench.named import NAMED
from bench.named.files import read_double_colons
from bench.named.movielens_100k import with_history, with_split
from bench.schema import FIRST_ID


def base_rate(dataset: Dataset) -> float:
    positives = sum(int(dataset.splits[split].label[:, 0].sum()) for split in SPLITS)
    return positives / sum(dataset.rows.values())


def fields_of(dataset: Dataset, group: str) -> list[str]:
    return [field.name for field in dataset.schema.fields if field.group == group]


def vocabulary(dataset: Dataset, field: str) -> dict[str, int]:
    table = pl.read_parquet(dataset.directory / "vocabulary" / f"{field}.parquet")
    return dict(zip(table["value"], table["id"], strict=True))


@pytest.mark.parametrize("name", NAMED)
def test_a_missing_file_is_named_with_what_it_holds_and_where_to_get_it(name: str, tmp_path: Path) -> None:
    named = NAMED[name]
    assert named.name == name
    file, content = next(iter(named.files.items()))
    with pytest.raises(BadInput) as caught:
        named.load(tmp_path, tmp_path / "data")
    assert all(part in str(caught.value) for part in (file, content, named.url))


def test_listing_the_names_imports_no_slow_library() -> None:
    slow = "{'torch', 'polars', 'pyarrow', 'pandas'}"
    code = f"import sys, bench.named; sys.exit(not {slow}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMED)
def test_files_that_are_not_what_they_should_be_are_refused(name: str, tmp_path: Path) -> None:
    for file in NAMED[name].files:
        (tmp_path / file).write_text("nothing\n")
    with pytest.raises(BadInput) as caught:
        NAMED[name].load(tmp_path, tmp_path / "data" / "made")
    assert "cannot be read" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_double_colons_are_cut_at_line_feeds_only(tmp_path: Path) -> None:
    file = tmp_path / "movies.dat"
    file.write_bytes("1::Caf\xe9 \x85 (1995)::Drama\r\n2::Up: (2009)::Comedy|War\n".encode("latin-1"))
    assert read_double_colons(file, ("item", "title", "genres")).rows() == [
        ("1", "Caf\xe9 \x85 (1995)", "Drama"),
        ("2", "Up: (2009)", "Comedy|War"),
    ]
    with pytest.raises(BadInput, match="line 1 has 3 cells, expected item::title"):
        read_double_colons(file, ("item", "title"))


def test_movielens_1m_on_made_files(tmp_path: Path) -> None:
    ratings = {
        "user": [1, 1, 2, 2, 2],
        "item": [7, 8, 7, 8, 9],
        "rating": [5, 3, 4, 1, 2],
        "fold": [1, 2, 3, 4, 5],
    }
    pl.DataFrame(ratings).write_parquet(tmp_path / "ratings.parquet")
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::48199-1234\n")
    (tmp_path / "movies.dat").write_text("7::Seven (1995)::Crime|Thriller\n8::8 (1963)::Drama\n", "latin-1")
    dataset = NAMED["movielens-1m"].load(tmp_path, tmp_path / "data")
    assert dataset.rows == {"train": 3, "valid": 1, "test": 1}
    assert dataset.splits["train"].label[:, 0].tolist() == [1, 0, 1]
    assert vocabulary(dataset, "zip_prefix") == {"480": FIRST_ID, "481": FIRST_ID + 1}
    assert vocabulary(dataset, "year") == {"1995": FIRST_ID, "1963": FIRST_ID + 1}
    test = dataset.splits["test"]  # a film that is in no other file and in no training row
    assert test.sequences["genres"].tolist() == [[0] * 6]


def test_histories_hold_likes_of_strictly_earlier_times() -> None:
    ratings = pl.DataFrame(
        {
            "user": ["u"] * 6 + ["v"],
            "item": ["a", "b", "c", "d", "e", "f", "a"],
            "rating": [4.0, 5.0, 3.0, 4.0, 4.0, 1.0, 5.0],
            "time": [20, 10, 20, 20, 30, 40, 99],
        }
    ).with_row_index("row")
    histories = dict(with_history(ratings).select("row", "liked_before").iter_rows())
    assert {row: history or "" for row, history in histories.items()} == {
        0: "b",
        1: "",
        2: "b",
        3: "b",
        4: "b a d",
        5: "b a d e",
        6: "",
    }


def test_long_histories_keep_the_latest_likes() -> None:
    ratings = pl.DataFrame(
        {"user": ["u"] * 60, "item": [str(i) for i in range(60)], "rating": [5.0] * 60, "time": range(60)}
    ).with_row_index("row")
    last = with_history(ratings).sort("row")["liked_before"][-1]
    assert last.split() == [str(i) for i in range(9, 59)]


def test_the_split_of_a_user_is_by_time_and_ties_by_row() -> None:
    ratings = pl.DataFrame({"user": ["u"] * 10 + ["v"] * 5, "time": [9, 8, 7, 6, 5, 4, 3, 2, 2, 2] + [1] * 5})
    split = with_split(ratings)["split"].to_list()
    assert split[:10] == ["test", "test", "valid"] + ["train"] * 7
    assert split[10:] == ["train"] * 4 + ["test"]


def test_movielens_1m(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-1m"].load(real_data("movielens-1m"), tmp_path / "movielens-1m")
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
    assert 1 + max(int(dataset.splits[split].user.max()) for split in SPLITS) == 6040


def test_movielens_100k(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["movielens-100k"].load(real_data("movielens-100k"), tmp_path / "movielens-100k")
    assert sum(dataset.rows.values()) == 100_000
    assert dataset.rows["test"] == pytest.approx(20_000, abs=943)
    assert dataset.rows["valid"] == pytest.approx(10_000, abs=943)
    assert base_rate(dataset) == pytest.approx(0.55375)
    assert dataset.schema.fields[-1].table == "item"
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    latest = np.zeros(943, np.int64)
    np.maximum.at(latest, train.user, train.time)
    assert (latest[valid.user] <= valid.time).all()
    assert (latest[test.user] <= test.time).all()
    liked = np.unique(train.categorical[train.label[:, 0] == 1][:, 5])
    assert np.isin(train.sequences["liked_before"], np.append(liked, 0)).all()


def test_frappe(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset = NAMED["frappe"].load(real_data("frappe"), tmp_path / "frappe")
    assert dataset.rows == {"train": 202_027, "valid": 57_722, "test": 28_860}
    assert base_rate(dataset) == pytest.approx(1 / 3, abs=1e-3)
    assert len(dataset.schema.fields) == 10
    assert fields_of(dataset, "user") == ["user"]
    assert fields_of(dataset, "item") == ["item", "cost"]
    assert dataset.schema.user == "user"
