"""Text in any encoding, byte order marks, and what quotes may be."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.dataset import Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByColumn
from bench.errors import BadInput

PLAN = ImportPlan(
    name="shop",
    labels=(Label(name="click"),),
    fields=(FieldPlan(name="brand", kind="categorical", group="item"),),
    split=ByColumn(column="split", train=("a",), valid=("b",), test=("c",)),
)
MARK = "\ufeff"
ROWS = "split,click,brand\na,0,{0}\na,1,{0}\nb,0,{0}\nb,1,{0}\nc,0,{0}\nc,1,{0}\n"


def brands(dataset: Dataset) -> list[str]:
    return pl.read_parquet(dataset.directory / "vocabulary" / "brand.parquet")["value"].to_list()


def read(folder: Path, data: bytes, block_bytes: int = 1 << 20, **source: object) -> Dataset:
    (folder / "shop.csv").write_bytes(data)
    plan = replace(PLAN, source=Source(**source))
    return import_table(plan, folder / "shop.csv", folder / "data", block_bytes=block_bytes)


@pytest.mark.parametrize("block_bytes", [7, 1 << 20])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(
    ("encoding", "brand"),
    [
        ("cp1252", "Œuvre €"),
        ("latin-1", "Café"),
        ("utf-16", "点击Ċ"),  # a byte of Ċ is that of a line end
        ("utf-16-le", "点击Ċ"),
        ("utf-32", "点击"),
        ("gb18030", "点击㐀𠀀"),
        ("shift_jis", "ソ表"),  # a byte of ソ is a backslash
        ("koi8-r", "Щи"),
        ("utf-8-sig", "Œuvre"),
        ("UTF-8", "Œuvre"),
    ],
)
def test_text_of_any_encoding(
    encoding: str, brand: str, quote: str, block_bytes: int, tmp_path: Path
) -> None:
    data = ROWS.format(brand).encode(encoding)
    assert brands(read(tmp_path, data, block_bytes, encoding=encoding, quote=quote)) == [brand]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
def test_a_byte_order_mark_at_the_start_is_left_out(encoding: str, tmp_path: Path) -> None:
    assert brands(read(tmp_path, (MARK + ROWS.format("x")).encode(encoding), 3, encoding=encoding)) == ["x"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("utf8-8", "utf_8"), ("cp125", "cp125"), ("gb1830", "gb18030"), ("rot13", r"\(allowed: any text")],
)
def test_an_encoding_that_is_none_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(BadInput, match=rf"encoding '{name}' is unknown.*{nearest}"):
        Source(encoding=name)


def test_bytes_that_are_not_of_the_encoding_have_their_line_or_are_skipped(tmp_path: Path) -> None:
    data = ROWS.format("x").encode() + b"a,1,\x81\n"  # no character of cp1252
    with pytest.raises(BadInput, match="line 8 is not cp1252 text"):
        read(tmp_path, data, encoding="cp1252")
    dataset = read(tmp_path, data, encoding="cp1252", on_bad_row="skip")
    assert dataset.source["skipped_rows"] == {"not cp1252 text": 1}
    with pytest.raises(BadInput, match=r"shop\.csv is not utf-16 text"):
        read(tmp_path, ROWS.format("x").encode("utf-16") + b"\x00\xd8a\x00", encoding="utf-16")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8"])
def test_utf16_read_as_utf8_is_named(encoding: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="mark of UTF-16; set encoding = 'utf-16'"):
        read(tmp_path, ROWS.format("x").encode("utf-16"), encoding=encoding)


cell = st.text(st.sampled_from(["a", MARK, ",", '"', "é"]), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(
    cells=st.lists(st.tuples(cell, cell), min_size=1, max_size=12),
    quote=st.sampled_from(["", '"']),
    marked=st.booleans(),
    block_bytes=st.integers(10, 60),
)
def test_a_mark_anywhere_else_is_text_as_python_reads_it(
    cells: list[tuple[str, str]],
    quote: str,
    marked: bool,
    block_bytes: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    if not quote:
        cells = [(a.translate({44: "x", 34: "x"}), b.translate({44: "x", 34: "x"})) for a, b in cells]
    written = io.StringIO()
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    writer = csv.writer(written, lineterminator="\n", quoting=quoting)
    header = ["brand", "other", "split", "click"]
    rows = [[*of, "a", str(i % 2)] for i, of in enumerate([*cells, ("a", "a")] * 2)]
    rows += [["a", "a", fold, label] for fold in "abc" for label in "01"]
    writer.writerows([header, *rows])
    text = written.getvalue()
    dataset = read(folder, (MARK * marked + text).encode(), block_bytes, quote=quote)
    expected = csv.DictReader(io.StringIO(text), quoting=quoting)
    assert set(brands(dataset)) == {row["brand"] for row in expected if row["split"] == "a"}


@pytest.mark.parametrize("quote", ["é", "''", "\n", "\0"])
def test_a_quote_that_cannot_be_one_is_refused(quote: str) -> None:
    with pytest.raises(BadInput, match="expected one ASCII character or none"):
        Source(quote=quote)


def test_a_quote_that_is_the_delimiter_is_refused() -> None:
    with pytest.raises(BadInput, match="quote ';' is part of the delimiter ';'"):
        Source(quote=";", delimiter=";")
