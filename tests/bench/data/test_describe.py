"""The description of a data set against numbers counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.data import describe as describe_module
from bench.data.dataset import Dataset, Rows
from bench.data.describe import describe
from bench.data.schema import Field, Schema
from bench.data.writing import DatasetWriter


def write(directory: Path, *, with_users: bool = True) -> Dataset:
    schema = Schema(
        fields=(
            Field(name="price", kind="numeric", group="item"),
            Field(name="item", kind="categorical", group="item", cardinality=6),
            Field(name="seen", kind="sequence", group="sequence", cardinality=6, max_length=2, table="item"),
        ),
        tasks=("click", "buy"),
        user="user" if with_users else None,
    )
    train = Rows(
        categorical=np.array([[2], [3], [0], [2]], np.int32),
        numeric=np.array([[0.5], [np.nan], [1], [2]], np.float32),
        sequences={"seen": np.array([[0, 0], [2, 0], [2, 3], [1, 0]], np.int32)},
        label=np.array([[1, 0], [0, 0], [1, 0], [1, 1]], np.uint8),
        user=np.array([0, 1, 1, 3], np.int32) if with_users else None,
        probability=np.full((4, 2), 0.5, np.float32) if with_users else None,
    )
    test = Rows(
        categorical=np.array([[1], [1], [5], [0]], np.int32),
        numeric=np.array([[0], [0], [0], [0]], np.float32),
        sequences={"seen": np.array([[1, 2], [2, 2], [3, 0], [0, 0]], np.int32)},
        label=np.array([[1, 1], [0, 1], [1, 0], [1, 1]], np.uint8),
        user=np.array([0, 0, 2, 2], np.int32) if with_users else None,
        probability=np.array([[0.9, 0.8], [0.2, 0.4], [0.1, 0.6], [0.8, 0.9]], np.float32)
        if with_users
        else None,
    )
    rows = {"train": train, "valid": train.take(slice(0, 2)), "test": test}
    sizes = {split: len(part) for split, part in rows.items()}
    with DatasetWriter(
        directory,
        name="made",
        rev=3,
        schema=schema,
        rows=sizes,
        source={"by": "hand"},
        probability=with_users,
    ) as writer:
        for split, part in rows.items():
            writer.append(split, part)
    return Dataset.open(directory)


def test_every_number(tmp_path: Path) -> None:
    dataset = write(tmp_path / "made")
    description = describe(dataset)
    assert description["rows"] == {"train": 4, "valid": 2, "test": 4}
    assert (description["name"], description["rev"], description["source"]) == ("made", 3, {"by": "hand"})
    assert description["fingerprint"] == dataset.fingerprint
    assert description["base_rate"] == {
        "click": {"train": 0.75, "valid": 0.5, "test": 0.75},
        "buy": {"train": 0.25, "valid": 0.0, "test": 0.75},
    }
    assert description["positives"] == {
        "click": {"train": 3, "valid": 1, "test": 3},
        "buy": {"train": 1, "valid": 0, "test": 3},
    }
    assert description["users"] == {"train": 3, "valid": 2, "test": 2}
    assert description["users_with_both_classes"] == {"click": 1, "buy": 1}
    assert description["oracle_auc"] == {"click": pytest.approx(2 / 3), "buy": pytest.approx(2 / 3)}
    price, item, seen = description["fields"]
    assert price == {
        "name": "price",
        "kind": "numeric",
        "group": "item",
        "cardinality": 0,
        "max_length": 0,
        "table": None,
        "missing_share": 0.2,
        "unknown_test_share": None,
        "constant": False,
    }
    assert (item["missing_share"], item["unknown_test_share"]) == (0.2, pytest.approx(2 / 3))
    assert (seen["missing_share"], seen["unknown_test_share"]) == (0.3, 0.2)
    assert (seen["cardinality"], seen["max_length"], seen["table"]) == (6, 2, "item")
    json.dumps(description, allow_nan=False)


def test_without_users_and_probabilities(tmp_path: Path) -> None:
    description = describe(write(tmp_path / "made", with_users=False))
    for key in ("users", "users_with_both_classes", "oracle_auc"):
        assert description[key] is None


def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write(tmp_path / "made")
    whole = describe(dataset)
    monkeypatch.setattr(describe_module, "BLOCK_ROWS", 3)
    assert describe(dataset) == whole
