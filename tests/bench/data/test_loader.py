import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data import loader
from bench.data.dataset import Rows
from bench.data.loader import (
    BLOCK_ROWS,
    WINDOW_BLOCKS,
    batches,
    num_training_batches,
    rows_per_second,
    training_batches,
)
from bench.errors import BadInput


def numbered_rows(count):
    """Rows whose every column says which row it is."""
    number = np.arange(count)
    return Rows(
        categorical=np.stack([number, number + 1], axis=1).astype(np.int32),
        numeric=np.empty((count, 0), np.float32),
        sequences={"history": np.stack([number * 2, number * 3], axis=1).astype(np.int32)},
        label=(number % 2)[:, None].astype(np.uint8),
        user=(number // 2).astype(np.int32),
        time=number.astype(np.int64) * 60,
    )


def row_numbers(delivered):
    return np.concatenate([batch.time // 60 for batch in delivered])


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(loader, "BLOCK_ROWS", 8)
    monkeypatch.setattr(loader, "WINDOW_BLOCKS", 3)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("shuffle_seed", [None, 0, (3, 1)])
@pytest.mark.parametrize("batch_size", [1, 5, 24, 100, 1000])
@pytest.mark.parametrize("count", [0, 1, 24, 203])
def test_every_row_once_in_full_batches(count, batch_size, shuffle_seed):
    rows = numbered_rows(count)
    delivered = list(batches(rows, batch_size=batch_size, shuffle_seed=shuffle_seed))
    sizes = [len(batch) for batch in delivered]
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert sum(sizes) == count
    assert all(size > 0 for size in sizes)
    if count:
        assert np.array_equal(np.sort(row_numbers(delivered)), np.arange(count))


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [
        (0, 5, []),
        (1, 5, [1]),
        (10, 5, [5, 5]),
        (11, 5, [5, 6]),
        (12, 5, [5, 5, 2]),
        (3, 1, [1, 1, 1]),
        (3, 2, [3]),
    ],
)
def test_no_training_batch_is_a_single_row_beside_others(count, batch_size, sizes):
    rows = numbered_rows(count)
    delivered = list(training_batches(rows, batch_size=batch_size, shuffle_seed=0))
    assert [len(batch) for batch in delivered] == sizes
    assert num_training_batches(count, batch_size) == len(sizes)
    plain = list(batches(rows, batch_size=batch_size, shuffle_seed=0))
    if count:
        assert np.array_equal(row_numbers(delivered), row_numbers(plain))


@pytest.mark.parametrize("shuffle_seed", [None, 0])
def test_the_columns_of_a_row_stay_together(shuffle_seed):
    rows = numbered_rows(5000)
    for batch in batches(rows, batch_size=640, shuffle_seed=shuffle_seed):
        expected = dict(rows.take(batch.time // 60).columns())
        for name, array in batch.columns():
            assert np.array_equal(array, expected[name])
            assert array.dtype == expected[name].dtype


@pytest.mark.parametrize("shuffle_seed", [None, 0])
def test_batches_own_their_memory(tmp_path, shuffle_seed):
    np.save(tmp_path / "label.npy", np.zeros((100, 1), np.uint8))
    label = np.load(tmp_path / "label.npy", mmap_mode="r")
    rows = Rows(categorical=label.astype(np.int32), numeric=label[:, :0], sequences={}, label=label)
    delivered = list(batches(rows, batch_size=30, shuffle_seed=shuffle_seed))
    for batch in delivered:
        assert type(batch.label) is np.ndarray
        assert batch.label.flags.c_contiguous
        batch.label[:] = 1  # refused by a view of the file
    assert label.max() == 0


def test_without_a_seed_rows_keep_their_order():
    delivered = batches(numbered_rows(1000), batch_size=64)
    assert np.array_equal(row_numbers(delivered), np.arange(1000))


def test_the_seed_decides_the_order():
    def order(seed):
        return row_numbers(batches(numbered_rows(3000), batch_size=64, shuffle_seed=seed))

    assert np.array_equal(order((1, 2)), order((1, 2)))
    orders = [order(seed) for seed in (0, 1, (0, 1), (1, 1))]
    for i, one in enumerate(orders):
        assert not any(np.array_equal(one, other) for other in orders[:i])
        assert not np.array_equal(one, np.arange(3000))


def test_a_batch_mixes_rows_from_all_over_the_split():
    count = 3 * BLOCK_ROWS * WINDOW_BLOCKS
    first = next(iter(batches(numbered_rows(count), batch_size=4096, shuffle_seed=0))).time // 60
    share_of_each_tenth = np.histogram(first, bins=10, range=(0, count))[0] / 4096
    assert share_of_each_tenth.min() > 0.03
    # Within a window rows are shuffled one by one: neighbours in the batch are not neighbours in the split.
    assert np.mean(np.abs(np.diff(first)) == 1) < 0.01


@given(st.integers(1, 400), st.integers(1, 80), st.integers(0, 2**32))
def test_any_size_any_seed(count, batch_size, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "BLOCK_ROWS", 8)
        patch.setattr(loader, "WINDOW_BLOCKS", 3)
        delivered = list(batches(numbered_rows(count), batch_size=batch_size, shuffle_seed=seed))
    assert np.array_equal(np.sort(row_numbers(delivered)), np.arange(count))
    assert len(delivered) == -(-count // batch_size)


def test_a_batch_size_below_one_is_refused_before_any_batch():
    with pytest.raises(BadInput, match="batch_size is 0"):
        batches(numbered_rows(3), batch_size=0)


def test_rows_per_second_counts_what_it_delivers():
    assert rows_per_second(numbered_rows(5000), batch_size=512, seconds=0.05) > 0
