"""A drafted schema imports the file it was drafted from, or says in one line what must be chosen."""

from __future__ import annotations

import csv
import datetime
import random
import tomllib
from pathlib import Path

import polars as pl
import pytest

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.draft import draft, name_of
from bench.errors import BadInput

ROWS = 2_000


def shop(**columns: list[object]) -> dict[str, list[object]]:
    """What the README's shop has, with columns replaced or added."""
    generator = random.Random(0)
    table: dict[str, list[object]] = {
        "timestamp": [1_700_000_000 + 60 * i for i in range(ROWS)],
        "customer": [f"c{generator.randrange(90)}" for _ in range(ROWS)],
        "item": [f"i{generator.randrange(40)}" for _ in range(ROWS)],
        "price": [round(generator.lognormvariate(1, 2), 2) for _ in range(ROWS)],
        "bought": [generator.randrange(2) for _ in range(ROWS)],
    }
    return table | columns


def write(path: Path, columns: dict[str, list[object]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def imported(file: Path, *labels: str) -> tuple[Dataset, str]:
    """The data set that `file` becomes by its own draft, and the draft."""
    text = draft(file, name=name_of(file), labels=labels)
    schema = file.with_name("schema.toml")
    schema.write_text(text, encoding="utf-8")
    plan = ImportPlan.from_toml(schema)
    return import_table(plan, file, file.with_name("data") / plan.name), text


@pytest.mark.parametrize("kind", ["csv", "tsv", "semicolons.csv", "parquet"])
def test_the_shop_of_the_readme_imports_by_its_draft(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"purchases.{kind}"
    if kind == "parquet":
        pl.DataFrame(shop()).write_parquet(file)
    else:
        write(file, shop(), {"tsv": "\t", "semicolons.csv": ";"}.get(kind, ","))
    dataset, text = imported(file)
    assert (dataset.name, dataset.schema.user, dataset.schema.time) == ("purchases", "customer", True)
    assert dataset.schema.tasks == ("bought",)
    assert [(f.name, f.kind, f.group) for f in dataset.schema.fields] == [
        ("customer", "categorical", "user"),
        ("item", "categorical", "item"),
        ("price", "numeric", "item"),
    ]
    assert dataset.rows == {"train": 1600, "valid": 200, "test": 200}
    for said in ('transform = "log1p"', "seconds since 1970, by its name and values", "0 and 1, "):
        assert said in text


def test_every_kind_of_column_is_guessed_or_left_out_with_a_reason(tmp_path: Path) -> None:
    columns = shop(
        timestamp=[f"2024-05-{1 + i * 30 // ROWS:02} 10:00:00" for i in range(ROWS)],
        is_mobile=[i % 3 % 2 for i in range(ROWS)],
        row_id=[f"r{i}" for i in range(ROWS)],
        currency=["EUR"] * ROWS,
        note=[""] * ROWS,
        tags=[" ".join(f"t{j}" for j in range(i % 4)) for i in range(ROWS)],
        seen=["|".join(f"s{j % 9}" for j in range(i % 5)) for i in range(ROWS)],
        visits=[i % 700 for i in range(ROWS)],
        **{"weird name!": ["a", "b"] * (ROWS // 2), "age": [None, "NA", *["30", "40"] * (ROWS // 2 - 1)]},
    )
    dataset, text = imported(write(tmp_path / "rules.csv", columns))
    fields = {field.name: field for field in dataset.schema.fields}
    assert dataset.name == "my-rules"  # rules is a synthetic family
    assert tomllib.loads(text)["time"]["format"] == "iso"
    assert {name: field.kind for name, field in fields.items()} == {
        "customer": "categorical",
        "item": "categorical",
        "price": "numeric",
        "is_mobile": "categorical",
        "tags": "sequence",
        "seen": "sequence",
        "visits": "numeric",
        "weird_name_": "categorical",
        "age": "categorical",
    }
    assert fields["tags"].max_length == 3
    for said in (
        '# Left out: "row_id", every row has another value.',
        '# Left out: "currency", it has the same value in every row.',
        '# Left out: "note", it is empty.',
        'missing = ["", "NA"]  # met in the file',
    ):
        assert said in text


def test_ratings_become_a_rule(tmp_path: Path) -> None:
    ratings = [1 + i % 5 for i in range(ROWS)]
    columns = {name: cells for name, cells in shop().items() if name != "bought"} | {"rating": ratings}
    dataset, text = imported(write(tmp_path / "films.csv", columns))
    assert 'name = "rating"  # numbers from 1 to 5; check the threshold\npositive = ">= 4"\n' in text
    assert dataset.splits["train"].label.mean() == pytest.approx(0.4, abs=0.01)


def test_several_labels_and_one_that_is_said(tmp_path: Path) -> None:
    more = {"is_click": [i % 2 for i in range(ROWS)], "is_weekend": [i % 4 // 3 for i in range(ROWS)]}
    file = write(tmp_path / "feed.csv", shop(**more))
    assert imported(file)[0].schema.tasks == ("bought", "is_click")
    assert imported(file, "is_weekend", "is_weekend")[0].schema.tasks == ("is_weekend",)


@pytest.mark.parametrize(
    ("texts", "positive"), [(["no", "yes"], "yes"), (["<=50K", "<=50K", "<=50K", ">50K"], ">50K")]
)
def test_labels_of_two_texts(tmp_path: Path, texts: list[str], positive: str) -> None:
    file = write(tmp_path / "shop.csv", shop(bought=texts * (ROWS // len(texts))))
    dataset, text = imported(file)
    assert f'positive = ["{positive}"]' in text
    assert dataset.splits["train"].label.mean() == pytest.approx(1 / len(texts))


def test_types_of_parquet(tmp_path: Path) -> None:
    columns = shop(
        timestamp=[datetime.datetime(2024, 5, 1 + i * 30 // ROWS) for i in range(ROWS)],
        bought=[i % 2 == 0 for i in range(ROWS)],
        seen=[[j % 7 for j in range(i % 4)] for i in range(ROWS)],
        facts=[{"a": 1}] * ROWS,
    )
    pl.DataFrame(columns).write_parquet(tmp_path / "shop.parquet")
    dataset, text = imported(tmp_path / "shop.parquet")
    assert [(f.name, f.max_length) for f in dataset.schema.of_kind("sequence")] == [("seen", 3)]
    assert dataset.schema.time
    assert 'format = "iso"' in text
    assert '# Left out: "facts", it holds struct<a: int64> values, which cannot be read.' in text


def test_without_time_the_split_is_random(tmp_path: Path) -> None:
    columns = {name: cells for name, cells in shop().items() if name != "timestamp"}
    dataset, text = imported(write(tmp_path / "shop.csv", columns))
    assert not dataset.schema.time
    assert 'by = "random"  # no column with a time; "order" (without seed) if the rows are already' in text
    dataset, text = imported(write(tmp_path / "shop.csv", shop(timestamp=[1_700_000_000] * ROWS)))
    assert 'by = "random"  # too few different times to split by them' in text


def test_rows_without_a_user_are_skipped(tmp_path: Path) -> None:
    columns = shop()
    columns["customer"][7] = ""
    dataset, text = imported(write(tmp_path / "shop.csv", columns))
    assert 'on_bad_row = "skip"  # some rows lack customer; such rows, and all other bad ones, are' in text
    assert sum(dataset.source["skipped_rows"].values()) == 1


def test_a_missing_label_makes_a_bad_row_only_where_every_label_is_missing(tmp_path: Path) -> None:
    columns = shop(is_click=[i % 2 for i in range(ROWS)])
    for row in range(50):
        columns["bought"][row] = ""
    file = write(tmp_path / "shop.csv", columns)
    dataset, text = imported(file)
    assert "on_bad_row" not in text
    assert "skipped_rows" not in dataset.source
    assert dataset.source["labels"]["bought"]["train"]["missing"] == 50
    dataset, text = imported(file, "bought")
    assert 'on_bad_row = "skip"  # 50 of 2,000 rows lack the label; such rows' in text
    assert sum(dataset.source["skipped_rows"].values()) == 50
    columns["is_click"][3] = ""
    dataset, text = imported(write(file, columns))
    assert 'on_bad_row = "skip"  # 1 of 2,000 rows lack every label; such rows' in text
    assert sum(dataset.source["skipped_rows"].values()) == 1


@pytest.mark.parametrize(
    ("texts", "positive"),
    [
        (["yes", "no", "No", ""], ["yes"]),
        (["yes", "no", "YES", "no"], ["YES", "yes"]),
        (["red", "red", "green", "green", "blue"], ["blue"]),
        (["1", "yes", "1", "yes"], ["yes"]),
    ],
)
@pytest.mark.parametrize("labels", [("bought",), ()])
def test_labels_of_few_texts(
    tmp_path: Path, texts: list[str], positive: list[str], labels: tuple[str, ...]
) -> None:
    file = write(tmp_path / "shop.csv", shop(bought=texts * (ROWS // len(texts))))
    if not labels and "red" in texts:
        with pytest.raises(BadInput, match="give the column to predict with --label"):
            draft(file, name="shop")
        return
    dataset, text = imported(file, *labels)
    (label,) = tomllib.loads(text)["labels"]
    assert label == {"name": "bought", "positive": positive}
    rate = sum(cell in positive for cell in texts) / sum(cell != "" for cell in texts)
    assert dataset.splits["train"].label.mean() == pytest.approx(rate, abs=0.01)
    assert "check which are positive" in text


@pytest.mark.parametrize("column", ["when", "placed"])
@pytest.mark.parametrize(
    ("written", "form", "said"),
    [
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M", "the day comes first"),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p", "the month comes first"),
        ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "the day comes first"),
        ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M", "the year comes first"),
        (
            "05/%m/%Y %H:%M",
            "%d/%m/%Y %H:%M",
            "no day is above 12, so it may also be %m/%d/%Y %H:%M; check which comes first",
        ),
    ],
)
def test_times_in_the_order_of_a_country(
    tmp_path: Path, column: str, written: str, form: str, said: str
) -> None:
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    cells = [(start + datetime.timedelta(hours=4 * i)).strftime(written) for i in range(ROWS)]
    columns = {name: cells for name, cells in shop().items() if name != "timestamp"} | {column: cells}
    dataset, text = imported(write(tmp_path / "shop.csv", columns))
    assert tomllib.loads(text)["time"] == {"column": column, "format": form}
    assert f'column = "{column}"  # {said}\n' in text
    assert tomllib.loads(text)["split"]["by"] == "time"
    first = datetime.datetime.strptime(min(cells, key=lambda c: datetime.datetime.strptime(c, form)), form)
    assert dataset.splits["train"].time.min() == first.replace(tzinfo=datetime.UTC).timestamp() * 1e6


def test_a_time_by_its_name_goes_before_one_by_its_texts(tmp_path: Path) -> None:
    columns = {"seen": [f"05/03/2024 10:{i % 60:02}" for i in range(ROWS)]} | shop()
    file = write(tmp_path / "shop.csv", columns)
    assert tomllib.loads(imported(file)[1])["time"]["column"] == "timestamp"


@pytest.mark.parametrize("one", ["['a', 'b{0}']", '["a", "b{0}"]', "[1, {0}]", "[a, b{0}]"])
def test_lists_as_texts_are_sequences_without_a_separator(tmp_path: Path, one: str) -> None:
    cells = [one.format(i) if i % 5 else "[]" for i in range(ROWS)]
    dataset, text = imported(write(tmp_path / "shop.csv", shop(tags=cells)))
    (field,) = dataset.schema.of_kind("sequence")
    assert (field.name, field.max_length) == ("tags", 2)
    assert 'name = "tags"  # lists of up to 2 items' in text
    assert "separator" not in text


@pytest.mark.parametrize(
    ("columns", "labels", "message"),
    [
        (
            shop(bought=["x", "y", "z", "?"] * 500),
            (),
            "no column holds 0 and 1; give the column to predict with --label",
        ),
        (
            {"a": [0, 1] * 1000, "b": [1, 0] * 1000, "c": ["x", "y"] * 1000},
            (),
            "several columns hold 0 and 1: a, b; give the column to predict with --label",
        ),
        (shop(), ("brought",), "did you mean 'bought'?"),
        (shop(), ("item",), "column 'item' cannot be a label"),
        ({"1": [0, 1], "0": [1, 0]}, (), "has a number in its first line"),
        ({"click": [0, 1]}, (), "has no column that can be a field"),
        ({"click": []}, (), "has no rows"),
    ],
)
def test_what_must_be_chosen_is_said_in_one_line(
    tmp_path: Path, columns: dict[str, list[object]], labels: tuple[str, ...], message: str
) -> None:
    file = write(tmp_path / "shop.csv", columns)
    with pytest.raises(BadInput, match=message.replace("?", r"\?")):
        draft(file, name="shop", labels=labels)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    for name, message in (("none.csv", "does not exist"), ("broken.parquet", "cannot be read")):
        with pytest.raises(BadInput, match=message):
            draft(tmp_path / name, name="shop")
