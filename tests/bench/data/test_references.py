import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from bench.data.dataset import Dataset, Rows
from bench.data.references import (
    REFERENCES_FILE,
    REV,
    known_references,
    logistic_regression_auc,
    oracle_metrics,
    references,
    references_fault,
    rows_to_fit,
)
from bench.data.schema import FIRST_ID, Field, Schema
from bench.data.synthetic import synthesize
from bench.data.writing import DatasetWriter
from bench.errors import BadInput
from bench.metrics import auc, log_loss, per_user_auc


@pytest.fixture(scope="module")
def synthetic_dataset(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "rules", family="rules", rows=60_000, seed=0)


def small_dataset(directory, *, label, item, user=None, history=None, number=None):
    """Three equal splits of a data set without probabilities."""
    count = len(label)
    fields = [
        Field(name="user", kind="categorical", group="user", cardinality=9),
        Field(name="item", kind="categorical", group="item", cardinality=9),
        Field(name="number", kind="numeric", group="context"),
        Field(name="history", kind="sequence", group="sequence", cardinality=9, max_length=2, table="item"),
    ]
    user = np.full(count, FIRST_ID) if user is None else user
    rows = Rows(
        categorical=np.stack([user, item], axis=1).astype(np.int32),
        numeric=np.reshape(np.zeros(count) if number is None else number, (-1, 1)).astype(np.float32),
        sequences={"history": np.zeros((count, 2), np.int32) if history is None else history},
        label=np.reshape(label, (-1, 1)).astype(np.uint8),
        user=user.astype(np.int32),
    )
    schema = Schema(fields=tuple(fields), tasks=("click",), user="user")
    splits = dict.fromkeys(("train", "valid", "test"), count)
    with DatasetWriter(directory, name="small", rev=1, schema=schema, rows=splits, source={}) as writer:
        for split in splits:
            writer.append(split, rows)
    return Dataset.open(directory)


def test_the_oracle_scores_the_true_probabilities(synthetic_dataset):
    test = synthetic_dataset.splits["test"]
    metrics = oracle_metrics(synthetic_dataset)
    assert list(metrics) == ["finish", "skip"]
    for k, task in enumerate(metrics):
        probability = test.probability[:, k].astype(np.float64)
        expected = -np.log(np.where(test.label[:, k], probability, 1 - probability)).mean()
        assert metrics[task]["log_loss"] == pytest.approx(expected, rel=1e-12)
        assert metrics[task]["auc"] == auc(test.label[:, k], test.probability[:, k])
        assert metrics[task]["uauc"] == per_user_auc(test.user, test.label[:, k], test.probability[:, k]).uauc
        assert 0.82 < metrics[task]["auc"] < 0.90


@pytest.fixture
def world(small_world, tmp_path):
    """A copy of the small world without references."""
    fresh = shutil.ignore_patterns(REFERENCES_FILE)
    return Dataset.open(shutil.copytree(small_world.directory, tmp_path / "world", ignore=fresh))


def test_references_are_worked_out_once_and_only_for_the_same_data(world, monkeypatch):
    assert known_references(world) is None
    found = references(world)
    assert found["oracle"] == oracle_metrics(world)
    assert found["logistic_regression"]["skip"]["auc"] == logistic_regression_auc(world)["skip"]
    kept = json.loads((world.directory / REFERENCES_FILE).read_text())
    assert (kept["rev"], kept["train_rows"]) == (REV, world.rows["train"])
    monkeypatch.setattr("bench.data.references.logistic_regression_auc", pytest.fail)
    assert references(world) == known_references(world) == found
    assert known_references(replace(world, fingerprint="0" * 64)) is None
    assert [path.name for path in world.directory.glob("*references*")] == [REFERENCES_FILE]


def changed_area(kept):
    kept["references"]["logistic_regression"]["skip"]["auc"] += 1e-3


