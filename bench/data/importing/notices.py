"""What a user should know about an import before trusting its numbers: classes, ranges, leaks, units.

What makes training meaningless is an error. What makes a result doubtful is a warning of one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.data.dataset import SPLITS
from bench.data.importing.columns import FieldPlan
from bench.data.importing.plan import ByColumn, ByFile, ByOrder, ImportPlan
from bench.data.importing.reading import USER_VALUES
from bench.data.importing.splits import SplitOf, columns_of_split
from bench.data.importing.spool import Spool
from bench.data.importing.survey import TRAIN, Survey, has_vocabulary
from bench.data.importing.time_formats import PER_SECOND, unit_that_fits, year_of
from bench.data.schema import MISSING_LABEL
from bench.errors import BadInput

CLASSES = {"positive": 1, "negative": 0, "missing": MISSING_LABEL}

LabelCounts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Task → split → each of `CLASSES` → rows."""


def label_counts(plan: ImportPlan, spool: Spool, split_of: SplitOf) -> LabelCounts:
    """How many rows of each split have which label of each task.

    Raises:
        BadInput: the train split has only one class of a task.
    """
    counts = np.zeros((len(plan.labels), len(SPLITS), len(CLASSES)), dtype=np.int64)
    for first_row, columns in spool.blocks(*columns_of_split(plan.split)):
        split = split_of(first_row, columns)
        for number in range(len(SPLITS)):
            of_split = columns["label"][split == number]
            for place, value in enumerate(CLASSES.values()):
                counts[:, number, place] += np.count_nonzero(of_split == value, axis=0)
    found = {
        task.name: {
            split: dict(zip(CLASSES, counts[k, number].tolist(), strict=True))
            for number, split in enumerate(SPLITS)
        }
        for k, task in enumerate(plan.labels)
    }
    for task in plan.labels:
        of_train = found[task.name]["train"]
        if not (of_train["positive"] and of_train["negative"]):
            rule = "" if task.positive is None else f" or its rule, positive = {task.positive!r}"
            raise BadInput(
                f"task '{task.name}': the train split has no {_absent(of_train)} ({_told(of_train)}), but a "
                f"model needs both classes; change [split] or the label column '{task.column}'{rule}"
                f"{_skips(spool)}"
            )
    return found


def _skips(spool: Spool) -> str:
    """The skipped rows by reason, the most frequent first; empty if there are none."""
    reasons = [f"{count:,} rows were skipped: {reason}" for reason, count in spool.skipped.most_common()]
    return "".join(f"; {reason}" for reason in reasons)


def class_warnings(counts: LabelCounts) -> list[str]:
    """A line for every task that has only one class in valid or test."""
    return [
        f"task '{task}': the {split} split has no {_absent(of_split)} ({_told(of_split)}); "
        f"its AUC on {split} is undefined"
        for task, splits in counts.items()
        for split, of_split in splits.items()
        if not (of_split["positive"] and of_split["negative"])
    ]


