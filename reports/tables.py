"""The tables of the page: cells already written for people, one form for HTML, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from reports.notation import MISSING, estimate, fixed, percent, points, share, short
from reports.paper import gain_text, paper_task
from reports.standings import USER_METRICS, Standing, Standings
from reports.statistics import Difference

BUDGET_TOLERANCE = 0.02
REFERENCE_TITLES = {
    "oracle": "oracle (true probabilities)",
    "logistic_regression": "logistic regression (no interactions)",
}
USER_METRIC_TITLES = {"uauc": "UAUC", "gauc": "GAUC", "gauc_pos": "GAUC by positives"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`text`, an afterthought in smaller type, and a style: ``better``, ``worse``, ``tie``, ``undecided``,
    ``quiet`` or none."""

    text: str
    aside: str = ""
    style: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.aside})" if self.aside else self.text


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table.

    Args:
        name: stem of its files.
        header: titles of the columns.
        rows: as many cells each.
        num_text_columns: how many columns from the left hold words; the others hold numbers.
        differences: one per row, to be drawn in column `differences_at`; empty for a table without.
        notes: sentences to stand under it.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    num_text_columns: int = 1
    differences: tuple[Difference | None, ...] = ()
    differences_at: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.header) for row in self.rows), self.name

    def latex(self) -> str:
        """A booktabs `tabular`."""
        text = pd.DataFrame([[str(cell) for cell in row] for row in self.rows], columns=list(self.header))
        alignment = "l" * self.num_text_columns + "r" * (len(self.header) - self.num_text_columns)
        result = text.to_latex(index=False, escape=True, column_format=alignment)
        for character, command in {
            "±": r"$\pm$",
            "Δ": r"$\Delta$",
            "−": "$-$",
            "–": "--",
            "·": r"$\cdot$",
        }.items():
            result = result.replace(character, command)
        return result


