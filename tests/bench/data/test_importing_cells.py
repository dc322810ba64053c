"""How cells are read, whatever the file writes: ids, lists, labels as text or missing, times."""

from __future__ import annotations

import datetime
import decimal
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.data.dataset import SPLITS, Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Time
from bench.data.importing.plan import ByOrder, Table
from bench.data.schema import FIRST_ID, MISSING_ID
from bench.errors import BadInput

ITEM = FieldPlan(name="item", kind="categorical", group="item")
SEEN = FieldPlan(name="seen", kind="sequence", group="sequence", max_length=4)
PLAN = ImportPlan(
    name="shop", labels=(Label(name="click"),), fields=(ITEM,), split=ByOrder(fractions=(0.5, 0.25, 0.25))
)
ROWS = 8
CLICK = [0, 1] * 4


def column_of(dataset: Dataset, name: str) -> np.ndarray:
    return np.concatenate([dict(dataset.splits[split].columns())[name] for split in SPLITS])


def texts(dataset: Dataset, field: str = "item") -> list[str]:
    return pl.read_parquet(dataset.directory / "vocabulary" / f"{field}.parquet")["value"].to_list()


def parquet(folder: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table({"click": pa.array(CLICK), **columns}), folder / "log.parquet")
    return folder / "log.parquet"


def csv(folder: Path, header: str, *rows: str) -> Path:
    (folder / "log.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder / "log.csv"


IDS = [12, 7, 12, None, 7, 12, 7, 12]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(IDS, pa.int64()),
        pa.array(IDS, pa.uint8()),
        pa.array(IDS, pa.float64()),
        pa.array(IDS, pa.float32()),
        pa.array(IDS, pa.int64()).cast(pa.decimal128(21, 2)),
        pa.array(IDS, pa.int64()).cast(pa.string()),
        pa.array(IDS, pa.float64()).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_an_id_has_one_text_whatever_the_type_of_its_column(array: pa.Array, tmp_path: Path) -> None:
    rows = [f"{c},{'' if i is None else i}" for c, i in zip(CLICK, IDS, strict=True)]
    expected = import_table(PLAN, csv(tmp_path, "click,item", *rows), tmp_path / "csv")
    found = import_table(PLAN, parquet(tmp_path, item=array), tmp_path / "data")
    assert texts(found) == ["12", "7"]
    assert found.fingerprint == expected.fingerprint


def test_numbers_that_are_not_whole_or_too_large_to_be_exact_keep_their_digits(tmp_path: Path) -> None:
    values = [1.5, -0.0, 1e300, 2.0**53, 2.0**52, float("nan"), None, 0.1]
    dataset = import_table(
        replace(PLAN, split=ByOrder(fractions=(0.8, 0.1, 0.1))),
        parquet(tmp_path, item=pa.array(values)),
        tmp_path / "data",
    )
    assert texts(dataset) == ["0", "1.5", "1e+300", "4503599627370496", "9007199254740992.0"]
    assert column_of(dataset, "categorical")[5:7, 0].tolist() == [MISSING_ID, MISSING_ID]


def test_a_table_of_facts_is_joined_whatever_the_types_of_its_key(tmp_path: Path) -> None:
    file = parquet(tmp_path, item=pa.array([12.0, 7.0, None, 12.0, 7.0, 12.0, 7.0, 12.0]))
    (tmp_path / "items.csv").write_text("item,price\n12,3\n7,5\n")
    price = FieldPlan(name="price", kind="numeric", group="item", of="items")
    plan = replace(
        PLAN, fields=(ITEM, price), tables=(Table(name="items", files=("items.csv",), key="item"),)
    )
    joined = column_of(import_table(plan, file, tmp_path / "data"), "numeric")[:, 0]
    assert np.isnan(joined).tolist() == [False, False, True, False, False, False, False, False]
    assert joined[0] < joined[1]
    pq.write_table(
        pa.table({"item": pa.array([12, 7]), "price": pa.array([3, 5])}), tmp_path / "items.parquet"
    )
    plan = replace(plan, tables=(Table(name="items", files=("items.parquet",), key="item"),))
    np.testing.assert_array_equal(
        column_of(import_table(plan, file, tmp_path / "data2"), "numeric")[:, 0], joined
    )


LISTS = [[1, 2, 3], [], None, [2], [3, 1], [1, None, 2], [12, 12, 12, 12, 1], [2, 3]]
SEPARATED = ["1|2|3", "", "", "2", "3|1", "1|2", "12|12|12|12|1", "2|3"]


@pytest.fixture
def separated(tmp_path: Path) -> str:
    """The fingerprint of the sequences with a separator."""
    rows = [f"{c},{s}" for c, s in zip(CLICK, SEPARATED, strict=True)]
    plan = replace(PLAN, fields=(replace(SEEN, separator="|"),))
    dataset = import_table(plan, csv(tmp_path, "click,seen", *rows), tmp_path / "separated")
    assert column_of(dataset, "sequence.seen")[6].tolist()[:3] == [1, 1, 1]  # 12 is not in the training rows
    return dataset.fingerprint


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.int64()), pa.list_(pa.float64()), pa.list_(pa.string()), pa.large_list(pa.int32())],
)
@pytest.mark.parametrize("separator", ["", "|"])
def test_list_columns_of_parquet_are_sequences(
    kind: pa.DataType, separator: str, separated: str, tmp_path: Path
) -> None:
    item = str if kind.value_type == pa.string() else lambda x: x
    lists = [row and [None if x is None else item(x) for x in row] for row in LISTS]
    plan = replace(PLAN, fields=(replace(SEEN, separator=separator),))
    dataset = import_table(plan, parquet(tmp_path, seen=pa.array(lists, kind)), tmp_path / "data")
    assert dataset.fingerprint == separated


