"""Quality for cost: who has the most AUC for its FLOPs and for its training time.

An entrant is dominated where another costs no more, has no less AUC, and is ahead in one of both, all by
means. Times are those of the runs, so they are compared only where all runs name the same processor, cores
and device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import LINE_HEIGHT, log_axis, spread
from reports.judge.standings import Standings
from reports.judge.statistics import Estimate
from reports.records.comparison import Comparison, Entry
from reports.writing import escaping
from reports.writing.drawing import BESIDE, FAINT, INK, WIDTH, Image, Mark, lead_label, rendered, style

FLOPS, SECONDS = "forward FLOPs per example", "training time in seconds"
FEWEST = 10
"""Contestants of a single budget from which a frontier says more than its table."""
MACHINE = ("environment.processor", "environment.cores", "timings.device", "environment.device")


@dataclass(frozen=True, kw_only=True)
class Spot:
    """An entrant at one budget.

    Args:
        budget: its printed size, empty where all have one budget.
        cost: FLOPs or seconds, above 0.
        dominated: whether another is as cheap and as good, and better in one of both.
    """

    label: str
    budget: str
    cost: float
    auc: Estimate
    dominated: bool


def frontier_figure(rungs: Sequence[tuple[Comparison, Standings]], mark: Mapping[str, Mark]) -> Image | None:
    """AUC against forward FLOPs, and against training time where it is comparable.

    Args:
        rungs: comparisons of one data set and task, of one budget or several.

    Returns:
        None where fewer than three entrants have a result.
    """
    found = {name: spots for name in (FLOPS, SECONDS) if len(spots := spots_of(rungs, name)) > 2}
    if not found:
        return None
    task = rungs[0][1].task
    with style():
        figure = Figure(figsize=(WIDTH, 3.9))
        panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
        for axes, (name, spots) in zip(panels, found.items(), strict=True):
            _draw(axes, name, spots, mark)
        panels[0].set_ylabel(f"test AUC, {escaping.figure(task)}")
        one = len(found) == 1
        figure.subplots_adjust(left=0.085, right=0.82 if one else 0.86, bottom=0.13, top=0.96, wspace=0.5)
        png, pdf = rendered(figure)
    told = [
        "Mean test AUC with its 95 % interval. Joined: entrants that no other beats in AUC at the same cost "
        "or less; the others are faint. By means, so neighbours on the line need not differ significantly."
    ]
    if SECONDS in found:
        told.append("Times are as measured, and those of runs side by side depend on each other.")
    else:
        told.append("Training times are not shown: the runs are of different machines, or have none.")
    return Image(
        name="frontier",
        png=png,
        pdf=pdf,
        caption=" ".join(told),
        alternative=f"Test AUC of {task} against {' and against '.join(found)}, with the frontier",
    )


def spots_of(rungs: Sequence[tuple[Comparison, Standings]], name: str) -> list[Spot]:
    """Every entrant with a result and a cost, from the cheapest; empty where times cannot be compared."""
    if name == SECONDS and not is_one_machine([c for c, _ in rungs]):
        return []
    several = len(rungs) > 1
    costs = []
    for comparison, standings in rungs:
        entries = {entry.label: entry for entry in comparison.entries}
        for row in standings.rows:
            cost = _cost(entries[row.label], name)
            if "auc" in row.metrics and cost > 0:
                costs.append((cost, row.label, comparison.budget if several else "", row.metrics["auc"]))
    costs.sort(key=lambda each: (each[0], -each[3].mean, each[1], each[2]))
    found: list[Spot] = []
    best = float("-inf")
    for cost, label, budget, auc in costs:
        found.append(Spot(label=label, budget=budget, cost=cost, auc=auc, dominated=auc.mean <= best))
        best = max(best, auc.mean)
    return found


def is_one_machine(comparisons: Sequence[Comparison]) -> bool:
    """Do all runs that succeeded name the same processor, cores and device?"""
    runs = [entry.ok for comparison in comparisons for entry in comparison.entries if not entry.ok.empty]
    named = {
        tuple(str(value) for value in row)
        for frame in runs
        for row in frame.reindex(columns=list(MACHINE)).itertuples(index=False)
    }
    return len(named) == 1


def _cost(entry: Entry, name: str) -> float:
    if name == FLOPS:
        return float(entry.cost("flops_forward") or 0)
    seconds = entry.values("timings.train_s")
    return float(seconds.mean()) if not seconds.empty else 0.0


def _draw(axes: Axes, name: str, spots: Sequence[Spot], mark: Mapping[str, Mark]) -> None:
    frontier = [spot for spot in spots if not spot.dominated]
    for spot in spots:
        own = mark[spot.label]
        axes.errorbar(
            [spot.cost],
            [spot.auc.mean],
            yerr=[[spot.auc.mean - spot.auc.low], [spot.auc.high - spot.auc.mean]],
            color=own.colour,
            marker=own.marker,
            markersize=4.5 if spot.dominated else 6.0,
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=1.0,
            alpha=0.28 if spot.dominated else 1.0,
            zorder=2 if spot.dominated else 4,
        )
    axes.plot(
        [spot.cost for spot in frontier],
        [spot.auc.mean for spot in frontier],
        color=INK,
        linewidth=1.1,
        drawstyle="steps-post",
        zorder=3,
    )
    log_axis(axes, [spot.cost for spot in spots], name, least=spots[0].cost)
    axes.set_xlabel(name)
    values = [spot.auc.mean for spot in spots]
    ends = [end for spot in frontier for end in (spot.auc.low, spot.auc.high)]
    low, high = min([*values, *ends]), max([*values, *ends])
    margin = 0.06 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    _label(axes, spots, frontier, mark)


def _label(axes: Axes, spots: Sequence[Spot], frontier: Sequence[Spot], mark: Mapping[str, Mark]) -> None:
    """The last spot of each contestant on the frontier by name; of those below it, their best, in grey."""
    last = {spot.label: spot for spot in spots}
    last |= {spot.label: spot for spot in frontier}
    on_it = {spot.label for spot in frontier}
    low, high = axes.get_ylim()
    heights = [(spot.auc.mean - low) / (high - low) for spot in last.values()]
    gap = min(1.1 * LINE_HEIGHT, 1.0 / max(1, len(heights) - 1))
    for (label, spot), height in zip(last.items(), spread(heights, gap, (0.0, 1.0)), strict=True):
        lead_label(
            axes,
            escaping.label(label, BESIDE),
            at=(spot.cost, spot.auc.mean),
            coords="data",
            to=(1.05, height),
            colour=mark[label].colour if label in on_it else FAINT,
            shrink=4,
        )
