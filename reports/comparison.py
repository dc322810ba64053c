"""Who may be compared with whom: runs grouped into settings, comparisons and entries.

A *setting* is one data set (name, rev and fingerprint), one way of making features and one protocol; a
*comparison* is a setting at one budget; an *entry* is one contestant in it, with all its seeds. Nothing is
averaged or compared across settings. Within a setting only the newest rev of a contestant counts; the runs of
older ones are named in `set_aside`, so a raised rev takes effect with its first new run and nothing old has
to be removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.canonical import digest
from reports.frame import tasks_of
from reports.notation import exact, letter_of_billion

BUDGET_WORDS = {"dense_parameters": "dense parameters", "flops_forward": "forward FLOPs per example"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """One contestant of a comparison.

    Args:
        label: title of the contestant, with the hyper-parameters that tell it from others of the same name.
        contestant: its name in the records.
        runs: all its runs; `ok`: those that ended well. Both indexed by seed, in order.
    """

    label: str
    contestant: str
    runs: pd.DataFrame
    ok: pd.DataFrame

    def values(self, column: str) -> pd.Series[float]:
        """What the ok runs have in `column`, by seed; empty where none has it."""
        if column not in self.ok:
            return pd.Series(dtype=float)
        return self.ok[column].dropna().astype(float)

    def cost(self, column: str) -> int:
        """One number of the cost, which seeds do not change."""
        return int((self.runs if self.ok.empty else self.ok)[column].iloc[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Contestants at one budget; `budget_kind` is empty and `budget_target` 0 where sizes were given."""

    title: str
    slug: str
    budget_kind: str
    budget_target: int
    entries: tuple[Entry, ...]
    tasks: tuple[str, ...]

    @property
    def seeds(self) -> list[int]:
        """Every seed that any entry was run with."""
        return sorted({seed for entry in self.entries for seed in entry.runs.index.tolist()})

    def missing(self) -> list[tuple[Entry, int, str]]:
        """(entry, seed, what became of it) for every seed of the comparison without an ok run."""
        return [
            (entry, seed, str(entry.runs["status"][seed]) if seed in entry.runs.index else "not run")
            for entry in self.entries
            for seed in self.seeds
            if seed not in entry.ok.index
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """Comparisons that share data, features and protocol, from the smallest budget to the largest."""

    title: str
    slug: str
    dataset: str
    dataset_rev: int
    fingerprint: str
    features: Mapping[str, Any]
    protocol: Mapping[str, Any]
    comparisons: tuple[Comparison, ...]
    set_aside: tuple[str, ...]

    @property
    def tasks(self) -> list[str]:
        return sorted({task for comparison in self.comparisons for task in comparison.tasks})


def settings(frame: pd.DataFrame, titles: Mapping[str, str]) -> list[Setting]:
    """Every setting of the frame, sorted.

    Args:
        titles: contestant name → how to print it; a name that is absent is printed as it is.
    """
    columns = ["dataset", "dataset_rev", "fingerprint", "features", "protocol"]
    groups = [rows for _, rows in frame.groupby(columns, sort=True)]
    names = _setting_titles([rows.iloc[0] for rows in groups])
    return [_setting(rows, name, titles) for rows, name in zip(groups, names, strict=True)]


def slug(text: str) -> str:
    """`text` as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _setting(runs: pd.DataFrame, title: str, titles: Mapping[str, str]) -> Setting:
    newest = runs.groupby("contestant")["contestant_rev"].transform("max")
    old = runs[runs["contestant_rev"] < newest]
    current = runs[runs["contestant_rev"] == newest]
    first = runs.iloc[0]
    budgets = current.groupby(["budget_kind", "budget_target"], sort=True)
    return Setting(
        title=title,
        slug=slug(title),
        dataset=first["dataset"],
        dataset_rev=int(first["dataset_rev"]),
        fingerprint=first["fingerprint"],
        features=json.loads(first["features"]),
        protocol=json.loads(first["protocol"]),
        comparisons=tuple(_comparison(rows, titles) for _, rows in budgets),
        set_aside=tuple(
            f"{titles.get(str(name), str(name))} rev {rev}: {len(rows)} {'run' if len(rows) == 1 else 'runs'}"
            for (name, rev), rows in old.groupby(["contestant", "contestant_rev"], sort=True)
        ),
    )


def _comparison(runs: pd.DataFrame, titles: Mapping[str, str]) -> Comparison:
    kind, target = str(runs["budget_kind"].iloc[0]), int(runs["budget_target"].iloc[0])
    title = (
        f"{exact(target, billion=letter_of_billion(kind))} {BUDGET_WORDS[kind]}" if kind else "sizes as given"
    )
    entries = []
    for name, rows in runs.groupby("contestant", sort=True):
        variants = dict(list(rows.groupby("hyperparameters", sort=True)))
        suffixes = _distinctions([json.loads(str(text)) for text in variants])
        for suffix, variant in zip(suffixes, variants.values(), strict=True):
            by_seed = variant.set_index("seed").sort_index()
            entries.append(
                Entry(
                    label=titles.get(str(name), str(name)) + suffix,
                    contestant=str(name),
                    runs=by_seed,
                    ok=by_seed[by_seed["status"] == "ok"],
                )
            )
    return Comparison(
        title=title,
        slug=f"{slug(kind)}-{target}" if kind else slug(title),
        budget_kind=kind,
        budget_target=target,
        entries=tuple(entries),
        tasks=tuple(tasks_of(runs)),
    )


def _distinctions(variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each set of hyper-parameters, those that are not the same in all; nothing for a single set."""
    names = sorted({name for variant in variants for name in variant})
    telling = [name for name in names if len({digest(variant.get(name)) for variant in variants}) > 1]
    if not telling:
        return [""]
    return [f" ({', '.join(f'{name} {variant.get(name)}' for name in telling)})" for variant in variants]


def _setting_titles(rows: Sequence[pd.Series[Any]]) -> list[str]:
    """Data set and protocol, and of settings that share both, what tells them apart."""
    plain = [f"{row['dataset']} · {row['protocol_name']}" for row in rows]
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