def test_an_item_of_a_list_is_not_taken_apart_and_a_fixed_size_list_is_one(tmp_path: Path) -> None:
    array = pa.array([["a|b", "c"]] * ROWS, pa.list_(pa.string(), 2))
    plan = replace(PLAN, fields=(replace(SEEN, separator="|"),))
    assert texts(import_table(plan, parquet(tmp_path, seen=array), tmp_path / "data"), "seen") == ["a|b", "c"]


@pytest.mark.parametrize("form", ["{}", "json", "python", "float", "spaces"])
def test_lists_in_text_are_sequences(form: str, separated: str, tmp_path: Path) -> None:
    def of_texts(row: list[int | None]) -> str:
        return str([None if x is None else str(x) for x in row])

    written = {
        "{}": lambda row: str(row).replace("None", "null"),
        "json": lambda row: of_texts(row).replace("None", "null").replace("'", '"'),
        "python": of_texts,
        "float": lambda row: str([float("nan") if x is None else float(x) for x in row]),
        "spaces": lambda row: f"  [ {' , '.join('' if x is None else str(x) for x in row)} ] ",
    }[form]
    cells = ["" if row is None else written(row) for row in LISTS]
    pl.DataFrame({"click": CLICK, "seen": cells}).write_csv(tmp_path / "log.csv")
    plan = replace(PLAN, fields=(SEEN,))
    for block_bytes in (30, 1 << 20):
        dataset = import_table(plan, tmp_path / "log.csv", tmp_path / "data", block_bytes=block_bytes)
        assert dataset.fingerprint == separated


def test_a_comma_in_a_quoted_item_divides_nothing(tmp_path: Path) -> None:
    cells = ['["a, b", "c"]', "['it\\'s', 'c']"] * 4
    pl.DataFrame({"click": CLICK, "seen": cells}).write_csv(tmp_path / "log.csv")
    dataset = import_table(replace(PLAN, fields=(SEEN,)), tmp_path / "log.csv", tmp_path / "data")
    assert texts(dataset, "seen") == ["c", "a, b", "it's"]


@pytest.mark.parametrize("cell", ["1|2", "[1 2 3]", "[[1], [2]]", "{1: 2}", "[1, 2", "7", "[" * 5000])
def test_what_is_no_list_is_refused(cell: str, tmp_path: Path) -> None:
    pl.DataFrame({"click": CLICK, "seen": ["[1]"] * 7 + [cell]}).write_csv(tmp_path / "log.csv")
    expected = r"line 9, column 'seen'.*expected a list such as \[1, 2, 3\], or a separator"
    with pytest.raises(BadInput, match=expected):
        import_table(replace(PLAN, fields=(SEEN,)), tmp_path / "log.csv", tmp_path / "data")


@pytest.mark.parametrize("cell", ["[1, 2]", "[]", " [1,2,3] "])
def test_a_list_is_not_taken_apart_by_a_separator(cell: str, tmp_path: Path) -> None:
    pl.DataFrame({"click": CLICK, "seen": ["1,2"] * 7 + [cell]}).write_csv(tmp_path / "log.csv")
    plan = replace(PLAN, fields=(replace(SEEN, separator=","),))
    with pytest.raises(
        BadInput, match=r"line 9, column 'seen'.*leave separator out where the cells are lists"
    ):
        import_table(plan, tmp_path / "log.csv", tmp_path / "data")


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (pa.array([decimal.Decimal(1)] * ROWS, pa.decimal256(50, 2)), "decimal256"),
        (pa.array([{"a": 1}] * ROWS), "struct"),
        (pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())), "map"),
        (pa.array([datetime.timedelta(1)] * ROWS), "duration"),
        (pa.array([[[1]]] * ROWS), "list<"),
        (pa.array([b"\xff"] * ROWS), "not UTF-8"),
    ],
)
def test_odd_types_of_parquet_are_refused_by_name(array: pa.Array, named: str, tmp_path: Path) -> None:
    for field in (ITEM, replace(SEEN, column="item")):
        with pytest.raises(BadInput, match="column 'item' holds") as caught:
            import_table(replace(PLAN, fields=(field,)), parquet(tmp_path, item=array), tmp_path / "data")
        assert named in str(caught.value) or "holds lists" in str(caught.value)


