"""The tables of the page, with cells as text, from the standings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.runs.study_record import FEATURES_PREFIX
from bench.spec import BUDGET_TOLERANCE
from reports.columns import (
    COMPARISON,
    METRICS,
    PLANNED_NOTE,
    Column,
    misses_budget,
    paper_gain,
    shown,
)
from reports.judge.sampling import FEWEST
from reports.judge.standings import USER_METRICS, Standing, Standings
from reports.judge.statistics import PREDICTIONS_MISSING, Difference
from reports.prose import listed_labels
from reports.records.comparison import Study
from reports.tuning.trials import PROTOCOL_VALUES
from reports.writing.notation import MISSING, estimate, setting_text, setting_value
from reports.writing.sections import Table, words

PAPER_NOTE = (
    "Paper: RankMixer's Table 1 (arXiv 2507.15551), with the dense parameters it used. Its models are not of "
    "equal size, and its data is different: compare only signs and magnitudes."
)


def comparison_table(standings: Standings, *, terminal: bool = False) -> Table:
    """Who is ahead. With `terminal`, without the columns that do not fit on a terminal."""
    columns = [column for column in COMPARISON if column.on_terminal or not terminal]
    return _table(
        "comparison",
        columns,
        standings,
        list(standings.references),
        _comparison_notes(standings, terminal=terminal),
    )


def metrics_table(standings: Standings) -> Table:
    """The other metrics of the test split: log loss, calibration and, with users, per-user AUCs."""
    oracle = ["oracle"] if "log_loss" in standings.references.get("oracle", {}) else []
    differences = {row.label: row.uauc_to_baseline for row in standings.rows}
    notes = (*_user_notes(standings), *family_notes(differences, "differences of UAUC"))
    return _table("metrics", METRICS, standings, oracle, notes, only_results=True)


def settings_table(study: Study) -> Table:
    """What each entrant of a study by tuned settings has in place of its defaults; no rows for other studies.

    Protocol values have a column each. An entrant has a row per budget where its settings differ.
    """
    entries = [(c, entry) for c in study.comparisons for entry in c.entries if study.tuned is not None]
    varied = {name for _, entry in entries for name in entry.setting}
    protocol = [name for name in PROTOCOL_VALUES if name in varied]
    several = len({comparison.budget for comparison, _ in entries}) > 1
    rows: dict[tuple[str, ...], None] = {}
    for comparison, entry in entries:
        own = {
            name: value
            for name, value in entry.setting.items()
            if name not in protocol and not name.startswith(FEATURES_PREFIX)
        }
        told = "no tuned setting" if entry.label in study.untuned else setting_text(own) or "its defaults"
        values = [setting_value(entry.setting[n]) if n in entry.setting else MISSING for n in protocol]
        rows[entry.label, *([comparison.budget] if several else []), told, *values] = None
    budget = ("Budget",) if several else ()
    return Table(
        name="settings",
        header=("Contestant", *budget, "Hyper-parameters", *protocol),
        rows=tuple(words(*row) for row in rows),
        num_text_columns=2 + several,
        notes=("An en dash: as in the protocol above.",) if any(MISSING in row for row in rows) else (),
        wrapped=True,
    )


def glance_table(all_standings: Sequence[Standings]) -> Table:
    """One line per comparison and task: who is best, and who is not told apart from it."""
    rows = []
    for standings in all_standings:
        leaders = _few([row.label for row in standings.leaders()]) or "no claim"
        counts = sorted({len(row.seeds) for row in standings.rows if not row.reason}) or [0]
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        best = estimate(standings.best.metrics["auc"], 4) if standings.best else MISSING
        where = words(standings.study, standings.data, standings.budget, standings.task, leaders)
        rows.append((*where, *words(best, str(len(standings.rows)), seeds)))
    header = (
        "Study",
        "Data",
        "Budget",
        "Task",
        "Best, and not told apart from it",
        "Best test AUC",
        "Contestants",
        "Seeds",
    )
    return Table(name="glance", header=header, rows=tuple(rows), num_text_columns=5, wrapped=True)


def _few(labels: Sequence[str]) -> str:
    """Up to four in full; of more the first three, so that a narrow screen can show them."""
    shown = labels if len(labels) <= 4 else [*labels[:3], f"and {len(labels) - 3} more"]
    return ", ".join(shown)


def _table(
    name: str,
    columns: Sequence[Column],
    standings: Standings,
    references: Sequence[str],
    notes: tuple[str, ...],
    *,
    only_results: bool = False,
) -> Table:
    used = shown(columns, standings)
    rows = [
        tuple(column.cell(row, standings) for column in used)
        for row in standings.rows
        if row.metrics or not only_results
    ]
    rows += [
        words(*(column.reference(reference, standings.references[reference]) for column in used))
        for reference in references
    ]
    return Table(
        name=name,
        header=tuple(column.title_in(standings) for column in used),
        rows=tuple(rows),
        num_text_columns=sum(column.is_text for column in used),
        notes=notes,
    )


def _comparison_notes(standings: Standings, *, terminal: bool) -> tuple[str, ...]:
    """What a reader must know of the comparison's table."""
    rows = standings.rows
    notes = [test_split(standings)] if standings.num_rows is not None else []
    if standings.baseline is None:
        notes.append("This comparison has no baseline, so there is no column of differences.")
    notes += floor_notes(standings, "contestant")
    notes += [f"{row.label} cannot take part: {row.reason}." for row in rows if row.reason]
    doubtful = [row for row in rows if row.to_baseline and row.to_baseline.num_seeds > 1]
    without = [row.label for row in doubtful if row.to_baseline.doubt == PREDICTIONS_MISSING]  # type: ignore[union-attr]
    if without:
        notes.append(f"Undecided, because predictions are missing or damaged: {listed_labels(without)}.")
    too_few = {row.to_baseline.doubt for row in doubtful if row.to_baseline} - {"", PREDICTIONS_MISSING}
    notes += [f"Too little data for a verdict: the test split has {why}." for why in sorted(too_few)]
    notes += family_notes({row.label: row.to_baseline for row in rows}, "pairs")
    if any(row.active for row in rows):
        notes.append(PLANNED_NOTE)
    if missed := [row.label for row in rows if misses_budget(row)]:
        notes.append(
            f"The size differs from the budget by more than {BUDGET_TOLERANCE:.0%}: {listed_labels(missed)}."
        )
    if not terminal and any(paper_gain(row, standings) for row in rows):
        notes.append(PAPER_NOTE)
    return tuple(notes)


