"""Frappe (Baltrunas et al., "Frappe: Understanding the Usage and Perception of Mobile App Recommendations
In-The-Wild", 2015, arXiv 1505.03014): is this app used by this user in this context?

Positives are logged uses, the two negatives beside each are sampled apps. The split is the published one of
Frappe_x1 (BARS), in CSV files as published or in Parquet files of the same columns. Whether an app costs
(`cost`) is of the item; city and country, weather, time of day, weekday, weekend and home or work are of the
context.
"""

from __future__ import annotations

from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label
from bench.data.importing.plan import ByFile
from bench.data.public.importing import import_named

REV = 2

GROUPS = {
    "user": "user",
    "item": "item",
    "cost": "item",
    "daytime": "context",
    "weekday": "context",
    "isweekend": "context",
    "homework": "context",
    "weather": "context",
    "country": "context",
    "city": "context",
}


def plan(suffix: str) -> ImportPlan:
    """The plan for files that end in ``csv`` or ``parquet``."""
    return ImportPlan(
        name="frappe",
        user="user",
        labels=(Label(name="used", column="label"),),
        fields=tuple(FieldPlan(name=name, kind="categorical", group=group) for name, group in GROUPS.items()),
        split=ByFile(train=(f"train.{suffix}",), valid=(f"valid.{suffix}",), test=(f"test.{suffix}",)),
    )


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    suffix = "csv" if (source / "train.csv").is_file() else "parquet"
    return import_named(plan(suffix), source, directory, rev=REV, progress=progress)
