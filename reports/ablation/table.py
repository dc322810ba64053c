"""The table of an ablation, and its numbers as a flat file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.ablation.judged import MISSED, Ablation, ActiveShare, Arm
from reports.columns import PLANNED_NOTE, active_text, is_sparse, verdict_text
from reports.datafiles import P_VALUES, interval_ends
from reports.judge.standings import Standing, Standings
from reports.judge.statistics import Difference, Estimate
from reports.prose import listed, quoted
from reports.records.paper import PaperArm, named
from reports.tables import family_notes, floor_notes, test_split
from reports.writing.notation import MISSING, estimate, fixed, points, short
from reports.writing.sections import Cell, Table

BASE_NOTE = "The first row is the base with its own values; the others are differences to it."
LOSS, PAPER_FLOPS = "Δ log loss", "Paper: Δ FLOPs, %"
TIME_NOTE = (
    "Training time is measured while the runs train, so it depends on what else the machine does. It is "
    "compared by seed."
)


def ablation_table(one: Ablation, *, terminal: bool = False) -> Table:
    """A row per arm in the order of the study, and the base's before them.

    With `terminal`, without the columns that do not fit on a terminal.
    """
    used = [column for column in COLUMNS if column.when(one) and (column.on_terminal or not terminal)]
    rows = [tuple(column.of_base(one) for column in used)]
    rows += [tuple(column.cell(arm, one.standings) for column in used) for arm in one.arms]
    return Table(
        name="ablation",
        header=tuple(column.title for column in used),
        rows=tuple(rows),
        num_text_columns=sum(column.is_text for column in used),
        notes=_notes(one, {column.title for column in used}),
        wrapped=True,
    )


def ablation_frame(judged: Sequence[Ablation]) -> dict[str, pd.DataFrame]:
    """Name of the file → its table, if there are ablations: a row per arm of every comparison and task."""
    rows = [row for one in judged for row in flat_rows(one)]
    return {"ablation": pd.DataFrame(rows)} if rows else {}


def flat_rows(one: Ablation) -> list[dict[str, Any]]:
    """A row per arm, of plain JSON types: differences to the base (of AUC, not in points), relative costs."""
    return [_flat(one, arm) for arm in one.arms]


def _notes(one: Ablation, titles: Collection[str]) -> tuple[str, ...]:
    """
    Args:
        titles: of the columns that are shown.
    """
    notes = [
        f"{BASE_NOTE}{' Less log loss is better.' if LOSS in titles else ''}",
        *([test_split(one.standings)] if one.standings.num_rows is not None else []),
        *floor_notes(one.standings, "arm"),
    ]
    notes += [
        f"{arm.label} cannot take part: {arm.standing.reason}." for arm in one.arms if arm.standing.reason
    ]
    notes += family_notes({arm.label: arm.standing.to_baseline for arm in one.arms}, "arms")
    if one.base.active or any(arm.standing.active for arm in one.arms):
        notes.append(PLANNED_NOTE)
    missed = [
        f"{quoted(arm.label)} {_shares(arm.share)}" for arm in one.arms if arm.share and arm.share.misses
    ]
    if missed:
        notes.append(
            "The share of the experts that served the test rows misses its target by more than "
            f"{100 * MISSED:.0f} %: {listed(missed)}."
        )
    if any(arm.seconds for arm in one.arms):
        notes.append(TIME_NOTE)
    if any(arm.paper for arm in one.arms):
        flops = ", and its FLOPs may be counted in another way" if PAPER_FLOPS in titles else ""
        notes.append(
            f"Paper: {named(one.standings.paper or '')}. Its data and its scale are different{flops}."
        )
    if precision := max((paper.precision for arm in one.arms for paper in arm.paper), default=0.0):
        notes.append(
            f"The paper's differences were read off a figure, within {fixed(precision, 2)} points. One "
            "that is no larger has no sign."
        )
    return tuple(notes)


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column: the cell of an arm, that of the base, and when it is shown."""

    title: str
    cell: Callable[[Arm, Standings], Cell]
    of_base: Callable[[Ablation], Cell]
    when: Callable[[Ablation], bool] = lambda one: True
    is_text: bool = False
    on_terminal: bool = True


