"""Studies of runs that belong to no study, such as those of older stores.

Each has one data set (name, rev and fingerprint), one number of training rows, one setting of the features
and one protocol. Only the newest rev of a contestant is used; the notes name older ones. Your own contestant
becomes another one when its source is edited; labels then show the source.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.canonical import digest
from bench.training.protocols import PROTOCOLS
from reports.records.comparison import (
    Entry,
    Study,
    by_seed,
    comparison_of,
    distinctions,
    told_apart,
    train_rows_text,
)
from reports.records.paper import RANKMIXER_TABLE, stands_beside

BASELINE = "dlrm-mlp"
"""The contestant that differences are taken to where no study names one."""
SOURCE_LETTERS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Printing:
    """How contestants are printed.

    Args:
        titles: of each name; no two the same.
        decided: name → the hyper-parameters that a budget decides, which no label names.
        edited: names that runs of several sources have.
    """

    titles: Mapping[str, str]
    decided: Mapping[str, Collection[str]]
    edited: Collection[str]


def implied_studies(
    frame: pd.DataFrame,
    outside: pd.DataFrame,
    titles: Mapping[str, str],
    decided: Mapping[str, Collection[str]],
) -> list[Study]:
    """The studies of the runs `outside`, sorted; `frame` is all runs."""
    columns = ["dataset", "dataset_rev", "fingerprint", "train_rows", "features", "protocol"]
    newest = frame.groupby([*columns, "contestant"])["contestant_rev"].transform("max")
    outside = outside.assign(newest_rev=newest)
    groups = [rows for _, rows in outside.groupby(columns, sort=True)]
    sources = frame.groupby("contestant")["source"].nunique()
    printing = Printing(
        titles=told_apart({name: titles.get(name, name) for name in sorted(frame["contestant"].unique())}),
        decided=decided,
        edited=set(sources[sources > 1].index),
    )
    shown = _titles([rows.iloc[0] for rows in groups])
    return [_study(rows, title, printing) for rows, title in zip(groups, shown, strict=True)]


def changed_values(protocol: Mapping[str, Any]) -> str:
    """The values of a protocol that are not those of its name; empty for a name that is not known."""
    if protocol["name"] not in PROTOCOLS:
        return ""
    known = dataclasses.asdict(PROTOCOLS[protocol["name"]])
    return ", ".join(
        f"{name} {f'{value:g}' if isinstance(value, float) else value}"
        for name, value in protocol.items()
        if name in known and value != known[name]
    )


def _study(runs: pd.DataFrame, title: str, printing: Printing) -> Study:
    old = runs[runs["contestant_rev"] < runs["newest_rev"]]
    first = runs.iloc[0]
    dataset = (
        str(first["dataset"]),
        int(first["dataset_rev"]),
        str(first["fingerprint"]),
        int(first["train_rows"]),
    )
    paper = RANKMIXER_TABLE if stands_beside(RANKMIXER_TABLE, dataset[0]) else None
    comparisons = []
    for _, rows in runs.drop(old.index).groupby(["budget_kind", "budget_target"], sort=True):
        budget = (str(rows["budget_kind"].iloc[0]), int(rows["budget_target"].iloc[0]))
        entries = _entries(rows, printing)
        named = [entry.label for entry in entries if entry.contestant == BASELINE]
        baseline = named[0] if len(named) == 1 else None
        comparisons.append(
            comparison_of(entries, dataset, budget, data=title, baseline=baseline, paper=paper)
        )
    aside = [
        f"{printing.titles[str(rows['contestant'].iloc[0])]} rev {rows['contestant_rev'].iloc[0]}: "
        f"{len(rows)} {'run' if len(rows) == 1 else 'runs'}"
        for _, rows in old.groupby(["contestant", "contestant_rev"], sort=True)
    ]
    note = f"Excluded, because there are runs of a newer rev of the same contestant: {'; '.join(aside)}."
    return Study(
        title=title,
        kind="",
        question="",
        command="",
        comparisons=tuple(comparisons),
        notes=(note,) if aside else (),
        implied=True,
    )


def _entries(runs: pd.DataFrame, printing: Printing) -> list[Entry]:
    """One per contestant, source and set of hyper-parameters; all are planned with all seeds."""
    labels, groups = {}, {}
    has_budget = bool(runs["budget_kind"].iloc[0])
    for _, of_name in runs.groupby("contestant", sort=True):
        name = str(of_name["contestant"].iloc[0])
        decided = printing.decided.get(name, ()) if has_budget else ()
        variants = [rows for _, rows in of_name.groupby(["hyperparameters", "source"], sort=True)]
        values = [json.loads(rows["hyperparameters"].iloc[0]) for rows in variants]
        for rows, told in zip(variants, distinctions(values, decided), strict=True):
            source = str(rows["source"].iloc[0])
            parts = [told] if told else []
            parts += [f"source {source[:SOURCE_LETTERS] or 'unknown'}"] if name in printing.edited else []
            identity = f"{name} {digest([rows['hyperparameters'].iloc[0], source])[:8]}"
            labels[identity] = printing.titles[name] + (f" ({', '.join(parts)})" if parts else "")
            groups[identity] = rows
    seeds = tuple(sorted({int(seed) for seed in runs["seed"]}))
    return [
        Entry(
            label=label,
            contestant=str(groups[identity]["contestant"].iloc[0]),
            runs=by_seed(groups[identity]),
            planned=seeds,
        )
        for identity, label in told_apart(labels).items()
    ]


def _titles(rows: Sequence[pd.Series[Any]]) -> list[str]:
    """Data set and protocol with its changed values; of those that share both, what tells them apart too."""
    plain = []
    for row in rows:
        changed = changed_values(json.loads(row["protocol"]))
        rows_used = f" · {train_rows_text(int(row['train_rows']))}" if row["train_rows"] else ""
        protocol = f"{row['protocol_name']}{f', {changed}' if changed else ''}"
        plain.append(f"{row['dataset']}{rows_used} · {protocol}")
    result = []
    for row, title in zip(rows, plain, strict=True):
        twins = [other for other, name in zip(rows, plain, strict=True) if name == title]
        parts = [
            text
            for column, text in (
                ("dataset_rev", f"rev {row['dataset_rev']}"),
                ("fingerprint", f"fingerprint {row['fingerprint'][:8]}"),
                ("features", f"features {digest(row['features'])[:8]}"),
                ("protocol", f"protocol {digest(row['protocol'])[:8]}"),
            )
            if len({other[column] for other in twins}) > 1
        ]
        result.append(" · ".join([title, *parts]))
    return result
