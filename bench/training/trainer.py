"""The one training loop, for every contestant. Same spec, same machine: same bits.

The seed fixes the order of the rows. Training is one pass over them, unless the protocol has more epochs.
Sparse Adagrad updates the tables and the linear part; the protocol's dense optimizer updates the contestant
and the shared encoders. With several epochs, the weights of the epoch with the best valid AUC are kept: the
mean over the tasks that have both classes in valid or, if none has, the lowest log loss. Missing labels do
not count, here or in the loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bench.data.dataset import Dataset, Rows
from bench.data.loader import num_training_batches, training_batches
from bench.metrics import auc, labelled, log_loss, mean_defined
from bench.spec import Protocol
from bench.training.optimizers import RowAdagrad, dense_optimizer
from bench.training.ranker import Ranker, observed, predict, seed_for

CURVE_POINTS = 50
"""Points of the training curve in one epoch."""
OBSERVED_ROWS = 512
"""Valid rows on which a contestant is observed."""
EXPLOSION_FACTOR = 10.0
"""A mean task loss that is this many times that of always saying one half counts as divergence."""

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) while training."""


class Diverged(Exception):
    """The loss became NaN or infinite, or exploded."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One line of a run's curve; `valid_auc` is NaN between evaluations, and if no task has both classes."""

    step: int
    epoch: int
    train_loss: float
    valid_auc: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a training went.

    Args:
        epochs: passes made; `best_epoch`, from 1, is the one whose weights are left.
        rows: seen, all passes together, in `steps`.
        seconds: of the steps alone, without observing; `valid_seconds`: of predicting valid.
        curve: loss and valid AUC.
        observations: (step, what the contestant showed then), at every point of the curve; empty where
            nobody asked.
        valid_logits: (rows, tasks), of the best epoch.
    """

    epochs: int
    best_epoch: int
    steps: int
    rows: int
    seconds: float
    valid_seconds: float
    curve: tuple[CurvePoint, ...]
    observations: tuple[tuple[int, Mapping[str, np.ndarray]], ...]
    valid_logits: np.ndarray


class Trainer:
    """A ranker with its optimizers."""

    def __init__(self, ranker: Ranker, protocol: Protocol) -> None:
        self.ranker = ranker
        self.gradient_clip = protocol.gradient_clip
        self.dense = ranker.dense_parameters()
        of_sparse = ranker.sparse_parameters()
        of_tables = RowAdagrad(
            of_sparse,
            lr=protocol.sparse_lr,
            initial_accumulator=protocol.sparse_initial_accumulator,
        )
        # A contestant may have no parameters, as a sum of products of fields has none; PyTorch refuses that.
        of_dense = [dense_optimizer(self.dense, protocol)] if self.dense else []
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (*of_dense, of_tables)
        self.rates = [optimizer.defaults["lr"] for optimizer in self.optimizers]
        self.learnt = [*self.dense, *of_sparse]

    def step(self, batch: Rows) -> tuple[float, float]:
        """One update; returns objective and task loss before it. An objective not finite updates nothing."""
        objective, task_loss = self.ranker.losses(batch)
        value, task_value = torch.stack([objective.detach(), task_loss]).tolist()
        if not math.isfinite(value):
            return value, task_value
        for parameter in self.learnt:
            parameter.grad = None
        objective.backward()
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.dense, self.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        return value, task_value

    def set_rates(self, share: float) -> None:
        """Sets the learning rates to a share of the protocol's."""
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share


