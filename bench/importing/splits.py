"""Which split a row belongs to, as its place in `bench.dataset.SPLITS`: 0 train, 1 valid, 2 test."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from bench.dataset import SPLITS
from bench.errors import BadInput
from bench.importing.cells import bad_cell
from bench.importing.plan import ByColumn, ByRandom, ByTime, SplitPlan
from bench.importing.spool import SPOOL_ROWS, Spool

SPLIT_COLUMN = "split"

SplitOf = Callable[[int, Mapping[str, np.ndarray]], np.ndarray]
"""(number of the first row, columns of the spool) → uint8 (rows,)."""


def splits_in_column(block: pl.DataFrame, first_row: int, split: ByColumn) -> np.ndarray:
    """The splits (uint8) that the split column of a block of text names.

    Raises:
        BadInput: a value that is in none of the lists.
    """
    number_of = {value: number for number, name in enumerate(SPLITS) for value in getattr(split, name)}
    numbers = block[split.column].replace_strict(
        list(number_of), list(number_of.values()), default=None, return_dtype=pl.UInt8
    )
    if numbers.has_nulls():
        bad = numbers.is_null().to_numpy()
        raise bad_cell(
            block, first_row, split.column, bad, f"one of the values of [split]: {', '.join(number_of)}"
        )
    return numbers.to_numpy()


def split_rule(split: SplitPlan, spool: Spool) -> SplitOf:
    """How the rows of `spool` are split. A split in a column was read with the rows, as `SPLIT_COLUMN`."""
    if isinstance(split, ByColumn):
        return lambda first_row, columns: columns[SPLIT_COLUMN]
    borders = np.cumsum(split.fractions)[:2]
    if isinstance(split, ByRandom):
        seed = split.seed
        return lambda first_row, columns: _side(borders, _uniform(seed, first_row, len(columns["label"])))
    assert isinstance(split, ByTime), split
    # 1e-9: 0.8 + 0.1 is a little below 0.9 in binary, and nine tenths of ten rows are nine
    ranks = [min(int(border * spool.rows + 1e-9), spool.rows - 1) for border in borders]
    times = np.array([_order_statistic(spool.column("time"), rank) for rank in ranks])
    return lambda first_row, columns: _side(times, columns["time"])


def rows_per_split(spool: Spool, split_of: SplitOf) -> dict[str, int]:
    """Split → its rows.

    Raises:
        BadInput: a split without rows.
    """
    counts = np.zeros(len(SPLITS), dtype=np.int64)
    for first_row, columns in spool.blocks():
        counts += np.bincount(split_of(first_row, columns), minlength=len(SPLITS))
    rows = dict(zip(SPLITS, counts.tolist(), strict=True))
    empty = [split for split, count in rows.items() if not count]
    if empty:
        got = ", ".join(f"{split} {count}" for split, count in rows.items())
        raise BadInput(
            f"the {empty[0]} split has no rows ({got} of {spool.rows}); change [split] so that each has some "
            "(rows of one time or of one listed value stay together)"
        )
    return rows


def _side(borders: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(borders, values, side="right").astype(np.uint8)


def _uniform(seed: int, first_row: int, rows: int) -> np.ndarray:
    """Numbers in [0, 1), a function of the seed and the row's number: the splitmix64 sequence of the seed.

    Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    row = np.arange(first_row + 1, first_row + 1 + rows, dtype=np.uint64)
    state = _mix(np.array([seed], dtype=np.uint64)) + row * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(state) >> np.uint64(11)) * 2.0**-53


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _order_statistic(values: np.ndarray, rank: int) -> int:
    """What would stand at `rank` (from 0) if `values` were sorted, by bisection over the range of the values.

    Takes one pass a bit of the range and the memory of a block, however many values there are.
    """
    blocks = [values[start : start + SPOOL_ROWS] for start in range(0, len(values), SPOOL_ROWS)]
    low, high = min(int(block.min()) for block in blocks), max(int(block.max()) for block in blocks)
    while low < high:
        middle = (low + high) // 2
        if sum(int(np.count_nonzero(block <= middle)) for block in blocks) > rank:
            high = middle
        else:
            low = middle + 1
    return low
