"""Every kind of damage to the folder of a data set is noticed: on opening, by `verify`, and by `check`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data import verification
from bench.data.dataset import MANIFEST, Dataset
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label, Time
from bench.data.importing.plan import ByOrder
from bench.data.references import REFERENCES_FILE, references
from bench.data.verification import VERIFIED_FILE, verify
from bench.errors import BadInput
from bench.runs.audit import audit_datasets

PLAN = ImportPlan(
    name="shop",
    user="who",
    time=Time(column="when"),
    labels=(Label(name="click"),),
    fields=(
        FieldPlan(name="item", kind="categorical", group="item"),
        FieldPlan(name="price", kind="numeric", group="item"),
        FieldPlan(name="seen", kind="sequence", group="sequence", separator=" ", max_length=2),
    ),
    split=ByOrder(fractions=(0.6, 0.2, 0.2)),
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verification")
    lines = [f"{i % 2},i{i % 3},{i},a b,u{i % 5},{i}" for i in range(50)]
    (folder / "shop.csv").write_text("\n".join(["click,item,price,seen,who,when", *lines]) + "\n")
    dataset = import_table(PLAN, folder / "shop.csv", folder / "shop")
    references(dataset)
    return dataset.directory


@pytest.fixture
def shop(imported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "data" / "shop"))


def flip(name: str, at: int = -1) -> Callable[[Path], None]:
    def damage(shop: Path) -> None:
        content = bytearray((shop / name).read_bytes())
        content[at] ^= 1
        (shop / name).write_bytes(content)

    return damage


def cut(name: str) -> Callable[[Path], None]:
    return lambda shop: (shop / name).write_bytes((shop / name).read_bytes()[:-3])


def longer(name: str) -> Callable[[Path], None]:
    return lambda shop: (shop / name).write_bytes((shop / name).read_bytes() + b"\0" * 8)


def without(name: str) -> Callable[[Path], None]:
    return lambda shop: (shop / name).unlink()


def rewritten(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda shop: np.save(shop / name, change(np.load(shop / name)))


def text(name: str, content: str) -> Callable[[Path], None]:
    return lambda shop: (shop / name).write_text(content) and None


def manifest(**values: object) -> Callable[[Path], None]:
    def damage(shop: Path) -> None:
        (shop / MANIFEST).write_text(json.dumps(json.loads((shop / MANIFEST).read_text()) | values))

    return damage


def another_vocabulary(shop: Path) -> None:
    file = shop / "vocabulary" / "item.parquet"
    pl.read_parquet(file).with_columns(pl.col("value").reverse()).write_parquet(file)


COLUMNS = [
    f"{split}/{name}.npy"
    for split in ("train", "valid", "test")
    for name in ("categorical", "numeric", "sequence.seen", "label", "user", "time")
]
DAMAGES = {
    **{f"a flipped bit in {name}": flip(name) for name in COLUMNS},
    **{f"{what.__name__} {name}": what(name) for name in COLUMNS[:6] for what in (cut, longer, without)},
    "a header of another type": rewritten("train/label.npy", lambda array: array.astype(np.int64)),
    "extra rows": rewritten("test/user.npy", lambda array: np.concatenate([array, array])),
    "permuted rows": rewritten("valid/label.npy", lambda array: array[::-1]),
    "a flipped bit in a header": flip("train/label.npy", 6),
    "a flipped bit in a vocabulary": flip("vocabulary/item.parquet", 40),
    "another vocabulary": another_vocabulary,
    "no vocabulary": without("vocabulary/item.parquet"),
    "no vocabularies": lambda shop: shutil.rmtree(shop / "vocabulary"),
    "no split": lambda shop: shutil.rmtree(shop / "valid"),
    "no manifest": without(MANIFEST),
    "an empty manifest": text(MANIFEST, ""),
    "a manifest that is no table": text(MANIFEST, "[1]"),
    "a manifest of other bytes": lambda shop: (shop / MANIFEST).write_bytes(b"\xff\xfe{}") and None,
    "a deep manifest": text(MANIFEST, "[" * 100_000),
    "another name": manifest(name="other"),
    "another rev": manifest(rev=7),
    "a rev of text": manifest(rev="7"),
    "another source": manifest(source={}),
    "no numbers": manifest(rows={"train": float("nan"), "valid": 10, "test": 10}),
    "no schema": manifest(schema={}),
    "a schema of text": manifest(schema="x"),
    "fields of text": manifest(schema={"fields": ["x"], "tasks": ["click"], "user": None, "time": False}),
    "another fingerprint": manifest(fingerprint="0" * 64),
    "no references": text(REFERENCES_FILE, "{"),
    "other references": lambda shop: text(
        REFERENCES_FILE, (shop / REFERENCES_FILE).read_text().replace('"train_rows": 30', '"train_rows": 31')
    )(shop),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_check_notices_every_damage_and_goes_on(shop: Path, imported: Path, kind: str) -> None:
    shutil.copytree(imported, shop.parent / "zebra")
    assert dict(audit_datasets(shop.parent)) == {"shop": None, "zebra": None}
    DAMAGES[kind](shop)
    found = dict(audit_datasets(shop.parent))
    assert list(found) == ["shop", "zebra"]
    assert found["shop"]
    assert "\n" not in found["shop"]
    assert found["zebra"] is None


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if "references" not in kind])
def test_a_damaged_set_is_never_used(shop: Path, kind: str) -> None:
    verify(Dataset.open(shop))
    DAMAGES[kind](shop)
    with pytest.raises(BadInput, match=r"import the data set again|no data set at"):
        verify(Dataset.open(shop))


def test_a_second_look_reads_no_column(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset.open(shop)
    verify(dataset)
    assert (shop / VERIFIED_FILE).is_file()
    monkeypatch.setattr(verification, "fingerprint", lambda *_, **__: pytest.fail("read again"))
    verify(dataset)
    monkeypatch.undo()
    flip("train/label.npy")(shop)
    with pytest.raises(BadInput, match="fingerprint"):
        verify(dataset)


def test_a_data_set_replaced_after_it_was_opened_is_noticed(shop: Path) -> None:
    dataset = Dataset.open(shop)
    (shop.parent.parent / "other.csv").write_text(
        "click,item,price,seen,who,when\n" + "".join(f"{i % 2},x,1,a,u,{i}\n" for i in range(50))
    )
    import_table(PLAN, shop.parent.parent / "other.csv", shop)
    verify(Dataset.open(shop))
    with pytest.raises(BadInput, match="fingerprint"):
        verify(dataset)


@pytest.mark.parametrize("content", ["", "[]", '{"fingerprint": 1}'])
def test_a_damaged_note_of_an_earlier_look_is_none(shop: Path, content: str) -> None:
    (shop / VERIFIED_FILE).write_text(content)
    verify(Dataset.open(shop))
    assert json.loads((shop / VERIFIED_FILE).read_text())["fingerprint"] == Dataset.open(shop).fingerprint


def test_a_set_written_before_vocabularies_had_digests_is_read(shop: Path) -> None:
    written = json.loads((shop / MANIFEST).read_text())
    del written["digest"], written["vocabulary"]
    (shop / MANIFEST).write_text(json.dumps(written))
    verify(Dataset.open(shop))
    assert dict(audit_datasets(shop.parent)) == {"shop": None}
