"""Dirty files: rows left out are counted by reason, nothing half made is left, and nothing is made up."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.dataset import MANIFEST, SPLITS, Dataset
from bench.data.importing import ImportPlan, import_table, reading
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.plan import ByColumn, Table
from bench.data.schema import FIRST_ID, MISSING_ID
from bench.errors import BadInput

PLAN = ImportPlan(
    name="shop",
    source=Source(quote="", on_bad_row="skip"),
    labels=(Label(name="click"),),
    fields=(
        FieldPlan(name="brand", kind="categorical", group="item"),
        FieldPlan(name="price", kind="numeric", group="item"),
    ),
    split=ByColumn(column="split", train=("a",), valid=("b",), test=("c",)),
)
STRICT = replace(PLAN, source=Source(quote=""))
HEADER = b"split,click,brand,price"
GOOD = [b"a,0,x,1", b"a,1,y,2", b"b,1,x,3", b"c,0,x,4"]
BAD = {
    b"a,1,z": "wrong number of cells",
    b"a,1,z,5,6": "wrong number of cells",
    b"a,1,\xff,5": "not UTF-8 text",
    b"a,2,z,5": "column 'click' is not 0 or 1",
    b"a,,z,5": "column 'click' is not 0 or 1",
    b"a,1,z,nan": "column 'price' is not a finite number",
    b"a,1,z,inf": "column 'price' is not a finite number",
    b"a,1,z,-Infinity": "column 'price' is not a finite number",
    b"a,1,z,cheap": "column 'price' is not a finite number",
    b"d,1,z,5": "column 'split' is not one of",
}


def write(folder: Path, rows: list[bytes], name: str = "shop.csv") -> Path:
    (folder / name).write_bytes(b"\n".join([HEADER, *rows]) + b"\n")
    return folder / name


@pytest.mark.parametrize("row", BAD)
@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_bad_row_has_a_line_or_is_counted(row: bytes, place: int, quote: str, tmp_path: Path) -> None:
    file = write(tmp_path, [*GOOD[:place], row, *GOOD[place:]])
    strict = replace(STRICT, source=Source(quote=quote))
    with pytest.raises(BadInput, match=rf"^{file} line {place + 2}\b"):
        import_table(strict, file, tmp_path / "data" / "shop")
    assert not (tmp_path / "data").exists()
    plan = replace(PLAN, source=Source(quote=quote, on_bad_row="skip"))
    dataset = import_table(plan, file, tmp_path / "data" / "shop")
    clean = import_table(PLAN, write(tmp_path, GOOD), tmp_path / "data" / "clean")
    assert dataset.fingerprint == clean.fingerprint
    ((reason, count),) = dataset.source["skipped_rows"].items()
    assert reason.startswith(BAD[row])
    assert count == 1
    assert "skipped_rows" not in clean.source


def test_rows_with_several_faults_are_counted_once_whatever_the_blocks(tmp_path: Path) -> None:
    rows = [*GOOD, b"a,2,z,cheap", b"", *BAD, b"a,1,z", *GOOD, b"d,7,\xff"] * 20
    file = write(tmp_path, rows)
    whole = import_table(PLAN, file, tmp_path / "data" / "whole")
    pieces = import_table(PLAN, file, tmp_path / "data" / "pieces", block_bytes=97)
    assert sum(whole.source["skipped_rows"].values()) == 20 * (len(BAD) + 3)
    assert whole.source == pieces.source
    assert whole.fingerprint == pieces.fingerprint


def test_a_file_of_bad_rows_only_says_what_was_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no rows \(3 skipped: wrong number of cells\)"):
        import_table(PLAN, write(tmp_path, [b"a"] * 3), tmp_path / "data")


def test_bad_rows_of_a_table_of_facts_are_counted_too(tmp_path: Path) -> None:
    (tmp_path / "brands.csv").write_text("brand,country\nx,DE\ny\n,FR\n")
    country = FieldPlan(name="country", kind="categorical", group="item", of="brands")
    table = Table(name="brands", files=("brands.csv",), key="brand", source=Source(on_bad_row="skip"))
    plan = replace(PLAN, tables=(table,), fields=(*PLAN.fields, country))
    dataset = import_table(plan, write(tmp_path, GOOD), tmp_path / "data")
    assert dataset.source["skipped_rows"] == {
        "table 'brands': column 'brand' is not a key in every row": 1,
        "table 'brands': wrong number of cells": 1,
    }
    assert dataset.splits["train"].categorical[:, 1].tolist() == [FIRST_ID, MISSING_ID]


def test_a_quote_that_is_not_closed_has_its_line(tmp_path: Path) -> None:
    plan = replace(PLAN, source=Source(on_bad_row="skip"))
    with pytest.raises(BadInput, match="line 4 opens a quote that is never closed"):
        import_table(plan, write(tmp_path, [*GOOD[:2], b'a,1,"z,5', *GOOD[2:]]), tmp_path / "data")


def test_lines_are_counted_past_cells_of_several_lines(tmp_path: Path) -> None:
    plan = replace(STRICT, source=Source())
    rows = [b'a,0,"x\n\ny",1', b"", *GOOD, b"a,3,x,1"]
    with pytest.raises(BadInput, match="line 10, column 'click': got '3'"):
        import_table(plan, write(tmp_path, rows), tmp_path / "data")


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD * 100)

    def append(done: int, total: int | None) -> None:
        with file.open("ab") as opened:
            opened.write(b"a,0,x,1\n")

    with pytest.raises(BadInput, match="changed while it was read"):
        import_table(STRICT, file, tmp_path / "data" / "shop", block_bytes=200, progress=append)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("size", [2_000, 150_000])
def test_a_full_disk_leaves_nothing(
    size: int, tmp_path: Path, no_file_larger_than: Callable[[int], None]
) -> None:
    file = write(tmp_path, GOOD * 5_000)
    before = sorted(tmp_path.rglob("*"))
    no_file_larger_than(size)  # too little for the spool; enough for the spool and too little for the rows
    with pytest.raises(BadInput, match="cannot be written: File too large"):
        import_table(STRICT, file, tmp_path / "data" / "shop")
    assert sorted(tmp_path.rglob("*")) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from bench.data.importing import import_table
sys.path.insert(0, sys.argv[4])
from test_importing_dirt import STRICT
passes = []
def die(done, total):
    passes.append(done)
    if len(passes) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
import_table(STRICT, Path(sys.argv[1]), Path(sys.argv[2]), progress=die)
"""


