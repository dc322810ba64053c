"""Contestants over the budgets of a study: their runs, the laws fitted to them, and what is missing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.errors import BadInput
from reports.judge.standings import Judged, Standings
from reports.ladder.by_rows import ByRows, by_rows
from reports.prose import listed
from reports.records.comparison import BUDGET_WORDS, NOT_RUN, Comparison, Entry, Study
from reports.scaling import METRICS, Fit, Metric, Pair, compare, decision_accuracy, fit
from reports.scaling.decisions import Accuracy
from reports.writing.notation import exact

DENSE, FLOPS = "dense_parameters", "flops_forward"
AXES = BUDGET_WORDS
"""Column of the cost → what it counts."""
OTHER_METRICS = {"uauc": "uauc", "log_loss": "log-loss"}
"""Metric of the records → name in `METRICS`, of those that are fitted beside AUC, for the table of fits."""


@dataclass(frozen=True, kw_only=True)
class Laws:
    """Fits of every contestant over one kind of size.

    Args:
        column: of the cost, a key of `AXES`.
        fits: of those that a law can be fitted to, in the order of the standings at the largest budget.
        refused: label → why none is fitted to it.
        pairs: of the contestants of `fits`.
    """

    column: str
    metric: Metric
    fits: tuple[Fit, ...]
    refused: Mapping[str, str]
    pairs: tuple[Pair, ...]

    @property
    def size(self) -> str:
        return AXES[self.column]

    def pair(self, first: str, second: str) -> Pair | None:
        """That pair, in the order in which it was compared; None where one of both has no law."""
        return next((pair for pair in self.pairs if {pair.first, pair.second} == {first, second}), None)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Runs that a ladder lacks: of `label` at `budget`, and what became of them.

    Args:
        whole: whether the contestant has no result at that budget.
    """

    label: str
    budget: str
    size: int
    why: str
    whole: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Growth:
    """One data set and task at several budgets of one kind.

    Args:
        rungs: a comparison and its standings per budget, from the smallest.
        laws: over what the budgets limit, and over the other size where contestants differ in it.
        others: metric of the records → laws over what the budgets limit, without pairs.
        accuracies: how often each budget but the largest decides as the largest does.
        left_out: what was not used, and why.
        by_rows: laws in size and training rows, where there are several numbers of these; `rungs` are then
            those of the most rows.
    """

    rungs: tuple[tuple[Comparison, Standings], ...]
    laws: tuple[Laws, ...]
    others: Mapping[str, Laws]
    accuracies: tuple[Accuracy, ...]
    gaps: tuple[Gap, ...]
    left_out: tuple[str, ...]
    by_rows: ByRows | None

    @property
    def kind(self) -> str:
        return self.rungs[0][0].budget_kind

    @property
    def data(self) -> str:
        return self.rungs[0][1].data

    @property
    def task(self) -> str:
        return self.rungs[0][1].task

    @property
    def largest(self) -> Standings:
        """The standings at the largest budget."""
        return self.rungs[-1][1]

    @property
    def main(self) -> Laws:
        """Over what the budgets limit."""
        return self.laws[0]

    @property
    def oracle(self) -> float | None:
        """The best possible AUC, where known."""
        return self.largest.references.get("oracle", {}).get("auc")

    def budget(self, target: float) -> str:
        """``300k``."""
        return exact(round(target), self.kind)


def groups(study: Study, found: Judged) -> list[list[tuple[Comparison, Standings]]]:
    """Comparisons that differ in budget and training rows only, of two budgets or more, from the smallest.

    None of an ablation.
    """
    if study.kind == "ablation":
        return []
    grouped: dict[tuple[str | int, ...], list[tuple[Comparison, Standings]]] = {}
    for comparison, standings in found:
        if comparison.budget_kind:
            data = (comparison.dataset, comparison.dataset_rev, comparison.fingerprint)
            where = (*data, standings.task, comparison.budget_kind)
            grouped.setdefault(where, []).append((comparison, standings))
    return [
        sorted(group, key=_rows_and_target)
        for group in grouped.values()
        if len({comparison.budget_target for comparison, _ in group}) > 1
    ]


def growths(study: Study, found: Judged) -> list[Growth]:
    """Every data set and task of the study that has several budgets."""
    return [_growth(group) for group in groups(study, found)]


def _rows_and_target(cell: tuple[Comparison, Standings]) -> tuple[float, int]:
    return cell[0].train_rows or math.inf, cell[0].budget_target


