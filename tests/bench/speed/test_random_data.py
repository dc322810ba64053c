"""Random data has the shape that is asked for, and the same rows every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadInput
from bench.speed.random_data import random_dataset, random_schema


def test_the_shape_is_what_was_asked_for(tmp_path: Path) -> None:
    dataset = random_dataset(tmp_path / "random", schema=random_schema(39, 709_000), rows=20_000)
    train = dataset.splits["train"]
    assert train.categorical.shape == (20_000, 39)
    assert sum(field.cardinality for field in dataset.schema.fields) == 39 * (709_000 // 39)
    assert train.categorical.min() == 2  # the first id that is a known value
    assert 18_000 < train.categorical.max() < 709_000 // 39
    assert set(np.unique(train.label)) == {0, 1}
    assert abs(train.label.mean() - 0.5) < 0.02


def test_a_tenth_of_the_values_makes_nearly_half_of_the_rows(tmp_path: Path) -> None:
    dataset = random_dataset(tmp_path / "random", schema=random_schema(2, 20_004), rows=50_000)
    share = (dataset.splits["train"].categorical < 2 + 1_000).mean()
    assert share == pytest.approx(0.1 ** (1 / 3), abs=0.01)


def test_a_seed_decides_the_rows(tmp_path: Path) -> None:
    schema = random_schema(3, 300)
    made = [
        random_dataset(tmp_path / name, schema=schema, rows=1_000, seed=seed).fingerprint
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("fields", "table_rows", "message"),
    [
        (4097, 1 << 20, "--random-fields is 4097; it must be from 1 to 4096"),
        (5, 1 << 31, "--random-table-rows is 2147483648; it must be below"),
        (0, 100, "--random-fields is 0"),
        (40, 100, "--random-table-rows is 100, too few for 40 fields"),
    ],
)
def test_an_impossible_shape_is_refused(fields: int, table_rows: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        random_schema(fields, table_rows)
