"""Labels that a task lacks in some rows: they count neither in the loss nor in any metric, and else all is as
it was; and tasks that have one class on valid, which is no divergence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from bench.contestants.registry import CONTESTANTS
from bench.data.dataset import Dataset
from bench.data.describe import describe
from bench.data.loader import batches
from bench.data.references import logistic_regression_auc
from bench.data.schema import MISSING_LABEL
from bench.metrics import evaluate
from bench.spec import FeatureSpec, Protocol
from bench.training.ranker import Ranker, build_ranker, predict
from bench.training.trainer import mean_auc, train

CPU = torch.device("cpu")
PROTOCOL = Protocol(name="quick", batch_size=512, dense_lr=0.001)


def third_missing(split: str, label: np.ndarray) -> np.ndarray:
    label[::3, 1] = MISSING_LABEL
    return label


def ranker(dataset: Dataset, name: str = "dlrm-mlp") -> Ranker:
    small = {"dlrm-mlp": {"hidden_dims": (16,)}}.get(name, CONTESTANTS[name].hyperparameters)
    return build_ranker(dataset, FeatureSpec(width=4), CONTESTANTS[name], small, seed=0, device=CPU)


@pytest.fixture(scope="module")
def partial(small_world, relabelled, tmp_path_factory) -> Dataset:
    return relabelled(small_world, tmp_path_factory.mktemp("partial"), third_missing)


def test_the_loss_is_the_mean_over_the_labels_present(partial):
    built = ranker(partial).eval()
    batch = next(batches(partial.splits["train"], batch_size=300))
    logits = torch.from_numpy(predict(built, batch))
    label = torch.from_numpy(batch.label.astype(np.float32))
    of_each = F.binary_cross_entropy_with_logits(logits, label, reduction="none")[label != MISSING_LABEL]
    assert len(of_each) == 300 * 2 - 100
    assert built.losses(batch)[0].item() == pytest.approx(float(of_each.mean()), rel=1e-6)


def test_a_missing_label_sends_no_gradient(partial):
    built = ranker(partial).eval()
    batch = next(batches(partial.splits["train"], batch_size=300))
    alone = batch.take(np.flatnonzero(batch.label[:, 1] == MISSING_LABEL))
    built.losses(alone)[0].backward()
    last = [p for p in built.contestant.parameters() if p.shape[0] == 2][-1]
    assert last.grad[0].abs() > 0
    assert last.grad[1] == 0


@pytest.mark.parametrize("name", ["tokenmixer-large", "rankmixer-moe", "moe"])
def test_an_objective_of_ones_own_gets_a_criterion_that_leaves_them_out(partial, name):
    built = ranker(partial, name)
    batch = next(batches(partial.splits["train"], batch_size=64))
    loss = built.losses(batch)[0]
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(torch.isfinite(p.grad).all() for p in built.contestant.parameters() if p.grad is not None)


def test_where_no_label_is_missing_the_loss_is_pytorchs_to_the_bit(small_world):
    built = ranker(small_world).eval()
    batch = next(batches(small_world.splits["train"], batch_size=300))
    logits = torch.from_numpy(predict(built, batch))
    plain = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.label.astype(np.float32)))
    assert built.losses(batch)[0].item() == plain.item()


def test_metrics_are_those_of_the_labelled_rows(partial):
    test = partial.splits["test"]
    logits = predict(ranker(partial), test)
    label = np.asarray(test.label)
    found = evaluate(label, logits, partial.schema.tasks, np.asarray(test.user))
    for k, task in enumerate(partial.schema.tasks):
        rows = label[:, k] != MISSING_LABEL
        p = 1 / (1 + np.exp(-logits[rows, k].astype(np.float64)))
        assert found[task]["auc"] == pytest.approx(roc_auc_score(label[rows, k], logits[rows, k]))
        assert found[task]["log_loss"] == pytest.approx(sklearn_log_loss(label[rows, k], p))
        assert found[task]["base_rate"] == pytest.approx(label[rows, k].mean())
        users = found[task]["users"] + found[task]["users_skipped"]
        assert users == len(np.unique(np.asarray(test.user)[rows]))
    auc_of = [found[task]["auc"] for task in partial.schema.tasks]
    assert mean_auc(test, logits) == np.mean(auc_of)


def test_a_task_without_any_label_has_no_metric():
    label = np.array([[0, 255], [1, 255]], np.uint8)
    found = evaluate(label, np.zeros((2, 2), np.float32), ("a", "b"), np.array([0, 0]))
    assert found["a"]["auc"] == 0.5
    assert {found["b"][name] for name in ("auc", "log_loss", "calibration", "base_rate", "uauc")} == {None}
    assert (found["b"]["users"], found["b"]["users_skipped"]) == (0, 0)


def test_description_and_reference_leave_them_out(partial, small_world):
    described, whole = describe(partial), describe(small_world)
    assert described["missing_labels"][partial.schema.tasks[1]]["test"] == -(-partial.rows["test"] // 3)
    label = np.asarray(partial.splits["train"].label)[:, 1]
    rate = described["base_rate"][partial.schema.tasks[1]]["train"]
    assert rate == pytest.approx(label[label != MISSING_LABEL].mean())
    assert (
        described["users_with_both_classes"][partial.schema.tasks[1]]
        < whole["users_with_both_classes"][partial.schema.tasks[1]]
    )
    areas, of_all = logistic_regression_auc(partial), logistic_regression_auc(small_world)
    first, second = partial.schema.tasks
    assert areas[first] == of_all[first]
    assert areas[second] == pytest.approx(of_all[second], abs=0.03)
    assert areas[second] != of_all[second]


def one_class_on_valid(tasks: list[int]):
    def change(split: str, label: np.ndarray) -> np.ndarray:
        if split == "valid":
            label[:, tasks] = 0
        return label

    return change


def test_a_task_with_one_class_on_valid_is_left_out_of_the_choice(small_world, relabelled, tmp_path):
    dataset = relabelled(small_world, tmp_path, one_class_on_valid([1]))
    built = ranker(dataset)
    training = train(built, dataset, PROTOCOL, seed=0)
    valid = dataset.splits["valid"]
    logits = predict(built, valid)
    assert training.curve[-1].valid_auc == roc_auc_score(valid.label[:, 0], logits[:, 0])


def test_where_no_task_has_both_classes_the_lowest_log_loss_decides(small_world, relabelled, tmp_path):
    dataset = relabelled(small_world, tmp_path, one_class_on_valid([0, 1]))
    protocol = Protocol(name="eager", batch_size=512, epochs=12, patience=1, dense_lr=0.01, sparse_lr=0.3)
    built = ranker(dataset)
    training = train(built, dataset, protocol, seed=0)
    assert all(math.isnan(point.valid_auc) for point in training.curve)

    def loss_after(epochs: int) -> float:
        short = Protocol(**{**vars(protocol), "epochs": epochs, "patience": 99})
        other = ranker(dataset)
        last = train(other, dataset, short, seed=0)
        if last.best_epoch != epochs:
            return math.inf
        return float(np.logaddexp(0, predict(other, dataset.splits["valid"]).astype(np.float64)).mean())

    losses = [loss_after(epochs) for epochs in range(1, training.epochs + 1)]
    assert training.best_epoch == 1 + int(np.argmin(losses))