def floor_notes(standings: Standings, who: str) -> tuple[str, ...]:
    """A warning where none of them is as good as a model without interactions; `who` is what they are."""
    if not standings.best_below_floor():
        return ()
    return (
        f"Warning: even the best {who} is worse than logistic regression without interactions, so this "
        "comparison says little. Train longer or on more rows.",
    )


def family_notes(differences: Mapping[str, Difference | None], counted: str) -> tuple[str, ...]:
    """Why differences whose intervals exclude zero are ties; empty where none is.

    Args:
        differences: label → its difference.
        counted: what is judged together, such as ``pairs``.
    """
    tied = {label: value for label, value in differences.items() if value and value.is_tie_by_family}
    if not tied:
        return ()
    family = max(value.family for value in tied.values())
    return (
        f"The interval excludes zero, but the verdict is a tie: {listed_labels(tied)}. {family} {counted} "
        "are judged together, and among so many one such interval can be chance. p is corrected for that.",
    )


def test_split(standings: Standings) -> str:
    """How many rows and users the differences rest on."""
    users = f" of {standings.num_users:,} users" if standings.num_users is not None else ""
    return f"Test split: {standings.num_rows:,} rows{users}, {standings.num_positives:,} of them positive."


def _user_notes(standings: Standings) -> tuple[str, ...]:
    if not any(metric in row.metrics for metric in USER_METRICS for row in standings.rows):
        return ()
    counted = _first_mean(standings.rows, "users")
    skipped = _first_mean(standings.rows, "users_skipped")
    if counted is None or skipped is None:
        return ()
    notes = [f"{counted:,.0f} users have both classes; {skipped:,.0f} have only one and are skipped."]
    if counted < FEWEST:
        notes.append(f"Fewer than {FEWEST} users have both classes, which is too few for a verdict on UAUC.")
    return tuple(notes)


def _first_mean(rows: Sequence[Standing], metric: str) -> float | None:
    return next((row.metrics[metric].mean for row in rows if metric in row.metrics), None)
