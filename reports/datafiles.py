"""The numbers of the page as flat tables, for further computation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.canonical import canonical_json
from reports.judge.standings import Standing, Standings
from reports.judge.statistics import Difference, Estimate
from reports.records.comparison import Study
from reports.tuning.fairness import Check
from reports.tuning.importance import importance
from reports.tuning.trials import Search, expected_best_of
from reports.tuning.two_protocols import TwoProtocols

FLOAT_FORMAT = "%.8g"


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    """Eight significant digits, so that the last bits of a sum on another machine do not show."""
    table.to_csv(path, index=False, float_format=FLOAT_FORMAT, lineterminator="\n")
    return path


def comparison_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and contestant; `low` and `high` are the ends of 95 % intervals."""
    return pd.DataFrame([_flat_row(standings, row) for standings in all_standings for row in standings.rows])


def pairs_frame(all_standings: Sequence[Standings]) -> pd.DataFrame:
    """A row per comparison, task and ordered pair of contestants: AUC of the first minus the second's.

    `p_value` is of the pair alone, `adjusted_p_value` by Holm within its family; verdicts are by the latter.
    """
    rows = [
        (*_where(standings).values(), *pair, *_difference(value).values())
        for standings in all_standings
        for pair, value in sorted(standings.pairs.items())
    ]
    return pd.DataFrame(rows, columns=[*_WHERE, "first", "second", *_DIFFERENCE_COLUMNS])


def tuning_frames(studies: Sequence[Study], twice: Sequence[TwoProtocols]) -> dict[str, pd.DataFrame]:
    """Name of the file → its table, of those that have rows."""
    frames = {
        "trials": trials_frame(studies),
        "expected": expected_frame(studies),
        "importance": importance_frame(studies),
        "protocols": protocols_frame(twice),
    }
    return {name: frame for name, frame in frames.items() if not frame.empty}


def trials_frame(studies: Sequence[Study]) -> pd.DataFrame:
    """A row per trial of the tuning studies; `best`: whether it is the best of its contestant."""
    rows = []
    for where, search, _ in _searches(studies):
        for trial in search.trials:
            of_data = {f"valid_auc.{data}": value for data, value in trial.values.items()}
            said = {
                "trial": trial.number,
                "valid_auc": trial.value,
                "confirmed_valid_auc": trial.confirmed,
                "best": trial is search.best,
                "diverged": " ".join(trial.diverged),
                "setting": canonical_json(trial.setting),
            }
            rows.append({**where, **said, **of_data})
    return pd.DataFrame(rows)


def expected_frame(studies: Sequence[Study]) -> pd.DataFrame:
    """The expected best valid AUC of a contestant after n trials."""
    rows = [
        {**where, "n": n, "expected_best": value}
        for where, search, is_grid in _searches(studies)
        if not is_grid
        for n, value in enumerate(expected_best_of(search), start=1)
    ]
    return pd.DataFrame(rows)


def importance_frame(studies: Sequence[Study]) -> pd.DataFrame:
    """The share of the importance that a hyper-parameter of a contestant has."""
    rows = [
        {**where, "name": name, "share": share}
        for where, search, _ in _searches(studies)
        for name, share in importance(search).items()
    ]
    return pd.DataFrame(rows)


def protocols_frame(every: Sequence[TwoProtocols]) -> pd.DataFrame:
    """A row per comparison under two protocols, task and contestant."""
    rows = []
    for twice in every:
        equal = {row.label: row for row in twice.equal.rows}
        for row in twice.tuned.rows:
            flat: dict[str, Any] = {
                **_where(twice.tuned),
                "label": row.label,
                "tuned": row.label not in twice.untuned,
            }
            for name, standing in (("equal", equal.get(row.label)), ("tuned", row)):
                rank = standing.rank if standing else None
                area = standing.metrics.get("auc") if standing else None
                flat |= {
                    f"{name}_rank_from": rank[0] if rank else None,
                    f"{name}_rank_to": rank[1] if rank else None,
                }
                ends = (area.mean, *interval_ends(area)) if area else (None, None, None)
                flat |= dict(zip((f"{name}_auc", f"{name}_auc_low", f"{name}_auc_high"), ends, strict=True))
            gain = _difference(twice.gains.get(row.label))
            rows.append(flat | {f"gain_{part}": value for part, value in gain.items()})
    return pd.DataFrame(rows)


