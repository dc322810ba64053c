"""The verdict on one comparison and task: a row per contestant, and every pair of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.judge.moderation import Intervals
from reports.judge.paired import every_pair, from_baseline, recorded
from reports.judge.predictions import TaskPredictions
from reports.judge.statistics import Difference, Estimate, Range, mean_estimate, rank_intervals
from reports.records.comparison import Comparison, Entry, Study
from reports.records.sources import Sources

COSTS = (
    "linear_parameters",
    "encoder_parameters",
    "dense_parameters",
    "active_parameters",
    "flops_forward",
    "flops_train",
)
NORMALISED_ENTROPY = "normalised_entropy"
"""Log loss over the entropy of the base rate of the test split (He et al. 2014, ADKDD): 1 is no better than
predicting the base rate."""
USER_METRICS = ("uauc", "gauc", "gauc_pos")
REFERENCES = ("oracle", "logistic_regression")
"""References, as the records call them: the best possible result, and a model without interactions."""
POSSIBLE: Mapping[str, Range] = {
    **dict.fromkeys(("auc", "base_rate", *USER_METRICS), (0.0, 1.0)),
    **dict.fromkeys(("log_loss", "calibration", NORMALISED_ENTROPY), (0.0, math.inf)),
}
"""The possible range of a metric, at which its interval is cut off."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contestant, judged.

    Args:
        label, contestant, reason: as in `Entry`.
        rank: from 1 + the number of contestants significantly better to their number less that of those
            significantly worse; None where no pair decides.
        seeds: those with an ok run.
        missing: (seed, what became of it) of the others that were planned.
        cost: the numbers of `COSTS`, FLOPs per example; empty without a run.
        active: active parameters that were observed on test rows; None where only the planned are known.
        budget_error: (achieved − target) / target of what the budget limits; None without a budget.
        metrics: metric → mean over seeds, on the test split; metrics that no run has are absent. All are in
            the records but `NORMALISED_ENTROPY`.
        attained: share of the attainable AUC, from logistic regression (0) to the oracle (1); None where
            these are not known.
        to_baseline: AUC minus the baseline's, paired by seed; None for itself or without a common seed.
        uauc_to_baseline: the same of UAUC, where users are known.
        log_loss_to_baseline: the same of log loss, of which less is better.
    """

    label: str
    contestant: str
    reason: str
    rank: tuple[int, int] | None
    seeds: tuple[int, ...]
    missing: tuple[tuple[int, str], ...]
    cost: Mapping[str, int]
    active: Estimate | None
    budget_error: float | None
    metrics: Mapping[str, Estimate]
    attained: Estimate | None
    to_baseline: Difference | None
    uauc_to_baseline: Difference | None
    log_loss_to_baseline: Difference | None

    @property
    def verdict(self) -> str:
        """Against the baseline, see `Difference.verdict`; empty if there is no difference to judge."""
        return self.to_baseline.verdict if self.to_baseline else ""


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The verdict on one comparison and task.

    Args:
        study, data, budget: titles; `dataset` is the name of the data set.
        baseline: label of the baseline, or None where the comparison has none.
        paper: as in `Comparison`.
        intervals: how the spread between seeds was estimated.
        rows: by mean AUC, the best first; contestants without a result last.
        pairs: (first, second) → AUC of the first minus the second's, where they have a common seed.
        references: `oracle` (the true probabilities) and `logistic_regression` → metric → value on test,
            where known.
        num_rows, num_positives: of the test split; None where no predictions could be read.
        num_users: of the test split, where known: the rows are then drawn user by user.
    """

    study: str
    data: str
    dataset: str
    budget: str
    task: str
    baseline: str | None
    paper: str | None
    intervals: Intervals
    rows: tuple[Standing, ...]
    pairs: Mapping[tuple[str, str], Difference]
    references: Mapping[str, Mapping[str, float]]
    num_rows: int | None
    num_positives: int | None
    num_users: int | None

    @property
    def best(self) -> Standing | None:
        """The contestant of the highest mean AUC; None if none has an AUC."""
        return self.rows[0] if self.rows and "auc" in self.rows[0].metrics else None

    def leaders(self) -> tuple[Standing, ...]:
        """The best and those not told apart from it; empty where no pair with the best decides or ties."""
        if self.best is None:
            return ()
        against = {row.label: self.pairs.get((self.best.label, row.label)) for row in self.rows[1:]}
        if all(pair is None or pair.verdict == "undecided" for pair in against.values()):
            return ()
        with_auc = [row for row in self.rows[1:] if "auc" in row.metrics]
        verdicts = {label: pair.verdict if pair else "undecided" for label, pair in against.items()}
        return self.best, *(row for row in with_auc if verdicts[row.label] != "better")

    def best_below_floor(self) -> bool:
        """Is even the best contestant below logistic regression?"""
        floor = self.references.get("logistic_regression", {}).get("auc")
        return floor is not None and self.best is not None and self.best.metrics["auc"].mean < floor


Judged = Sequence[tuple[Comparison, Standings]]
"""Every comparison of a study with its standings, task by task."""


