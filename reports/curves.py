"""Training curves, averaged over the seeds of a contestant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from bench.runs.store import Store
from reports.comparison import Comparison, Entry
from reports.statistics import Floats

LOSS = "training loss"
QUANTITIES = {"valid_auc": "valid AUC, mean over tasks", "train_loss": LOSS}


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanCurve:
    """One contestant's curve: `quantity` says in words what `value` is at each `step`."""

    label: str
    contestant: str
    quantity: str
    step: Floats
    value: Floats


def mean_curves(comparison: Comparison, store: Store) -> list[MeanCurve]:
    """A curve per entry that has any: valid AUC if all runs were evaluated twice or more, else the loss."""
    runs = [(entry, curves) for entry in comparison.entries if (curves := _read(entry, store))]
    if not runs:
        return []
    evaluated = all(curve["valid_auc"].count() > 1 for _, curves in runs for curve in curves)
    column = "valid_auc" if evaluated else "train_loss"
    return [_mean(entry, curves, column) for entry, curves in runs]


def _read(entry: Entry, store: Store) -> list[pd.DataFrame]:
    frames = []
    for key in entry.ok["key"]:
        try:
            frame = pa.parquet.read_table(store.path("curves", key)).to_pandas()
        except (FileNotFoundError, pa.ArrowInvalid):
            continue
        frames.append(frame)
    return [frame for frame in frames if frame["train_loss"].count() > 1]


def _mean(entry: Entry, curves: Sequence[pd.DataFrame], column: str) -> MeanCurve:
    """Over the steps that all seeds have, so that none leaves or joins the mean half-way."""
    by_step = pd.concat([curve.set_index("step")[column].dropna() for curve in curves], axis=1, join="inner")
    mean = by_step.sort_index().mean(axis=1)
    return MeanCurve(
        label=entry.label,
        contestant=entry.contestant,
        quantity=QUANTITIES[column],
        step=mean.index.to_numpy(dtype=float),
        value=mean.to_numpy(dtype=float),
    )