@pytest.mark.parametrize(("calls", "finished"), [(1, False), (2, True)])
def test_a_killed_import_starts_again_and_goes_on_if_it_had_read_all(
    calls: int, finished: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, directory = write(tmp_path, GOOD * 10), tmp_path / "data" / "shop"
    command = [
        sys.executable,
        "-c",
        KILLED,
        str(file),
        str(directory),
        str(calls),
        str(Path(__file__).parent),
    ]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    assert not (directory / MANIFEST).exists()
    read = []
    original = reading.unread_blocks
    monkeypatch.setattr(
        reading, "unread_blocks", lambda *args, **options: read.append(1) or original(*args, **options)
    )
    dataset = import_table(STRICT, file, directory)
    assert bool(read) is not finished
    clean = import_table(STRICT, file, tmp_path / "clean")
    assert dataset.fingerprint == clean.fingerprint
    assert [path.name for path in directory.parent.iterdir()] == ["shop"]


def test_a_spool_of_another_file_is_not_taken(tmp_path: Path) -> None:
    file, directory = write(tmp_path, GOOD * 10), tmp_path / "data" / "shop"
    command = [sys.executable, "-c", KILLED, str(file), str(directory), "2", str(Path(__file__).parent)]
    subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    time.sleep(0.01)  # so that the time of the change is another
    write(tmp_path, GOOD * 11)
    assert sum(import_table(STRICT, file, directory).rows.values()) == 44


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    file, directory = write(tmp_path, GOOD * 10), tmp_path / "data" / "shop"

    def again(done: int, total: int | None) -> None:
        with pytest.raises(BadInput, match="another process is importing"):
            import_table(STRICT, file, directory)

    assert import_table(STRICT, file, directory, progress=again).rows["train"] == 20


cell = st.sampled_from(["a", "b", "c", "0", "1", "x", "y", "2.5", "-3", "", "nan", "é", '"', "a b", "1e999"])
dirty_row = st.lists(cell, min_size=1, max_size=6)
good_row = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from("01"),
    st.sampled_from(["x", "y", "é", ""]),
    st.sampled_from(["1", "2.5", ""]),
)
any_row = st.one_of(good_row.map(list), dirty_row)
ALWAYS = [["a", "0", "x", "1"], ["a", "1", "x", "1"], ["b", "0", "x", "2"], ["c", "1", "y", "3"]]


