"""Batches of a split: contiguous reads, whole columns at a time, and a block shuffle that its seed decides.

Rows of one time lie together on disk, and reading them one by one in random order would read a page a row.
So blocks of consecutive rows are drawn in random order, a window of them is read at once, and the rows of
the window are shuffled in memory: a batch mixes rows from all over the split, and the disk sees long reads.
What a window leaves over, less than a batch, joins the next one. Once copied, the pages of a window are given
back, so that the memory of a process does not grow with its data. Free of torch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from bench.data.dataset import Rows
from bench.errors import BadInput
from bench.machine.paging import release

# Both are part of what a seed means: another value gives other batches.
BLOCK_ROWS = 1024  # one read is about 160 KiB of 39 ids a row
WINDOW_BLOCKS = 128  # 131,072 rows in memory, from 128 places of the split

IN_ORDER_ROWS = BLOCK_ROWS * WINDOW_BLOCKS
"""Rows read in their order before their pages are given back."""


def batches(
    rows: Rows, *, batch_size: int, shuffle_seed: int | Sequence[int] | None = None
) -> Iterator[Rows]:
    """Every row once, in batches of `batch_size` rows; only the last one may have fewer.

    Args:
        rows: a split, memory-mapped or not.
        batch_size: 1 or more.
        shuffle_seed: None keeps the order of the rows. An integer, or several such as (seed, epoch), decides
            the order completely: the same rows and seed give the same batches.

    Returns:
        Batches that own their memory: writable arrays, contiguous, with the columns and types of `rows`.

    Raises:
        BadInput: `batch_size` below 1.
    """
    if batch_size < 1:
        raise BadInput(f"batch_size is {batch_size}; it must be 1 or more")
    if shuffle_seed is None:
        return _in_order(rows, batch_size)
    return _shuffled(rows, batch_size, np.random.default_rng(shuffle_seed))


def training_batches(rows: Rows, *, batch_size: int, shuffle_seed: int | Sequence[int]) -> Iterator[Rows]:
    """`batches`, but that a last one of a single row joins the one before it: BatchNorm refuses one row."""
    before = None
    for batch in batches(rows, batch_size=batch_size, shuffle_seed=shuffle_seed):
        if before is not None:
            if len(batch) == 1 < batch_size:
                batch = _joined([before, batch])
            else:
                yield before
        before = batch
    if before is not None:
        yield before


def num_training_batches(num_rows: int, batch_size: int) -> int:
    """How many `training_batches` there are."""
    full, left_over = divmod(num_rows, batch_size)
    joins = left_over == 1 and full > 0
    return full + (left_over > 0 and not joins)


def rows_per_second(rows: Rows, *, batch_size: int, seconds: float) -> float:
    """How many rows a second shuffled batches deliver.

    Passes over `rows` are repeated for about `seconds`, twice: the first time fills the page cache and is
    not counted.
    """
    _rows_and_seconds(rows, batch_size, seconds)
    delivered, elapsed = _rows_and_seconds(rows, batch_size, seconds)
    return delivered / elapsed


def _rows_and_seconds(rows: Rows, batch_size: int, seconds: float) -> tuple[int, float]:
    start = time.perf_counter()
    delivered = epoch = 0
    while True:
        for batch in batches(rows, batch_size=batch_size, shuffle_seed=epoch):
            delivered += len(batch)
            elapsed = time.perf_counter() - start
            if elapsed >= seconds:
                return delivered, elapsed
        epoch += 1


def _in_order(rows: Rows, batch_size: int) -> Iterator[Rows]:
    kept = 0
    for start in range(0, len(rows), batch_size):
        yield _joined([rows.take(slice(start, start + batch_size))])
        kept += batch_size
        if kept >= IN_ORDER_ROWS:
            _release(rows)
            kept = 0


def _shuffled(rows: Rows, batch_size: int, generator: np.random.Generator) -> Iterator[Rows]:
    blocks = generator.permutation(-(-len(rows) // BLOCK_ROWS))
    left_over = rows.take(slice(0))
    for first in range(0, len(blocks), WINDOW_BLOCKS):
        starts = blocks[first : first + WINDOW_BLOCKS] * BLOCK_ROWS
        window = _joined([left_over, *(rows.take(slice(start, start + BLOCK_ROWS)) for start in starts)])
        _release(rows)
        order = generator.permutation(len(window))
        full = len(window) // batch_size * batch_size
        for start in range(0, full, batch_size):
            yield window.take(order[start : start + batch_size])
        left_over = window.take(order[full:])
    if len(left_over):
        yield left_over


def _release(rows: Rows) -> None:
    for _, array in rows.columns():
        release(array)


def _joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts in new arrays."""
    columns: dict[str, list[np.ndarray]] = {}
    for part in parts:
        for name, array in part.columns():
            columns.setdefault(name, []).append(np.asarray(array))  # of a memory map, its plain array
    return Rows.from_columns({name: np.concatenate(arrays) for name, arrays in columns.items()})