def _change(name: str) -> Callable[[Arm, Standings], Cell]:
    return lambda arm, _: Cell(text=_percent(arm.costs.get(name)))


def _cost(name: str) -> Callable[[Ablation], Cell]:
    return lambda one: Cell(text=short(one.base.cost[name], name) if name in one.base.cost else MISSING)


def _active(arm: Arm, _: Standings) -> Cell:
    planned = arm.planned_active
    aside = "" if planned is None else f"planned {_percent(planned)}"
    return Cell(text=_percent(arm.costs.get("active_parameters")), aside=aside)


def _shares(share: ActiveShare) -> str:
    """``24.5 % in place of 12.5 %``."""
    return f"{fixed(100 * share.observed, 1)} % in place of {fixed(100 * share.target, 1)} %"


def _own(metric: str) -> Callable[[Ablation], Cell]:
    return lambda one: Cell(text=estimate(one.base.metrics.get(metric), 4))


def _paper(value: Callable[[PaperArm], float | None], decimals: int) -> Callable[[Arm, Standings], Cell]:
    def cell(arm: Arm, _: Standings) -> Cell:
        found = [_with_size(fixed(value(paper), decimals, signed=True), paper) for paper in arm.paper]
        return Cell(text=", ".join(found) or MISSING, style="quiet")

    return cell


def _with_size(text: str, paper: PaperArm) -> str:
    """``+0.09 at 150M``, where the paper has several sizes."""
    size = paper.dense_parameters
    return text if size is None else f"{text} at {short(size, 'dense_parameters')}"


def _has_paper(value: Callable[[PaperArm], float | None]) -> Callable[[Ablation], bool]:
    return lambda one: any(value(paper) is not None for arm in one.arms for paper in arm.paper)


def _nothing(one: Ablation) -> Cell:
    return Cell(text="")


def _percent(fraction: float | None) -> str:
    return MISSING if fraction is None else fixed(100 * fraction, 1, signed=True)


def _seconds(value: Estimate | None) -> str:
    """``+12 ± 3``, in percent; ``+12 [−100, +240]`` where the interval reaches below no time at all."""
    return MISSING if value is None else estimate(value.scaled(100), 0, signed=True)


def _speed(examples_per_s: Estimate | None, of_example: int | None = 1) -> str:
    return (
        MISSING if examples_per_s is None or of_example is None else short(of_example * examples_per_s.mean)
    )


def _loss(value: Difference | None) -> str:
    """``+0.0012 [+0.0003, +0.0021]``."""
    if value is None:
        return MISSING
    mean, low, high = (fixed(part, 4, signed=True) for part in (value.mean, *interval_ends(value)))
    return mean if MISSING in (low, high) else f"{mean} [{low}, {high}]"


def _is_sparse(one: Ablation) -> bool:
    rows: list[Standing] = [one.base, *(arm.standing for arm in one.arms)]
    return any(is_sparse(row) for row in rows)