def naive(rows: list[list[str]]) -> list[list[str]] | None:
    """The rows that are in order, by a plain reading; None if one is not."""
    kept = []
    for row in rows:
        fits = len(row) == 4 and row[0] in ("a", "b", "c") and row[1] in ("0", "1")
        if fits and row[3] != "":
            try:
                fits = np.isfinite(float(row[3]))
            except ValueError:
                fits = False
        kept.append(row if fits else None)
    return kept


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(any_row, max_size=25), block_bytes=st.integers(20, 400), quoted=st.booleans())
def test_any_dirt_is_refused_or_counted_and_the_rest_is_what_stood_there(
    rows: list[list[str]], block_bytes: int, quoted: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("dirt")
    rows = [*ALWAYS, *(row for row in rows if row != [""])]
    if not quoted:
        text = "\n".join(",".join(row) for row in [HEADER.decode().split(","), *rows]) + "\n"
        (folder / "shop.csv").write_text(text, encoding="utf-8")
    else:
        with (folder / "shop.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER.decode().split(","), *rows])
    checked = naive(rows)
    source = Source(quote='"' if quoted else "")
    if None in checked:
        with pytest.raises(BadInput, match="line"):
            import_table(replace(PLAN, source=source), folder / "shop.csv", folder / "strict")
        assert not (folder / "strict").exists()
    plan = replace(PLAN, source=replace(source, on_bad_row="skip"))
    dataset = import_table(plan, folder / "shop.csv", folder / "data", block_bytes=block_bytes)
    skipped = sum(dataset.source.get("skipped_rows", {}).values())
    assert skipped == sum(row is None for row in checked)
    assert read_back(dataset) == expected_back([row for row in checked if row is not None])


def read_back(dataset: Dataset) -> dict[str, list[tuple[int, str | None, float | None]]]:
    table = pl.read_parquet(dataset.directory / "vocabulary" / "brand.parquet")
    text = {MISSING_ID: None, **dict(zip(table["id"], table["value"], strict=True))}
    price = dataset.schema.fields[1]
    return {
        split: [
            (
                int(label),
                text.get(int(brand), "?"),
                None if np.isnan(x) else round(float(x) * price.std + price.mean, 3),
            )
            for label, brand, x in zip(
                rows.label[:, 0], rows.categorical[:, 0], rows.numeric[:, 0], strict=True
            )
        ]
        for split, rows in dataset.splits.items()
    }


def expected_back(rows: list[list[str]]) -> dict[str, list[tuple[int, str | None, float | None]]]:
    known = {row[2] for row in rows if row[0] == "a"}
    return {
        split: [
            (
                int(row[1]),
                None if row[2] == "" else row[2] if row[2] in known else "?",
                None if row[3] == "" else round(float(row[3]), 3),
            )
            for row in rows
            if row[0] == name
        ]
        for split, name in zip(SPLITS, "abc", strict=True)
    }
