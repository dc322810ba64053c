"""Another file is read as the import of a data set read its own: what comes out is what the import stored."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import random
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import IMPORT_FILE, SPLITS, Dataset, Rows
from bench.data.importing import REV, ImportPlan, import_table
from bench.data.importing.applying import AnotherFile, read_rules
from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import ByFile, ByOrder, Table
from bench.data.public import NAMED
from bench.data.schema import FIRST_ID, MISSING_ID, MISSING_LABEL, UNKNOWN_ID
from bench.data.verification import fault_of
from bench.errors import BadInput

FILES = {split: f"{split}.csv" for split in SPLITS}
ITEM = FieldPlan(name="item", kind="categorical", group="item", minimum_count=2)
FIELDS = (
    ITEM,
    FieldPlan(name="zip", kind="categorical", group="user", prefix=2),
    FieldPlan(name="year", column="title", kind="categorical", group="item", pattern=r"\((\d{4})\)"),
    FieldPlan(name="slot", kind="categorical", group="context", cardinality=5),
    FieldPlan(name="page", kind="categorical", group="context", buckets=50),
    FieldPlan(name="views", kind="categorical", group="item", transform="floor_log_squared"),
    FieldPlan(name="price", kind="numeric", group="item", transform="log1p", clip=True),
    FieldPlan(name="age", kind="numeric", group="user"),
    FieldPlan(name="tags", kind="sequence", group="item", separator="|", max_length=3),
    FieldPlan(name="bought", kind="sequence", group="sequence", max_length=4, table="item"),
    FieldPlan(name="colour", kind="categorical", group="item", of="items"),
    FieldPlan(name="weight", kind="numeric", group="item", of="items"),
    FieldPlan(name="shades", kind="sequence", group="item", of="items", separator=" ", max_length=2),
    FieldPlan(name="hour", kind="categorical", group="context", part="hour"),
    FieldPlan(name="weekday", kind="categorical", group="context", part="weekday"),
)
PLAN = ImportPlan(
    name="shop",
    user="who",
    source=Source(missing=("", "NA")),
    time=Time(column="when", format="%d.%m.%Y %H:%M"),
    tables=(Table(name="items", files=("items.csv",), key="id", on="item"),),
    labels=(
        Label(name="sold", positive="yes"),
        Label(name="liked", column="stars", positive=">= 4"),
    ),
    fields=FIELDS,
    split=ByFile(train=("train.csv",), valid=("valid.csv",), test=("test.csv",)),
)


def some_row(draw: random.Random, split: str) -> dict[str, str]:
    """A row of random cells, some missing; those of valid and test have values that train does not have."""
    unseen = 0 if split == "train" else 6

    def cell(text: str) -> str:
        return draw.choice(["", "NA"]) if draw.random() < 0.1 else text

    items = [f"i{draw.randrange(20 + unseen)}" for _ in range(draw.randrange(6))]
    return {
        "sold": draw.choice(["yes", "no"]),
        "stars": draw.choice(["1", "4", "5", ""]),
        "who": f"u{draw.randrange(9)}",
        "when": f"{1 + draw.randrange(28):02}.05.2024 {draw.randrange(24):02}:30",
        "item": cell(f"i{draw.randrange(20 + unseen)}"),
        "zip": cell(f"{draw.randrange(40 + 10 * unseen):02}xyz"),
        "title": cell(f'A "film", {draw.choice(["one", "two"])} ({1990 + draw.randrange(5 + unseen)})'),
        "slot": cell(str(draw.randrange(5))),
        "page": cell(f"/p/{draw.randrange(200)}"),
        "views": cell(str(draw.randrange(500))),
        "price": cell(f"{draw.lognormvariate(1, 1 + unseen / 6):.3f}"),
        "age": cell(str(draw.randrange(18, 60 + 5 * unseen))),
        "tags": cell("|".join(f"t{draw.randrange(8 + unseen)}" for _ in range(draw.randrange(6)))),
        "bought": cell(json.dumps(items)),
    }


def write(path: Path, rows: Iterable[dict[str, str]], columns: Iterable[str] | None = None) -> Path:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns or rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path, dict[str, list[dict[str, str]]]]:
    """(the data set, the folder of its files, split → its rows)."""
    folder, draw = tmp_path_factory.mktemp("shop"), random.Random(1)
    rows = {split: [some_row(draw, split) for _ in range(300)] for split in SPLITS}
    for split, name in FILES.items():
        write(folder / name, rows[split])
    facts = [
        {
            "id": f"i{i}",
            "colour": draw.choice(["red", "blue", ""]),
            "weight": str(i),
            "shades": "x y z"[: i % 6],
        }
        for i in range(22)
    ]
    write(folder / "items.csv", facts)
    return import_table(PLAN, folder, folder / "data"), folder, rows


def inputs(blocks: Iterable[tuple[np.ndarray, Rows, float]]) -> tuple[list[int], dict[str, np.ndarray]]:
    numbers, parts = [], []
    for of_block, rows, _ in blocks:
        numbers += of_block.tolist()
        parts.append(dict(rows.columns()))
    return numbers, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assert_same_inputs(found: dict[str, np.ndarray], stored: Rows) -> None:
    expected = {n: a for n, a in stored.columns() if n not in ("label", "user", "time")}
    assert (found.pop("label") == MISSING_LABEL).all()
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize("block_bytes", [1 << 20, 300])
@pytest.mark.parametrize("split", SPLITS)
def test_the_files_of_the_import_become_the_rows_it_stored(shop, split, block_bytes):
    dataset, folder, rows = shop
    file = AnotherFile(read_rules(dataset, rev=REV), folder / FILES[split], block_bytes=block_bytes)
    numbers, found = inputs(file.blocks())
    assert numbers == list(range(300))
    assert_same_inputs(found, dataset.splits[split])
    unmatched = sum(r["item"] not in ("", "NA") and int(r["item"][1:]) >= 22 for r in rows[split])
    assert file.unmatched == ({"items": unmatched} if unmatched else {})


def test_the_test_rows_have_what_makes_this_hard(shop):
    test = shop[0].splits["test"]
    for i in range(3):
        assert {MISSING_ID, UNKNOWN_ID} < set(test.categorical[:, i].tolist())
    assert np.isnan(test.numeric).any(axis=0).all()
    assert (test.sequences["bought"] == UNKNOWN_ID).any()
    assert (test.sequences["tags"] == UNKNOWN_ID).any()


def test_without_labels_users_and_in_any_order_of_columns(shop, tmp_path):
    dataset, folder, rows = shop
    columns = [c for c in reversed(rows["test"][0]) if c not in ("sold", "stars", "who")]
    assert set(columns) == set(PLAN.input_columns())
    more = [{**row, "note": "not asked for"} for row in rows["test"]]
    shutil.copy(folder / "items.csv", tmp_path)
    rules = read_rules(dataset, rev=REV)
    for path in (
        write(tmp_path / "new.csv", more, ["note", *columns]),
        tmp_path / "new.parquet",
    ):
        if path.suffix == ".parquet":
            pl.read_csv(tmp_path / "new.csv", infer_schema=False).write_parquet(path)
        numbers, found = inputs(AnotherFile(rules, path).blocks())
        assert numbers == list(range(300))
        assert_same_inputs(found, dataset.splits["test"])


def test_the_time_is_read_only_for_its_parts(shop):
    without = replace(PLAN, fields=tuple(f for f in FIELDS if not f.part))
    assert "when" in PLAN.input_columns()
    assert "when" not in without.input_columns()
    assert "who" not in PLAN.input_columns()


def test_a_bad_row_stops_or_is_left_out_and_leaves_its_number_free(shop, tmp_path):
    dataset, folder, _ = shop
    shutil.copy(folder / "items.csv", tmp_path)
    lines = (folder / "test.csv").read_bytes().splitlines(keepends=True)[:301]
    lines[3] = lines[3].rstrip() + b",one more\r\n"
    lines[5] = b"\xff" + lines[5]
    bad = {2, 4, 7}
    cells = next(csv.reader([lines[8].decode()]))
    cells[list(csv.DictReader([lines[0].decode()]).fieldnames or ()).index("age")] = "old"
    lines[8] = (",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in cells) + "\r\n").encode()
    (tmp_path / "new.csv").write_bytes(b"".join(lines))
    rules = read_rules(dataset, rev=REV)
    with pytest.raises(BadInput, match=r"line 4 has 15 cells|line 6 is not UTF-8"):
        list(AnotherFile(rules, tmp_path / "new.csv").blocks())
    forgiving = replace(rules, plan=replace(rules.plan, source=replace(rules.plan.source, on_bad_row="skip")))
    for block_bytes in (1 << 20, 300):
        file = AnotherFile(forgiving, tmp_path / "new.csv", block_bytes=block_bytes)
        numbers, found = inputs(file.blocks())
        assert numbers == [n for n in range(300) if n not in bad]
        assert_same_inputs(found, dataset.splits["test"].take(np.array(numbers)))
        assert file.skipped == {
            "wrong number of cells": 1,
            "not UTF-8 text": 1,
            "column 'age' is not a finite number": 1,
        }


def test_values_met_before_their_vocabulary_ends_are_told_apart(tmp_path):
    """A rare value is unknown though the import met it; a value of the file that is new is unknown too."""
    rows = "1,a\n0,a\n" * 3 + "1,b\n" + "1,a\n0,a\n" * 2
    (tmp_path / "log.csv").write_text("click,item\n" + rows)
    plan = ImportPlan(
        name="log",
        labels=(Label(name="click"),),
        fields=(ITEM,),
        split=ByOrder(fractions=(0.6, 0.2, 0.2)),
    )
    dataset = import_table(plan, tmp_path / "log.csv", tmp_path / "data")
    (tmp_path / "new.csv").write_text('item\nnew\nb\na\n""\nanother\nNA\n')
    _, found = inputs(AnotherFile(read_rules(dataset, rev=REV), tmp_path / "new.csv").blocks())
    assert found["categorical"][:, 0].tolist() == [
        *(UNKNOWN_ID, UNKNOWN_ID, FIRST_ID),
        *(MISSING_ID, UNKNOWN_ID, UNKNOWN_ID),
    ]


def loaders_plans() -> list[ImportPlan]:
    modules = {named.module: importlib.import_module(named.module) for named in NAMED.values()}
    many = [plan for module in modules.values() for plan in getattr(module, "PLANS", {}).values()]
    one = [module.PLAN for module in modules.values() if hasattr(module, "PLAN")]
    made = [modules["bench.data.public.kuairand"].plan(cut) for cut in ("pure", "1k", "27k")]
    return [*many, *one, *made, modules["bench.data.public.frappe"].plan("csv")]


@pytest.mark.parametrize("plan", [PLAN, *loaders_plans()], ids=lambda plan: plan.name)
def test_a_plan_is_kept_whole(plan):
    again = ImportPlan.from_table(json.loads(json.dumps(plan.to_table())))
    assert again == plan
    assert type(again.split) is type(plan.split)


def test_a_public_set_keeps_its_rules_too(tmp_path):
    draw = random.Random(0)
    columns = [c for c in loader_plan("frappe").columns() if c != "label"]
    for split in SPLITS:
        rows = [{"label": str(i % 2), **{c: f"{c}{draw.randrange(9)}" for c in columns}} for i in range(60)]
        write(tmp_path / FILES[split], rows)
    dataset = NAMED["frappe"].load(tmp_path, tmp_path / "data")
    _, found = inputs(AnotherFile(read_rules(dataset, rev=REV), tmp_path / "test.csv").blocks())
    assert_same_inputs(found, dataset.splits["test"])


def loader_plan(name: str) -> ImportPlan:
    return next(plan for plan in loaders_plans() if plan.name == name)


def test_every_loader_has_a_plan_here():
    assert {plan.name for plan in loaders_plans()} == set(NAMED)


def test_what_cannot_be_read_by_the_rules_is_said(shop, tmp_path):
    dataset, folder, _ = shop
    rules = read_rules(dataset, rev=REV)
    shutil.copy(folder / "test.csv", tmp_path / "new.csv")
    with pytest.raises(BadInput, match=re.escape(f"table 'items' needs {tmp_path / 'items.csv'}")):
        AnotherFile(rules, tmp_path / "new.csv")
    shutil.copy(folder / "items.csv", tmp_path)
    write(tmp_path / "lacks.csv", [{c: "" for c in PLAN.input_columns() if c != "zip"}])
    with pytest.raises(
        BadInput, match=r"lacks\.csv has no column 'zip', which the schema needs.* \(it has: "
    ):
        list(AnotherFile(rules, tmp_path / "lacks.csv").blocks())
    (tmp_path / "none.csv").write_text(",".join(PLAN.input_columns()) + "\n")
    with pytest.raises(BadInput, match=r"none\.csv has no usable rows"):
        list(AnotherFile(rules, tmp_path / "none.csv").blocks())
    far = {**dict.fromkeys(PLAN.input_columns(), ""), "when": "01.05.2024 10:00", "age": "1e300"}
    with pytest.raises(BadInput, match=r"field 'age': 1e\+300 is too far outside .*clip = true"):
        list(AnotherFile(rules, write(tmp_path / "far.csv", [far])).blocks())
    seen = FieldPlan(name="seen", kind="sequence", group="sequence", table="item", history="*", max_length=2)
    with pytest.raises(BadInput, match=r"field 'seen' .* user's earlier rows"):
        AnotherFile(replace(rules, plan=replace(PLAN, fields=(ITEM, seen))), tmp_path / "new.csv")
    with pytest.raises(BadInput, match=rf"imported by rev {REV} of the import, but this version has rev 99"):
        read_rules(dataset, rev=99)


def test_what_was_kept_is_part_of_a_whole_data_set(shop, small_world, tmp_path):
    with pytest.raises(BadInput, match="was generated, so it has no rules"):
        read_rules(small_world, rev=REV)
    dataset = shop[0]
    folder = tmp_path / "copy"
    shutil.copytree(dataset.directory, folder)
    copied = Dataset.open(folder)
    assert fault_of(copied) is None
    kept = folder / IMPORT_FILE
    kept.write_text(kept.read_text().replace('"minimum_count": 2', '"minimum_count": 3'))
    assert fault_of(copied) == f"{IMPORT_FILE} is missing, added or changed since the data set was written"
    kept.unlink()
    assert fault_of(copied) is not None
    with pytest.raises(BadInput, match=f"{IMPORT_FILE} does not exist, .* import it again"):
        read_rules(copied, rev=REV)


def test_what_was_kept_does_not_change_the_fingerprint(shop, tmp_path):
    dataset, folder, _ = shop
    again = import_table(
        dataclasses.replace(PLAN, source=replace(PLAN.source, on_bad_row="skip")), folder, tmp_path / "data"
    )
    assert again.fingerprint == dataset.fingerprint
