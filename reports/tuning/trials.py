"""The trials of a tuning study: settings of each contestant, and what they gave on valid.

A trial is one setting, run once on every data set of the study. Its value is the mean over data sets of the
mean over tasks of valid AUC; a run that diverged counts as a coin. Finalists are run again with other seeds;
the mean over all seeds decides among them. The test split is not looked at.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench.canonical import digest
from bench.spec import Protocol
from reports.judge.statistics import Floats
from reports.records.comparison import Entry

DIVERGED = 0.5
"""The valid AUC that a run counts with whose training diverged."""
_RATES = ("dense_lr", "sparse_lr")
PROTOCOL_VALUES = (*_RATES, *sorted({each.name for each in dataclasses.fields(Protocol)} - {"name", *_RATES}))
"""Names of the values of a protocol, in the order of tables."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One setting of a contestant.

    Args:
        number: 0 is the contestant's default by the base protocol.
        setting: hyper-parameters and protocol values that were asked for beyond these.
        protocol: every value of the protocol that its runs were trained by; empty without a run.
        values: data set → mean over tasks of valid AUC with the first seed; None where the run is missing or
            failed.
        again: the same of every other run, whatever its data set and seed; None where one has no value.
        diverged: the data sets on which training diverged.
        keys: of its runs.
        without: data set → the run that is missing or failed, for those that have no value.
    """

    number: int
    setting: Mapping[str, Any]
    protocol: Mapping[str, Any]
    values: Mapping[str, float | None]
    again: tuple[float | None, ...] = ()
    diverged: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    without: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def value(self) -> float | None:
        """Mean over data sets; None unless all have a value."""
        known = [value for value in self.values.values() if value is not None]
        return statistics.fmean(known) if known and len(known) == len(self.values) else None

    @property
    def confirmed(self) -> float | None:
        """Mean over all seeds of a finalist; None for others, or without some of the values."""
        every = [*self.values.values(), *self.again]
        known = [value for value in every if value is not None]
        return statistics.fmean(known) if self.again and len(known) == len(every) else None

    @property
    def own(self) -> dict[str, Any]:
        """What the setting has besides protocol values."""
        return {name: value for name, value in self.setting.items() if name not in PROTOCOL_VALUES}


@dataclass(frozen=True, kw_only=True)
class Search:
    """All trials of one contestant at one budget, by number; `reason`: why it cannot take part, or empty."""

    label: str
    trials: tuple[Trial, ...]
    reason: str = ""

    @property
    def valued(self) -> list[tuple[Trial, float]]:
        """The trials that have a value, with it."""
        return [(trial, trial.value) for trial in self.trials if trial.value is not None]

    @property
    def judged(self) -> list[tuple[Trial, float]]:
        """The trials that one is chosen from: finalists with what was confirmed; without any, `valued`."""
        confirmed = [(trial, trial.confirmed) for trial in self.trials if trial.confirmed is not None]
        return confirmed or self.valued

    @property
    def best(self) -> Trial | None:
        """Of the highest value that was judged, the first of equals; None without any value."""
        return max(self.judged, key=lambda pair: pair[1])[0] if self.judged else None

    @property
    def highest(self) -> float | None:
        """The value of the best trial, as it was judged."""
        return max((value for _, value in self.judged), default=None)

    @property
    def default(self) -> float | None:
        """The value of trial 0, as it was judged."""
        return next((value for trial, value in self.judged if trial.number == 0), None)

    @property
    def gain(self) -> float | None:
        """Best minus default, in AUC."""
        return None if self.default is None or self.highest is None else self.highest - self.default


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The searches of a tuning study at one budget, in the order of the study; `data`: its data sets."""

    budget: str
    data: tuple[str, ...]
    searches: tuple[Search, ...]

    @property
    def varied(self) -> list[str]:
        """Every hyper-parameter and protocol value that trials of a contestant differ in, protocol values
        first."""
        names: set[str] = set()
        for search in self.searches:
            settings = [trial.setting for trial in search.trials]
            for name in {name for setting in settings for name in setting}:
                if len({digest(setting.get(name)) for setting in settings}) > 1:
                    names.add(name)
        return [name for name in PROTOCOL_VALUES if name in names] + sorted(names - {*PROTOCOL_VALUES})

    @property
    def is_grid(self) -> bool:
        """Is the dense learning rate all that varies?"""
        return self.varied == ["dense_lr"]


def expected_best(values: Sequence[float], first: float | None) -> Floats:
    """Expected highest value after n trials, for n from 1 to all, over every order in which they could come.

    The highest of n drawn without replacement from N is the i-th smallest with probability
    C(i − 1, n − 1) / C(N, n) (Dodge et al. 2019, arXiv 1909.03004, have it with replacement). Nothing is
    resampled at random.

    Args:
        values: of the trials whose order is open.
        first: of the trial that always comes first, here the default; None: there is none.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if first is None:
        return np.array([_highest_of(ordered, n) for n in range(1, ordered.size + 1)])
    ordered = np.maximum(ordered, first)
    return np.array([first, *(_highest_of(ordered, n) for n in range(1, ordered.size + 1))])


def expected_best_of(search: Search) -> Floats:
    """After n trials of `search`, of which the default comes first; empty without a value."""
    values = {trial.number: value for trial, value in search.valued}
    first = values.pop(0, None)
    return expected_best(list(values.values()), first)


def _highest_of(ordered: Floats, n: int) -> float:
    """Expected highest of `n` of them: the weights run from that of the largest, n / N, downwards."""
    size = ordered.size
    place = np.arange(size, 1, -1)
    steps = np.maximum(place - n, 0) / (place - 1)
    weight = n / size * np.cumprod(np.concatenate(([1.0], steps)))
    return float(weight @ ordered[::-1])


def valid_aucs(runs: pd.DataFrame) -> dict[str, float]:
    """Spec key → mean over tasks of valid AUC, of the runs that have a value; `DIVERGED` for one that did."""
    columns = [name for name in map(str, runs) if name.startswith("valid.") and name.endswith(".auc")]
    areas = runs[columns].apply(pd.to_numeric, errors="coerce").mean(axis=1)
    areas = areas.where(runs["status"] == "ok").mask(runs["status"] == "diverged", DIVERGED)
    return {key: float(area) for key, area in areas.items() if isinstance(key, str) and not math.isnan(area)}
