"""Importing a table: what goes in comes out, whatever the format, the block size and the text."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByColumn
from bench.data.schema import FIRST_ID, MISSING_ID, UNKNOWN_ID

BY_COLUMN = ByColumn(column="split", train=("train",), valid=("valid",), test=("test",))
BRAND = FieldPlan(name="brand", kind="categorical", group="item")
PLAN = ImportPlan(
    name="shop",
    labels=(Label(name="click"),),
    fields=(BRAND, FieldPlan(name="price", kind="numeric", group="item")),
    split=BY_COLUMN,
)


def write_csv(path: Path, columns: dict[str, list[object]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def shop(**columns: list[object]) -> dict[str, list[object]]:
    """Six rows, three of them to train on, with some columns replaced or added."""
    table: dict[str, list[object]] = {
        "split": ["train", "train", "train", "valid", "test", "test"],
        "click": [0, 1, 0, 1, 0, 1],
        "brand": ["b", "a", "b", "a", "new", ""],
        "price": [1, 2, 3, 4, "", 6],
    }
    return table | columns


def import_shop(folder: Path, columns: dict[str, list[object]], plan: ImportPlan = PLAN) -> Dataset:
    return import_table(plan, write_csv(folder / "shop.csv", columns), folder / "data" / plan.name)


def decoded(dataset: Dataset, field: str, ids: np.ndarray) -> list[str | None]:
    """The text of categorical ids: None for a missing value, ``?`` for an unknown one."""
    vocabulary = pl.read_parquet(dataset.directory / "vocabulary" / f"{field}.parquet")
    text: dict[int, str | None] = {MISSING_ID: None, UNKNOWN_ID: "?"}
    text |= dict(zip(vocabulary["id"], vocabulary["value"], strict=True))
    return [text[i] for i in ids.tolist()]


def test_ids_follow_the_counts_of_the_training_rows(tmp_path: Path) -> None:
    dataset = import_shop(tmp_path, shop())
    assert dataset.rows == {"train": 3, "valid": 1, "test": 2}
    assert dataset.schema.fields[0].cardinality == FIRST_ID + 2
    assert dataset.splits["train"].categorical[:, 0].tolist() == [FIRST_ID, FIRST_ID + 1, FIRST_ID]
    assert dataset.splits["test"].categorical[:, 0].tolist() == [UNKNOWN_ID, MISSING_ID]
    vocabulary = pl.read_parquet(dataset.directory / "vocabulary" / "brand.parquet")
    assert vocabulary.to_dicts() == [
        {"value": "b", "id": FIRST_ID, "count": 2},
        {"value": "a", "id": FIRST_ID + 1, "count": 1},
    ]


def test_equal_counts_are_ordered_by_text_not_by_appearance(tmp_path: Path) -> None:
    dataset = import_shop(tmp_path, shop(brand=["z", "m", "a", "a", "m", "z"]))
    assert decoded(dataset, "brand", np.arange(FIRST_ID, FIRST_ID + 3)) == ["a", "m", "z"]


def test_values_below_the_minimum_count_are_unknown(tmp_path: Path) -> None:
    plan = replace(PLAN, fields=(replace(BRAND, minimum_count=2),))
    dataset = import_shop(tmp_path, shop(), plan)
    assert decoded(dataset, "brand", dataset.splits["train"].categorical[:, 0]) == ["b", "?", "b"]


def test_numbers_are_standardised_with_the_training_rows(tmp_path: Path) -> None:
    dataset = import_shop(tmp_path, shop())
    price = dataset.schema.fields[1]
    assert (price.mean, price.std) == (2.0, pytest.approx(np.sqrt(2 / 3)))
    np.testing.assert_allclose(dataset.splits["valid"].numeric[0, 0], 2 / np.sqrt(2 / 3), rtol=1e-6)
    assert np.isnan(dataset.splits["test"].numeric[0, 0])


def test_log1p_keeps_the_sign_and_a_constant_column_becomes_zero(tmp_path: Path) -> None:
    plan = replace(
        PLAN,
        fields=(
            FieldPlan(name="price", kind="numeric", group="item", transform="log1p"),
            FieldPlan(name="constant", kind="numeric", group="item"),
        ),
    )
    columns = shop(price=[-3, 0, 3, 8, 8, 8], constant=[0.1] * 6)
    dataset = import_shop(tmp_path, columns, plan)
    logs = np.array([-np.log(4), 0, np.log(4)])
    np.testing.assert_allclose(dataset.splits["train"].numeric[:, 0], logs / logs.std(), rtol=1e-6)
    assert all((dataset.splits[split].numeric[:, 1] == 0).all() for split in SPLITS)


def test_labels_users_times_and_prefixes(tmp_path: Path) -> None:
    plan = ImportPlan(
        name="shop",
        user="who",
        time=Time(column="when", format="iso"),
        labels=(Label(name="liked", column="stars", positive=">= 4"), Label(name="click")),
        fields=(FieldPlan(name="zip", prefix=3, kind="categorical", group="user"),),
        split=BY_COLUMN,
    )
    columns = shop(
        who=["u2", "u10", "u2", "u1", "u10", "u3"],
        stars=[3.5, 4, 5, 1, 4.0, "-1"],
        zip=["12345", "12399", "9", "9", "äöüß", "12"],
        when=[
            "1970-01-01",
            "1970-01-01T00:00:01Z",
            "1970-01-01 00:00:01.5",
            "1970-01-01T01:00:01+01:00",
            "1970-01-01T00:01",
            "1970-01-01T00:00:59",
        ],
    )
    dataset = import_shop(tmp_path, columns, plan)
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    assert (dataset.schema.user, dataset.schema.time, dataset.schema.tasks) == (
        "who",
        True,
        ("liked", "click"),
    )
    assert train.label.tolist() == [[0, 0], [1, 1], [1, 0]]
    assert test.label.tolist() == [[1, 0], [0, 1]]
    assert [part.user.tolist() for part in (train, valid, test)] == [[2, 1, 2], [0], [1, 3]]
    assert [part.time.tolist() for part in (train, valid, test)] == [
        [0, 1_000_000, 1_500_000],
        [1_000_000],
        [60_000_000, 59_000_000],
    ]
    assert decoded(dataset, "zip", train.categorical[:, 0]) == ["123", "123", "9"]


def test_sequences_keep_their_last_items_and_may_share_a_table(tmp_path: Path) -> None:
    own = FieldPlan(name="tags", kind="sequence", group="sequence", separator="|", max_length=2)
    shared = replace(own, name="seen", column="seen", max_length=3, table="brand")
    plan = replace(PLAN, fields=(BRAND, own, shared), source=Source(missing=("", "-")))
    columns = shop(
        tags=["x|y|x", "", "-", "|x||-|z|", "z", "y"],
        seen=["a|b", "b", "c|a", "", "a|a|b|new", "-"],
    )
    dataset = import_shop(tmp_path, columns, plan)
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    x, y = FIRST_ID, FIRST_ID + 1  # once each in the kept items of the training rows
    assert train.sequences["tags"].tolist() == [[y, x], [0, 0], [0, 0]]
    assert valid.sequences["tags"].tolist() == [[x, UNKNOWN_ID]]
    assert test.sequences["tags"].tolist() == [[UNKNOWN_ID, 0], [y, 0]]
    a, b = FIRST_ID + 1, FIRST_ID
    assert train.sequences["seen"].tolist() == [[a, b, 0], [b, 0, 0], [UNKNOWN_ID, a, 0]]
    assert test.sequences["seen"].tolist() == [[a, b, UNKNOWN_ID], [0, 0, 0]]
    assert dataset.schema.fields[2].cardinality == dataset.schema.fields[0].cardinality


def test_given_ids_are_shifted_and_need_no_training_row(tmp_path: Path) -> None:
    plan = replace(
        PLAN,
        fields=(
            replace(BRAND, cardinality=5),
            FieldPlan(
                name="seen", kind="sequence", group="sequence", separator=" ", max_length=2, table="brand"
            ),
        ),
    )
    columns = shop(brand=[0, 1, 2, 3, 4, ""], seen=["", "0", "4 4", "1 2 3", "0 1", "3"])
    dataset = import_shop(tmp_path, columns, plan)
    assert [field.cardinality for field in dataset.schema.fields] == [5 + FIRST_ID, 5 + FIRST_ID]
    assert dataset.splits["test"].categorical[:, 0].tolist() == [4 + FIRST_ID, MISSING_ID]
    assert dataset.splits["valid"].sequences["seen"].tolist() == [[2 + FIRST_ID, 3 + FIRST_ID]]


def test_a_file_without_header_and_quotes(tmp_path: Path) -> None:
    file = tmp_path / "shop.tsv"
    file.write_text('train\t0\t5"\ntrain\t1\t5"\nvalid\t1\t"\ntest\t1\t5"\n')
    plan = replace(
        PLAN,
        fields=(BRAND,),
        source=Source(delimiter="\t", quote="", columns=("split", "click", "brand")),
    )
    dataset = import_table(plan, file, tmp_path / "data")
    assert decoded(dataset, "brand", dataset.splits["train"].categorical[:, 0]) == ['5"'] * 2


def test_without_missing_texts_the_empty_text_is_a_value(tmp_path: Path) -> None:
    plan = replace(PLAN, fields=(BRAND,), source=Source(missing=()))
    columns = shop(brand=["", "NA", "", "", "NA", "x"]) | {"price": [1] * 6}
    write_csv(tmp_path / "shop.csv", columns)
    pl.DataFrame(columns).write_parquet(tmp_path / "shop.parquet")
    for name in ("shop.csv", "shop.parquet"):
        dataset = import_table(plan, tmp_path / name, tmp_path / "data")
        assert decoded(dataset, "brand", dataset.splits["train"].categorical[:, 0]) == ["", "NA", ""]


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
row = st.tuples(
    st.sampled_from(SPLITS),
    st.integers(0, 1),
    st.none() | text | st.sampled_from(["007", "7", "NaN", "null", " ", '"', "a,b", "line\nbreak", "é", "é"]),
    st.none() | st.integers(-(10**6), 10**6).map(lambda n: n / 1000),
)
ONE_ROW_A_CLASS = [("train", 0, "always", 0.5), *((split, 1, "always", 0.5) for split in SPLITS)]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(row, max_size=30))
def test_what_goes_in_comes_out_of_text_and_of_parquet(
    rows: list[tuple[str, int, str | None, float | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    names = ("split", "click", "brand", "price")
    columns = dict(zip(names, map(list, zip(*ONE_ROW_A_CLASS, *rows, strict=True)), strict=True))
    csv_file = write_csv(folder / "shop.csv", columns)
    pl.DataFrame(columns, strict=False).write_parquet(folder / "shop.parquet")
    dataset = import_table(PLAN, csv_file, folder / "data")
    known = {brand for split, _, brand, _ in rows if split == "train"} | {"always", None}
    for split in SPLITS:
        expected = [values for values in (*ONE_ROW_A_CLASS, *rows) if values[0] == split]
        got = dataset.splits[split]
        brands = [brand if brand in known else "?" for _, _, brand, _ in expected]
        assert decoded(dataset, "brand", got.categorical[:, 0]) == brands
        assert got.label[:, 0].tolist() == [click for _, click, _, _ in expected]
        prices = np.array([np.nan if price is None else price for *_, price in expected])
        price = dataset.schema.fields[1]
        np.testing.assert_allclose(got.numeric[:, 0], (prices - price.mean) / price.std, rtol=1e-5, atol=1e-6)
    again = import_table(PLAN, folder / "shop.parquet", folder / "again")
    assert again.fingerprint == dataset.fingerprint


def test_columns_that_the_plan_does_not_name_do_not_matter(tmp_path: Path) -> None:
    first = import_shop(tmp_path, shop())
    second = import_shop(tmp_path, shop(other=["x"] * 6))
    assert first.fingerprint == second.fingerprint
    assert isinstance(second.splits["train"], Rows)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["shop"]
