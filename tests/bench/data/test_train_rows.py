"""The last training rows: a shorter log with the same valid and test splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.schema import Field, Schema
from bench.data.writing import DatasetWriter
from bench.errors import BadInput

TIMES = np.array([5, 9, 1, 7, 7, 3], np.int64)


def world(folder: Path, *, time: bool) -> Dataset:
    """Six training rows with the ids 2 … 7, at `TIMES`, and one row of each other split."""
    schema = Schema(
        fields=(Field(name="f", kind="categorical", group="item", cardinality=9),), tasks=("t",), time=time
    )
    rows = {"train": 6, "valid": 1, "test": 1}
    with DatasetWriter(folder / "w", name="w", rev=1, schema=schema, rows=rows, source={}) as writer:
        for split in SPLITS:
            count = rows[split]
            writer.append(
                split,
                Rows(
                    categorical=np.arange(2, 2 + count, dtype=np.int32)[:, None],
                    numeric=np.empty((count, 0), np.float32),
                    sequences={},
                    label=np.zeros((count, 1), np.uint8),
                    time=TIMES[:count] if time else None,
                ),
            )
    return Dataset.open(folder / "w")


def ids(dataset: Dataset) -> list[int]:
    return np.asarray(dataset.splits["train"].categorical)[:, 0].tolist()


def test_they_are_the_last_rows_and_valid_and_test_stay(small_world: Dataset) -> None:
    shorter = small_world.with_train_rows(1_000)
    whole, kept = small_world.splits["train"], shorter.splits["train"]
    for (name, column), (_, of_all) in zip(kept.columns(), whole.columns(), strict=True):
        np.testing.assert_array_equal(column, of_all[-1_000:], err_msg=name)
    assert kept.time is not None
    assert small_world.splits["valid"].time is not None
    assert kept.time[-1] == whole.time[-1] <= small_world.splits["valid"].time[0]
    assert shorter.splits["valid"] is small_world.splits["valid"]
    assert shorter.splits["test"] is small_world.splits["test"]
    assert shorter.rows == {**small_world.rows, "train": 1_000}
    assert shorter.fingerprint == small_world.fingerprint


def test_fewer_rows_are_a_part_of_more_and_all_are_all(small_world: Dataset) -> None:
    fewer, more = (small_world.with_train_rows(n).splits["train"].categorical for n in (500, 900))
    np.testing.assert_array_equal(fewer, more[-500:])
    every = small_world.with_train_rows(small_world.rows["train"])
    np.testing.assert_array_equal(every.splits["train"].categorical, small_world.splits["train"].categorical)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [3]),  # at time 9
        (2, [3, 6]),  # of the two at time 7, the later in the data set
        (3, [3, 5, 6]),
        (5, [2, 3, 5, 6, 7]),  # all but the one at time 1
    ],
)
def test_rows_out_of_the_order_of_time_are_chosen_by_their_time(
    tmp_path: Path, count: int, expected: list[int]
) -> None:
    assert ids(world(tmp_path, time=True).with_train_rows(count)) == expected


def test_without_time_the_order_of_the_data_set_counts(tmp_path: Path) -> None:
    assert ids(world(tmp_path, time=False).with_train_rows(2)) == [6, 7]


@pytest.mark.parametrize("count", [0, 7])
def test_a_number_that_there_is_not_is_refused(tmp_path: Path, count: int) -> None:
    says = f"training rows are {count}, but w has 6; give --train-rows from 1 to 6, or 'all'"
    with pytest.raises(BadInput, match=says):
        world(tmp_path, time=False).with_train_rows(count)
