"""Which split a row belongs to, as its place in `bench.data.dataset.SPLITS`: 0 train, 1 valid, 2 test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import polars as pl

from bench.data.dataset import SPLITS
from bench.data.importing.cells import Check
from bench.data.importing.plan import ByColumn, ByFile, ByOrder, ByRandom, ByTime, ByUserTime, SplitPlan
from bench.data.importing.spool import Spool
from bench.data.splitmix import INCREMENT, mix
from bench.errors import BadInput

SPLIT_COLUMN = "split"

SplitOf = Callable[[int, Mapping[str, np.ndarray]], np.ndarray]
"""(number of the first row, columns of the spool) → uint8 (rows,)."""


def splits_in_column(frame: pl.DataFrame, split: ByColumn, check: Check) -> np.ndarray:
    """The splits (uint8) that the split column of some rows names; rows with another value are refused."""
    number_of = {value: number for number, name in enumerate(SPLITS) for value in getattr(split, name)}
    numbers = frame[split.column].replace_strict(
        list(number_of), list(number_of.values()), default=None, return_dtype=pl.UInt8
    )
    expected = f"one of the values of [split]: {', '.join(number_of)}"
    check.refuse(split.column, numbers.is_null().to_numpy(), expected)
    return numbers.fill_null(0).to_numpy()


def split_rule(split: SplitPlan, spool: Spool) -> SplitOf:
    """How the rows of `spool` are split, which for some plans already stands in it, as `SPLIT_COLUMN`."""
    if isinstance(split, (ByColumn, ByUserTime)):
        return lambda first_row, columns: columns[SPLIT_COLUMN]
    if isinstance(split, ByFile):
        return functools.partial(_by_file, split)
    borders = np.cumsum(split.fractions)[:2]
    if isinstance(split, ByRandom):
        seed = split.seed
        return lambda first_row, columns: _side(borders, _uniform(seed, first_row, len(columns["label"])))
    # 1e-9: 0.8 + 0.1 is a little below 0.9 in binary, and nine tenths of ten rows are nine
    ranks = [min(int(border * spool.rows + 1e-9), spool.rows - 1) for border in borders]
    if isinstance(split, ByOrder):
        return lambda first_row, columns: _side(
            np.array(ranks), np.arange(first_row, first_row + len(columns["label"]))
        )
    assert isinstance(split, ByTime), split
    times = np.array([_order_statistic(spool, "time", rank) for rank in ranks])
    return lambda first_row, columns: _side(times, columns["time"])


def _by_file(split: ByFile, first_row: int, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    of_file = columns[SPLIT_COLUMN]
    if split.valid:
        return of_file
    drawn = _uniform(split.seed, first_row, len(of_file)) < split.valid_fraction
    return np.where(drawn & (of_file == SPLITS.index("train")), SPLITS.index("valid"), of_file)


def columns_of_split(split: SplitPlan) -> tuple[str, ...]:
    """The spool columns that the rule for `split` looks at."""
    if isinstance(split, (ByColumn, ByUserTime, ByFile)):
        return ("label", SPLIT_COLUMN)
    return ("label", "time") if isinstance(split, ByTime) else ("label",)


def rows_per_split(split: SplitPlan, spool: Spool, split_of: SplitOf) -> dict[str, int]:
    """Split → its rows.

    Raises:
        BadInput: a split without rows.
    """
    counts = np.zeros(len(SPLITS), dtype=np.int64)
    for first_row, columns in spool.blocks(*columns_of_split(split)):
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
    state = mix(np.array([seed], dtype=np.uint64)) + row * INCREMENT
    return (mix(state) >> np.uint64(11)) * 2.0**-53


def _order_statistic(spool: Spool, column: str, rank: int) -> int:
    """What would stand at `rank` (from 0) if `column` were sorted, by bisection over the range of its values.

    Takes one pass a bit of the range and the memory of a block, however many rows there are.
    """

    def blocks() -> Iterator[np.ndarray]:
        return (columns[column] for _, columns in spool.blocks(column))

    low = min(int(block.min()) for block in blocks())
    high = max(int(block.max()) for block in blocks())
    while low < high:
        middle = (low + high) // 2
        if sum(int(np.count_nonzero(block <= middle)) for block in blocks()) > rank:
            high = middle
        else:
            low = middle + 1
    return low
