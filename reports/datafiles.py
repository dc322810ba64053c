"""The numbers behind the page as flat tables, for whoever wants to compute on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports.standings import Standing, Standings
from reports.statistics import Difference

FLOAT_FORMAT = "%.8g"


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    """Eight significant digits, so that the last bits of a sum on another machine do not show."""
    table.to_csv(path, index=False, float_format=FLOAT_FORMAT, lineterminator="\n")
    return path


def comparison_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and contestant; a half width belongs to a 95 % interval."""
    return pd.DataFrame([_flat_row(standings, row) for standings in all_standings for row in standings.rows])


def pairs_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and ordered pair of contestants: AUC of the first minus the second's."""
    columns = ["setting", "comparison", "task", "first", "second", *_DIFFERENCE_COLUMNS]
    rows = [
        (standings.setting, standings.comparison, standings.task, *pair, *_difference(value).values())
        for standings in all_standings
        for pair, value in sorted(standings.pairs.items())
    ]
    return pd.DataFrame(rows, columns=columns)


_DIFFERENCE_COLUMNS = ("difference", "low", "high", "num_seeds", "covers_test_rows", "verdict")


def _difference(value: Difference | None) -> dict[str, Any]:
    if value is None:
        return dict.fromkeys(_DIFFERENCE_COLUMNS)
    interval = (None, None) if value.half_width is None else (value.low, value.high)
    entries = (value.mean, *interval, value.num_seeds, value.test_rows, value.verdict)
    return dict(zip(_DIFFERENCE_COLUMNS, entries, strict=True))


def _flat_row(standings: Standings, row: Standing) -> dict[str, Any]:
    plain = {
        field.name: getattr(row, field.name)
        for field in dataclasses.fields(row)
        if field.name not in ("seeds", "metrics", "attained", "to_baseline", "uauc_to_baseline")
    }
    flat = {"setting": standings.setting, "comparison": standings.comparison, "task": standings.task, **plain}
    flat |= {"seeds": " ".join(map(str, row.seeds)), "baseline": standings.baseline}
    metrics = {**row.metrics, **({} if row.attained is None else {"attained": row.attained})}
    for metric, value in sorted(metrics.items()):
        flat |= {metric: value.mean, f"{metric}_half_width": value.half_width}
    for name, difference in (("to_baseline", row.to_baseline), ("uauc_to_baseline", row.uauc_to_baseline)):
        flat |= {f"{name}_{part}": value for part, value in _difference(difference).items()}
    return flat