@pytest.mark.parametrize(
    ("damage", "is_fault"),
    [
        (lambda kept: kept.update(rev=REV - 1), False),  # of an older version: no damage, but not used
        (lambda kept: kept.pop("rev"), False),
        (changed_area, True),
        (lambda kept: kept.pop("digest"), True),
        (lambda kept: kept.pop("references"), True),
    ],
)
def test_references_of_another_rev_or_with_damage_are_worked_out_again(world, damage, is_fault):
    found = references(world)
    assert references_fault(world) is None
    file = world.directory / REFERENCES_FILE
    kept = json.loads(file.read_text())
    damage(kept)
    file.write_text(json.dumps(kept))
    assert known_references(world) is None
    assert (references_fault(world) is not None) == is_fault
    assert references(world) == found == known_references(world)
    assert references_fault(world) is None


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00", "[" * 100_000])
def test_a_references_file_that_is_no_json_is_named_and_replaced(world, content):
    (world.directory / REFERENCES_FILE).write_text(content)
    assert known_references(world) is None
    assert "references.json is damaged" in references_fault(world)


def test_data_that_know_no_probabilities_have_the_floor_only(tmp_path):
    label = np.arange(400) % 2
    dataset = small_dataset(tmp_path / "small", label=label, item=2 + label)
    assert known_references(dataset) is None
    assert (
        references(dataset) == {"logistic_regression": {"click": {"auc": 1.0}}} == known_references(dataset)
    )


def test_a_task_with_one_class_has_no_floor(tmp_path):
    dataset = small_dataset(tmp_path / "small", label=np.ones(4), item=np.full(4, FIRST_ID))
    assert logistic_regression_auc(dataset) == {}
    assert references(dataset) == {} == known_references(dataset)


def test_rows_without_a_label_are_left_out(tmp_path):
    label = np.arange(400) % 2
    unlabelled = np.where(np.arange(400) < 300, 255, label)
    dataset = small_dataset(tmp_path / "small", label=unlabelled, item=2 + label)
    assert logistic_regression_auc(dataset) == {"click": 1.0}


def test_memory_bounds_the_rows_that_are_fitted(tmp_path, monkeypatch):
    label = np.arange(400) % 2
    dataset = small_dataset(tmp_path / "small", label=label, item=2 + label)
    monkeypatch.setattr("bench.data.references._BLOCK_ROWS", 100)
    entries_of_a_row = 3  # user, item, number
    assert rows_to_fit(dataset) == 400
    assert rows_to_fit(dataset, max_entries=400 * entries_of_a_row) == 400
    assert rows_to_fit(dataset, max_entries=250 * entries_of_a_row) == 200
    assert rows_to_fit(dataset, max_entries=1) == 100  # never none


def test_blocks_change_no_bit(world, monkeypatch):
    whole = logistic_regression_auc(world)
    monkeypatch.setattr("bench.data.references._BLOCK_ROWS", 1000)
    assert logistic_regression_auc(world) == whole


def test_logistic_regression_lies_between_chance_and_the_oracle(synthetic_dataset):
    reached = logistic_regression_auc(synthetic_dataset, max_train_rows=5_000)
    for task, oracle in oracle_metrics(synthetic_dataset).items():
        assert 0.6 < reached[task] < oracle["auc"] - 0.02


def test_the_oracle_needs_probabilities(tmp_path):
    dataset = small_dataset(tmp_path / "small", label=np.array([0, 1]), item=np.array([2, 3]))
    with pytest.raises(BadInput, match="no true probabilities"):
        oracle_metrics(dataset)


@pytest.mark.parametrize("kind", ["categorical", "sequence", "numeric", "missing"])
def test_logistic_regression_sees_every_kind_of_field(tmp_path, kind):
    label = np.arange(400) % 2
    item = np.full(400, FIRST_ID)
    history = np.stack([2 + label, np.where(label, 0, 5)], axis=1).astype(np.int32)
    columns = {
        "categorical": {"item": 2 + label},
        "sequence": {"item": item, "history": history},
        "numeric": {"item": item, "number": label - 0.5},
        "missing": {"item": item, "number": np.where(label, np.nan, 0)},
    }
    dataset = small_dataset(tmp_path / "small", label=label, **columns[kind])
    assert logistic_regression_auc(dataset) == {"click": 1.0}


def test_logistic_regression_trains_on_the_last_rows_only(tmp_path):
    label = np.arange(400) % 2
    misleading = np.where(np.arange(400) < 300, 1 - label, label)
    dataset = small_dataset(tmp_path / "small", label=label, item=2 + misleading)
    assert logistic_regression_auc(dataset)["click"] < 0.5 + 0.26  # 300 of 400 rows point the wrong way round
    assert logistic_regression_auc(dataset, max_train_rows=100)["click"] == auc(label, misleading)


def test_log_loss_of_the_oracle_is_the_lowest(synthetic_dataset):
    test = synthetic_dataset.splits["test"]
    probability = test.probability[:, 0].astype(np.float64)
    logit = np.log(probability / (1 - probability))
    for distorted in (1.3 * logit, 0.7 * logit, logit + 0.3, logit - 0.3):
        assert log_loss(test.label[:, 0], distorted) > oracle_metrics(synthetic_dataset)["finish"]["log_loss"]