def words(*texts: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(Cell(text=text) for text in texts)


def comparison_table(standings: Standings, name: str) -> Table:
    """Who is ahead: rank, size, AUC, the difference to the baseline and the paper's own."""
    sparse = any(row.active_parameters != row.dense_parameters for row in standings.rows)
    header = ["Rank", "Contestant", "Dense parameters"]
    header += ["Active parameters"] if sparse else []
    header += ["FLOPs forward", "FLOPs train", "Seeds", "Test AUC"]
    with_share = any(row.attained is not None for row in standings.rows)
    header += ["Attained, %"] if with_share else []
    if standings.baseline:
        header += [
            f"Δ AUC to {standings.baseline}, points",
            "Verdict",
            f"Paper, Δ points ({paper_task(standings.task)})",
        ]
    rows = []
    for row in standings.rows:
        cells = [Cell(text=rank_text(row, standings.rows)), Cell(text=row.label), _size(row)]
        cells += words(short(row.active_parameters, billion="B")) if sparse else ()
        cells += words(short(row.flops_forward), short(row.flops_train))
        cells += [_seeds(row), Cell(text=estimate(row.metrics.get("auc"), 4))]
        cells += words(share(row.attained)) if with_share else ()
        if standings.baseline:
            cells += [_difference(row, standings.baseline), _verdict(row, standings.baseline)]
            cells.append(Cell(text=_paper_gain(row, standings) or MISSING, style="quiet"))
        rows.append(tuple(cells))
    for name_of_reference, metrics in standings.references.items():
        cells_of = {
            "Contestant": REFERENCE_TITLES[name_of_reference],
            "Test AUC": fixed(metrics["auc"], 4),
            "Attained, %": "100" if name_of_reference == "oracle" else "0",
        }
        rows.append(words(*(cells_of.get(title, "") for title in header)))
    differences = [row.to_baseline for row in standings.rows] + [None] * len(standings.references)
    return Table(
        name=name,
        header=tuple(header),
        rows=tuple(rows),
        num_text_columns=2,
        differences=tuple(differences) if standings.baseline else (),
        differences_at=header.index("Verdict") - 1 if standings.baseline else 0,
        notes=_comparison_notes(standings),
    )


def metrics_table(standings: Standings, name: str) -> Table:
    """The other metrics of the test split: log loss, calibration and, with users, per-user AUCs."""
    user_metrics = [metric for metric in USER_METRICS if any(metric in row.metrics for row in standings.rows)]
    header = ["Contestant", "Log loss", "Calibration"]
    header += [USER_METRIC_TITLES[metric] for metric in user_metrics]
    with_difference = standings.baseline is not None and "uauc" in user_metrics
    header += [f"Δ UAUC to {standings.baseline}, points"] if with_difference else []
    rows = []
    for row in standings.rows:
        texts = [
            row.label,
            estimate(row.metrics.get("log_loss"), 4),
            estimate(row.metrics.get("calibration"), 3),
        ]
        texts += [estimate(row.metrics.get(metric), 4) for metric in user_metrics]
        texts += [points(row.uauc_to_baseline)] if with_difference else []
        rows.append(words(*texts))
    if "log_loss" in (oracle := standings.references.get("oracle", {})):
        cells_of = {"Contestant": REFERENCE_TITLES["oracle"], "Log loss": fixed(oracle["log_loss"], 4)}
        cells_of["UAUC"] = fixed(oracle.get("uauc"), 4)
        rows.append(words(*(cells_of.get(title, "") for title in header)))
    return Table(
        name=name, header=tuple(header), rows=tuple(rows), notes=_user_notes(standings, user_metrics)
    )


def glance_table(all_standings: Sequence[Standings], name: str) -> Table:
    """One line per comparison and task: who shares the first rank."""
    rows = []
    for standings in all_standings:
        first = [row for row in standings.rows if row.rank == 1]
        leader = ", ".join(row.label for row in first) or "no claim"
        counts = sorted({len(row.seeds) for row in standings.rows})
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        best = estimate(first[0].metrics["auc"], 4) if first else MISSING
        where = words(standings.setting, standings.comparison, standings.task, leader)
        rows.append((*where, *words(best, str(len(standings.rows)), seeds)))
    header = ("Setting", "Budget", "Task", "First rank", "Best test AUC", "Contestants", "Seeds")
    return Table(name=name, header=header, rows=tuple(rows), num_text_columns=4)


def _paper_gain(row: Standing, standings: Standings) -> str:
    return gain_text(row.contestant, paper_task(standings.task))


def rank_text(row: Standing, rows: Sequence[Standing]) -> str:
    """An equals sign marks a shared rank."""
    if row.rank is None:
        return MISSING
    return f"{row.rank}{'=' if sum(other.rank == row.rank for other in rows) > 1 else ''}"


def _size(row: Standing) -> Cell:
    missed = row.budget_error is not None and abs(row.budget_error) > BUDGET_TOLERANCE
    aside = "" if row.budget_error is None else percent(row.budget_error)
    return Cell(text=short(row.dense_parameters, billion="B"), aside=aside, style="worse" if missed else "")


def _seeds(row: Standing) -> Cell:
    num_ok = len(row.seeds)
    return Cell(text=str(num_ok), aside=f"of {num_ok + row.num_failed}" if row.num_failed else "")


def _difference(row: Standing, baseline: str) -> Cell:
    return Cell(text="baseline" if row.label == baseline else points(row.to_baseline))


def _verdict(row: Standing, baseline: str) -> Cell:
    if row.label == baseline:
        return Cell(text="")
    if not row.seeds:
        return Cell(text="no result", style="undecided")
    if row.to_baseline is None:
        return Cell(text="no common seed", style="undecided")
    if row.verdict == "undecided":
        return Cell(text="1 seed: no claim", style="undecided")
    return Cell(text=row.verdict, style=row.verdict)


def _comparison_notes(standings: Standings) -> tuple[str, ...]:
    notes = []
    if standings.num_rows is not None:
        users = f" of {standings.num_users:,} users" if standings.num_users is not None else ""
        notes.append(
            f"Test split: {standings.num_rows:,} rows{users}, {standings.num_positives:,} of them positive."
        )
    if standings.baseline is None:
        notes.append("There is no single DLRM-MLP in this comparison, so no column of differences to it.")
    without_rows = sorted(
        {" and ".join(sorted(pair)) for pair, value in standings.pairs.items() if not value.test_rows}
    )
    if without_rows:
        notes.append(
            "Predictions are missing, so the interval covers seeds only and not the draw of the test rows: "
            f"{'; '.join(without_rows)}."
        )
    if any(
        row.budget_error is not None and abs(row.budget_error) > BUDGET_TOLERANCE for row in standings.rows
    ):
        notes.append("A size set in colour misses the budget by more than 2 %.")
    if standings.baseline and any(_paper_gain(row, standings) for row in standings.rows):
        notes.append(
            "Paper: RankMixer's Table 1 (arXiv 2507.15551), with the dense parameters it used. It is not "
            "matched in parameters, and its data is not ours: compare signs and magnitudes only."
        )
    return tuple(notes)


def _user_notes(standings: Standings, user_metrics: Sequence[str]) -> tuple[str, ...]:
    if not user_metrics:
        return ()
    counted = [row.metrics["users"].mean for row in standings.rows if "users" in row.metrics]
    skipped = [row.metrics["users_skipped"].mean for row in standings.rows if "users_skipped" in row.metrics]
    notes = ["The interval of the difference in UAUC covers seeds only, not the draw of the users."]
    if counted and skipped:
        notes.append(
            f"{counted[0]:,.0f} users have both classes; {skipped[0]:,.0f} have one and are skipped."
        )
    return tuple(notes)