def _growth(cells: Sequence[tuple[Comparison, Standings]]) -> Growth:
    most_rows = cells[-1][0].train_rows
    rungs = [cell for cell in cells if cell[0].train_rows == most_rows]
    series, left_out = _series(rungs)
    task, kind = rungs[0][1].task, rungs[0][0].budget_kind
    order = [row.label for row in rungs[-1][1].rows if row.label in series]
    series = {label: series[label] for label in (*order, *(label for label in series if label not in order))}
    column = f"test.{task}.auc"
    metric, bound_note = _auc_metric(rungs[-1][1], series, column)
    columns = [kind, *(other for other in AXES if other != kind)]
    laws = tuple(_laws(series, column, metric, axis) for axis in columns)
    others = {
        name: _laws(series, f"test.{task}.{name}", METRICS[known], kind, compared=False)
        for name, known in OTHER_METRICS.items()
        if any(not entry.values(f"test.{task}.{name}").empty for of in series.values() for entry in of)
    }
    verdicts = {
        float(comparison.budget_target): {pair: value.verdict for pair, value in standings.pairs.items()}
        for comparison, standings in rungs
    }
    return Growth(
        rungs=tuple(rungs),
        laws=laws,
        others=others,
        accuracies=tuple(decision_accuracy(verdicts)) if len(verdicts) > 1 else (),
        gaps=tuple(_gaps(rungs)),
        left_out=(*left_out, *bound_note),
        by_rows=by_rows(cells, metric),
    )


def _series(rungs: Sequence[tuple[Comparison, Standings]]) -> tuple[dict[str, list[Entry]], list[str]]:
    """Label → its entries from the smallest budget, all of one contestant, rev and source; what is left out.

    A contestant of several revs keeps its newest; one of several sources keeps none, as none is newer.
    """
    every: dict[str, list[tuple[Comparison, Entry]]] = {}
    for comparison, _ in rungs:
        for entry in comparison.entries:
            if not entry.ok.empty:
                every.setdefault(entry.label, []).append((comparison, entry))
    kept, left_out = {}, []
    for label, of_label in every.items():
        newest = max(int(entry.ok["contestant_rev"].max()) for _, entry in of_label)
        ours = []
        for comparison, entry in of_label:
            is_new = entry.ok["contestant_rev"] == newest
            if not is_new.all():
                revs = listed([str(rev) for rev in sorted(set(entry.ok["contestant_rev"][~is_new]))])
                left_out.append(f"{label} at {comparison.budget}: runs of rev {revs}, others are of {newest}")
            if is_new.any():
                ours.append(dataclasses.replace(entry, runs=entry.ok[is_new]))
        sources = {str(source) for entry in ours for source in entry.ok["source"]}
        if len(sources) > 1:
            left_out.append(f"{label}: its source changes between its runs")
        else:
            kept[label] = ours
    return kept, left_out


def _auc_metric(
    largest: Standings, series: Mapping[str, Sequence[Entry]], column: str
) -> tuple[Metric, tuple[str, ...]]:
    """AUC with the oracle as its bound, unless a run is better by the chance of the test rows."""
    oracle = largest.references.get("oracle", {}).get("auc")
    values = [value for entries in series.values() for entry in entries for value in entry.values(column)]
    if oracle is None or not values:
        return METRICS["auc"], ()
    if max(values) > oracle:
        return METRICS["auc"], (
            "the oracle's AUC as a bound of the laws: a run is above it by the chance of the test rows",
        )
    return dataclasses.replace(METRICS["auc"], bound=oracle), ()


def _laws(
    series: Mapping[str, Sequence[Entry]],
    column: str,
    metric: Metric,
    axis: str,
    *,
    compared: bool = True,
) -> Laws:
    fits, refused = [], {}
    for label, entries in series.items():
        points = pd.concat([_points(entry, column, axis) for entry in entries])
        try:
            seeds = points["seed"].tolist()
            fits.append(fit(points["size"], points["value"], seeds, metric=metric, label=label))
        except BadInput as error:
            refused[label] = str(error)
    pairs = compare(fits) if compared and len(fits) > 1 else []
    return Laws(column=axis, metric=metric, fits=tuple(fits), refused=refused, pairs=tuple(pairs))


def _points(entry: Entry, column: str, axis: str) -> pd.DataFrame:
    values = entry.values(column)
    sizes = entry.ok[axis].reindex(values.index).astype(float)
    return pd.DataFrame({"size": sizes, "value": values, "seed": values.index})


def _gaps(rungs: Sequence[tuple[Comparison, Standings]]) -> list[Gap]:
    """Also of contestants that a budget's comparison does not name."""
    labels = list(dict.fromkeys(entry.label for comparison, _ in rungs for entry in comparison.entries))
    found = []
    for comparison, _ in rungs:
        entries = {entry.label: entry for entry in comparison.entries}
        for label in labels:
            entry = entries.get(label)
            if why := NOT_RUN if entry is None else entry.reason or _missing(entry):
                whole = entry is None or entry.ok.empty
                found.append(
                    Gap(
                        label=label,
                        budget=comparison.budget,
                        size=comparison.budget_target,
                        why=why,
                        whole=whole,
                    )
                )
    return found


def _missing(entry: Entry) -> str:
    return ", ".join(f"seed {seed} {why}" for seed, why in entry.missing())
