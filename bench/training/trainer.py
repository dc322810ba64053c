"""The one training loop, for every contestant. Same spec, same machine: same bits.

Rows go by in the order that the seed fixes, once unless the protocol says otherwise; the tables are updated
by sparse Adagrad, the contestant and the shared encoders by the protocol's dense optimizer. With several
epochs the weights of the one with the best valid AUC (mean over the tasks) are kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from bench.contestants.contract import Contestant, Hyperparameters, training_loss
from bench.data.dataset import Dataset, Rows
from bench.data.loader import batches
from bench.metrics import auc
from bench.spec import FeatureSpec, Protocol
from bench.training.features import Features, to_tensor
from bench.training.optimizers import RowAdagrad, dense_optimizer

EVALUATION_BATCH = 4096
CURVE_POINTS = 50
"""Points of the training curve in one epoch."""
EXPLOSION_FACTOR = 10.0
"""A curve point whose mean loss is this many times that of always saying one half counts as divergence."""

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) while training."""


class Diverged(Exception):
    """The loss became NaN or infinite, or exploded."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One line of a run's curve; `valid_auc` is NaN between evaluations."""

    step: int
    epoch: int
    train_loss: float
    valid_auc: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a training went."""

    epochs: int
    best_epoch: int
    steps: int
    rows: int
    seconds: float
    curve: tuple[CurvePoint, ...]


class Ranker(nn.Module):
    """Features and a contestant: rows → (B, K) logits."""

    def __init__(self, features: Features, contestant: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.contestant = contestant

    def forward(self, rows: Rows) -> Tensor:
        return self.contestant(self.features(rows))

    def loss(self, rows: Rows) -> Tensor:
        """The training objective: the contestant's own, or the mean cross entropy over rows and tasks."""
        x_BI = self.features(rows)
        y_BK = to_tensor(rows.label, x_BI.device).to(x_BI.dtype)
        return training_loss(self.contestant, x_BI, y_BK, F.binary_cross_entropy_with_logits)


class Trainer:
    """A ranker with its optimizers."""

    def __init__(self, ranker: Ranker, protocol: Protocol) -> None:
        self.ranker = ranker
        self.gradient_clip = protocol.gradient_clip
        self.dense = [*ranker.contestant.parameters(), *ranker.features.encoder_parameters()]
        self.optimizers = (
            dense_optimizer(self.dense, protocol),
            RowAdagrad(
                ranker.features.embedding_parameters(),
                lr=protocol.sparse_lr,
                initial_accumulator=protocol.sparse_initial_accumulator,
            ),
        )

    def step(self, batch: Rows) -> float:
        """One update; returns the loss before it. A loss that is not finite updates nothing."""
        loss = self.ranker.loss(batch)
        value = loss.item()
        if not math.isfinite(value):
            return value
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.dense, self.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        return value


def build_ranker(
    dataset: Dataset,
    features: FeatureSpec,
    contestant: Contestant,
    hyperparameters: Hyperparameters,
    *,
    seed: int,
    device: torch.device,
) -> Ranker:
    """A fresh ranker from `seed`, whose features start the same for every contestant."""
    with torch.random.fork_rng():
        torch.manual_seed(_seed(seed, "features"))
        embedded = Features(dataset.schema, features)
        torch.manual_seed(_seed(seed, "contestant"))
        return Ranker(embedded, contestant.build(embedded.input_shape(), hyperparameters)).to(device)


def train(
    ranker: Ranker, dataset: Dataset, protocol: Protocol, *, seed: int, progress: Progress | None = None
) -> Training:
    """Trains `ranker` in place, and leaves it with the weights of its best epoch.

    Raises:
        Diverged: the loss became NaN or infinite, or exploded.
    """
    torch.manual_seed(_seed(seed, "training"))  # for contestants that draw random numbers while training
    trainer = Trainer(ranker, protocol)
    rows = dataset.splits["train"]
    steps_per_epoch = math.ceil(len(rows) / protocol.batch_size)
    schedules = learning_rates(trainer.optimizers, protocol, steps=protocol.epochs * steps_per_epoch)
    point_every = max(1, steps_per_epoch // CURVE_POINTS)
    curve: list[CurvePoint] = []
    losses: list[float] = []
    best_auc, best_epoch, best_weights = -math.inf, 0, None
    step, seconds = 0, 0.0
    for epoch in range(1, protocol.epochs + 1):
        started = time.perf_counter()
        ranker.train()
        for batch in batches(
            rows, batch_size=protocol.batch_size, shuffle_seed=(_seed(seed, "order"), epoch)
        ):
            losses.append(trainer.step(batch))
            if not math.isfinite(losses[-1]):
                raise Diverged(f"loss is {losses[-1]} at step {step + 1} of epoch {epoch}")
            for schedule in schedules:
                schedule.step()
            step += 1
            if len(losses) == point_every:
                curve.append(_curve_point(step, epoch, losses))
            if progress is not None:
                progress(
                    min(step * protocol.batch_size, len(rows) * protocol.epochs), len(rows) * protocol.epochs
                )
        if losses:
            curve.append(_curve_point(step, epoch, losses))
        seconds += time.perf_counter() - started

        valid_auc = mean_auc(dataset.splits["valid"], predict(ranker, dataset.splits["valid"]))
        curve[-1] = CurvePoint(step=step, epoch=epoch, train_loss=curve[-1].train_loss, valid_auc=valid_auc)
        if not math.isfinite(valid_auc):
            raise Diverged(f"valid AUC is {valid_auc} after epoch {epoch}")
        if valid_auc > best_auc:
            best_auc, best_epoch = valid_auc, epoch
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
        curve=tuple(curve),
    )


def learning_rates(
    optimizers: Iterable[torch.optim.Optimizer], protocol: Protocol, *, steps: int
) -> list[LambdaLR]:
    """What brings the rates of `optimizers` down over the last of so many steps, to be called after each."""
    falling = round(protocol.cooldown * steps)
    return [
        LambdaLR(optimizer, lambda step: min(1.0, (steps - step) / (falling + 1))) for optimizer in optimizers
    ]


@torch.inference_mode()
def predict(ranker: Ranker, rows: Rows) -> np.ndarray:
    """Logits, float32 (rows, tasks), in the order of `rows`."""
    ranker.eval()
    parts = [
        ranker(batch).float().cpu().numpy()
        for batch in batches(rows, batch_size=EVALUATION_BATCH, shuffle_seed=None)
    ]
    return np.concatenate(parts)


def mean_auc(rows: Rows, logits: np.ndarray) -> float:
    """AUC, averaged over the tasks; NaN if a logit is not finite or a task has one class only."""
    if not np.isfinite(logits).all():
        return math.nan
    return float(np.mean([auc(rows.label[:, k], logits[:, k]) for k in range(logits.shape[1])]))


def _curve_point(step: int, epoch: int, losses: list[float]) -> CurvePoint:
    """The mean of `losses`, which it empties."""
    mean = float(np.mean(losses))
    losses.clear()
    if mean > EXPLOSION_FACTOR * math.log(2):
        raise Diverged(
            f"mean loss is {mean:.3g} before step {step} of epoch {epoch}, above {EXPLOSION_FACTOR:g} × ln 2"
        )
    return CurvePoint(step=step, epoch=epoch, train_loss=mean, valid_auc=math.nan)


def _snapshot(ranker: Ranker) -> Mapping[str, Tensor]:
    return {name: value.detach().clone() for name, value in ranker.state_dict().items()}


def _seed(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose, so that none shares another's random numbers."""
    words = [seed, *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))