COLUMNS: tuple[_Column, ...] = (
    _Column(
        title="Arm",
        cell=lambda arm, _: Cell(text=arm.label),
        of_base=lambda one: Cell(text=one.base.label, aside="base"),
        is_text=True,
    ),
    _Column(
        title="Verdict",
        cell=lambda arm, standings: verdict_text(arm.standing, standings),
        of_base=_nothing,
        is_text=True,
    ),
    _Column(
        title="Δ AUC, points",
        cell=lambda arm, _: Cell(text=points(arm.standing.to_baseline), difference=arm.standing.to_baseline),
        of_base=_own("auc"),
    ),
    _Column(
        title="Paper: Δ AUC, points",
        cell=_paper(lambda paper: paper.auc, 2),
        of_base=_nothing,
        when=_has_paper(lambda paper: paper.auc),
    ),
    _Column(
        title="Δ UAUC, points",
        cell=lambda arm, _: Cell(text=points(arm.standing.uauc_to_baseline)),
        of_base=_own("uauc"),
        when=lambda one: any(arm.standing.uauc_to_baseline is not None for arm in one.arms),
    ),
    _Column(
        title=LOSS,
        cell=lambda arm, _: Cell(text=_loss(arm.standing.log_loss_to_baseline)),
        of_base=_own("log_loss"),
        on_terminal=False,
    ),
    _Column(
        title="Δ dense parameters, %", cell=_change("dense_parameters"), of_base=_cost("dense_parameters")
    ),
    _Column(
        title="Paper: Δ dense parameters, %",
        cell=_paper(lambda paper: paper.dense_parameters_percent, 1),
        of_base=_nothing,
        when=_has_paper(lambda paper: paper.dense_parameters_percent),
        on_terminal=False,
    ),
    _Column(
        title="Δ active parameters, %",
        cell=_active,
        of_base=lambda one: active_text(one.base),
        when=_is_sparse,
    ),
    _Column(title="Δ FLOPs forward, %", cell=_change("flops_forward"), of_base=_cost("flops_forward")),
    _Column(
        title=PAPER_FLOPS,
        cell=_paper(lambda paper: paper.flops_percent, 1),
        of_base=_nothing,
        when=_has_paper(lambda paper: paper.flops_percent),
        on_terminal=False,
    ),
    _Column(
        title="Δ training time, %",
        cell=lambda arm, _: Cell(text=_seconds(arm.seconds)),
        of_base=lambda one: Cell(
            text=f"{fixed(one.base_seconds.mean, 1)} s" if one.base_seconds else MISSING
        ),
    ),
    _Column(
        title="Examples/s in training",
        cell=lambda arm, _: Cell(text=_speed(arm.examples_per_s)),
        of_base=lambda one: Cell(text=_speed(one.base_examples_per_s)),
        when=lambda one: one.is_over_size,
    ),
    _Column(
        title="FLOP/s in training",
        cell=lambda arm, _: Cell(text=_speed(arm.examples_per_s, arm.standing.cost.get("flops_train"))),
        of_base=lambda one: Cell(text=_speed(one.base_examples_per_s, one.base.cost.get("flops_train"))),
        when=lambda one: one.is_over_size,
    ),
)
"""What an arm changes: quality, size and time, the paper's beside each."""


def _flat(one: Ablation, arm: Arm) -> dict[str, Any]:
    flat: dict[str, Any] = {
        **{name: getattr(one.standings, name) for name in ("study", "data", "budget", "task")},
        "base": one.base.label,
        "arm": arm.label,
        "sized": arm.sized,
        "verdict": arm.standing.verdict,
    }
    differences: Mapping[str, Difference | None] = {
        "auc": arm.standing.to_baseline,
        "uauc": arm.standing.uauc_to_baseline,
        "log_loss": arm.standing.log_loss_to_baseline,
    }
    estimates: dict[str, Estimate | None] = {**differences, "train_s_relative": arm.seconds}
    for name, value in estimates.items():
        ends = (None, None) if value is None else interval_ends(value)
        flat |= {name: value.mean if value else None, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    for name, difference in differences.items():
        flat |= {f"{name}_{part}": getattr(difference, part, None) for part in P_VALUES}
    flat |= {
        f"{name}_relative": arm.costs.get(name)
        for name in ("dense_parameters", "active_parameters", "flops_forward")
    }
    flat["active_parameters_planned_relative"] = arm.planned_active
    for paper in arm.paper:
        at = "" if paper.dense_parameters is None else f"_at_{short(paper.dense_parameters)}"
        flat |= {
            f"paper_auc{at}": paper.auc / 100,
            f"paper_dense_parameters_relative{at}": _relative(paper.dense_parameters_percent),
            f"paper_flops_forward_relative{at}": _relative(paper.flops_percent),
        }
    return flat | {"examples_per_s": arm.examples_per_s.mean if arm.examples_per_s else None}


def _relative(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
