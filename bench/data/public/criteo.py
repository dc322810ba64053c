"""Criteo's display advertising sets: 13 counts I1 … I13 and 26 hashed categories C1 … C26 an impression.

    criteo       train.txt of the Kaggle challenge, raw, in the order of time; the split keeps to it
    criteo-x4    the random split of BARS (arXiv 2205.09626), as its setting x4_001 prepares it
    criteo-x1    the random split of the AFN paper (arXiv 1909.03276) in BARS, numbers and ids as published
    criteo-1tb   day_0.gz … day_23.gz of the terabyte click logs: days 0–21 train, 22 valid, 23 test

criteo, criteo-x4 and criteo-1tb make categories of the counts by ⌊ln(x)²⌋ above 2, as the winners of the
challenge did and x4_001 does; values that occur fewer than 10 times in training share the unknown id. The
terabyte logs hash C1 … C26 to `TERABYTE_BUCKETS` ids a field, since their values would not fit into memory.
What the columns mean was never published: all are of the context. There is no user.
"""

from __future__ import annotations

from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByFile, ByOrder
from bench.data.public.importing import import_named

REV = 1
TERABYTE_BUCKETS = 1 << 20
TERABYTE_DAYS = 24

_COUNTS = tuple(f"I{i}" for i in range(1, 14))
_CATEGORIES = tuple(f"C{i}" for i in range(1, 27))
_RAW = Source(delimiter="\t", quote="", columns=("label", *_COUNTS, *_CATEGORIES))
_CSV = Source(quote="")

_BUCKETED_COUNTS = tuple(
    FieldPlan(name=name, kind="categorical", group="context", transform="floor_log_squared", minimum_count=10)
    for name in _COUNTS
)
_FREQUENT_CATEGORIES = tuple(
    FieldPlan(name=name, kind="categorical", group="context", minimum_count=10) for name in _CATEGORIES
)
_PUBLISHED = ByFile(train=("train.csv",), valid=("valid.csv",), test=("test.csv",))

PLANS = {
    "criteo": ImportPlan(
        name="criteo",
        source=_RAW,
        labels=(Label(name="click", column="label"),),
        fields=_BUCKETED_COUNTS + _FREQUENT_CATEGORIES,
        split=ByOrder(fractions=(0.8, 0.1, 0.1)),
    ),
    "criteo-x4": ImportPlan(
        name="criteo-x4",
        source=_CSV,
        labels=(Label(name="click", column="Label"),),
        fields=_BUCKETED_COUNTS + _FREQUENT_CATEGORIES,
        split=_PUBLISHED,
    ),
    "criteo-x1": ImportPlan(
        name="criteo-x1",
        source=_CSV,
        labels=(Label(name="click", column="label"),),
        fields=(
            *(FieldPlan(name=name, kind="numeric", group="context") for name in _COUNTS),
            *(FieldPlan(name=name, kind="categorical", group="context") for name in _CATEGORIES),
        ),
        split=_PUBLISHED,
    ),
    "criteo-1tb": ImportPlan(
        name="criteo-1tb",
        source=_RAW,
        labels=(Label(name="click", column="label"),),
        fields=(
            *_BUCKETED_COUNTS,
            *(
                FieldPlan(name=name, kind="categorical", group="context", buckets=TERABYTE_BUCKETS)
                for name in _CATEGORIES
            ),
        ),
        split=ByFile(
            train=tuple(f"day_{day}.gz" for day in range(TERABYTE_DAYS - 2)),
            valid=(f"day_{TERABYTE_DAYS - 2}.gz",),
            test=(f"day_{TERABYTE_DAYS - 1}.gz",),
        ),
    ),
}


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    files = [source / "train.txt"] if name == "criteo" else source
    return import_named(PLANS[name], files, directory, rev=REV, progress=progress)
