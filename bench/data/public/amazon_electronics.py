"""Amazon Electronics as the DIN paper (Zhou et al., KDD 2018, arXiv 1706.06978) cut it, in BARS's files
(AmazonElectronics_x1): is this the next product the user reviews, or a sampled one?

Columns as BARS's conversion script writes them: label, user_id, item_id, cate_id, item_history, cate_history,
the histories joined by ``^``, oldest first. Published are a training and a test file; 5 % of the training
rows, drawn at random, are the valid split here (BARS selects on its test file).
"""

from __future__ import annotations

from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByFile
from bench.data.public.importing import import_named

REV = 1
HISTORY = 100

PLAN = ImportPlan(
    name="amazon-electronics",
    user="user_id",
    source=Source(quote=""),
    labels=(Label(name="reviewed", column="label"),),
    fields=(
        FieldPlan(name="user_id", kind="categorical", group="user"),
        FieldPlan(name="item_id", kind="categorical", group="item"),
        FieldPlan(name="cate_id", kind="categorical", group="item"),
        *(
            FieldPlan(
                name=name, kind="sequence", group="sequence", separator="^", max_length=HISTORY, table=table
            )
            for name, table in (("item_history", "item_id"), ("cate_history", "cate_id"))
        ),
    ),
    split=ByFile(train=("train.csv",), test=("test.csv",), valid_fraction=0.05),
)


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    return import_named(PLAN, source, directory, rev=REV, progress=progress)
