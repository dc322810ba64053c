"""The tables of ladders: how small a budget decides as the largest, and fits and pairs as flat tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports.ladder.growth import Growth
from reports.records.comparison import Study
from reports.scaling import Fit, Pair, Surface
from reports.scaling.intervals import Interval
from reports.scaling.laws import ANCHORED, LOG, POWER
from reports.writing.notation import MISSING, fixed
from reports.writing.sections import Table, words


def decision_table(growth: Growth) -> Table:
    """A row per budget below the largest."""
    largest = growth.budget(growth.rungs[-1][0].budget_target)
    rows = []
    for one in growth.accuracies:
        share = MISSING if one.share is None else f"{fixed(100 * one.share, 0)} %"
        counts = (one.decided, one.same, one.opposite, one.largest_decided)
        rows.append(words(growth.budget(one.budget), *map(str, counts), share))
    return Table(
        name="decisions",
        header=(
            "Budget",
            "Pairs it decides",
            f"As at {largest}",
            "The other way",
            f"Decided at {largest}",
            "Accuracy",
        ),
        rows=tuple(rows),
        notes=(
            f"A pair that the budget decides and {largest} does not is neither as there nor the other way. "
            "Accuracy: as there, of those that the budget decides. The pairs share contestants, so their "
            "number says nothing of an interval.",
        ),
    )


def ladder_frames(studies: Sequence[Study], grown: Sequence[Sequence[Growth]]) -> dict[str, pd.DataFrame]:
    """Name of the file → its table, of those that have rows: ``fits`` has a row per law, ``slopes`` one per
    pair of laws, ``decisions`` one per budget below the largest, ``surfaces`` one per law in size and rows.

    Args:
        grown: the ladders of each study.
    """
    frames: dict[str, list[dict[str, Any]]] = {"fits": [], "slopes": [], "decisions": [], "surfaces": []}
    for study, every in zip(studies, grown, strict=True):
        for growth in every:
            where = {"study": study.title, "data": growth.data, "task": growth.task}
            found = [("auc", laws) for laws in growth.laws] + [*growth.others.items()]
            for metric, laws in found:
                place = {**where, "metric": metric, "size": laws.column}
                frames["fits"] += [{**place, **_fit(one)} for one in laws.fits]
                frames["fits"] += [
                    {**place, "label": label, "reason": why} for label, why in laws.refused.items()
                ]
                frames["slopes"] += [{**place, **_pair(pair)} for pair in laws.pairs]
            frames["decisions"] += [
                {**where, **vars(one), "accuracy": one.share} for one in growth.accuracies
            ]
            if growth.by_rows:
                frames["surfaces"] += [
                    {**where, "size": growth.by_rows.column, **_surface(label, one)}
                    for label, one in growth.by_rows.surfaces.items()
                ]
    return {name: pd.DataFrame(rows) for name, rows in frames.items() if rows}


def _fit(one: Fit) -> dict[str, Any]:
    power = one.candidates.get(POWER) or one.candidates.get(ANCHORED)
    return {
        "label": one.label,
        "law": one.law.form,
        "formula": one.law.formula,
        "trend": one.trend,
        "asymptote_identified": one.identified,
        "reason": one.reason,
        **_ends("exponent", one.exponent if one.identified else None),
        **_ends("asymptote", one.asymptote if one.identified else None),
        **_ends("gain_per_doubling", one.gain_per_doubling),
        "rmse": one.chosen.rmse,
        "seed_deviation": one.ladder.seed_deviation,
        "held_out_error": one.chosen.held_out_error,
        "held_out_in_seeds": one.held_out_in_seeds,
        "delta_aicc": one.candidates[LOG].aicc - power.aicc if power else None,
        "num_runs": one.ladder.value.size,
        "num_sizes": one.ladder.sizes.size,
        "smallest": one.ladder.sizes[0],
        "largest": one.ladder.sizes[-1],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    slopes, crossed, saved = pair.slopes, pair.crossing, pair.saving
    return {
        "first": pair.first,
        "second": pair.second,
        "reason": pair.reason,
        **_ends("slope_difference", slopes.difference if slopes else None),
        "p": slopes.p_value if slopes else None,
        "p_holm": slopes.adjusted if slopes else None,
        "verdict": slopes.verdict if slopes else "",
        "cross_at": crossed.size if crossed else None,
        "cross_at_low": crossed.low if crossed else None,
        "cross_at_high": crossed.high if crossed else None,
        "ahead_after": crossed.ahead_after if crossed else "",
        "needs_fewer": saved.better if saved else "",
        **_ends("times_fewer", saved.times if saved else None),
        "at_least": saved.at_least if saved else None,
    }


def _surface(label: str, one: Surface) -> dict[str, Any]:
    return {
        "label": label,
        **_ends("asymptote", one.asymptote if one.identified else None),
        **_ends("size_factor", one.size_factor),
        **_ends("size_exponent", one.size_exponent),
        **_ends("rows_factor", one.rows_factor),
        **_ends("rows_exponent", one.rows_exponent),
        "asymptote_identified": one.identified,
        "reason": one.reason,
        "rmse": one.rmse,
        "seed_deviation": one.seed_deviation,
        "num_runs": one.num_runs,
        "num_cells": one.num_cells,
    }


def _ends(name: str, value: Interval | None) -> dict[str, float | None]:
    parts = (value.value, value.low, value.high) if value else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), parts, strict=True))
