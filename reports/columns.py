"""The columns of the tables: each has its title, its cell and when it is shown, in one place.

To add a column, add a `Column` to `COMPARISON` or `METRICS`. The page, Markdown, LaTeX and the terminal then
show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.spec import BUDGET_TOLERANCE
from reports.judge.standings import NORMALISED_ENTROPY, USER_METRICS, Standing, Standings
from reports.judge.statistics import PREDICTIONS_MISSING, Difference
from reports.records.comparison import NOT_RUN
from reports.records.paper import gain_text, paper_task
from reports.writing.notation import MISSING, estimate, fixed, p_value, percent, points, share, short
from reports.writing.sections import Cell

REFERENCE_TITLES = {
    "oracle": "oracle (true probabilities)",
    "logistic_regression": "logistic regression (no interactions)",
}
PLANNED_NOTE = (
    "Active parameters are those that served the test rows, where that was observed. FLOPs are counted for "
    "the planned ones."
)
USER_METRIC_TITLES = {"uauc": "UAUC", "gauc": "GAUC", "gauc_pos": "GAUC by positives"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table with a row per entrant.

    Args:
        title: a text, or a function of the standings.
        cell: the cell of an entrant.
        reference: the cell of a reference, from its name and metrics; empty by default.
        when: whether the column is shown.
        is_text: whether it holds text; such columns are left of those with numbers.
        on_terminal: whether it is shown on a terminal.
    """

    title: str | Callable[[Standings], str]
    cell: Callable[[Standing, Standings], Cell]
    reference: Callable[[str, Mapping[str, float]], str] = lambda name, metrics: ""
    when: Callable[[Standings], bool] = lambda standings: True
    is_text: bool = False
    on_terminal: bool = True

    def title_in(self, standings: Standings) -> str:
        return self.title if isinstance(self.title, str) else self.title(standings)


def shown(columns: Sequence[Column], standings: Standings) -> list[Column]:
    """The columns that are shown for these standings."""
    return [column for column in columns if column.when(standings)]


def misses_budget(row: Standing) -> bool:
    return row.budget_error is not None and abs(row.budget_error) > BUDGET_TOLERANCE


def paper_gain(row: Standing, standings: Standings) -> str:
    """What the paper reports for the contestant; empty if its table is not shown for this comparison."""
    if standings.paper is None:
        return ""
    return gain_text(standings.paper, row.contestant, paper_task(standings.task))


def rank_text(row: Standing) -> str:
    """``2``, or ``1–3`` if ties leave the rank open."""
    if row.rank is None:
        return MISSING
    first, last = row.rank
    return str(first) if first == last else f"{first}–{last}"


def seeds_text(row: Standing) -> Cell:
    """How many seeds have a result, and how many were tried."""
    num_ok, failed = len(row.seeds), sum(why != NOT_RUN for _, why in row.missing)
    return Cell(text=str(num_ok), aside=f"of {num_ok + failed}" if failed else "")


def verdict_text(row: Standing, standings: Standings) -> Cell:
    """Against the baseline, or why there is none."""
    if row.reason:
        return Cell(text="not possible", style="undecided")
    if row.label == standings.baseline:
        return Cell(text="")
    if not row.seeds:
        return Cell(text="no result" if row.cost else NOT_RUN, style="undecided")
    difference = row.to_baseline
    if difference is None:
        why = "no common seed" if "auc" in row.metrics else "no AUC: one class"
        return Cell(text=why, style="undecided")
    if difference.verdict != "undecided":
        return Cell(text=difference.verdict, aside=adjusted_p(difference), style=difference.verdict)
    if difference.num_seeds < 2:
        return Cell(text="1 seed: no claim", style="undecided")
    missing = difference.doubt == PREDICTIONS_MISSING
    return Cell(text=f"undecided, {difference.doubt if missing else 'too little data'}", style="undecided")


def adjusted_p(value: Difference) -> str:
    """``p 0.13``, corrected, of a tie whose interval excludes zero; empty for others."""
    if not value.is_tie_by_family or value.adjusted_p_value is None:
        return ""
    return f"p {p_value(value.adjusted_p_value)}"


def _contestant(row: Standing, _: Standings) -> Cell:
    return Cell(text=row.label)


def _size(row: Standing, _: Standings) -> Cell:
    aside = "" if row.budget_error is None else percent(row.budget_error)
    style = "worse" if misses_budget(row) else ""
    return Cell(text=_cost(row, "dense_parameters"), aside=aside, style=style)


def active_text(row: Standing) -> Cell:
    """The active parameters that were observed, where they were, and the planned ones."""
    planned = _cost(row, "active_parameters")
    if row.active is None:
        return Cell(text=planned)
    return Cell(text=short(row.active.mean, "active_parameters"), aside=f"planned {planned}")


