"""Ad clicks on Taobao (Tianchi data set 56) in the files of BARS's TaobaoAd_x1, prepared as for DMR (Lyu et
al., AAAI 2020): seven days of May 2017 to train, the eighth to test.

Columns as BARS's conversion script writes them; the last 50 of a user's actions before the ad, joined by
``^``: the kind of action (`btag_his`), category and brand. Values seen fewer than 10 times in training share
the unknown id, as in BARS. There are no times in the files, so 5 % of the training rows, drawn at random, are
the valid split here (BARS selects on its test file).
"""

from __future__ import annotations

from pathlib import Path

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, Progress
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByFile
from bench.data.public.importing import import_named

REV = 1
HISTORY = 50
MINIMUM_COUNT = 10

_GROUPS = {
    "user": (
        "userid",
        "cms_segid",
        "cms_group_id",
        "final_gender_code",
        "age_level",
        "pvalue_level",
        "shopping_level",
        "occupation",
        "new_user_class_level",
    ),
    "item": ("adgroup_id", "cate_id", "campaign_id", "customer", "brand"),
    "context": ("pid",),
}

PLAN = ImportPlan(
    name="taobao-ad",
    user="userid",
    source=Source(quote=""),
    labels=(Label(name="click", column="clk"),),
    fields=(
        *(
            FieldPlan(name=name, kind="categorical", group=group, minimum_count=MINIMUM_COUNT)
            for group, names in _GROUPS.items()
            for name in names
        ),
        FieldPlan(name="price", kind="numeric", group="item", transform="log1p"),
        FieldPlan(name="btag_his", kind="sequence", group="sequence", separator="^", max_length=HISTORY),
        *(
            FieldPlan(
                name=name, kind="sequence", group="sequence", separator="^", max_length=HISTORY, table=table
            )
            for name, table in (("cate_his", "cate_id"), ("brand_his", "brand"))
        ),
    ),
    split=ByFile(train=("train.csv",), test=("test.csv",), valid_fraction=0.05),
)


def load(name: str, source: Path, directory: Path, progress: Progress | None) -> Dataset:
    """The files in `source` as a data set at `directory`; see `bench.data.public.NamedDataset.load`."""
    return import_named(PLAN, source, directory, rev=REV, progress=progress)
