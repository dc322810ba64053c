"""Frappe (Baltrunas et al., "Frappe: Understanding the Usage and Perception of Mobile App Recommendations
In-The-Wild", 2015, arXiv 1505.03014): is this app used by this user in this context?

Positives are logged uses, the two negatives beside each are sampled apps. The split is the published one of
Frappe_x1. Whether an app costs (`cost`) is of the item; city and country, weather, time of day, weekday,
weekend and home or work are of the context.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bench.dataset import SPLITS, Dataset
from bench.importing import ImportPlan
from bench.importing.columns import FieldPlan, Label
from bench.importing.plan import ByColumn
from bench.named import NAMED
from bench.named.files import import_frame, read_parquet

REV = 1

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

PLAN = ImportPlan(
    name="frappe",
    user="user",
    labels=(Label(name="used", column="label"),),
    fields=tuple(FieldPlan(name=name, kind="categorical", group=group) for name, group in GROUPS.items()),
    split=ByColumn(column="split", train=("train",), valid=("valid",), test=("test",)),
)


def load(source: Path, directory: Path) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.named.NamedDataset.load`."""
    splits = [
        read_parquet(source / f"{split}.parquet", ("label", *GROUPS)).with_columns(split=pl.lit(split))
        for split in SPLITS
    ]
    return import_frame(pl.concat(splits), PLAN, directory, rev=REV, url=NAMED["frappe"].url)