def is_sparse(row: Standing) -> bool:
    """Do not all dense parameters serve every row?"""
    return row.active is not None or row.cost.get("active_parameters") != row.cost.get("dense_parameters")


def _cost(row: Standing, name: str) -> str:
    return short(row.cost[name], name) if name in row.cost else MISSING


def _metric(name: str, decimals: int) -> Callable[[Standing, Standings], Cell]:
    return lambda row, _: Cell(text=estimate(row.metrics.get(name), decimals))


def _reference_value(metric: str) -> Callable[[str, Mapping[str, float]], str]:
    return lambda name, metrics: fixed(metrics[metric], 4) if metric in metrics else ""


def _difference(row: Standing, standings: Standings) -> Cell:
    if row.label == standings.baseline:
        return Cell(text="baseline")
    return Cell(text=points(row.to_baseline), difference=row.to_baseline)


def _user_difference(row: Standing, standings: Standings) -> Cell:
    if row.label == standings.baseline:
        return Cell(text="baseline")
    value = row.uauc_to_baseline
    aside = "" if value is None else value.doubt or (f"tie, {told}" if (told := adjusted_p(value)) else "")
    return Cell(text=points(value), aside=aside, difference=value)


def _has_baseline(standings: Standings) -> bool:
    return standings.baseline is not None


COMPARISON: tuple[Column, ...] = (
    Column(title="Rank", cell=lambda row, _: Cell(text=rank_text(row)), is_text=True),
    Column(
        title="Contestant",
        cell=_contestant,
        reference=lambda name, _: REFERENCE_TITLES[name],
        is_text=True,
    ),
    Column(title="Dense parameters", cell=_size),
    Column(
        title="Active parameters",
        cell=lambda row, _: active_text(row),
        when=lambda standings: any(is_sparse(row) for row in standings.rows),
    ),
    Column(
        title="Encoder parameters",
        cell=lambda row, _: Cell(text=_cost(row, "encoder_parameters")),
        when=lambda standings: (
            len({row.cost["encoder_parameters"] for row in standings.rows if row.cost}) > 1
        ),
    ),
    Column(
        title="Linear weights",
        cell=lambda row, _: Cell(text=_cost(row, "linear_parameters")),
        when=lambda standings: any(row.cost.get("linear_parameters") for row in standings.rows),
    ),
    Column(title="FLOPs forward", cell=lambda row, _: Cell(text=_cost(row, "flops_forward"))),
    Column(title="FLOPs train", cell=lambda row, _: Cell(text=_cost(row, "flops_train")), on_terminal=False),
    Column(title="Seeds", cell=lambda row, _: seeds_text(row)),
    Column(title="Test AUC", cell=_metric("auc", 4), reference=_reference_value("auc")),
    Column(
        title="Attained, %",
        cell=lambda row, _: Cell(text=share(row.attained)),
        reference=lambda name, _: "100" if name == "oracle" else "0",
        when=lambda standings: any(row.attained is not None for row in standings.rows),
    ),
    Column(
        title=lambda standings: f"Δ AUC to {standings.baseline}, points",
        cell=_difference,
        when=_has_baseline,
    ),
    Column(title="Verdict", cell=verdict_text, when=_has_baseline),
    Column(
        title=lambda standings: f"Paper, Δ points ({paper_task(standings.task)})",
        cell=lambda row, standings: Cell(text=paper_gain(row, standings) or MISSING, style="quiet"),
        when=lambda standings: any(paper_gain(row, standings) for row in standings.rows),
        on_terminal=False,
    ),
)
"""Rank, size, AUC, the difference from the baseline, and the difference in the paper."""


def _user_column(name: str) -> Column:
    return Column(
        title=USER_METRIC_TITLES[name],
        cell=_metric(name, 4),
        reference=_reference_value(name),
        when=lambda standings: any(name in row.metrics for row in standings.rows),
    )


METRICS: tuple[Column, ...] = (
    Column(
        title="Contestant",
        cell=_contestant,
        reference=lambda name, _: REFERENCE_TITLES[name],
        is_text=True,
    ),
    Column(title="Log loss", cell=_metric("log_loss", 4), reference=_reference_value("log_loss")),
    Column(
        title="Normalised entropy",
        cell=_metric(NORMALISED_ENTROPY, 4),
        reference=_reference_value(NORMALISED_ENTROPY),
        when=lambda standings: any(NORMALISED_ENTROPY in row.metrics for row in standings.rows),
    ),
    Column(title="Calibration", cell=_metric("calibration", 3)),
    *(_user_column(name) for name in USER_METRICS),
    Column(
        title=lambda standings: f"Δ UAUC to {standings.baseline}, points",
        cell=_user_difference,
        when=lambda standings: any(row.uauc_to_baseline is not None for row in standings.rows),
    ),
)
"""The other metrics of the test split."""