def _absent(counts: Mapping[str, int]) -> str:
    return " and no ".join(name for name in ("positive", "negative") if not counts[name])


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def range_warnings(
    plan: ImportPlan, spool: Spool, split_of: SplitOf, found: Survey
) -> tuple[list[str], dict[str, Any]]:
    """(warnings, clipped ranges), where a numeric field has valid or test rows outside the training range.

    Clipped ranges: field → ``low`` and ``high`` (after the transform), and the number of clipped rows by
    split.

    Raises:
        BadInput: a number is too far outside to be stored, and its field does not clip.
    """
    fields = plan.of_kind("numeric")
    outside = np.zeros((len(SPLITS), len(fields)), dtype=np.int64)
    low, high = found.low.copy(), found.high.copy()
    held_out = 0
    for first_row, columns in spool.blocks(*dict.fromkeys(["numeric", *columns_of_split(plan.split)])):
        split, x = split_of(first_row, columns), columns["numeric"]
        held_out += int(np.count_nonzero(split != TRAIN))
        for number in set(range(len(SPLITS))) - {TRAIN}:
            of_split = x[split == number]
            outside[number] += np.count_nonzero((of_split < found.low) | (of_split > found.high), axis=0)
            low = np.fmin(low, np.fmin.reduce(of_split, axis=0, initial=np.inf))
            high = np.fmax(high, np.fmax.reduce(of_split, axis=0, initial=-np.inf))
    warnings, clipped = [], {}
    for i, field in enumerate(fields):
        if found.low[i] > found.high[i] or not outside[:, i].any():  # nothing to compare, or to tell
            continue
        ends = [f"{_untransformed(end[i], field):g}" for end in (found.low, found.high, low, high)]
        told = (
            f"field '{field.name}': {outside[:, i].sum()} of {held_out} valid and test rows are outside the "
            f"training range {ends[0]} … {ends[1]} (all rows: {ends[2]} … {ends[3]})"
        )
        if field.clip:
            rows = {split: int(n) for split, n in zip(SPLITS, outside[:, i], strict=True) if n}
            clipped[field.name] = {"low": float(found.low[i]), "high": float(found.high[i]), "rows": rows}
            continue
        farthest = max(abs(end - found.mean[i]) for end in (low[i], high[i])) / found.std[i]
        if farthest > np.finfo(np.float32).max:
            raise BadInput(
                f"{told}, too far to be stored; set clip = true in the field to limit them to that range"
            )
        warnings.append(f"{told}; set clip = true in the field to limit them to that range")
    return warnings, clipped


def _untransformed(x: float, field: FieldPlan) -> float:
    return float(np.copysign(np.expm1(abs(x)), x)) if field.transform == "log1p" else float(x)


def leak_warnings(plan: ImportPlan, spool: Spool, split_of: SplitOf) -> list[str]:
    """A line if histories of training rows may hold labels of valid or test rows.

    This happens if a training row is later than a row of the same user in another split. A split by time or
    by user-time has no such row, and the plan refuses a random split.
    """
    names = [field.name for field in plan.fields if field.history]
    if not names or not isinstance(plan.split, (ByOrder, ByColumn, ByFile)):
        return []
    columns_read = dict.fromkeys(["user", "time", *columns_of_split(plan.split)])
    first_held_out = np.full(1 + spool.count_values(USER_VALUES), np.iinfo(np.int64).max)
    for first_row, columns in spool.blocks(*columns_read):
        held_out = split_of(first_row, columns) != TRAIN
        np.minimum.at(first_held_out, columns["user"][held_out], columns["time"][held_out])
    late = rows = 0
    for first_row, columns in spool.blocks(*columns_read):
        train = split_of(first_row, columns) == TRAIN
        rows += int(np.count_nonzero(train))
        late += int(np.count_nonzero(columns["time"][train] > first_held_out[columns["user"][train]]))
    if not late:
        return []
    sort = "sort the rows by time, or " if isinstance(plan.split, ByOrder) else ""
    return [
        f"history of {', '.join(names)}: {late} of {rows} training rows are later than a valid or test row "
        f"of the same user, so its history may contain the label of that row; {sort}split by 'time' or "
        "'user-time'"
    ]


def id_warnings(plan: ImportPlan, spool: Spool) -> list[str]:
    """A line for every field whose ids are all whole numbers written as floats, such as 12.0."""
    names = [field.name for field in plan.fields if has_vocabulary(field) and not field.history]
    written = {name: values for name in names if len(values := spool.values(name))}
    return [
        f"field '{name}': every value is written like '{values[0]}', as if a program had turned integers "
        f"into floats; '{str(values[0]).removesuffix('.0')}' in another file is a different value"
        for name, values in written.items()
        if values.str.contains(r"^-?\d+\.0$").all()
    ]


def unit_warnings(plan: ImportPlan, spool: Spool) -> list[str]:
    """A line if all times are in 1970, which means that the real unit is coarser."""
    time = plan.time
    if time is None or time.format not in PER_SECOND:
        return []
    latest = max(int(columns["time"].max()) for _, columns in spool.blocks("time"))
    count = latest * PER_SECOND[time.format] // 10**6
    other = unit_that_fits(count)
    if other in (None, time.format) or year_of(count, time.format) > 1970:
        return []
    assert other is not None
    return [
        f"[time] format = '{time.format}' puts every row in 1970; '{other}' would put the last row in "
        f"{year_of(count, other)}"
    ]
