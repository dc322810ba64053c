from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from bench.contestants import Contestant, Dial
from bench.contestants.registry import CONTESTANTS
from bench.data.loader import batches
from bench.spec import FeatureSpec, Protocol
from bench.training.ranker import Ranker, build_ranker, predict
from bench.training.trainer import Diverged, Trainer, mean_auc, share_of_rate, train

CPU = torch.device("cpu")
FEATURES = FeatureSpec(width=4)
QUICK = Protocol(name="quick", batch_size=512, dense_optimizer="adam", dense_lr=0.003)
MLP = {"hidden_dims": (16,)}


def ranker(dataset, seed=0, name="dlrm-mlp", hyperparameters=MLP) -> Ranker:
    return build_ranker(dataset, FEATURES, CONTESTANTS[name], hyperparameters, seed=seed, device=CPU)


def trained(dataset, protocol=QUICK, seed=0, **chosen):
    built = ranker(dataset, seed, **chosen)
    return built, train(built, dataset, protocol, seed=seed)


def test_same_seed_same_bits_and_another_seed_others(small_world):
    test = small_world.splits["test"]
    first, again, other = (predict(trained(small_world, seed=s)[0], test) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_numbers_do_not_depend_on_what_was_drawn_before(small_world):
    test = small_world.splits["test"]
    first = predict(trained(small_world)[0], test)
    torch.manual_seed(99)
    torch.rand(7)
    np.testing.assert_array_equal(first, predict(trained(small_world)[0], test))


def test_features_of_a_seed_start_the_same_for_every_contestant(small_world):
    mlp = ranker(small_world)
    cross = ranker(small_world, name="dcnv2", hyperparameters={"hidden_dims": (8,), "rank": 4})
    for (name, a), (_, b) in zip(
        mlp.features.named_parameters(), cross.features.named_parameters(), strict=True
    ):
        assert torch.equal(a, b), name
    other = ranker(small_world, seed=1)
    assert not torch.equal(mlp.features.tables["4"].rows.weight, other.features.tables["4"].rows.weight)


def test_one_epoch_sees_every_row_once_and_learns(small_world):
    training = trained(small_world)[1]
    rows = len(small_world.splits["train"])
    assert training.rows == rows
    assert training.steps == math.ceil(rows / QUICK.batch_size)
    assert (training.epochs, training.best_epoch) == (1, 1)
    assert training.curve[-1].step == training.steps
    assert training.curve[-1].train_loss < training.curve[0].train_loss
    assert training.curve[-1].valid_auc > 0.55
    assert all(math.isnan(point.valid_auc) for point in training.curve[:-1])


class Normed(torch.nn.Module):
    def __init__(self, field_dims, num_tasks=1):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(sum(field_dims))
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        return self.head(self.norm(x_BI))


class Products(torch.nn.Module):
    """Means of columns and of their products: not a parameter of its own."""

    def __init__(self, field_dims, num_tasks=1):
        super().__init__()
        self.num_tasks = num_tasks

    def forward(self, x_BI):
        pairs_B1 = x_BI.mean(dim=1, keepdim=True) ** 2 - (x_BI**2).mean(dim=1, keepdim=True)
        return (x_BI.mean(dim=1, keepdim=True) + pairs_B1).expand(-1, self.num_tasks)


def ranker_of(model_class, dataset) -> Ranker:
    contestant = Contestant(
        name="own", title="Own", model=model_class, hyperparameters={}, dial=Dial(name="own")
    )
    return build_ranker(dataset, FEATURES, contestant, {}, seed=0, device=CPU)


def test_batch_norm_never_meets_a_single_row(small_world):
    one_over = len(small_world.splits["train"]) // 512 * 512 + 1
    splits = {**small_world.splits, "train": small_world.splits["train"].take(slice(one_over))}
    training = train(
        ranker_of(Normed, small_world), dataclasses.replace(small_world, splits=splits), QUICK, seed=0
    )
    assert training.rows == one_over
    assert training.steps == one_over // 512


def test_the_best_epoch_brings_its_running_statistics_back(small_world):
    built, stopped = (
        ranker_of(Normed, small_world),
        dataclasses.replace(QUICK, epochs=40, patience=2, sparse_lr=0.3),
    )
    training = train(built, small_world, stopped, seed=0)
    assert training.best_epoch < training.epochs
    again = ranker_of(Normed, small_world)
    until_best = dataclasses.replace(stopped, epochs=training.best_epoch, cooldown=0.0)
    assert stopped.cooldown == 0.0
    train(again, small_world, until_best, seed=0)
    for name, value in again.contestant.state_dict().items():
        assert torch.equal(built.contestant.state_dict()[name], value), name


def test_a_contestant_without_parameters_trains_the_tables(small_world):
    built, start = ranker_of(Products, small_world), ranker_of(Products, small_world)
    clipped = dataclasses.replace(QUICK, gradient_clip=1.0)
    training = train(built, small_world, clipped, seed=0)
    assert not torch.equal(built.features.tables["4"].rows.weight, start.features.tables["4"].rows.weight)
    assert training.curve[-1].train_loss < training.curve[0].train_loss


def test_early_stopping_keeps_the_weights_of_the_best_epoch(small_world):
    eager = dataclasses.replace(QUICK, epochs=40, patience=2, sparse_lr=0.3, dense_lr=0.01)
    built, training = trained(small_world, protocol=eager)
    by_epoch = {point.epoch: point.valid_auc for point in training.curve if not math.isnan(point.valid_auc)}
    assert training.epochs < 40, "this rate overfits, so it must have stopped"
    assert training.best_epoch == max(by_epoch, key=by_epoch.get) == training.epochs - 2
    valid = small_world.splits["valid"]
    assert mean_auc(valid, predict(built, valid)) == by_epoch[training.best_epoch]


def test_a_loss_that_is_not_finite_is_divergence(small_world):
    with pytest.raises(Diverged, match=r"loss is (nan|inf) at step|mean task loss is"):
        trained(small_world, protocol=dataclasses.replace(QUICK, dense_lr=1e12, dense_optimizer="rmsprop"))


class Exploding(torch.nn.Module):
    """Finite, and ever worse."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        return self.head(x_BI) + 1500.0


EXPLODING = Contestant(
    name="exploding", title="X", model=Exploding, hyperparameters={"width": 1}, dial=Dial(name="width")
)


def test_a_task_loss_that_explodes_is_divergence(small_world):
    built = build_ranker(small_world, FEATURES, EXPLODING, {}, seed=0, device=CPU)
    with pytest.raises(Diverged, match=r"mean task loss is \d\.?\d*e\+03"):
        train(built, small_world, QUICK, seed=0)


def test_gradient_clipping_bounds_the_norm_of_the_dense_gradient_only(small_world):
    batch = next(batches(small_world.splits["train"], batch_size=256))
    norms = {}
    for clip in (None, 1e-3):
        trainer = Trainer(ranker(small_world), dataclasses.replace(QUICK, gradient_clip=clip))
        trainer.step(batch)
        dense = torch.cat([p.grad.flatten() for p in trainer.dense])
        table = trainer.ranker.features.tables["4"].rows.weight.grad.coalesce().values()
        norms[clip] = (float(dense.norm()), float(table.norm()))
    assert norms[None][0] > 2e-3
    assert norms[1e-3][0] == pytest.approx(1e-3, rel=1e-3)
    assert norms[1e-3][1] == norms[None][1]


@pytest.mark.parametrize(
    ("cooldown", "expected"),
    [
        (0.0, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        (0.4, [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]),
        (1.0, [10 / 11, 9 / 11, 8 / 11, 7 / 11, 6 / 11, 5 / 11, 4 / 11, 3 / 11, 2 / 11, 1 / 11]),
    ],
)
def test_both_learning_rates_fall_over_the_last_steps(small_world, cooldown, expected):
    protocol = dataclasses.replace(QUICK, cooldown=cooldown)
    trainer = Trainer(ranker(small_world), protocol)
    batch = next(batches(small_world.splits["train"], batch_size=64))
    rates = []
    for step in range(10):
        trainer.set_rates(share_of_rate(protocol, step, 10))
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers])
        trainer.step(batch)
    ends = [protocol.dense_lr, protocol.sparse_lr]
    np.testing.assert_allclose(np.array(rates), np.outer(expected, ends), rtol=1e-12)


def test_a_cooldown_is_over_the_last_steps_of_all_passes(small_world, monkeypatch):
    rates, step = [], Trainer.step

    def recorded(trainer, rows):
        rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        return step(trainer, rows)

    monkeypatch.setattr(Trainer, "step", recorded)
    protocol = dataclasses.replace(QUICK, epochs=2, patience=2, cooldown=0.5)
    train(ranker(small_world), small_world, protocol, seed=0)
    half = len(rates) // 2
    assert set(rates[:half]) == {protocol.dense_lr}
    assert rates[half:] == sorted(rates[half:], reverse=True)
    assert 0 < rates[-1] < rates[half] < protocol.dense_lr


def test_predictions_are_in_the_order_of_the_rows(small_world):
    built = trained(small_world)[0]
    test = small_world.splits["test"]
    whole = predict(built, test)
    np.testing.assert_allclose(whole[100:200], predict(built, test.take(slice(100, 200))), atol=1e-5)
    assert whole.dtype == np.float32
    assert whole.shape == (len(test), 2)