def train(
    ranker: Ranker,
    dataset: Dataset,
    protocol: Protocol,
    *,
    seed: int,
    observe: bool = False,
    progress: Progress | None = None,
) -> Training:
    """Trains `ranker` in place, and leaves it with the weights of its best epoch.

    Args:
        observe: whether to ask the contestant, which must have `observe`, what it shows. No other number of
            the training depends on it.

    Raises:
        Diverged: the loss became NaN or infinite, or exploded.
    """
    torch.manual_seed(seed_for(seed, "training"))  # for contestants that draw random numbers while training
    trainer = Trainer(ranker, protocol)
    rows = dataset.splits["train"].inputs_and_labels()
    valid = dataset.splits["valid"]
    steps_per_epoch = num_training_batches(len(rows), protocol.batch_size)
    steps = protocol.epochs * steps_per_epoch
    point_every = max(1, steps_per_epoch // CURVE_POINTS)
    curve: list[CurvePoint] = []
    observations: list[tuple[int, Mapping[str, np.ndarray]]] = []
    losses: list[tuple[float, float]] = []
    best, best_epoch, best_weights, best_logits = -math.inf, 0, None, np.empty(0)
    step, seconds, valid_seconds = 0, 0.0, 0.0
    watched = _spread(valid.inputs_and_labels(), OBSERVED_ROWS) if observe else None

    def mark() -> float:
        """A point of the curve, and what the contestant shows there; returns the seconds that it showed."""
        curve.append(_curve_point(step, epoch, losses))
        if watched is None:
            return 0.0
        started = time.perf_counter()
        observations.append((step, observed(ranker, watched)))
        return time.perf_counter() - started

    for epoch in range(1, protocol.epochs + 1):
        started = time.perf_counter()
        ranker.train()
        for batch in training_batches(
            rows, batch_size=protocol.batch_size, shuffle_seed=(seed_for(seed, "order"), epoch)
        ):
            trainer.set_rates(share_of_rate(protocol, step, steps))
            losses.append(trainer.step(batch))
            if not math.isfinite(losses[-1][0]):
                raise Diverged(f"loss is {losses[-1][0]} at step {step + 1} of epoch {epoch}")
            step += 1
            if len(losses) == point_every:
                seconds -= mark()
            if progress is not None:
                progress(
                    min(step * protocol.batch_size, len(rows) * protocol.epochs), len(rows) * protocol.epochs
                )
        if losses:
            seconds -= mark()
        seconds += time.perf_counter() - started

        started = time.perf_counter()
        logits = predict(ranker, valid)
        valid_seconds += time.perf_counter() - started
        if not np.isfinite(logits).all():
            raise Diverged(f"{(~np.isfinite(logits)).sum()} valid logits are not finite after epoch {epoch}")
        valid_auc = mean_auc(valid, logits)
        curve[-1] = CurvePoint(step=step, epoch=epoch, train_loss=curve[-1].train_loss, valid_auc=valid_auc)
        quality = -mean_log_loss(valid, logits) if math.isnan(valid_auc) else valid_auc
        if quality > best or not best_epoch:
            best, best_epoch, best_logits = quality, epoch, logits
            best_weights = _snapshot(ranker) if protocol.epochs > 1 else None
        elif epoch - best_epoch >= protocol.patience:
            break
    if best_weights is not None and best_epoch != epoch:
        ranker.load_state_dict(best_weights)
    return Training(
        epochs=epoch,
        best_epoch=best_epoch,
        steps=step,
        rows=epoch * len(rows),
        seconds=seconds,
        valid_seconds=valid_seconds,
        curve=tuple(curve),
        observations=tuple(observations),
        valid_logits=best_logits,
    )


def share_of_rate(protocol: Protocol, done: int, steps: int) -> float:
    """The share of its learning rates that the step after `done` of `steps` has: 1 before the cooldown."""
    falling = round(protocol.cooldown * steps)
    return min(1.0, (steps - done) / (falling + 1))


def mean_auc(rows: Rows, logits: np.ndarray) -> float:
    """AUC, averaged over the tasks that have both classes; NaN if none has or a logit is not finite."""
    if not np.isfinite(logits).all():
        return math.nan
    return mean_defined(auc(label, logit) for label, logit in _labels_and_logits(rows, logits))


def mean_log_loss(rows: Rows, logits: np.ndarray) -> float:
    """Log loss, averaged over the tasks that have a label; NaN if none has."""
    return mean_defined(log_loss(label, logit) for label, logit in _labels_and_logits(rows, logits))


def _labels_and_logits(rows: Rows, logits: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each task, those of the rows that have a label; nothing of a task without labels."""
    for k in range(logits.shape[1]):
        present = labelled(rows.label[:, k])
        if len(label := rows.label[present, k]):
            yield label, logits[present, k]


def _curve_point(step: int, epoch: int, losses: list[tuple[float, float]]) -> CurvePoint:
    """The mean of the objectives in `losses`, which it empties. What explodes is the task loss."""
    mean, task_mean = (float(np.mean(values)) for values in zip(*losses, strict=True))
    losses.clear()
    if task_mean > EXPLOSION_FACTOR * math.log(2):
        raise Diverged(
            f"mean task loss is {task_mean:.3g} before step {step} of epoch {epoch}, "
            f"above {EXPLOSION_FACTOR:g} × ln 2"
        )
    return CurvePoint(step=step, epoch=epoch, train_loss=mean, valid_auc=math.nan)


def _spread(rows: Rows, count: int) -> Rows:
    """That many of the rows, or all where there are fewer, evenly spread over them."""
    return rows.take(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64))


def _snapshot(ranker: Ranker) -> Mapping[str, Tensor]:
    return {name: value.detach().clone() for name, value in ranker.state_dict().items()}
