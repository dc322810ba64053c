"""The verdict of a check of fairness: what a contestant gains on valid from the best setting next to its own.

The AUC of a setting with one seed is the mean over data sets of the mean over tasks; the test split is not
looked at. Only settings with a result for every seed are compared.

- *Gain*: the AUC of a neighbour minus that of the setting in use, by seed, then averaged.
- *Seed deviation* of a contestant: from the variance between seeds, averaged over its settings.
- *Interval* of a gain: Student's t with the variance of such a difference, pooled over every pair of the
  contestant's settings: twice the residual of setting + seed, with (K − 1)(S − 1) degrees of freedom. By
  Bonferroni's inequality, the intervals of all neighbours hold together, so that of the best does. Pooled
  over the pairs with the setting in use only, which share its runs, they are too narrow: 95 % ones hold for
  92 to 94 %, by simulation; these hold for 96 to 97 %.

Letters: `K` settings, `S` seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import stdtrit

from reports.judge.statistics import CONFIDENCE, Difference
from reports.records.comparison import Entry

LIMIT = 2.0
"""Seed deviations that the best neighbour may gain before the contestant is called handicapped."""
VERDICTS = ("handicapped", "not handicapped", "undecided")


@dataclass(frozen=True, kw_only=True, eq=False)
class Variant:
    """One setting of a contestant.

    Args:
        varied: what differs from the setting in use; empty for that itself.
        setting: what was asked for in place of defaults.
        dense_lr: NaN where it has no run.
        values: seed → valid AUC, of the seeds that have one on every data set.
        entries: data set → the runs, or why there are none.
    """

    varied: str
    setting: Mapping[str, Any]
    dense_lr: float
    values: Mapping[int, float]
    entries: Mapping[str, Entry]

    @property
    def reason(self) -> str:
        """Why it was left out; empty where it was not."""
        return next((entry.reason for entry in self.entries.values() if entry.reason), "")

    @property
    def missing(self) -> str:
        """What became of seeds without a value, such as ``seed 1: diverged``; empty where all have one."""
        found = dict(pair for entry in self.entries.values() for pair in entry.missing())
        planned = {seed for entry in self.entries.values() for seed in entry.planned}
        found |= dict.fromkeys(planned - {*self.values, *found}, "no valid AUC")
        return ", ".join(f"seed {seed}: {why}" for seed, why in sorted(found.items()))

    @property
    def is_whole(self) -> bool:
        """Does every planned seed have a value?"""
        return bool(self.values) and not self.missing

    @property
    def mean(self) -> float | None:
        return float(np.mean([*self.values.values()])) if self.values else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """A contestant at one budget: the setting in use, and its neighbours."""

    label: str
    used: Variant
    neighbours: tuple[Variant, ...]

    @property
    def variants(self) -> tuple[Variant, ...]:
        return (self.used, *self.neighbours)

    @cached_property
    def compared(self) -> tuple[Variant, ...]:
        """The neighbours with a result for every seed; none where the setting in use has not."""
        return tuple(one for one in self.neighbours if one.is_whole) if self.used.is_whole else ()

    @cached_property
    def deviation(self) -> float | None:
        """Between seeds, in AUC; None with one seed."""
        if not self.used.is_whole or len(self.used.values) < 2:
            return None
        areas_KS = self._areas()
        return math.sqrt(float(np.var(areas_KS, axis=1, ddof=1).mean()))

    @cached_property
    def gains(self) -> dict[str, Difference]:
        """What was varied → gain in AUC, of the neighbours that are compared."""
        areas_KS = self._areas()
        num_settings, num_seeds = areas_KS.shape
        half_width = None
        if num_seeds > 1 and num_settings > 1:
            half_width = _half_width(areas_KS)
        return {
            one.varied: Difference(
                mean=float((areas_S - areas_KS[0]).mean()),
                half_width=half_width,
                num_seeds=num_seeds,
                possible=(-1.0, 1.0),
                doubt="1 seed" if num_seeds < 2 else "",
            )
            for one, areas_S in zip(self.compared, areas_KS[1:], strict=True)
        }

    @property
    def best(self) -> str | None:
        """What the neighbour that gains most varies; None where none is compared."""
        return max(self.gains, key=lambda varied: self.gains[varied].mean, default=None)

    @property
    def doubt(self) -> str:
        """Why there is no verdict; empty where there is one."""
        if self.used.reason:
            return "cannot take part"
        if not self.used.is_whole:
            return f"no result of the setting in use ({self.used.missing})"
        if not self.compared:
            return "no neighbour has a result for every seed"
        return "1 seed" if self.deviation is None else ""

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        if self.doubt or self.best is None or self.deviation is None:
            return "undecided"
        return VERDICTS[0] if self.gains[self.best].mean > LIMIT * self.deviation else VERDICTS[1]

    def _areas(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(K, S), the setting in use first."""
        whole = (self.used, *self.compared)
        return np.array([[one.values[seed] for seed in sorted(self.used.values)] for one in whole])


@dataclass(frozen=True, kw_only=True)
class Check:
    """All contestants of a check at one budget; `data`: its data sets."""

    budget: str
    data: tuple[str, ...]
    contestants: tuple[Checked, ...]


def _half_width(areas_KS: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Of the simultaneous interval of K − 1 mean differences to the first row."""
    num_settings, num_seeds = areas_KS.shape
    freedom = (num_settings - 1) * (num_seeds - 1)
    of_setting, of_seed = areas_KS.mean(axis=1, keepdims=True), areas_KS.mean(axis=0, keepdims=True)
    residual = areas_KS - of_setting - of_seed + areas_KS.mean()
    variance = 2 * float((residual**2).sum()) / freedom
    error = (1 - CONFIDENCE) / (num_settings - 1)
    return float(stdtrit(freedom, 1 - error / 2)) * math.sqrt(variance / num_seeds)
