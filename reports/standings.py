"""The verdict on one comparison and task: a row per contestant, and every pair of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.runs.store import Store
from reports.comparison import Comparison, Entry
from reports.predictions import TaskPredictions
from reports.statistics import (
    Difference,
    Estimate,
    delong_parts,
    mean_estimate,
    paired_difference,
    ranks,
)

BASELINE = "dlrm-mlp"
USER_METRICS = ("uauc", "gauc", "gauc_pos")
REFERENCES = ("oracle", "logistic_regression")
"""What a result is read against, as the records call it: the best possible, and no interaction at all."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contestant, judged.

    Args:
        rank: 1 + the number of contestants significantly better; None where no pair decides.
        label, contestant: as in `Entry`.
        seeds: those with an ok run.
        num_failed: runs that did not end well.
        dense_parameters, active_parameters, flops_forward, flops_train: the cost, FLOPs per example.
        budget_error: (achieved − target) / target of what the budget limits; None without a budget.
        metrics: metric → mean over seeds, on the test split; metrics that no run has are absent.
        attained: share of the attainable AUC, from logistic regression (0) to the oracle (1); None where
            these are not known.
        to_baseline: AUC minus the baseline's, paired by seed; None for itself or without a common seed.
        uauc_to_baseline: the same of UAUC, where users are known, with an interval over seeds only.
    """

    rank: int | None
    label: str
    contestant: str
    seeds: tuple[int, ...]
    num_failed: int
    dense_parameters: int
    active_parameters: int
    flops_forward: int
    flops_train: int
    budget_error: float | None
    metrics: Mapping[str, Estimate]
    attained: Estimate | None
    to_baseline: Difference | None
    uauc_to_baseline: Difference | None

    @property
    def verdict(self) -> str:
        """Against the baseline, see `Difference.verdict`; empty where there is no difference to judge."""
        return self.to_baseline.verdict if self.to_baseline else ""


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The verdict on one comparison and task.

    Args:
        setting, comparison: titles.
        baseline: label of the baseline, or None where the comparison has none.
        rows: by rank, then by mean AUC; contestants without a result last.
        pairs: (first, second) → AUC of the first minus the second's, where they have a common seed.
        references: `oracle` (the true probabilities) and `logistic_regression` → metric → value on test,
            where known.
        num_rows, num_positives: of the test split; None where no predictions could be read.
        num_users: of the test split, where known: the rows are then drawn user by user.
    """

    setting: str
    comparison: str
    task: str
    baseline: str | None
    rows: tuple[Standing, ...]
    pairs: Mapping[tuple[str, str], Difference]
    references: Mapping[str, Mapping[str, float]]
    num_rows: int | None
    num_positives: int | None
    num_users: int | None


def judge(setting_title: str, comparison: Comparison, task: str, store: Store) -> Standings:
    """Reads the predictions of the comparison's runs and judges every pair.

    Raises:
        BadInput: predictions of different test rows in one comparison.
    """
    predictions = TaskPredictions(store, task)
    pairs: dict[tuple[str, str], Difference] = {}
    for first, second in itertools.combinations(comparison.entries, 2):
        difference = _auc_difference(first, second, task, predictions)
        if difference is not None:
            pairs[first.label, second.label] = difference
            pairs[second.label, first.label] = difference.reversed()
    baseline = _baseline(comparison)
    rank = ranks([entry.label for entry in comparison.entries], pairs)
    references = _references(comparison.entries, task)
    rows = [
        _standing(entry, comparison, task, rank[entry.label], baseline, pairs, references)
        for entry in comparison.entries
    ]
    shared = predictions.rows
    return Standings(
        setting=setting_title,
        comparison=comparison.title,
        task=task,
        baseline=baseline.label if baseline else None,
        rows=tuple(sorted(rows, key=_best_first)),
        pairs=pairs,
        references=references,
        num_rows=shared.positive.size if shared else None,
        num_positives=int(shared.positive.sum()) if shared else None,
        num_users=int(shared.user.max()) + 1 if shared and shared.user is not None else None,
    )


def _baseline(comparison: Comparison) -> Entry | None:
    """The baseline's entry; None too where it is there in several forms, none of which is *the* baseline."""
    found = [entry for entry in comparison.entries if entry.contestant == BASELINE]
    return found[0] if len(found) == 1 else None


def _auc_difference(
    first: Entry, second: Entry, task: str, predictions: TaskPredictions
) -> Difference | None:
    differences = _paired(first, second, f"test.{task}.auc")
    if differences.empty:
        return None
    first_rows, second_rows = (
        predictions.mean_placements(tuple(entry.ok.loc[differences.index, "key"]))
        for entry in (first, second)
    )
    parts = None
    if first_rows is not None and second_rows is not None and predictions.rows is not None:
        parts = delong_parts(predictions.rows, first_rows, second_rows)
    return paired_difference(differences.tolist(), parts)


def _paired(first: Entry, second: Entry, column: str) -> pd.Series[float]:
    """First minus second, by common seed."""
    return (first.values(column) - second.values(column)).dropna()


def _standing(
    entry: Entry,
    comparison: Comparison,
    task: str,
    rank: int | None,
    baseline: Entry | None,
    pairs: Mapping[tuple[str, str], Difference],
    references: Mapping[str, Mapping[str, float]],
) -> Standing:
    prefix = f"test.{task}."
    columns = [name for name in entry.runs.columns if name.startswith(prefix)]
    metrics = {
        name[len(prefix) :]: mean_estimate(entry.values(name).tolist())
        for name in columns
        if not entry.values(name).empty
    }
    uauc = None
    if baseline is not None and baseline is not entry:
        differences = _paired(entry, baseline, prefix + "uauc")
        uauc = None if differences.empty else paired_difference(differences.tolist(), None)
    target, kind = comparison.budget_target, comparison.budget_kind
    return Standing(
        rank=rank,
        label=entry.label,
        contestant=entry.contestant,
        seeds=tuple(int(seed) for seed in entry.ok.index),
        num_failed=len(entry.runs) - len(entry.ok),
        dense_parameters=entry.cost("dense_parameters"),
        active_parameters=entry.cost("active_parameters"),
        flops_forward=entry.cost("flops_forward"),
        flops_train=entry.cost("flops_train"),
        budget_error=(entry.cost(kind) - target) / target if kind else None,
        metrics=metrics,
        attained=_attained(entry.values(prefix + "auc"), references),
        to_baseline=pairs.get((entry.label, baseline.label)) if baseline else None,
        uauc_to_baseline=uauc,
    )


def _best_first(row: Standing) -> tuple[bool, bool, int, float, str]:
    auc = row.metrics.get("auc")
    return (auc is None, row.rank is None, row.rank or 0, -auc.mean if auc else 0.0, row.label)


def _attained(areas: pd.Series[float], references: Mapping[str, Mapping[str, float]]) -> Estimate | None:
    if areas.empty or set(references) != set(REFERENCES):
        return None
    floor, ceiling = (references[name]["auc"] for name in ("logistic_regression", "oracle"))
    return mean_estimate(((areas - floor) / (ceiling - floor)).tolist())


def _references(entries: Sequence[Entry], task: str) -> dict[str, dict[str, float]]:
    """The same for every run on the same data, so any run's will do."""
    found: dict[str, dict[str, float]] = {}
    for name in REFERENCES:
        for metric in ("auc", "log_loss", "uauc"):
            known = [entry.values(f"{name}.{task}.{metric}") for entry in entries]
            values = [float(of_entry.iloc[0]) for of_entry in known if not of_entry.empty]
            if values:
                found.setdefault(name, {})[metric] = values[0]
    return found
