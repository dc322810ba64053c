"""What is said of a data set that a user should look at again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.dataset import Dataset
from bench.data.describe import describe
from bench.data.findings import findings, one_class_splits
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByColumn, Table

FIELDS = (
    FieldPlan(name="item", kind="categorical", group="item"),
    FieldPlan(name="author", kind="categorical", group="item", of="items"),
)


def imported(folder: Path, rows: list[tuple[str, int, str]], **changes: object) -> Dataset:
    lines = [f"{split},{click},{item},u{i % 40}" for i, (split, click, item) in enumerate(rows)]
    (folder / "rows.csv").write_text("\n".join(["split,click,item,user", *lines]) + "\n")
    (folder / "items.csv").write_text("item,author\na,x\nb,y\nc,z\n")
    plan = ImportPlan(
        name="shop",
        user="user",
        labels=(Label(name="click"),),
        fields=FIELDS,
        tables=(Table(name="items", files=("items.csv",), key="item"),),
        split=ByColumn(column="split", train=("train",), valid=("valid",), test=("test",)),
        source=Source(on_bad_row="skip"),
    )
    return import_table(plan, folder / "rows.csv", folder / "shop")


def some(split: str, count: int, items: str = "abc") -> list[tuple[str, int, str]]:
    return [(split, i // 3 % 2, items[i % len(items)]) for i in range(count)]


GOOD = [*some("train", 240), *some("valid", 120), *some("test", 240)]


def test_nothing_is_said_of_data_that_are_in_order(tmp_path: Path) -> None:
    assert findings(describe(imported(tmp_path, GOOD))) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*GOOD, ("train", 2, "a")], ["skipped 1 rows: column 'click' is not 0 or 1"]),
        (
            [*GOOD, *some("train", 60, "n")],
            [
                "60 of 660 rows have a key that table 'items' does not have; the fields of the table are "
                "missing in these rows"
            ],
        ),
        (
            [*some("train", 240), ("valid", 0, "a"), *some("test", 240)],
            ["task 'click'"],  # what the import itself warned of, once
        ),
        (
            [*some("train", 240), *some("valid", 60), *some("test", 12)],
            [
                "task 'click' has 6 positives among 12 labels in test: "
                "with fewer than 30 of a class, differences between models cannot be judged",
                "task 'click' has 0 users with both classes in test; its per-user AUC is very uncertain",
            ],
        ),
        (
            [*some("train", 240, "a"), *some("valid", 60, "a"), *some("test", 240, "a")],
            [
                "field 'item' has the same value in every training row, so it carries no information",
                "field 'author' has the same value in every training row, so it carries no information",
            ],
        ),
        (
            [*some("train", 240, "ac"), *some("valid", 60), *some("test", 240, "b")],
            [
                "field 'item': 100% of its values in test do not occur in the training rows",
                "field 'author': 100% of its values in test do not occur in the training rows",
            ],
        ),
    ],
)
def test_each_finding(tmp_path: Path, rows: list[tuple[str, int, str]], said: list[str]) -> None:
    found = findings(describe(imported(tmp_path, rows)))
    if "both classes in test" not in " ".join(said):
        found = [line for line in found if "users with both classes" not in line]
    assert [line[: len(expected)] for line, expected in zip(found, said, strict=True)] == said


def test_what_the_import_itself_warned_of_comes_first(tmp_path: Path) -> None:
    description = describe(imported(tmp_path, [*GOOD, ("train", 2, "a")]))
    description["source"]["warnings"] = ["times go up and down"]
    assert [line[:10] for line in findings(description)] == ["times go u", "skipped 1 "]


def test_a_split_with_one_class_is_named_at_planning(tmp_path: Path) -> None:
    rows = [("train", i % 2, "a") for i in range(40)] + [("valid", i % 2, "a") for i in range(10)]
    one = imported(tmp_path, [*rows, *[("test", 1, "a")] * 6])
    (told,) = one_class_splits(one)
    assert told.endswith(
        "task 'click' has only one class in test (6 positive, 0 negative), so it has no AUC there"
    )
