"""What the training rows say: how often each value occurs, and the mean and spread of each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.data.dataset import SPLITS
from bench.data.importing.columns import FieldPlan
from bench.data.importing.ids import Vocabulary, vocabulary
from bench.data.importing.plan import ImportPlan
from bench.data.importing.splits import SplitOf, columns_of_split
from bench.data.importing.spool import Spool
from bench.errors import BadInput

TRAIN = SPLITS.index("train")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the training rows say.

    Args:
        vocabularies: of every field with a dictionary of its own.
        mean, std: float64 (numeric fields,), over the values present; a field of one value or none has std 1.
        low, high: the range of the values present; inf and -inf for a field of none.
    """

    vocabularies: Mapping[str, Vocabulary]
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray


def survey(plan: ImportPlan, spool: Spool, split_of: SplitOf) -> Survey:
    """Passes over the training rows of `spool`.

    Raises:
        BadInput: a field without a known value, or numbers too far apart to be measured.
    """
    numbers = _numbers(plan, spool, split_of)
    return Survey(vocabularies=_vocabularies(plan, spool, split_of), **numbers)


def _train_blocks(
    plan: ImportPlan, spool: Spool, split_of: SplitOf, names: list[str]
) -> Iterator[dict[str, np.ndarray]]:
    for first_row, columns in spool.blocks(*dict.fromkeys([*names, *columns_of_split(plan.split)])):
        train = split_of(first_row, columns) == TRAIN
        yield {name: columns[name][train] for name in names}


def has_vocabulary(field: FieldPlan) -> bool:
    """Whether the ids of `field` come from a dictionary of its own."""
    return field.kind != "numeric" and not (field.table or field.cardinality or field.buckets)


def _vocabularies(plan: ImportPlan, spool: Spool, split_of: SplitOf) -> dict[str, Vocabulary]:
    fields = [field for field in plan.fields if has_vocabulary(field)]
    counts = {field.name: np.zeros(1 + spool.count_values(field.name), np.int64) for field in fields}
    categorical = [(i, f.name) for i, f in enumerate(plan.of_kind("categorical")) if f.name in counts]
    sequences = [(f"sequence.{f.name}", f.name) for f in plan.of_kind("sequence") if f.name in counts]
    names = ["categorical", *(column for column, _ in sequences)]
    for columns in _train_blocks(plan, spool, split_of, names):
        for i, name in categorical:
            np.add.at(counts[name], columns["categorical"][:, i], 1)
        for column, name in sequences:
            np.add.at(counts[name], columns[column].ravel(), 1)
    return {
        field.name: vocabulary(field, spool.values(field.name), counts.pop(field.name)) for field in fields
    }


def _numbers(plan: ImportPlan, spool: Spool, split_of: SplitOf) -> dict[str, np.ndarray]:
    """Mean, std, low and high.

    In two passes, since a variance from sums of squares loses its digits where the mean is large.
    """
    fields = plan.of_kind("numeric")
    present, total, squares = np.zeros((3, len(fields)))
    low, high = np.full(len(fields), np.inf), np.full(len(fields), -np.inf)
    with np.errstate(over="ignore"):  # refused below
        for columns in _train_blocks(plan, spool, split_of, ["numeric"]):
            x = columns["numeric"]
            present += np.count_nonzero(~np.isnan(x), axis=0)
            total += np.nansum(x, axis=0)
            low = np.fmin(low, np.fmin.reduce(x, axis=0, initial=np.inf))
            high = np.fmax(high, np.fmax.reduce(x, axis=0, initial=-np.inf))
        varies = low < high  # the mean of equal numbers need not be that number to the last bit
        mean = np.where(varies, total / np.maximum(present, 1), np.where(present > 0, low, 0.0))
        for columns in _train_blocks(plan, spool, split_of, ["numeric"]):
            squares += np.nansum((columns["numeric"] - mean) ** 2, axis=0)
        std = np.where(varies, np.sqrt(squares / np.maximum(present, 1)), 1.0)
    for i, field in enumerate(fields):
        if not (np.isfinite(mean[i]) and np.isfinite(std[i]) and std[i] > 0):
            raise BadInput(
                f"field '{field.name}': numbers from {low[i]:g} to {high[i]:g} are too far apart to be "
                "standardised; transform = 'log1p' may help"
            )
    return {"mean": mean, "std": std, "low": low, "high": high}
