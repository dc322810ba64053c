"""Every way a file can differ from its plan ends in one clear line and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn, ByRandom, ByTime
from bench.errors import BadInput

PLAN = ImportPlan(
    name="shop",
    labels=(Label(name="click"),),
    fields=(
        FieldPlan(name="brand", kind="categorical", group="item"),
        FieldPlan(name="price", kind="numeric", group="item"),
    ),
    split=ByColumn(column="split", train=("a",), valid=("b",), test=("c",)),
)
GOOD = "split,click,brand,price\na,0,x,1\na,1,y,2\nb,1,x,3\nc,0,x,4\n"


def refusal(
    tmp_path: Path, content: str | bytes | None, plan: ImportPlan = PLAN, name: str = "shop.csv"
) -> str:
    """The message for a file of that content, which is one line and leaves nothing behind."""
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        import_table(plan, file, tmp_path / "made" / "for" / "shop")
    assert sorted(tmp_path.rglob("*")) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_good_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(GOOD)
    assert import_table(PLAN, tmp_path / "shop.csv", tmp_path / "data").rows == {
        "train": 2,
        "valid": 1,
        "test": 1,
    }


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path, None)


def test_an_empty_file(tmp_path: Path) -> None:
    assert "is empty" in refusal(tmp_path, "")


def test_a_header_without_rows(tmp_path: Path) -> None:
    assert "has no rows" in refusal(tmp_path, "split,click,brand,price\n")
    assert "has no rows" in refusal(tmp_path, "split,click,brand,price")


@pytest.mark.parametrize("row", ["a,0,x", "a,0,x,1,5"])
def test_a_ragged_row(tmp_path: Path, row: str) -> None:
    message = refusal(tmp_path, GOOD + row + "\n")
    assert "line 6 has" in message
    assert f"expected 4: {row!r}" in message


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    assert "line 6 is not UTF-8 text" in refusal(tmp_path, GOOD.encode() + b"a,0,\xff,1\n")


@pytest.mark.parametrize("keep", [4, 100, -1])
def test_a_truncated_parquet_file(tmp_path: Path, keep: int) -> None:
    pl.DataFrame({"split": ["a"], "click": [1], "brand": ["x"], "price": [1]}).write_parquet(
        tmp_path / "whole"
    )
    content = (tmp_path / "whole").read_bytes()[:keep]
    assert "cannot be read" in refusal(tmp_path, content, name="shop.parquet")


def test_a_parquet_file_damaged_inside(tmp_path: Path) -> None:
    columns = {"split": ["a", "b", "c"], "click": [1, 0, 1], "brand": list("xyz"), "price": [1, 2, 3]}
    pl.DataFrame(columns).write_parquet(tmp_path / "whole", compression="zstd")
    content = (tmp_path / "whole").read_bytes()
    content = content[:4] + bytes(60) + content[64:]
    assert "cannot be read" in refusal(tmp_path, content, name="shop.parquet")


def test_a_parquet_file_without_rows(tmp_path: Path) -> None:
    pl.DataFrame(schema=dict.fromkeys(["split", "click", "brand", "price"], pl.String)).write_parquet(
        tmp_path / "whole"
    )
    assert "has no rows" in refusal(tmp_path, (tmp_path / "whole").read_bytes(), name="shop.parquet")


def test_a_parquet_column_of_lists(tmp_path: Path) -> None:
    columns = {"split": ["a"], "click": [1], "brand": [["x"]], "price": [1]}
    pl.DataFrame(columns).write_parquet(tmp_path / "whole")
    message = refusal(tmp_path, (tmp_path / "whole").read_bytes(), name="shop.parquet")
    assert "column 'brand' holds lists (large_list<" in message
    assert "only a field of kind 'sequence'" in message


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("brand", "brnad"))
    assert message.endswith(
        "shop.csv has no column 'brand', which the schema needs; did you mean 'brnad'? "
        "(it has: brnad, click, price, split)"
    )


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_a_wrong_delimiter_is_hinted_at(tmp_path: Path, delimiter: str) -> None:
    message = refusal(tmp_path, GOOD.replace(",", delimiter))
    assert message.endswith(f"; the file seems to be separated by {delimiter!r}, not ','")


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    assert "2 columns named 'brand'" in refusal(tmp_path, GOOD.replace("price", "brand"))


def test_fewer_column_names_than_columns(tmp_path: Path) -> None:
    plan = replace(PLAN, fields=PLAN.fields[:1], source=Source(columns=("split", "click", "brand")))
    assert "line 1 has 4 cells, expected 3" in refusal(tmp_path, GOOD, plan)


@pytest.mark.parametrize(
    ("old", "new", "fragments"),
    [
        ("a,1,y,2", "a,yes,y,2", ["column 'click'", "line 3,", "'yes'", "0 or 1"]),
        ("a,1,y,2", "a,2,y,2", ["column 'click'", "line 3,", "'2'", ">= 4"]),
        ("c,0,x,4", "c,,x,4", ["column 'click'", "line 5,", "missing"]),
        ("b,1,x,3", "b,1,x,cheap", ["column 'price'", "line 4,", "'cheap'", "finite number"]),
        ("b,1,x,3", "b,1,x,nan", ["column 'price'", "line 4,", "'nan'"]),
        ("b,1,x,3", "b,1,x,1e999", ["column 'price'", "line 4,", "'1e999'"]),
        ("b,1,x,3", "d,1,x,3", ["column 'split'", "line 4,", "'d'", "a, b, c"]),
        ("b,1,x,3", ",1,x,3", ["column 'split'", "line 4,", "missing"]),
        ("b,1,x,3", "a,1,x,3", ["valid split has no rows", "train 3, valid 0, test 1"]),
        ("b,1,x,3", "b,1,x," + "9" * 200 + "z", ["column 'price'", "line 4,", "9" * 80]),
    ],
)
def test_a_bad_cell_is_named_by_column_row_and_value(
    tmp_path: Path, old: str, new: str, fragments: list[str]
) -> None:
    message = refusal(tmp_path, GOOD.replace(old, new))
    assert [fragment for fragment in fragments if fragment not in message] == []
    assert len(message) < 300


def test_a_row_is_numbered_across_blocks(tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    file.write_text(GOOD + "a,1,x,5\n" * 1000 + "a,maybe,x,5\n")
    with pytest.raises(BadInput, match=r"line 1006, column 'click': got 'maybe'"):
        import_table(PLAN, file, tmp_path / "data", block_bytes=200)


def test_a_label_with_a_rule_must_be_a_number(tmp_path: Path) -> None:
    plan = replace(PLAN, labels=(Label(name="liked", column="click", positive="> 0"),))
    message = refusal(tmp_path, GOOD.replace("a,1,y,2", "a,good,y,2"), plan)
    assert "line 3, column 'click': got 'good', expected a number for label 'liked'" in message


@pytest.mark.parametrize("value", ["5", "-1", "x", "1.0"])
def test_an_id_outside_its_cardinality(tmp_path: Path, value: str) -> None:
    ids = FieldPlan(name="brand", kind="categorical", group="item", cardinality=5)
    content = GOOD.replace("x", "0").replace("y", value)
    message = refusal(tmp_path, content, replace(PLAN, fields=(ids,)))
    assert f"line 3, column 'brand': got '{value}', expected an id of field 'brand', 0 … 4" in message
    items = FieldPlan(
        name="brands",
        column="brand",
        kind="sequence",
        group="item",
        cardinality=5,
        separator="|",
        max_length=2,
    )
    message = refusal(tmp_path, content, replace(PLAN, fields=(items,)))
    assert f"line 3, column 'brand': got '{value}', expected ids of field 'brands', 0 … 4" in message


def test_a_missing_user(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("a,1,y,2", "a,1,,2"), replace(PLAN, user="brand"))
    assert "line 3, column 'brand': got a missing value, expected a user" in message


@pytest.mark.parametrize(("form", "value"), [("integer", "3.5"), ("integer", ""), ("iso", "31.5.2024")])
def test_a_time_that_is_none(tmp_path: Path, form: str, value: str) -> None:
    plan = replace(PLAN, fields=PLAN.fields[:1], time=Time(column="price", format=form))
    content = GOOD if form == "integer" else GOOD.replace(",1\n", ",2024-05-31\n")
    message = refusal(tmp_path, content.replace("a,1,y,2", f"a,1,y,{value}"), plan)
    assert "line 3, column 'price'" in message


def test_a_field_without_a_known_value(tmp_path: Path) -> None:
    rare = replace(PLAN, fields=(replace(PLAN.fields[0], minimum_count=3),))
    assert "field 'brand': no value of column 'brand' occurs 3 or more times" in refusal(tmp_path, GOOD, rare)


def test_numbers_that_cannot_be_standardised(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD.replace("a,1,y,2", "a,1,y,1e300"))
    assert "field 'price': numbers from 1 to 1e+300 are too far apart to be standardised" in message


def test_one_time_for_all_rows_cannot_be_split_by_time(tmp_path: Path) -> None:
    plan = replace(
        PLAN, fields=PLAN.fields[:1], time=Time(column="price"), split=ByTime(fractions=(0.8, 0.1, 0.1))
    )
    content = "click,brand,price\n" + "1,x,14102100\n" * 20
    assert "train split has no rows (train 0, valid 0, test 20 of 20)" in refusal(tmp_path, content, plan)


def test_too_few_rows_for_a_random_split(tmp_path: Path) -> None:
    plan = replace(PLAN, split=ByRandom(seed=0, fractions=(0.98, 0.01, 0.01)))
    assert "split has no rows" in refusal(tmp_path, GOOD, plan)


def test_what_stood_there_stays_after_an_error(tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    file.write_text(GOOD)
    before = import_table(PLAN, file, tmp_path / "data" / "shop")
    file.write_text(GOOD.replace("a,1,y,2", "a,1,y,two"))
    with pytest.raises(BadInput):
        import_table(PLAN, file, tmp_path / "data" / "shop")
    assert type(before).open(tmp_path / "data" / "shop").fingerprint == before.fingerprint
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["shop"]
