"""Differences between the entries of a comparison, paired by seed, with the families they are judged in.

A family is what Holm's correction covers, for one comparison, task and metric:

- AUC of a comparison: all pairs of contestants;
- AUC of an ablation: the arms against the base; the arms among each other are a second family;
- UAUC, log loss: the contestants against the baseline;
- gain by tuning: the contestants of a table.

A pair that cannot be judged (one seed, missing predictions, too little data) does not count in its family.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pandas as pd

from reports.judge.moderation import Intervals, moderated_spreads
from reports.judge.predictions import TaskPredictions
from reports.judge.statistics import Difference, VariancePart, adjusted, loss_difference, paired_difference
from reports.records.comparison import Comparison, Entry
from reports.records.sources import Sources

Spreads = Mapping[str, VariancePart | None]
"""Label → variance between seeds and its degrees of freedom; None where it has no two seeds in common."""


def every_pair(
    entries: Sequence[Entry],
    column: str,
    predictions: TaskPredictions,
    intervals: Intervals,
    *,
    base: str | None,
) -> dict[tuple[str, str], Difference]:
    """Ordered pair of labels → first minus second, where they have a common seed.

    Args:
        base: label of the entry whose pairs are a family of their own; None: all pairs are one.
    """
    spreads = _spreads(entries, column, intervals)
    families: dict[bool, dict[tuple[str, str], Difference]] = {True: {}, False: {}}
    for first, second in itertools.combinations(entries, 2):
        difference = _difference(first, second, column, predictions, spreads)
        if difference is not None:
            pair = first.label, second.label
            families[base in pair][pair] = difference
    pairs = {pair: value for family in families.values() for pair, value in adjusted(family).items()}
    return {
        ordered: value
        for (first, second), difference in pairs.items()
        for ordered, value in (((first, second), difference), ((second, first), difference.reversed()))
    }


def from_baseline(
    entries: Sequence[Entry],
    baseline: Entry,
    column: str,
    predictions: TaskPredictions,
    intervals: Intervals,
) -> dict[str, Difference]:
    """Label → the entry minus the baseline, where they have a common seed."""
    spreads = _spreads(entries, column, intervals)
    found = {
        entry.label: _difference(entry, baseline, column, predictions, spreads)
        for entry in entries
        if entry is not baseline
    }
    return adjusted({label: value for label, value in found.items() if value is not None})


def gains(first: Comparison, second: Comparison, task: str, sources: Sources) -> dict[str, Difference]:
    """Label → AUC in the first comparison minus that in the second, by common seed, of entries of both.

    The seeds' part is always Student's t of the gain itself: a gain is no difference between contestants, so
    what a seed does to all of them belongs to its spread.
    """
    column = f"test.{task}.auc"
    predictions = TaskPredictions(sources, task, recorded([*first.entries, *second.entries], column))
    twins = {entry.label: entry for entry in second.entries}
    found = {
        entry.label: _difference(entry, twins[entry.label], column, predictions, {})
        for entry in first.entries
        if entry.label in twins
    }
    return adjusted({label: value for label, value in found.items() if value is not None})


def recorded(entries: Sequence[Entry], column: str) -> dict[str, float]:
    """Key of a run → what its record has in `column`."""
    return {
        key: value
        for entry in entries
        if not (values := entry.values(column)).empty
        for key, value in zip(entry.ok.loc[values.index, "key"].tolist(), values.tolist(), strict=True)
    }


def _spreads(entries: Sequence[Entry], column: str, intervals: Intervals) -> Spreads:
    """Empty where every pair is to have its own."""
    if intervals == "plain":
        return {}
    values = pd.DataFrame({entry.label: entry.values(column) for entry in entries})
    return dict(zip(values.columns, moderated_spreads(values.T.to_numpy(dtype=float)), strict=True))


def _difference(
    first: Entry, second: Entry, column: str, predictions: TaskPredictions, spreads: Spreads
) -> Difference | None:
    """First minus second, by common seed; None where there is none."""
    metric = column.rpartition(".")[2]
    differences: pd.Series[float] = (first.values(column) - second.values(column)).dropna()
    if differences.empty:
        return None
    keys = [tuple(entry.ok.loc[differences.index, "key"]) for entry in (first, second)]
    draw = predictions.draw(keys[0], keys[1], metric)
    of_both = [spread for entry in (first, second) if (spread := spreads.get(entry.label))]
    of_seeds = [(variance / len(differences), freedom) for variance, freedom in of_both]
    judged_by = loss_difference if metric == "log_loss" else paired_difference
    return judged_by(
        differences.tolist(),
        draw.parts if draw else None,
        draw.too_few if draw else "",
        seed_parts=of_seeds if len(of_both) == 2 else None,
    )
