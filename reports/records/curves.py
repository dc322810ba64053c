"""Training curves, averaged over the seeds of a contestant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.judge.statistics import Floats
from reports.records.comparison import Comparison, Entry
from reports.records.sources import Sources

COLUMNS = ("step", "train_loss", "valid_auc")
LOSS = "training loss"
QUANTITIES = {"valid_auc": "valid AUC, mean over tasks", "train_loss": LOSS}


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanCurve:
    """One contestant's curve: `quantity` says in words what `value` is at each `step`."""

    label: str
    quantity: str
    step: Floats
    value: Floats


def mean_curves(comparison: Comparison, sources: Sources) -> list[MeanCurve]:
    """A curve per entry that has any: valid AUC if all runs were evaluated twice or more, else the loss."""
    runs = [(entry, curves) for entry in comparison.entries if (curves := _read(entry, sources))]
    if not runs:
        return []
    evaluated = all(curve["valid_auc"].count() > 1 for _, curves in runs for curve in curves)
    column = "valid_auc" if evaluated else "train_loss"
    return [curve for entry, curves in runs if (curve := _mean(entry, curves, column)).step.size]


def _read(entry: Entry, sources: Sources) -> list[pd.DataFrame]:
    if entry.ok.empty:
        return []
    frames = []
    for key in entry.ok["key"]:
        frame = sources.curve(key)
        if frame is None:
            continue
        values = frame.reindex(columns=COLUMNS).apply(pd.to_numeric, errors="coerce")
        if values["step"].isna().any() or values["step"].duplicated().any():
            sources.leave_out("curves", key, "its steps are not numbers, each there once")
        elif values["train_loss"].count() > 1:
            frames.append(values.where(np.isfinite(values)))
    return frames


def _mean(entry: Entry, curves: Sequence[pd.DataFrame], column: str) -> MeanCurve:
    """Over the steps that all seeds have, so that none leaves or joins the mean half-way."""
    by_step = pd.concat([curve.set_index("step")[column].dropna() for curve in curves], axis=1, join="inner")
    mean = by_step.sort_index().mean(axis=1)
    return MeanCurve(
        label=entry.label,
        quantity=QUANTITIES[column],
        step=mean.index.to_numpy(dtype=float),
        value=mean.to_numpy(dtype=float),
    )
