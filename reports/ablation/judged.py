"""An ablation, judged: what each arm changes against the base, in quality, in size and in time.

Arms whose labels are ``LINE · POINT``, such as ``vanilla · 1/4 active`` or ``D · 400k dense parameters``, or
only a ``POINT``, such as ``4 blocks``, are points of lines, if every line has two or more and all are numbers
of one unit. A base whose label is a point of that unit lies on every line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reports.judge.standings import Judged, Standing, Standings
from reports.judge.statistics import Estimate, Range, mean_estimate
from reports.records.comparison import Comparison, Entry, Study
from reports.records.paper import PaperArm, paper_arms

DENSE_PARAMETERS, TIMES_BASE = "dense parameters", "× base size"
"""Units of points that lie at the dense parameters that an arm has."""
FRACTION = "active_fraction"
"""The hyper-parameter that is the target of the share of active experts."""
ACTIVE = "active"
"""Unit of points that lie at the share of the experts that served the test rows, where it is known."""
MISSED = 0.1
"""By how much of its target an observed share may miss it without being told."""
_POINT = re.compile(
    r"(?:(?P<line>.+) · )?(?P<text>(?P<number>\d+(?:\.\d+)?)(?:/(?P<over>[1-9]\d*)|(?P<scale>[kMB]))?)"
    r"(?: (?P<unit>.+))?"
)
_SCALES = {"k": 1e3, "M": 1e6, "B": 1e9}


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where an arm lies on a line, which may have no name; `text` is its number as in the label: ``1/4``."""

    line: str
    text: str
    x: float
    unit: str

    def __str__(self) -> str:
        return f"{self.text} {self.unit}".rstrip()


@dataclass(frozen=True, kw_only=True)
class ActiveShare:
    """Of the experts that serve a row: the target, and what was observed, a mean over test rows and seeds."""

    target: float
    observed: float

    @property
    def misses(self) -> bool:
        """Does it miss the target by more than a tenth of it?"""
        return abs(self.observed / self.target - 1) > MISSED


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """One arm, or the base.

    Args:
        costs: name of a cost → (arm − base) / base, where both are known. Active parameters are those that
            were observed, where they were.
        planned_active: the same of the planned active parameters, where others were observed of the arm or
            the base.
        share: of the experts that served the test rows; None where it is not known.
        seconds: the same of the measured training time, by seed.
        examples_per_s: measured in training, mean over seeds; None where it is not known.
        paper: what the paper reports of it, at one size or several.
        sized: as in the study's record; None where an old record does not say.
    """

    standing: Standing
    costs: Mapping[str, float]
    planned_active: float | None
    share: ActiveShare | None
    seconds: Estimate | None
    examples_per_s: Estimate | None
    paper: tuple[PaperArm, ...]
    point: Point | None
    sized: str | None

    @property
    def label(self) -> str:
        return self.standing.label


@dataclass(frozen=True, kw_only=True, eq=False)
class Ablation:
    """One comparison and task of an ablation.

    Args:
        base_seconds, base_examples_per_s: measured in the base's training, mean over its seeds; None where
            they are not known.
        arms: in the order of the study.
    """

    comparison: Comparison
    standings: Standings
    base: Standing
    base_seconds: Estimate | None
    base_examples_per_s: Estimate | None
    arms: tuple[Arm, ...]

    @cached_property
    def lines(self) -> dict[str, tuple[Arm, ...]]:
        """Name of a line → its arms from one end to the other; empty where arms are no points of lines."""
        found: dict[str, tuple[Arm, ...]] = {}
        for arm in self.arms:
            if arm.point is not None:
                found[arm.point.line] = (*found.get(arm.point.line, ()), arm)
        units = {arm.point.unit for arm in self.arms if arm.point is not None}
        if len(units) != 1 or any(len(arms) < 2 for arms in found.values()):
            return {}
        return {
            line: tuple(
                sorted(arms, key=lambda arm: arm.point.x if arm.point else 0.0, reverse=self.is_falling)
            )
            for line, arms in found.items()
        }

    @property
    def is_falling(self) -> bool:
        """Do the lines go from large to small, as the first and the last point of the study do?"""
        points = [arm.point.x for arm in self.arms if arm.point is not None]
        return bool(points) and points[0] > points[-1]

    @property
    def unit(self) -> str:
        """Of the points of the lines."""
        return next(arm.point.unit for arms in self.lines.values() for arm in arms if arm.point is not None)

    @property
    def is_over_size(self) -> bool:
        """Do the lines go over dense parameters, of which an arm has more or fewer than its label says?"""
        return bool(self.lines) and self.unit in (DENSE_PARAMETERS, TIMES_BASE)

    @property
    def start(self) -> float | None:
        """Where the base is on the axis of the lines; None where it has no place there."""
        if self.is_over_size:
            return float(self.base.cost["dense_parameters"]) if self.base.cost else None
        point = point_of(self.base.label)
        return point.x if point is not None and self.lines and point.unit == self.unit else None


