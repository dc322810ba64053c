"""The numbers of the page as flat tables, for further computation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports.standings import Standing, Standings
from reports.statistics import Difference, Estimate

FLOAT_FORMAT = "%.8g"


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    """Eight significant digits, so that the last bits of a sum on another machine do not show."""
    table.to_csv(path, index=False, float_format=FLOAT_FORMAT, lineterminator="\n")
    return path


def comparison_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and contestant; `low` and `high` are the ends of 95 % intervals."""
    return pd.DataFrame([_flat_row(standings, row) for standings in all_standings for row in standings.rows])


def pairs_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and ordered pair of contestants: AUC of the first minus the second's."""
    rows = [
        (*_where(standings).values(), *pair, *_difference(value).values())
        for standings in all_standings
        for pair, value in sorted(standings.pairs.items())
    ]
    return pd.DataFrame(rows, columns=[*_WHERE, "first", "second", *_DIFFERENCE_COLUMNS])


def for_machines(standings: Standings) -> dict[str, Any]:
    """Plain JSON types: estimates with the ends of their intervals, the pairs as a list, no number that is
    not finite."""
    plain = {field.name: _plain(getattr(standings, field.name)) for field in dataclasses.fields(standings)}
    plain["pairs"] = [
        {"first": first, "second": second, **_plain(value)}
        for (first, second), value in sorted(standings.pairs.items())
    ]
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        low, high = _interval(value)
        doubt = {"verdict": value.verdict, "doubt": value.doubt} if isinstance(value, Difference) else {}
        return {"mean": value.mean, "low": low, "high": high, "num_seeds": value.num_seeds, **doubt}
    if isinstance(value, Standing):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if isinstance(key, str)}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


_WHERE = ("study", "data", "budget", "task")
_DIFFERENCE_COLUMNS = ("difference", "low", "high", "num_seeds", "verdict", "doubt")


def _where(standings: Standings) -> dict[str, str]:
    return {name: getattr(standings, name) for name in _WHERE}


def _difference(value: Difference | None) -> dict[str, Any]:
    if value is None:
        return dict.fromkeys(_DIFFERENCE_COLUMNS)
    entries = (value.mean, *_interval(value), value.num_seeds, value.verdict, value.doubt)
    return dict(zip(_DIFFERENCE_COLUMNS, entries, strict=True))


def _interval(value: Estimate) -> tuple[float | None, float | None]:
    """The ends; None where there is no interval, or one of no bound."""
    finite = value.half_width is not None and math.isfinite(value.half_width)
    return (value.low, value.high) if finite else (None, None)


def _flat_row(standings: Standings, row: Standing) -> dict[str, Any]:
    flat = {
        **_where(standings),
        "label": row.label,
        "contestant": row.contestant,
        "reason": row.reason,
        "rank_from": row.rank[0] if row.rank else None,
        "rank_to": row.rank[1] if row.rank else None,
        "seeds": " ".join(map(str, row.seeds)),
        "seeds_missing": " ".join(f"{seed}:{why.replace(' ', '_')}" for seed, why in row.missing),
        **row.cost,
        "budget_error": row.budget_error,
        "baseline": standings.baseline,
    }
    estimates = {**row.metrics, "attained": row.attained, "active_parameters_observed": row.active}
    for name, value in sorted(estimates.items()):
        if value is not None:
            flat |= dict(
                zip((name, f"{name}_low", f"{name}_high"), (value.mean, *_interval(value)), strict=True)
            )
    for name, difference in (("to_baseline", row.to_baseline), ("uauc_to_baseline", row.uauc_to_baseline)):
        flat |= {f"{name}_{part}": value for part, value in _difference(difference).items()}
    return flat
