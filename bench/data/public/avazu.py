"""Avazu's mobile advertising set (Kaggle 2014): was an ad clicked? Ten days of October 2014.

    avazu      train.csv or train.gz of the competition, raw; the last tenth by hour is the test split
    avazu-x4   the random split of BARS (arXiv 2205.09626), as its setting x4_001 prepares it
    avazu-x1   the random split of the AFN paper (arXiv 1909.03276) in BARS: 22 columns of ids, as published

avazu and avazu-x4 leave the row's id out, make the hour of the day, the weekday and the weekend of `hour`,
and let values that occur once in training share the unknown id. There is no user: `device_id` is one value
for most rows, so it is a field and gives no per-user metrics. x1 does not say which column is which: all are
of the context, under the names it gives them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByFile, ByTime
from bench.data.public.importing import import_named

REV = 1

_GROUPS = {
    "user": ("device_id", "device_ip", "device_model", "device_type", "device_conn_type"),
    "item": ("C14", "C15", "C16", "C17", "C18", "C19", "C20", "C21"),
    "context": (
        "C1",
        "banner_pos",
        "site_id",
        "site_domain",
        "site_category",
        "app_id",
        "app_domain",
        "app_category",
    ),
}
_PUBLISHED = ByFile(train=("train.csv",), valid=("valid.csv",), test=("test.csv",))

_RAW = ImportPlan(
    name="avazu",
    source=Source(quote=""),
    time=Time(column="hour", format="yymmddhh"),
    labels=(Label(name="click"),),
    fields=(
        *(
            FieldPlan(name=name, kind="categorical", group=group, minimum_count=2)
            for group, names in _GROUPS.items()
            for name in names
        ),
        *(
            FieldPlan(name=part, kind="categorical", group="context", part=part)
            for part in ("hour", "weekday", "weekend")
        ),
    ),
    split=ByTime(fractions=(0.8, 0.1, 0.1)),
)

PLANS = {
    "avazu": _RAW,
    "avazu-x4": replace(_RAW, name="avazu-x4", split=_PUBLISHED),
    "avazu-x1": ImportPlan(
        name="avazu-x1",
        source=Source(quote=""),
        labels=(Label(name="click", column="label"),),
        fields=tuple(FieldPlan(name=f"feat_{i}", kind="categorical", group="context") for i in range(1, 23)),
        split=_PUBLISHED,
    ),
}


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    if name != "avazu":
        return import_named(PLANS[name], source, directory, rev=REV, progress=progress)
    packed = source / "train.gz"
    file = packed if packed.is_file() else source / "train.csv"
    return import_named(PLANS[name], [file], directory, rev=REV, progress=progress)