def fairness_frames(studies: Sequence[Study]) -> dict[str, pd.DataFrame]:
    """Name of the file → its table, if there are checks: a row per setting of every contestant."""
    rows: list[dict[str, Any]] = []
    for study in studies:
        for check in study.checks:
            for one in check.contestants:
                for variant in one.variants:
                    gain = _difference(one.gains.get(variant.varied))
                    rows.append(
                        {
                            "study": study.title,
                            "data": " ".join(check.data),
                            "budget": check.budget,
                            "label": one.label,
                            "varied": variant.varied,
                            "setting": canonical_json(variant.setting),
                            "valid_auc": variant.mean,
                            **{f"gain_{part}": gain[part] for part in ("difference", "low", "high")},
                            "num_seeds": len(variant.values),
                            "left_out": variant.reason or variant.missing,
                            "seed_deviation": one.deviation,
                            "verdict": one.verdict,
                        }
                    )
    return {"fairness": pd.DataFrame(rows)} if rows else {}


def check_for_machines(check: Check) -> dict[str, Any]:
    """Plain JSON types; gains and deviations in AUC, not in points."""
    return {
        "budget": check.budget,
        "data": list(check.data),
        "contestants": [
            {
                "label": one.label,
                "verdict": one.verdict,
                "doubt": one.doubt,
                "valid_auc": one.used.mean,
                "setting": dict(one.used.setting),
                "best": one.best,
                "gain": _plain(one.gains[one.best]) if one.best is not None else None,
                "seed_deviation": one.deviation,
                "neighbours": [
                    {
                        "varied": neighbour.varied,
                        "setting": dict(neighbour.setting),
                        "valid_auc": neighbour.mean,
                        "gain": _plain(one.gains.get(neighbour.varied)),
                        "left_out": neighbour.reason or neighbour.missing,
                    }
                    for neighbour in one.neighbours
                ],
            }
            for one in check.contestants
        ],
    }


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
        low, high = interval_ends(value)
        told = ("verdict", "doubt", *P_VALUES, "family") if isinstance(value, Difference) else ()
        more = {name: getattr(value, name) for name in told}
        return {"mean": value.mean, "low": low, "high": high, "num_seeds": value.num_seeds, **more}
    if isinstance(value, Standing):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if isinstance(key, str)}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


_WHERE = ("study", "data", "budget", "task")
P_VALUES = ("p_value", "adjusted_p_value")
_DIFFERENCE_COLUMNS = ("difference", "low", "high", "num_seeds", *P_VALUES, "verdict", "doubt")


def _searches(studies: Sequence[Study]) -> Iterator[tuple[dict[str, str], Search, bool]]:
    """(where it belongs, search, whether it is one of a grid)."""
    for study in studies:
        for tuning in study.tunings:
            where = {"study": study.title, "budget": tuning.budget}
            is_grid = tuning.is_grid
            for search in tuning.searches:
                yield {**where, "label": search.label}, search, is_grid


def _where(standings: Standings) -> dict[str, str]:
    return {name: getattr(standings, name) for name in _WHERE}


def _difference(value: Difference | None) -> dict[str, Any]:
    if value is None:
        return dict.fromkeys(_DIFFERENCE_COLUMNS)
    p_values = (getattr(value, name) for name in P_VALUES)
    entries = (value.mean, *interval_ends(value), value.num_seeds, *p_values, value.verdict, value.doubt)
    return dict(zip(_DIFFERENCE_COLUMNS, entries, strict=True))


def interval_ends(value: Estimate) -> tuple[float | None, float | None]:
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
                zip((name, f"{name}_low", f"{name}_high"), (value.mean, *interval_ends(value)), strict=True)
            )
    for name, difference in (("to_baseline", row.to_baseline), ("uauc_to_baseline", row.uauc_to_baseline)):
        flat |= {f"{name}_{part}": value for part, value in _difference(difference).items()}
    return flat
