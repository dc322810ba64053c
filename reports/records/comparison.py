"""Comparisons: entries, each with all its seeds, on one data set at one budget.

Nothing is averaged or compared across comparisons. `reports.records.studies` makes them from what a study
planned, or from the runs of a store that keeps no studies.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.canonical import digest
from reports.records.frame import number, tasks_of
from reports.writing.notation import exact

if TYPE_CHECKING:
    from reports.tuning.fairness import Check
    from reports.tuning.trials import Tuning

BUDGET_WORDS = {"dense_parameters": "dense parameters", "flops_forward": "forward FLOPs per example"}
NOT_RUN = "not run"

Data = tuple[str, int, str, int]
"""Name, rev and fingerprint of a data set, and how many of its training rows are used; 0: all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """One entrant of a comparison.

    Args:
        label: how it is printed; no other entrant of the study has the same.
        contestant: its name in the records.
        runs: all its runs, indexed by seed, in order; empty where there are none.
        planned: the seeds it is to be run with.
        reason: why it cannot take part; empty where it can.
        setting: what was asked for in place of defaults: hyper-parameters and protocol values.
        sized: as in `bench.runs.study_record.Member`.
    """

    label: str
    contestant: str
    runs: pd.DataFrame
    planned: tuple[int, ...]
    reason: str = ""
    setting: Mapping[str, Any] = field(default_factory=dict)
    sized: str | None = None

    @functools.cached_property
    def ok(self) -> pd.DataFrame:
        """The runs that ended well; not to be changed."""
        return self.runs if self.runs.empty else self.runs[self.runs["status"] == "ok"]

    @functools.cached_property
    def hyperparameters(self) -> Mapping[str, Any]:
        """Those of its runs, which seeds do not change; empty where there are none."""
        return {} if self.runs.empty else json.loads(self.runs["hyperparameters"].iloc[0])

    def values(self, column: str) -> pd.Series[float]:
        """What the ok runs have in `column`, by seed; empty where none has a number."""
        if column not in self.ok:
            return pd.Series(dtype=float)
        return self.ok[column].map(number).astype(float).dropna()

    def cost(self, column: str) -> int | None:
        """One number of the cost, which seeds do not change; None without a run."""
        runs = self.runs if self.ok.empty else self.ok
        return None if runs.empty else int(runs[column].iloc[0])

    def missing(self) -> list[tuple[int, str]]:
        """(seed, what became of it) for every planned seed without an ok run."""
        return [
            (seed, str(self.runs["status"][seed]) if seed in self.runs.index else NOT_RUN)
            for seed in self.planned
            if seed not in self.ok.index
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Entries on one data set at one budget; `budget_kind` is empty and the target 0 where sizes were given.

    Args:
        data: the printed name of the data set, with the number of training rows where they are not all.
        train_rows: how many are used; 0: all.
        baseline: label of the entry that differences are taken to, or None.
        paper: name of the paper's table that stands beside it, or None.
        tasks: those that any run was tested on.
    """

    data: str
    dataset: str
    dataset_rev: int
    fingerprint: str
    train_rows: int
    budget_kind: str
    budget_target: int
    entries: tuple[Entry, ...]
    baseline: str | None
    paper: str | None
    tasks: tuple[str, ...]

    @property
    def budget(self) -> str:
        """The printed form of the budget."""
        return budget_text(self.budget_kind, self.budget_target)


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """One question with its comparisons, data set by data set and from the smallest budget to the largest.

    Args:
        title: how it is printed; unique in a report.
        notes: what was left out, and why.
        implied: made from runs of no study.
        equal: the comparisons once more where all are at their defaults by one protocol; empty, or as many.
        tuned: where the settings of the entrants come from; None: from no tuning.
        untuned: labels of the entrants that have no tuned setting, where others have one.
        tunings: of a tuning study, which has no comparisons, its trials, budget by budget.
        checks: of a check of fairness, which has no comparisons either, the same.
        paper: name of the paper's table that the study names, or None.
        observed: whether what its models show of themselves during training is kept beside the runs.
        years: contestant name → the year of its paper, where it is known.
        decided: contestant name → the hyper-parameters that a budget decides.
    """

    title: str
    kind: str
    question: str
    command: str
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    implied: bool
    equal: tuple[Comparison, ...] = ()
    tuned: str | None = None
    untuned: tuple[str, ...] = ()
    tunings: tuple[Tuning, ...] = ()
    checks: tuple[Check, ...] = ()
    paper: str | None = None
    observed: bool = False
    years: Mapping[str, int] = field(default_factory=dict)
    decided: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """Spec keys of all runs."""
        tried = (s.trials for tuning in self.tunings for s in tuning.searches)
        found = {key for trials in tried for trial in trials for key in trial.keys}
        runs = [entry.runs for _, _, _, entry in self.every_entry() if not entry.runs.empty]
        runs += [
            entry.runs
            for check in self.checks
            for checked in check.contestants
            for variant in checked.variants
            for entry in variant.entries.values()
            if not entry.runs.empty
        ]
        return found.union(*(of_entry["spec_key"] for of_entry in runs))

    def every_entry(self) -> Iterator[tuple[str, str, str, Entry]]:
        """(data, budget, label, entry) of all comparisons, of trials that have no value, and of settings of a
        check that lack the value of a seed."""
        for suffix, comparisons in (("", self.comparisons), (", one protocol", self.equal)):
            for comparison in comparisons:
                for entry in comparison.entries:
                    yield comparison.data, comparison.budget, entry.label + suffix, entry
        for tuning in self.tunings:
            for search in tuning.searches:
                for trial in search.trials:
                    for data, entry in trial.without.items():
                        yield data, tuning.budget, entry.label, entry
        for check in self.checks:
            for checked in check.contestants:
                for variant in checked.variants:
                    for data, entry in variant.entries.items() if not variant.is_whole else ():
                        yield data, check.budget, entry.label, entry


def comparison_of(
    entries: Sequence[Entry],
    dataset: Data,
    budget: tuple[str, int],
    *,
    data: str,
    baseline: str | None,
    paper: str | None,
) -> Comparison:
    name, rev, fingerprint, train_rows = dataset
    present = [entry.runs for entry in entries if not entry.runs.empty]
    return Comparison(
        data=data,
        dataset=name,
        dataset_rev=rev,
        fingerprint=fingerprint,
        train_rows=train_rows,
        budget_kind=budget[0],
        budget_target=budget[1],
        entries=tuple(entries),
        baseline=baseline,
        paper=paper,
        tasks=tuple(tasks_of(pd.concat(present)) if present else ()),
    )


def budget_text(kind: str, target: int) -> str:
    """``100k dense parameters``."""
    return f"{exact(target, kind)} {BUDGET_WORDS[kind]}" if kind else "sizes as given"


def by_seed(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of one entry in the order of their seeds."""
    indexed = runs.sort_values("seed").drop_duplicates("seed", keep="last").set_index("seed", drop=False)
    return indexed.rename_axis(None)


def distinctions(variants: Sequence[Mapping[str, object]], decided: Iterable[str] = ()) -> list[str]:
    """For each set of values, those that are not the same in all; nothing for a single set.

    Args:
        decided: names that the budget decides, named only where the others do not tell the sets apart.
    """
    names = sorted({name for variant in variants for name in variant})
    telling = [name for name in names if len({digest(variant.get(name)) for variant in variants}) > 1]
    if not telling:
        return [""] * len(variants)
    for chosen in ([name for name in telling if name not in decided], telling):
        texts = [", ".join(f"{name} {variant.get(name)}" for name in chosen) for variant in variants]
        if len(set(texts)) == len({digest(variant) for variant in variants}):
            break
    return texts


def told_apart(printed: Mapping[str, str]) -> dict[str, str]:
    """Identity → text to print; texts that several share get the identity beside them."""
    count = Counter(printed.values())
    return {
        identity: text if count[text] == 1 else f"{text} ({identity})" for identity, text in printed.items()
    }


def train_rows_text(count: int) -> str:
    """``20k training rows``; 0: all of them."""
    return f"{exact(count)} training rows" if count else "all training rows"


def told_apart_data(datasets: Collection[Data]) -> dict[Data, str]:
    """The name of each, its number of training rows if not all, and of namesakes what tells them apart."""
    result = {}
    for name, rev, fingerprint, train_rows in datasets:
        twins = [other for other in datasets if other[0] == name]
        parts = [f"rev {rev}"] if len({other[1] for other in twins}) > 1 else []
        parts += [f"fingerprint {fingerprint[:8]}"] if len({other[2] for other in twins}) > 1 else []
        parts += [train_rows_text(train_rows)] if any(other[3] for other in twins) else []
        result[name, rev, fingerprint, train_rows] = " · ".join([name, *parts])
    return result


def place_of(study: Study, comparison: Comparison) -> str:
    """The budget, and the data set unless the title of the study names it."""
    return comparison.budget if study.implied else f"{comparison.data}, {comparison.budget}"