def ablation_of(comparison: Comparison, standings: Standings) -> Ablation | None:
    """None where the comparison has no base."""
    rows = {row.label: row for row in standings.rows}
    entries = {entry.label: entry for entry in comparison.entries}
    if standings.baseline is None:
        return None
    base = entries[standings.baseline]
    return Ablation(
        comparison=comparison,
        standings=standings,
        base=rows[base.label],
        base_seconds=_mean(base.values("timings.train_s").tolist()),
        base_examples_per_s=_mean(base.values("timings.samples_per_s").tolist()),
        arms=tuple(
            _arm(entry, rows[label], base, rows[base.label], comparison.paper)
            for label, entry in entries.items()
            if entry is not base
        ),
    )


def ablations(study: Study, found: Judged) -> list[Ablation]:
    """Of every comparison and task of a study of that kind; none if one of them has no base."""
    if study.kind != "ablation":
        return []
    made_of = [ablation_of(comparison, standings) for comparison, standings in found]
    whole = [one for one in made_of if one is not None]
    return whole if len(whole) == len(made_of) else []


def point_of(label: str) -> Point | None:
    """The place that a label names, or None."""
    found = _POINT.fullmatch(label)
    if found is None:
        return None
    number = float(found["number"]) / float(found["over"] or 1) * _SCALES.get(found["scale"] or "", 1.0)
    return Point(line=found["line"] or "", text=found["text"], x=number, unit=found["unit"] or "")


def _arm(entry: Entry, row: Standing, base: Entry, of_base: Standing, paper: str | None) -> Arm:
    of_base_s, its = (one.values("timings.train_s") for one in (base, entry))
    own, bases = _served(row), _served(of_base)
    costs = {name: cost / bases[name] - 1 for name, cost in own.items() if bases.get(name)}
    planned = {name: cost / of_base.cost[name] - 1 for name, cost in row.cost.items() if bases.get(name)}
    is_observed = row.active is not None or of_base.active is not None
    return Arm(
        standing=row,
        costs=costs,
        planned_active=planned.get("active_parameters") if is_observed else None,
        share=_share(entry, row),
        seconds=_mean([ratio - 1 for ratio in its / of_base_s if math.isfinite(ratio)], (-1.0, math.inf)),
        examples_per_s=_mean(entry.values("timings.samples_per_s").tolist()),
        paper=() if paper is None else paper_arms(paper, entry.label),
        point=point_of(entry.label),
        sized=entry.sized,
    )


def _served(row: Standing) -> dict[str, float]:
    """Its cost, with the active parameters that were observed, where they were."""
    return {**row.cost, **({"active_parameters": row.active.mean} if row.active else {})}


def _share(entry: Entry, row: Standing) -> ActiveShare | None:
    """From how many parameters the experts have that are planned to be idle, and how many were."""
    target = entry.hyperparameters.get(FRACTION)
    idle = row.cost["dense_parameters"] - row.cost["active_parameters"] if row.cost else 0
    if row.active is None or not isinstance(target, float) or not 0 < target < 1 or idle <= 0:
        return None
    experts = idle / (1 - target)
    return ActiveShare(target=target, observed=1 - (row.cost["dense_parameters"] - row.active.mean) / experts)


def _mean(values: list[float], possible: Range = (0.0, math.inf)) -> Estimate | None:
    return mean_estimate(values, possible) if values else None