def test_other_types_of_parquet_are_read(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 5, 31, 12, tzinfo=datetime.UTC)
    arrays = {
        "binary": (pa.array([b"x"] * ROWS), "x"),
        "fixed": (pa.array([b"xy"] * ROWS, pa.binary(2)), "xy"),
        "view": (pa.array(["x"] * ROWS).cast(pa.string_view()), "x"),
        "date": (pa.array([moment.date()] * ROWS), "2024-05-31"),
        "boolean": (pa.array([True] * ROWS), "1"),
    }
    for name, (array, text) in arrays.items():
        assert texts(import_table(PLAN, parquet(tmp_path, item=array), tmp_path / name)) == [text]
    for unit, zone in (("ns", None), ("ms", "Europe/Berlin"), ("us", "UTC")):
        file = parquet(
            tmp_path, item=pa.array(range(ROWS)), when=pa.array([moment] * ROWS, pa.timestamp(unit, zone))
        )
        plan = replace(PLAN, time=Time(column="when", format="iso"))
        dataset = import_table(plan, file, tmp_path / "time")
        assert set(column_of(dataset, "time").tolist()) == {int(moment.timestamp()) * 10**6}


NOON = datetime.datetime(2024, 5, 31, 12, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        ("%d/%m/%Y %H:%M", "31/05/2024 12:30", NOON),
        ("%Y%m%d", "20240531", NOON.replace(hour=0, minute=0)),
        ("%d.%m.%y %H", "31.05.24 12", NOON.replace(minute=0)),
        ("%b %d %Y %I:%M %p", "May 31 2024 12:30 PM", NOON),
        ("%b %d %Y %I %p", "May 31 2024 03 PM", NOON.replace(hour=15, minute=0)),
        ("%Y-%m-%d %H:%M:%S.%f", "2024-05-31 12:30:00.25", NOON.replace(microsecond=250_000)),
        ("%d/%b/%Y:%H:%M:%S %z", "31/May/2024:14:30:00 +0200", NOON),
        ("%Y %j", "2024 152", NOON.replace(hour=0, minute=0)),
        ("seconds", "1717158600", NOON),
        ("milliseconds", "1717158600000", NOON),
        ("microseconds", "1717158600000001", NOON.replace(microsecond=1)),
        ("nanoseconds", "1717158600000001999", NOON.replace(microsecond=1)),
        ("yymmddhh", "24053112", NOON.replace(minute=0)),
    ],
)
def test_times_of_any_format(form: str, cell: str, expected: datetime.datetime, tmp_path: Path) -> None:
    hour = FieldPlan(name="hour", kind="categorical", group="context", part="hour")
    plan = replace(PLAN, time=Time(column="when", format=form), fields=(hour,))
    dataset = import_table(
        plan, csv(tmp_path, "click,when", *(f"{c},{cell}" for c in CLICK)), tmp_path / "data"
    )
    since_1970 = (expected - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
        microseconds=1
    )
    assert set(column_of(dataset, "time").tolist()) == {since_1970}
    assert set(column_of(dataset, "categorical")[:, 0].tolist()) == {expected.hour + FIRST_ID}


@pytest.mark.parametrize(
    ("form", "fragments"),
    [
        ("%H:%M", ["does not contain year, month and day", "'14:35'"]),
        ("%d/%m", ["does not contain year, month and day"]),
        ("%Q", ["has %Q, allowed: %Y"]),
        ("%d/%m/%Y %f", ["%f", "without a '.'"]),
        ("%d/%m/%Y %", ["allowed"]),
        ("unix", ["'unix'", "milliseconds", "%d/%m/%Y %H:%M"]),
    ],
)
def test_a_format_that_is_none_is_refused(form: str, fragments: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        Time(column="when", format=form)
    assert [fragment for fragment in fragments if fragment not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("form", "cell", "fragments"),
    [
        ("seconds", "1717158600000", ["in seconds it is in the year 56384", "'milliseconds' makes it 2024"]),
        ("seconds", "1717158600000000000", ["'nanoseconds' makes it 2024"]),
        ("milliseconds", "1717158600000000", ["in the year 56384", "'microseconds' makes it 2024"]),
        ("microseconds", "-5", ["got '-5'", "in the year 1969"]),
        ("nanoseconds", "9223372036854775807", ["in the year 2262"]),
        ("iso", "1066-10-14", ["in the year 1066"]),
        ("%d/%m/%Y", "01/01/2101", ["in the year 2101"]),
        ("%d/%m/%Y", "2024-05-31", ["expected a time such as 23/11/2021"]),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(
    form: str, cell: str, fragments: list[str], tmp_path: Path
) -> None:
    plan = replace(PLAN, time=Time(column="when", format=form))
    with pytest.raises(BadInput, match="line 2, column 'when': got ") as caught:
        import_table(plan, csv(tmp_path, "click,item,when", f"1,a,{cell}", f"0,a,{cell}"), tmp_path / "data")
    assert [fragment for fragment in fragments if fragment not in str(caught.value)] == []
