"""The synthetic data set on disk, made by one process or several.

A row is the same to the last bit in whatever chunks and by however many processes the data set is made, and
memory does not grow with the rows.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.synthetic.events import draw_events
from bench.data.synthetic.fields import log, schema
from bench.data.synthetic.truth import FAMILIES, Truth, draw_truth, probability
from bench.data.writing import DatasetWriter
from bench.errors import BadInput, unknown_name
from bench.machine.parallel import map_in_order, worker_processes

REV = 4
_LEAST_ROWS = 11
BLOCK_ROWS = 4096
"""What is computed at a time: enough to keep numpy busy, little enough for the cache."""
CHUNK_ROWS = 16 * BLOCK_ROWS
"""What a process is asked for at a time."""


def dataset_name(family: str, rows: int, seed: int) -> str:
    """Name of the data set of that family, size and seed."""
    return f"{family}-{rows}-{seed}"


def rows_of_splits(rows: int) -> dict[str, int]:
    """Split → its rows, of so many in all: 8 of 11 for training, then 1 of 11 valid, then 2 test.

    Raises:
        BadInput: fewer than 11 rows, with which a split would have none.
    """
    if rows < _LEAST_ROWS:
        raise BadInput(f"rows is {rows}; it must be {_LEAST_ROWS} or more")
    valid_start, test_start = rows * 8 // 11, rows * 9 // 11
    return {"train": valid_start, "valid": test_start - valid_start, "test": rows - test_start}


def synthesize(
    directory: Path,
    *,
    family: str,
    rows: int,
    seed: int,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Writes the data set of that family, size and seed, and opens it.

    Rows are in the order of time, and so are the splits; see `rows_of_splits`.

    Args:
        directory: where the data set will stand; what is there is replaced at the end.
        family: one of `FAMILIES`.
        rows: of all splits together, 11 or more.
        seed: decides the world and every row; 0 or more.
        processes: that make rows; the data set is the same for any number.
        progress: called after each chunk with the number of rows written so far, and of all.

    Raises:
        BadInput: an unknown family, too few rows or processes, or a negative seed.
        WorkerDied: one of several processes ended, as when memory runs out.
    """
    if family not in FAMILIES:
        raise unknown_name("family", family, FAMILIES)
    of_splits = rows_of_splits(rows)
    for name, value, least in (("seed", seed, 0), ("processes", processes, 1)):
        if value < least:
            raise BadInput(f"{name} is {value}; it must be {least} or more")
    ends = dict(zip(SPLITS, itertools.accumulate(of_splits[split] for split in SPLITS), strict=True))
    bounds = {split: (end - of_splits[split], end) for split, end in ends.items()}
    with DatasetWriter(
        directory,
        name=dataset_name(family, rows, seed),
        rev=REV,
        schema=schema(),
        rows=of_splits,
        source={"generator": "synthetic", "family": family, "seed": seed, "rows": rows},
        probability=True,
    ) as writer:
        done = 0
        for chunk in _chunks(family, seed, rows, processes):
            for split in SPLITS:
                start, stop = (min(max(bound - done, 0), len(chunk)) for bound in bounds[split])
                writer.append(split, chunk.take(slice(start, stop)))
            done += len(chunk)
            if progress is not None:
                progress(done, rows)
    return Dataset.open(directory)


def _chunks(family: str, seed: int, rows: int, processes: int) -> Iterator[Rows]:
    """The first `rows` rows, in order, `CHUNK_ROWS` at a time."""
    starts = range(0, rows, CHUNK_ROWS)
    work = functools.partial(_chunk, family, seed, rows, CHUNK_ROWS)
    processes = min(processes, len(starts))
    if processes == 1:
        yield from map(work, starts)
        return
    with worker_processes(processes) as pool:
        yield from map_in_order(pool, work, starts, ahead=2 * processes)


def _chunk(family: str, seed: int, rows: int, most: int, start: int) -> Rows:
    """At most so many of the first `rows` rows, from row `start` on."""
    stop = min(start + most, rows)
    firsts = range(start, stop, BLOCK_ROWS)
    blocks = [dict(_block(family, seed, np.arange(f, min(f + BLOCK_ROWS, stop))).columns()) for f in firsts]
    return Rows.from_columns({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})


def _block(family: str, seed: int, row: np.ndarray) -> Rows:
    events = draw_events(seed, row)
    return log(seed, events, probability(_truth(family, seed), events))


@functools.cache
def _truth(family: str, seed: int) -> Truth:
    return draw_truth(family, seed)
