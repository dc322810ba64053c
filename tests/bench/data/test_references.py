import shutil
from dataclasses import replace

import numpy as np
import pytest

from bench.data.dataset import Dataset, Rows
from bench.data.references import (
    REFERENCES_FILE,
    entity_means,
    known_references,
    logistic_regression_auc,
    oracle_metrics,
    references,
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


def test_references_are_worked_out_once_and_only_for_the_same_data(small_world, tmp_path, monkeypatch):
    fresh = shutil.ignore_patterns(REFERENCES_FILE)
    dataset = Dataset.open(shutil.copytree(small_world.directory, tmp_path / "world", ignore=fresh))
    assert known_references(dataset) is None
    found = references(dataset)
    assert found["oracle"] == oracle_metrics(dataset)
    assert found["logistic_regression"]["skip"]["auc"] == logistic_regression_auc(dataset)["skip"]
    monkeypatch.setattr("bench.data.references.logistic_regression_auc", lambda dataset: pytest.fail("again"))
    assert references(dataset) == known_references(dataset) == found
    assert known_references(replace(dataset, fingerprint="0" * 64)) is None
    assert [path.name for path in dataset.directory.glob("*references*")] == [REFERENCES_FILE]


def test_data_that_know_no_probabilities_have_no_references(tmp_path):
    dataset = small_dataset(tmp_path / "small", label=[0, 1, 0, 1], item=np.full(4, FIRST_ID))
    assert references(dataset) == {}


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


def test_logistic_regression_needs_both_classes(tmp_path):
    dataset = small_dataset(tmp_path / "small", label=np.ones(4), item=np.full(4, FIRST_ID))
    with pytest.raises(BadInput, match="task 'click': all 4 training labels are 1"):
        logistic_regression_auc(dataset)


def test_entity_means_by_hand(tmp_path):
    item = np.array([2, 2, 2, 3, 3, 3, 4, 4])
    user = np.array([2, 3, 4, 2, 3, 4, 2, 3])
    label = np.array([1, 1, 0, 0, 1, 0, 0, 1])
    dataset = small_dataset(tmp_path / "small", label=label, item=item, user=user)
    item_mean = {2: (2 + 1) / 5, 3: (1 + 1) / 5, 4: (1 + 1) / 4}
    user_mean = {2: (1 + 1) / 5, 3: (3 + 1) / 5, 4: (0 + 1) / 4}
    by_item = np.array([item_mean[i] for i in item])
    by_both = by_item + np.array([user_mean[u] for u in user])
    # Only user 2 has both labels: item 2 is positive and scores above the negative items 3 and 4.
    assert entity_means(dataset, item="item", user="user", prior_rows=2.0) == {
        "click": {
            "item": {"auc": auc(label, by_item), "uauc": 1.0},
            "user_item": {"auc": auc(label, by_both), "uauc": 1.0},
        }
    }


def test_entity_means_know_what_the_fields_are_called(tmp_path):
    dataset = small_dataset(tmp_path / "small", label=np.array([0, 1]), item=np.array([2, 3]))
    with pytest.raises(BadInput, match="did you mean 'item'"):
        entity_means(dataset, item="itme", user="user")


def test_log_loss_of_the_oracle_is_the_lowest(synthetic_dataset):
    test = synthetic_dataset.splits["test"]
    probability = test.probability[:, 0].astype(np.float64)
    logit = np.log(probability / (1 - probability))
    for distorted in (1.3 * logit, 0.7 * logit, logit + 0.3, logit - 0.3):
        assert log_loss(test.label[:, 0], distorted) > oracle_metrics(synthetic_dataset)["finish"]["log_loss"]
