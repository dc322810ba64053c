"""What a plan can make of columns: histories, splits by user, file and order, hashes, tables of facts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.dataset import SPLITS, Dataset
from bench.data.importing import ImportPlan, history, import_table
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.ids import hash_text
from bench.data.importing.plan import ByFile, ByOrder, ByRandom, ByUserTime, Table
from bench.data.schema import FIRST_ID, MISSING_ID
from bench.errors import BadInput

ITEM = FieldPlan(name="item", kind="categorical", group="item")
PLAN = ImportPlan(
    name="shop",
    labels=(Label(name="click"),),
    fields=(ITEM,),
    split=ByOrder(fractions=(0.6, 0.2, 0.2)),
)
SEEN = FieldPlan(name="seen", kind="sequence", group="sequence", table="item", history="click", max_length=3)
LOG = replace(
    PLAN,
    user="user",
    time=Time(column="time"),
    fields=(replace(ITEM, cardinality=100), SEEN),
    split=ByUserTime(fractions=(0.5, 0.25, 0.25)),
)


def in_file_order(dataset: Dataset, column: str) -> np.ndarray:
    return np.concatenate([dict(dataset.splits[split].columns())[column] for split in SPLITS])


event = st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 1), st.integers(0, 9))


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(event, max_size=40), part_rows=st.sampled_from([7, 1 << 24]), label=st.sampled_from("c*")
)
def test_histories_and_user_splits_are_those_of_a_plain_reading(
    events: list[tuple[int, int, int, int]],
    part_rows: int,
    label: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    events = [(9, time, 1 - time % 2, 7) for time in range(4)] + events
    rows = "".join(f"{user},{time},{click},{item}\n" for user, time, click, item in events)
    (folder / "log.csv").write_text("user,time,click,item\n" + rows)
    plan = replace(LOG, fields=(LOG.fields[0], replace(SEEN, history="click" if label == "c" else "*")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "PART_ROWS", part_rows)
        dataset = import_table(plan, folder / "log.csv", folder / "data")
    expected: dict[str, list[tuple[int, list[int]]]] = {split: [] for split in SPLITS}
    for i, (user, time, _, item) in enumerate(events):
        mine = sorted((t, j) for j, (u, t, _, _) in enumerate(events) if u == user)
        share = mine.index((time, i)) / len(mine)
        split = SPLITS[(share >= 0.5) + (share >= 0.75)]
        before = [events[j] for t, j in mine if t < time]
        items = [it + FIRST_ID for _, _, click, it in before if click or label == "*"][-3:]
        expected[split].append((item + FIRST_ID, items + [MISSING_ID] * (3 - len(items))))
    for split in SPLITS:
        rows_of = dataset.splits[split]
        got = zip(rows_of.categorical[:, 0].tolist(), rows_of.sequences["seen"].tolist(), strict=True)
        assert list(got) == expected[split]


def test_a_split_by_order_keeps_it(tmp_path: Path) -> None:
    rows = "".join(f"{i % 2},{i}\n" for i in range(10))
    (tmp_path / "log.csv").write_text("click,item\n" + rows)
    plan = replace(PLAN, fields=(replace(ITEM, cardinality=10),))
    dataset = import_table(plan, tmp_path / "log.csv", tmp_path / "data")
    assert dataset.rows == {"train": 6, "valid": 2, "test": 2}
    assert in_file_order(dataset, "categorical")[:, 0].tolist() == list(range(FIRST_ID, 10 + FIRST_ID))


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    for name, items in (("b.csv", range(4)), ("a.csv", range(4, 10))):
        (tmp_path / name).write_text("click,item\n" + "".join(f"{i % 2},{i}\n" for i in items))
    plan = replace(PLAN, fields=(replace(ITEM, cardinality=10),))
    dataset = import_table(plan, [tmp_path / "b.csv", tmp_path / "a.csv"], tmp_path / "data")
    assert in_file_order(dataset, "categorical")[:, 0].tolist() == list(range(FIRST_ID, 10 + FIRST_ID))
    assert dataset.source["files"] == ["b.csv", "a.csv"]


def test_a_split_by_file(tmp_path: Path) -> None:
    for name, count in (("one", 300), ("two", 200), ("test", 50)):
        (tmp_path / f"{name}.csv").write_text("click,item\n" + f"1,{name}\n0,{name}\n" * (count // 2))
    by_file = ByFile(train=("one.csv",), valid=("two.csv",), test=("test.csv",))
    dataset = import_table(replace(PLAN, split=by_file), tmp_path, tmp_path / "data")
    assert dataset.rows == {"train": 300, "valid": 200, "test": 50}
    held_out = ByFile(train=("one.csv", "two.csv"), test=("test.csv",), valid_fraction=0.1, seed=3)
    dataset = import_table(replace(PLAN, split=held_out), tmp_path, tmp_path / "data2")
    assert dataset.rows["train"] + dataset.rows["valid"] == 500
    assert 25 < dataset.rows["valid"] < 80
    assert dataset.rows["test"] == 50
    with pytest.raises(BadInput, match=r"give the folder that holds one\.csv, two\.csv, test\.csv"):
        import_table(replace(PLAN, split=by_file), tmp_path / "one.csv", tmp_path / "data3")
    with pytest.raises(BadInput, match="is a folder"):
        import_table(PLAN, tmp_path, tmp_path / "data3")
    (tmp_path / "test.csv").unlink()
    with pytest.raises(BadInput, match=r"test\.csv does not exist"):
        import_table(replace(PLAN, split=by_file), tmp_path, tmp_path / "data3")


def plain_hash(text: bytes) -> int:
    base, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    z = sum((byte + 1) * base ** (place + 1) for place, byte in enumerate(text)) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_hashes_need_no_dictionary_and_never_change(tmp_path: Path) -> None:
    values = ["", "a", "b", "é", "a long value that is longer than others", None]
    hashed = hash_text(pl.Series(values)).tolist()
    assert hashed == hash_text(pl.Series([*values, "x"]))[:-1].tolist()
    assert len(set(hashed[:-1])) == 5
    assert hashed == [plain_hash((value or "").encode()) for value in values]
    rows = "".join(f"{i % 2},{i % 50}\n" for i in range(100)) + "1,\n" * 20
    (tmp_path / "log.csv").write_text("click,item\n" + rows)
    dataset = import_table(
        replace(PLAN, fields=(replace(ITEM, buckets=1000),)), tmp_path / "log.csv", tmp_path / "data"
    )
    ids = in_file_order(dataset, "categorical")[:, 0]
    assert dataset.schema.fields[0].cardinality == 1000 + FIRST_ID
    assert (ids[:50] == ids[50:100]).all()
    assert len(set(ids[:50].tolist())) > 40
    assert (ids[100:] == MISSING_ID).all()
    assert not (dataset.directory / "vocabulary" / "item.parquet").exists()


def test_hashes_spread_evenly() -> None:
    buckets = hash_text(pl.Series([f"{i:08x}" for i in range(100_000)])) % np.uint64(100)
    counts = np.bincount(buckets.astype(np.int64), minlength=100)
    assert 800 < counts.min() <= counts.max() < 1200  # 1,000 with a standard deviation of 32


def test_tables_of_facts_are_joined_by_key(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("click::item\n" + "1::a\n0::b\n1::c\n0::a\n1::b\n" * 2)
    (tmp_path / "items.csv").write_text('key,title,price,tags\na,"Film, A (1999)",2,x|y\nb,none,,\n')
    plan = replace(
        PLAN,
        source=Source(delimiter="::", quote="", encoding="latin-1"),
        tables=(Table(name="items", files=("items.csv",), key="key", on="item"),),
        fields=(
            ITEM,
            FieldPlan(
                name="year",
                column="title",
                of="items",
                pattern=r"\((\d+)\)",
                kind="categorical",
                group="item",
            ),
            FieldPlan(name="price", of="items", kind="numeric", group="item"),
            FieldPlan(name="tags", of="items", kind="sequence", group="item", separator="|", max_length=2),
        ),
    )
    dataset = import_table(plan, tmp_path / "log.tsv", tmp_path / "data")
    assert in_file_order(dataset, "categorical")[:5, 1].tolist() == [2, 0, 0, 2, 0]
    assert np.isnan(in_file_order(dataset, "numeric")[:5, 0]).tolist() == [False, True, True, False, True]
    assert in_file_order(dataset, "sequence.tags")[:2].tolist() == [[2, 3], [0, 0]]
    (tmp_path / "items.csv").write_text("key,title,price,tags\na,x,1,\nb,x,1,\na,x,1,\n")
    with pytest.raises(BadInput, match="table 'items' has 3 rows for 2 keys; key 'a' occurs more than once"):
        import_table(plan, tmp_path / "log.tsv", tmp_path / "data")


TEXT = """
name = "shop"
user = "who"

