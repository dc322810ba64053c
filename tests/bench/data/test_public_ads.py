"""Loaders of Criteo and Avazu on made files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bench.data.dataset import SPLITS
from bench.data.schema import FIRST_ID
from tests.bench.data.test_public import column, load, texts


def criteo_row(click: int, count: str, category: str) -> list[str]:
    return [str(click), *[count] * 13, *[category] * 26]


def test_criteo_raw_keeps_the_order_and_buckets_the_counts(tmp_path: Path) -> None:
    counts = ["-2", "0", "2", "3", "100", ""] * 50
    rows = [criteo_row(i % 2, count, f"{i % 3:08x}") for i, count in enumerate(counts)]
    (tmp_path / "train.txt").write_text("".join("\t".join(row) + "\n" for row in rows))
    dataset = load("criteo", tmp_path)
    assert dataset.rows == {"train": 240, "valid": 30, "test": 30}
    expected = ["-2", "0", "2", "1", "21", None] * 5  # ⌊ln(3)²⌋ = 1, ⌊ln(100)²⌋ = 21
    assert texts(dataset, "I7", column(dataset, "test", "I7")) == expected
    assert dataset.splits["train"].label[:6, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert len(dataset.schema.fields) == 39


def test_criteo_x4_takes_the_published_files_and_drops_what_is_rare(tmp_path: Path) -> None:
    header = ",".join(["Label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))])
    for split, rows in (("train", 40), ("valid", 3), ("test", 3)):
        made = [",".join(criteo_row(i % 2, "5.0", "rare" if i == 1 else "often")) for i in range(rows)]
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("criteo-x4", tmp_path)
    assert dataset.rows == {"train": 40, "valid": 3, "test": 3}
    assert texts(dataset, "C26", column(dataset, "test", "C26")) == ["often", "?", "often"]
    assert texts(dataset, "I1", column(dataset, "test", "I1")) == ["2"] * 3


def test_criteo_x1_takes_the_numbers_as_published(tmp_path: Path) -> None:
    header = ",".join(["label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))])
    for split in SPLITS:
        made = [",".join(criteo_row(i % 2, f"0.{i}", f"{i}")) for i in range(4)]
        (tmp_path / f"{split}.csv").write_text("\n".join([header, *made]) + "\n")
    dataset = load("criteo-x1", tmp_path)
    assert len(dataset.schema.of_kind("numeric")) == 13
    assert dataset.schema.fields[0].mean == pytest.approx(0.15)


def test_the_terabyte_logs_are_hashed_and_split_by_day(tmp_path: Path) -> None:
    for day in range(24):
        rows = [criteo_row(i % 2, "3", f"{day % 2:x}") for i in range(12)]
        text = "".join("\t".join(row) + "\n" for row in rows)
        (tmp_path / f"day_{day}.gz").write_bytes(gzip.compress(text.encode()))
    dataset = load("criteo-1tb", tmp_path)
    assert dataset.rows == {"train": 22 * 12, "valid": 12, "test": 12}
    assert dataset.schema.fields[-1].cardinality == (1 << 20) + FIRST_ID
    train, test = column(dataset, "train", "C1"), column(dataset, "test", "C1")
    assert set(train[12:24]) == set(test)  # days 1 and 23 hold the same value
    assert not set(train[:12]) & set(test)


AVAZU = (
    "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,device_id,"
    "device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21"
)


def avazu_rows(hours: list[str]) -> str:
    rows = [f"{i},{i % 2},{hour}," + ",".join(["1005"] * 21) for i, hour in enumerate(hours)]
    return "\n".join([AVAZU, *rows]) + "\n"


def test_avazu_makes_hour_and_weekday_and_splits_by_time(tmp_path: Path) -> None:
    hours = [f"141021{hour:02}" for hour in range(20)]
    (tmp_path / "train.gz").write_bytes(gzip.compress(avazu_rows(hours).encode()))
    dataset = load("avazu", tmp_path)
    assert dataset.rows == {"train": 16, "valid": 2, "test": 2}
    assert column(dataset, "test", "hour").tolist() == [18 + FIRST_ID, 19 + FIRST_ID]
    assert set(column(dataset, "train", "weekday")) == {1 + FIRST_ID}  # 21 October 2014 was a Tuesday
    assert set(column(dataset, "train", "weekend")) == {FIRST_ID}
    assert len(dataset.schema.fields) == 24


def test_avazu_x4_and_x1_take_the_published_files(tmp_path: Path) -> None:
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(avazu_rows(["14102500", "14102701"]))
    assert column(load("avazu-x4", tmp_path), "test", "weekend").tolist() == [1 + FIRST_ID, FIRST_ID]
    header = ",".join(["label", *(f"feat_{i}" for i in range(1, 23))])
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(f"{header}\n1{',7' * 22}\n0{',8' * 22}\n")
    assert len(load("avazu-x1", tmp_path).schema.fields) == 22