def judge(
    study: Study, comparison: Comparison, task: str, sources: Sources, intervals: Intervals = "moderated"
) -> Standings:
    """Reads the predictions of the comparison's runs and judges every pair."""
    column = f"test.{task}.auc"
    entries = comparison.entries
    predictions = TaskPredictions(sources, task, recorded(entries, column))
    baseline = next((entry for entry in entries if entry.label == comparison.baseline), None)
    to_base = study.kind == "ablation" and baseline is not None
    pairs = every_pair(entries, column, predictions, intervals, base=comparison.baseline if to_base else None)
    rank = rank_intervals([entry.label for entry in entries if not entry.values(column).empty], pairs)
    to_baseline: dict[str, Mapping[str, Difference]] = {}
    if baseline is not None:
        others = [entry.label for entry in entries if (entry.label, baseline.label) in pairs]
        to_baseline["auc"] = {label: pairs[label, baseline.label] for label in others}
        for metric in ("uauc", "log_loss"):
            of_metric = f"test.{task}.{metric}"
            to_baseline[metric] = from_baseline(entries, baseline, of_metric, predictions, intervals)
    references = _references(entries, task)
    rows = [
        _standing(
            entry,
            comparison,
            task,
            rank.get(entry.label),
            {metric: found[entry.label] for metric, found in to_baseline.items() if entry.label in found},
            references,
        )
        for entry in entries
    ]
    counts = predictions.counts()
    return Standings(
        study=study.title,
        data=comparison.data,
        dataset=comparison.dataset,
        budget=comparison.budget,
        task=task,
        baseline=comparison.baseline,
        paper=comparison.paper,
        intervals=intervals,
        rows=tuple(sorted(rows, key=_best_first)),
        pairs=pairs,
        references=references,
        num_rows=counts.rows if counts else None,
        num_positives=counts.positives if counts else None,
        num_users=counts.users if counts else None,
    )


def _standing(
    entry: Entry,
    comparison: Comparison,
    task: str,
    rank: tuple[int, int] | None,
    differences: Mapping[str, Difference],
    references: Mapping[str, Mapping[str, float]],
) -> Standing:
    prefix = f"test.{task}."
    names = [name[len(prefix) :] for name in entry.runs.columns if name.startswith(prefix)]
    metrics = {
        name: mean_estimate(values.tolist(), POSSIBLE.get(name, (-math.inf, math.inf)))
        for name in names
        if "." not in name and not (values := entry.values(prefix + name)).empty
    }
    if not (normalised := _normalised(entry.values(f"{prefix}log_loss"), entry, task)).empty:
        metrics[NORMALISED_ENTROPY] = mean_estimate(normalised.tolist(), POSSIBLE[NORMALISED_ENTROPY])
    cost = {name: value for name in COSTS if (value := entry.cost(name)) is not None}
    active = entry.values("observed.active_parameters")
    target, kind = comparison.budget_target, comparison.budget_kind
    return Standing(
        label=entry.label,
        contestant=entry.contestant,
        reason=entry.reason,
        rank=rank,
        seeds=tuple(int(seed) for seed in entry.ok.index),
        missing=tuple(entry.missing()),
        cost=cost,
        active=None if active.empty else mean_estimate(active.tolist(), (0.0, math.inf)),
        budget_error=(cost[kind] - target) / target if kind in cost else None,
        metrics=metrics,
        attained=_attained(entry.values(prefix + "auc"), references),
        to_baseline=differences.get("auc"),
        uauc_to_baseline=differences.get("uauc"),
        log_loss_to_baseline=differences.get("log_loss"),
    )


def _best_first(row: Standing) -> tuple[bool, float, bool, str]:
    auc = row.metrics.get("auc")
    return (auc is None, -auc.mean if auc else 0.0, bool(row.reason), row.label)


def _attained(areas: pd.Series[float], references: Mapping[str, Mapping[str, float]]) -> Estimate | None:
    if areas.empty or not all("auc" in references.get(name, {}) for name in REFERENCES):
        return None
    floor, ceiling = (references[name]["auc"] for name in ("logistic_regression", "oracle"))
    return mean_estimate(((areas - floor) / (ceiling - floor)).tolist()) if ceiling > floor else None


def _normalised(losses: pd.Series[float], entry: Entry, task: str) -> pd.Series[float]:
    """Log losses over the entropy of the base rate; empty without a base rate between 0 and 1."""
    rates = entry.values(f"test.{task}.base_rate")
    inside = rates[(rates > 0) & (rates < 1)]
    entropy = -(inside * inside.map(math.log) + (1 - inside) * (1 - inside).map(math.log))
    return (losses / entropy).dropna()


def _references(entries: Sequence[Entry], task: str) -> dict[str, dict[str, float]]:
    """The same for every run on the same data, so any run's will do."""
    found: dict[str, dict[str, float]] = {}
    for name in REFERENCES:
        for metric in ("auc", "log_loss", "uauc"):
            known = [entry.values(f"{name}.{task}.{metric}") for entry in entries]
            values = [float(of_entry.iloc[0]) for of_entry in known if not of_entry.empty]
            if values:
                found.setdefault(name, {})[metric] = values[0]
        for entry in entries if "log_loss" in found.get(name, {}) else ():
            losses = pd.Series(found[name]["log_loss"], index=entry.ok.index, dtype=float)
            if not (normalised := _normalised(losses, entry, task)).empty:
                found[name][NORMALISED_ENTROPY] = float(normalised.iloc[0])
                break
    return found
