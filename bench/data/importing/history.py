"""What only a user's rows together tell, built from the spool once all rows are in it: histories and splits.

A history holds the values of an id field in the rows of the same user at strictly earlier times, oldest
first, the last `max_length` of them; rows of one time do not see each other, whatever their order. Users are
dealt with in parts, so that memory is that of `PART_ROWS` rows and not of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from bench.data.importing.columns import ALL_ROWS, FieldPlan
from bench.data.importing.plan import ByUserTime, ImportPlan
from bench.data.importing.splits import SPLIT_COLUMN
from bench.data.importing.spool import SPOOL_ROWS, Spool
from bench.data.schema import MISSING_ID
from bench.machine.paging import release

PART_ROWS = 1 << 24


def add_histories(plan: ImportPlan, spool: Spool) -> None:
    """Adds the column of every history field of the plan to the spool.

    Raises:
        BadInput: the disk is full.
    """
    for field in plan.of_kind("sequence"):
        if field.history:
            _add_history(plan, spool, field)


def _add_history(plan: ImportPlan, spool: Spool, field: FieldPlan) -> None:
    written = _mapped(spool, f"sequence.{field.name}", np.dtype(np.int32), (field.max_length,))
    column = [f.name for f in plan.of_kind("categorical")].index(str(field.table))
    task = None if field.history == ALL_ROWS else [label.name for label in plan.labels].index(field.history)
    places = np.arange(field.max_length)

    def item_of_event(columns: Mapping[str, np.ndarray]) -> np.ndarray:
        item = columns["categorical"][:, column]
        return item if task is None else np.where(columns["label"][:, task] == 1, item, MISSING_ID)

    for part in _parts_of_users(spool, item_of_event, "categorical", "label"):
        row, item = part["row"], part["kept"]
        event = item != MISSING_ID
        starts, ends = events_before(part["user"], part["time"], event, field.max_length)
        items = item[event]
        for first in range(0, len(row), SPOOL_ROWS):
            some = slice(first, first + SPOOL_ROWS)
            number = starts[some, np.newaxis] + places
            present = number < ends[some, np.newaxis]
            if present.any():
                written[row[some]] = np.where(present, items[np.where(present, number, 0)], 0)
                release(written)


def add_user_splits(plan: ImportPlan, spool: Spool) -> None:
    """Adds the split of every row to the spool, if the plan splits by the times of each user."""
    if not isinstance(plan.split, ByUserTime):
        return
    split = _mapped(spool, SPLIT_COLUMN, np.dtype(np.uint8), ())
    borders = np.cumsum(plan.split.fractions)[:2] - 1e-9  # 0.7 + 0.1 is a little below 0.8 in binary
    for part in _parts_of_users(spool, lambda columns: columns["user"]):
        starts = _starts(part["user"])
        rows_of_user = np.diff(np.append(np.flatnonzero(starts == np.arange(len(starts))), len(starts)))
        share = (np.arange(len(starts)) - starts) / np.repeat(rows_of_user, rows_of_user)
        split[part["row"]] = np.searchsorted(borders, share, side="right")
        release(split)


def _mapped(spool: Spool, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.memmap:
    """A new column of the spool, mapped for rows to be written in any order."""
    # Zeros first: a full disk shows here and not in the mapping.
    for _, columns in spool.blocks("user"):
        spool.write(name, np.zeros((len(columns["user"]), *shape), dtype=dtype))
    return np.memmap(spool.directory / name, dtype=dtype, mode="r+", shape=(spool.rows, *shape))


def events_before(
    user: np.ndarray, time: np.ndarray, event: np.ndarray, max_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which events are the history of each row, as (start, end) of every row in the order of the events.

    Args:
        user, time: (rows,), sorted by user, then time.
        event: bool (rows,), whether the row is an event itself.
    """
    before = np.cumsum(event) - event
    of_user = _starts(user)
    of_time = np.maximum(of_user, _starts(time))
    ends = before[of_time]
    return np.maximum(before[of_user], ends - max_length), ends


def _starts(values: np.ndarray) -> np.ndarray:
    """For every place, where the run of equal values that it is in begins."""
    begins = np.ones(len(values), dtype=bool)
    begins[1:] = values[1:] != values[:-1]
    return np.maximum.accumulate(np.where(begins, np.arange(len(values)), 0))


def _parts_of_users(
    spool: Spool, keep: Callable[[Mapping[str, np.ndarray]], np.ndarray], *names: str
) -> Iterator[dict[str, np.ndarray]]:
    """All rows of some users at a time, sorted by user, time and place in the file.

    Args:
        keep: what else is to be known of the rows, made of the columns `names`.

    Returns:
        ``row`` (their numbers), ``user``, ``time`` and ``kept``.
    """
    parts = -(-spool.rows // PART_ROWS)
    for part in range(parts):
        found: dict[str, list[np.ndarray]] = {name: [] for name in ("row", "user", "time", "kept")}
        for first_row, columns in spool.blocks("user", "time", *names):
            mine = np.flatnonzero(columns["user"] % parts == part)
            found["row"].append(first_row + mine)
            found["user"].append(columns["user"][mine])
            found["time"].append(columns["time"][mine])
            found["kept"].append(keep(columns)[mine])
        joined = {name: np.concatenate(arrays) for name, arrays in found.items()}
        order = np.lexsort((joined["row"], joined["time"], joined["user"]))
        yield {name: array[order] for name, array in joined.items()}