[[tables]]
name = "items"
files = ["items.csv"]
key = "item"
[tables.source]
delimiter = "::"

[time]
column = "when"
format = "seconds"

[[labels]]
name = "click"

[[fields]]
name = "item"
kind = "categorical"
group = "item"
buckets = 1000

[[fields]]
name = "colour"
of = "items"
kind = "categorical"
group = "item"

[[fields]]
name = "hour"
part = "hour"
kind = "categorical"
group = "context"

[[fields]]
name = "seen"
kind = "sequence"
group = "sequence"
table = "item"
history = "click"
max_length = 5

[split]
by = "file"
train = ["a.csv"]
test = ["b.csv"]
valid_fraction = 0.1
"""


def test_a_schema_file_says_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text(TEXT)
    plan = ImportPlan.from_toml(tmp_path / "schema.toml")
    assert plan.tables == (
        Table(name="items", files=("items.csv",), key="item", source=Source(delimiter="::")),
    )
    assert plan.columns() == ("click", "item", "who", "when")
    assert plan.split == ByFile(train=("a.csv",), test=("b.csv",), valid_fraction=0.1)
    assert [field.cardinality for field in plan.fields] == [0, 0, 24, 0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('of = "items"', 'of = "item"', "table of facts of field 'colour': 'item'; did you mean 'items'"),
        (
            "buckets = 1000",
            "buckets = 1000\nminimum_count = 2",
            "minimum_count does not apply with buckets, which keep no counts",
        ),
        ("buckets = 1000", "buckets = 1000\ncardinality = 2", "which buckets cannot change"),
        ('part = "hour"', 'part = "minute"', "'minute'"),
        ('part = "hour"', 'part = "hour"\ncolumn = "when"', "leave column"),
        ('format = "seconds"', "", "needs a [time] with a format other than 'integer'"),
        ('history = "click"', 'history = "clck"', "did you mean 'click'"),
        ('history = "click"', 'history = "click"\nseparator = "|"', "either a separator"),
        ('table = "item"\nhistory', "history", "reads the field given as table"),
        ('user = "who"', "", "needs user and [time]"),
        ("valid_fraction = 0.1", "", "give either files, or a fraction"),
        ("valid_fraction = 0.1", 'valid = ["c.csv"]\nvalid_fraction = 0.1', "give either files"),
        ('train = ["a.csv"]', 'train = ["b.csv"]', "names file in [split] 'b.csv' twice"),
        ('train = ["a.csv"]', "train = []", "at least one file of train"),
        ('files = ["items.csv"]', "files = []", "at least one"),
        ("buckets = 1000", 'pattern = "a.c"', "no group"),
        ("buckets = 1000", 'pattern = "("', "not a regular expression"),
        ("buckets = 1000", 'transform = "log1p"', "floor_log_squared"),
        ('delimiter = "::"', 'on_bad_row = "ignore"', "on_bad_row 'ignore'"),
        ('delimiter = "::"', 'encoding = "utf-61"', "encoding 'utf-61' is unknown; did you mean 'utf_16'?"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    (tmp_path / "schema.toml").write_text(TEXT.replace(old, new))
    with pytest.raises(BadInput, match=re.escape(message)):
        ImportPlan.from_toml(tmp_path / "schema.toml")


def test_parts_of_times_and_their_formats(tmp_path: Path) -> None:
    fields = tuple(
        FieldPlan(name=part, kind="categorical", group="context", part=part)
        for part in ("hour", "weekday", "weekend")
    )
    for form, moment in (
        ("seconds", "1414281600"),
        ("milliseconds", "1414281600000"),
        ("yymmddhh", "14102600"),
    ):
        (tmp_path / "log.csv").write_text("click,when\n" + f"1,{moment}\n0,{moment}\n" * 10)
        plan = replace(
            PLAN,
            time=Time(column="when", format=form),
            fields=fields,
            split=ByRandom(seed=0, fractions=(0.4, 0.3, 0.3)),
        )
        dataset = import_table(plan, tmp_path / "log.csv", tmp_path / "data")
        assert dataset.splits["test"].categorical[0].tolist() == [FIRST_ID, 6 + FIRST_ID, 1 + FIRST_ID]
        assert dataset.splits["test"].time[0] == 1_414_281_600_000_000  # Sunday, 26 October 2014
    (tmp_path / "log.csv").write_text("click,when\n" + "1,14102699\n" * 3)
    with pytest.raises(BadInput, match="got '14102699', expected a time such as 14102123"):
        import_table(plan, tmp_path / "log.csv", tmp_path / "data")
