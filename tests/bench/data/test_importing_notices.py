"""What an import refuses because no model could learn from it, and what it warns about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.dataset import MANIFEST, SPLITS, Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn, ByFile, ByOrder, ByRandom, ByTime, ByUserTime
from bench.errors import BadInput

ITEM = FieldPlan(name="item", kind="categorical", group="item")
PRICE = FieldPlan(name="price", kind="numeric", group="item")
BY_FOLD = ByColumn(column="fold", train=("a",), valid=("b",), test=("c",))
PLAN = ImportPlan(name="shop", labels=(Label(name="click"),), fields=(PRICE,), split=BY_FOLD)


def import_rows(folder: Path, plan: ImportPlan, header: str, *rows: str) -> Dataset:
    (folder / "log.csv").write_text("\n".join([header, *rows]) + "\n")
    return import_table(plan, folder / "log.csv", folder / "data")


def prices(folder: Path, plan: ImportPlan, train: str, valid: str, test: str) -> Dataset:
    splits = {"a": train.split(), "b": valid.split(), "c": test.split()}
    rows = [f"{fold},{i % 2},{price}" for fold, of in splits.items() for i, price in enumerate(of)]
    return import_rows(folder, plan, "fold,click,price", *rows)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0 0 0", "has no positive (0 positive, 3 negative, 0 missing)"),
        ("1 1 1", "has no negative (3 positive, 0 negative, 0 missing)"),
    ],
)
def test_a_train_split_of_one_class_is_refused_with_its_counts(
    labels: str, message: str, tmp_path: Path
) -> None:
    rows = [f"a,{label},1" for label in labels.split()] + ["b,0,1", "b,1,1", "c,0,1", "c,1,1"]
    with pytest.raises(BadInput) as caught:
        import_rows(tmp_path, PLAN, "fold,click,price", *rows)
    assert f"task 'click': the train split {message}" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


def test_a_train_split_of_one_class_names_the_rows_that_were_skipped(tmp_path: Path) -> None:
    plan = replace(PLAN, source=Source(on_bad_row="skip"))
    rows = ["a,1,1", "a,no,1", "a,no,2", "a,no,3", "a,1,x", "b,1,1", "c,1,1"]
    with pytest.raises(BadInput) as caught:
        import_rows(tmp_path, plan, "fold,click,price", *rows)
    skips = str(caught.value).partition("change [split] or the label column 'click'")[2]
    assert skips.startswith("; 3 rows were skipped: column 'click' is not 0 or 1, ")
    assert skips.endswith("; 1 rows were skipped: column 'price' is not a finite number")


def test_a_text_that_no_row_has_is_named(tmp_path: Path) -> None:
    plan = replace(PLAN, labels=(Label(name="click", positive="Yes"),))
    rows = [f"{fold},{text},1" for fold in "abc" for text in ("yes", "no")]
    with pytest.raises(BadInput, match=r"no positive \(0 positive, 2 negative.*its rule, positive = 'Yes'"):
        import_rows(tmp_path, plan, "fold,click,price", *rows)


def test_one_class_on_valid_or_test_is_a_warning_for_each_task_and_split(tmp_path: Path) -> None:
    plan = replace(PLAN, labels=(Label(name="click"), Label(name="buy")))
    rows = ["a,0,1,1", "a,1,0,1", "b,0,1,1", "b,1,1,1", "c,0,,1", "c,1,,1"]
    dataset = import_rows(tmp_path, plan, "fold,click,buy,price", *rows)
    assert dataset.source["warnings"] == [
        "task 'buy': the valid split has no negative (2 positive, 0 negative, 0 missing); "
        "its AUC on valid is undefined",
        "task 'buy': the test split has no positive and no negative (0 positive, 0 negative, 2 missing); "
        "its AUC on test is undefined",
    ]
    assert json.loads((dataset.directory / MANIFEST).read_text())["source"] == dataset.source


def test_nothing_to_warn_about(tmp_path: Path) -> None:
    assert prices(tmp_path, PLAN, "1 2 3", "1 3", "2 2").source["warnings"] == []


def test_numbers_outside_the_training_range_are_a_warning(tmp_path: Path) -> None:
    (warning,) = prices(tmp_path, PLAN, "1 2 3 4", "0 2", "2 90 4").source["warnings"]
    assert warning == (
        "field 'price': 2 of 5 valid and test rows are outside the training range 1 … 4 (all rows: 0 … 90); "
        "set clip = true in the field to limit them to that range"
    )
    log = replace(PLAN, fields=(replace(PRICE, transform="log1p"),))
    assert prices(tmp_path, log, "1 2 3 4", "0 2", "2 90 4").source["warnings"] == [warning]


@pytest.mark.parametrize("transform", ["none", "log1p"])
def test_clip_sets_them_to_the_ends_of_the_training_range(transform: str, tmp_path: Path) -> None:
    plan = replace(PLAN, fields=(replace(PRICE, transform=transform, clip=True),))
    dataset = prices(tmp_path, plan, "1 2 3 4", "0 2", "2 1e300 -1e300 4")
    within = prices(tmp_path, replace(plan, name="within"), "1 2 3 4", "1 2", "2 4 1 4")
    for split in SPLITS:
        np.testing.assert_array_equal(dataset.splits[split].numeric, within.splits[split].numeric)
    assert dataset.source["warnings"] == []
    clipped = dataset.source["clipped"]["price"]
    assert clipped["rows"] == {"valid": 1, "test": 2}
    assert (clipped["low"], clipped["high"]) == ((1, 4) if transform == "none" else (np.log(2), np.log(5)))
    assert "clipped" not in within.source


def test_clip_keeps_what_is_missing_and_a_field_without_a_training_number(tmp_path: Path) -> None:
    plan = replace(
        PLAN, fields=(replace(PRICE, clip=True), replace(PRICE, name="size", column="size", clip=True))
    )
    rows = ["a,0,1,", "a,1,2,", "b,0,,5", "b,1,9,", "c,0,1,7", "c,1,1,"]
    test = import_rows(tmp_path, plan, "fold,click,price,size", *rows).splits
    assert np.isnan(test["valid"].numeric[0, 0])
    assert test["test"].numeric[0, 1] == 7


def test_a_number_too_far_to_be_stored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"'price': 1 of 4 valid.* 1e\+60\), too far to be stored; set clip = true"
    ):
        prices(tmp_path, PLAN, "1 2 3", "1 2", "1 1e60")


def test_a_history_beside_a_random_split_is_refused() -> None:
    seen = FieldPlan(
        name="seen", kind="sequence", group="sequence", table="item", history="click", max_length=3
    )
    with pytest.raises(BadInput, match=r"field 'seen' is a history, but \[split\] is random, so training"):
        ImportPlan(
            name="shop",
            user="user",
            time=Time(column="time"),
            labels=(Label(name="click"),),
            fields=(ITEM, seen),
            split=ByRandom(seed=0, fractions=(0.6, 0.2, 0.2)),
        )


LOG = ImportPlan(
    name="shop",
    user="user",
    time=Time(column="time"),
    labels=(Label(name="click"),),
    fields=(
        replace(ITEM, cardinality=100),
        FieldPlan(
            name="seen", kind="sequence", group="sequence", table="item", history="click", max_length=3
        ),
    ),
    split=ByOrder(fractions=(0.5, 0.25, 0.25)),
)
EVENTS = [f"{i % 2},{i},{i // 2 % 2},{i}" for i in range(16)]  # user, time, click, item


@pytest.mark.parametrize(
    "split", [kind(fractions=(0.5, 0.25, 0.25)) for kind in (ByOrder, ByTime, ByUserTime)]
)
def test_histories_of_rows_in_the_order_of_time_leak_nothing(split: object, tmp_path: Path) -> None:
    rows = EVENTS if isinstance(split, ByOrder) else EVENTS[::-1]
    dataset = import_rows(tmp_path, replace(LOG, split=split), "user,time,click,item", *rows)
    assert dataset.source["warnings"] == []


def test_histories_that_may_hold_test_labels_are_a_warning(tmp_path: Path) -> None:
    shuffled = np.random.default_rng(0).permutation(EVENTS).tolist()
    (warning,) = import_rows(tmp_path, LOG, "user,time,click,item", *shuffled).source["warnings"]
    held_out: dict[str, int] = {}
    for row in shuffled[8:]:
        user, time, *_ = row.split(",")
        held_out[user] = min(held_out.get(user, 99), int(time))
    late = sum(int(row.split(",")[1]) > held_out[row.split(",")[0]] for row in shuffled[:8])
    assert late > 0
    assert warning == (
        f"history of seen: {late} of 8 training rows are later than a valid or test row of the same user, so "
        "its history may contain the label of that row; sort the rows by time, or split by 'time' or "
        "'user-time'"
    )


def test_so_are_those_of_a_split_by_file_or_by_column(tmp_path: Path) -> None:
    for name, rows in (("train", EVENTS[8:]), ("valid", EVENTS[:4]), ("test", EVENTS[4:8])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["user,time,click,item", *rows]) + "\n")
    by_file = ByFile(train=("train.csv",), valid=("valid.csv",), test=("test.csv",))
    dataset = import_table(replace(LOG, split=by_file), tmp_path, tmp_path / "data")
    assert "8 of 8 training rows are later" in dataset.source["warnings"][0]
    folds = [f"{row},{'aabc'[i // 4]}" for i, row in enumerate(EVENTS)]
    dataset = import_rows(tmp_path, replace(LOG, split=BY_FOLD), "user,time,click,item,fold", *folds)
    assert [w for w in dataset.source["warnings"] if "history" in w] == []
    folds = [f"{row},{'cbba'[i // 4]}" for i, row in enumerate(EVENTS)]
    dataset = import_rows(tmp_path, replace(LOG, split=BY_FOLD), "user,time,click,item,fold", *folds)
    assert "4 of 4 training rows are later" in dataset.source["warnings"][0]


def test_too_fine_a_unit_of_time_is_a_warning(tmp_path: Path) -> None:
    plan = replace(LOG, fields=(ITEM,), split=ByOrder(fractions=(0.5, 0.25, 0.25)))
    rows = [f"1,{1717158600 + i},{i % 2},1" for i in range(8)]
    for form, warned in (("seconds", False), ("milliseconds", True), ("nanoseconds", True)):
        timed = replace(plan, time=Time(column="time", format=form))
        warnings = import_rows(tmp_path, timed, "user,time,click,item", *rows).source["warnings"]
        assert warnings == (
            [f"[time] format = '{form}' puts every row in 1970; 'seconds' would put the last row in 2024"]
            if warned
            else []
        )


def test_ids_written_as_floats_are_a_warning(tmp_path: Path) -> None:
    plan = replace(PLAN, fields=(ITEM, replace(ITEM, name="other", column="other")))
    rows = [f"{fold},{i},{7 + i}.0,{i}.5" for fold in "abc" for i in (0, 1)]
    (warning,) = import_rows(tmp_path, plan, "fold,click,item,other", *rows).source["warnings"]
    assert warning.startswith("field 'item': every value is written like '7.0'")
    assert "'7' in another file is a different value" in warning


def test_names_of_fields_never_share_a_file_of_the_import(tmp_path: Path) -> None:
    tags = FieldPlan(name="a.values", column="b", kind="sequence", group="item", separator="|", max_length=2)
    plan = replace(PLAN, fields=(replace(ITEM, name="sequence.a", column="a"), tags))
    rows = [f"{fold},{i},x{i},p|q" for fold in "abc" for i in (0, 1)]
    dataset = import_rows(tmp_path, plan, "fold,click,a,b", *rows)
    assert dataset.splits["test"].categorical[:, 0].tolist() == [2, 3]
    assert dataset.splits["test"].sequences["a.values"].tolist() == [[2, 3], [2, 3]]
