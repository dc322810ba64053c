"""What models showed of themselves during training, averaged over the seeds of an entrant."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.records.comparison import Comparison, Entry, Study
from reports.records.sources import UNREADABLE, Sources

TITLES = {"active_share": "share of active experts", "gradient_norm": "gradient norm"}
"""What a name in a file of observations means."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """One quantity of one entrant.

    Args:
        values: `step`, `layer`, `token` and `value`, with `low` and `high`, the least and the most of any
            seed; layers and tokens from 1. `token` is 0 where there is one value for a layer.
    """

    entry: Entry
    name: str
    values: pd.DataFrame

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name.replace("_", " "))

    @property
    def is_of_tokens(self) -> bool:
        return bool(self.values["token"].any())


def observed(comparison: Comparison, sources: Sources) -> list[Observed]:
    """Every quantity of every entrant whose runs all showed it, at steps that all have."""
    return [one for entry in comparison.entries for one in _of_entry(entry, _runs(entry, sources))]


def left_out(comparison: Comparison, sources: Sources) -> list[str]:
    """Labels of the entrants of which `observed` lacks what a run showed, or showed by its record."""
    labels = []
    for entry in comparison.entries:
        runs = _runs(entry, sources)
        names = set().union(*(run["name"] for run in runs.values() if run is not None))
        lacks = any(run is None and sources.is_set_aside("observations", key) for key, run in runs.items())
        if lacks or names != {one.name for one in _of_entry(entry, runs)}:
            labels.append(entry.label)
    return labels


def observed_frame(studies: Sequence[Study], sources: Sources) -> dict[str, pd.DataFrame]:
    """Name of the file → its table, if there are such: a row per value of every entrant."""
    frames = [
        one.values.assign(
            study=study.title,
            data=comparison.data,
            budget=comparison.budget,
            label=one.entry.label,
            name=one.name,
        )
        for study in studies
        if study.observed
        for comparison in study.comparisons
        for one in observed(comparison, sources)
    ]
    if not frames:
        return {}
    every = pd.concat(frames)
    where = ["study", "data", "budget", "label", "name"]
    return {"observed": every[[*where, *(name for name in every.columns if name not in where)]]}


def _runs(entry: Entry, sources: Sources) -> dict[str, pd.DataFrame | None]:
    """Key → what the run showed; None where it has no readable file."""
    keys = [] if entry.ok.empty else [str(key) for key in entry.ok["key"]]
    return {key: sources.once("observations", key, functools.partial(_read, key, sources)) for key in keys}


def _of_entry(entry: Entry, runs: Mapping[str, pd.DataFrame | None]) -> list[Observed]:
    shown = [run for run in runs.values() if run is not None]
    if not shown or len(shown) < len(runs):
        return []
    names = set.intersection(*(set(run["name"]) for run in shown))
    found = [Observed(entry=entry, name=name, values=_over_seeds(shown, name)) for name in sorted(names)]
    return [one for one in found if not one.values.empty]


def _over_seeds(runs: Sequence[pd.DataFrame], name: str) -> pd.DataFrame:
    """At the steps that all seeds have."""
    of_name = [run[run["name"] == name] for run in runs]
    steps = set.intersection(*(set(run["step"]) for run in of_name))
    every = pd.concat(of_name)
    every = every[every["step"].isin(steps)]
    groups = every.groupby(["step", "layer", "token"])["value"]
    return groups.agg(value="mean", low="min", high="max").reset_index()


def _read(key: str, sources: Sources) -> pd.DataFrame | None:
    """With layer and token in place of the index, the mean over what it has beyond these, such as experts."""
    frame = sources.observations(key)
    if frame is None or frame.empty:
        return None
    try:
        places = [tuple(int(part) for part in index) for index in frame["index"]]
        frame = frame.assign(
            layer=[place[0] + 1 if place else 1 for place in places],
            token=[place[1] + 1 if len(place) > 1 else 0 for place in places],
        )
        return frame.groupby(["name", "step", "layer", "token"], as_index=False)["value"].mean()
    except UNREADABLE as error:
        sources.leave_out("observations", key, str(error))
        return None
