"""A ranker: the shared features, a contestant and its linear part if it has one; rows in and logits out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.contestants.contract import Contestant, Hyperparameters, training_loss
from bench.data.dataset import Dataset, DatasetFacts, Rows
from bench.data.loader import batches
from bench.data.schema import MISSING_LABEL
from bench.spec import FeatureSpec
from bench.training.features import Features
from bench.training.linear import LinearPart, linear_part
from bench.training.tables import to_tensor

EVALUATION_BATCH = 1024
"""Rows predicted at once: enough to be fast, few enough for attention over every field to fit in memory."""


class Ranker(nn.Module):
    """Features and a contestant, with the linear part where it asks for one: rows → (B, K) logits."""

    def __init__(self, features: Features, contestant: nn.Module, linear: LinearPart | None) -> None:
        super().__init__()
        self.features = features
        self.contestant = contestant
        self.linear = linear

    def forward(self, rows: Rows) -> Tensor:
        logits_BK: Tensor = self.contestant(self.features(rows))
        return logits_BK if self.linear is None else logits_BK + self.linear(rows)

    def dense_parameters(self) -> list[nn.Parameter]:
        """Those that the protocol's dense optimizer updates: the contestant's and the shared encoders'."""
        return [*self.contestant.parameters(), *self.features.encoder_parameters()]

    def sparse_parameters(self) -> list[nn.Parameter]:
        """Those that sparse Adagrad updates: the embedding tables and the linear part."""
        linear = [] if self.linear is None else list(self.linear.parameters())
        return [*self.features.embedding_parameters(), *linear]

    def losses(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The training objective and, without its graph, the task loss.

        The two are one unless the contestant has an objective of its own; the task loss is then what it asks
        the criterion for first. The criterion is the mean cross entropy over the labels present: where some
        are missing, y_BK has NaN. It adds the linear part to all logits that it is asked for.
        """
        x_BI = self.features(rows)
        linear_BK = None if self.linear is None else self.linear(rows)
        y_BK = to_tensor(rows.label, x_BI.device).to(x_BI.dtype)
        cross_entropy: Callable[[Tensor, Tensor], Tensor] = F.binary_cross_entropy_with_logits
        missing_BK = rows.label == MISSING_LABEL
        if missing_BK.any():
            y_BK = y_BK.masked_fill(to_tensor(missing_BK, x_BI.device), math.nan)
            cross_entropy = _loss_of_labels_present
        asked: list[Tensor] = []

        def criterion(logits: Tensor, y: Tensor) -> Tensor:
            asked.append(cross_entropy(logits if linear_BK is None else logits + linear_BK, y))
            return asked[-1]

        objective = training_loss(self.contestant, x_BI, y_BK, criterion)
        return objective, (asked[0] if asked else objective).detach()


def _loss_of_labels_present(logits: Tensor, y: Tensor) -> Tensor:
    """The mean cross entropy over the labels that are not NaN; 0 where all are."""
    present = ~y.isnan()
    loss = F.binary_cross_entropy_with_logits(logits, y.nan_to_num(), reduction="none")
    return (loss * present).sum() / present.sum().clamp(min=1)


def build_ranker(
    dataset: Dataset | DatasetFacts,
    features: FeatureSpec,
    contestant: Contestant,
    hyperparameters: Hyperparameters,
    *,
    seed: int,
    device: torch.device,
) -> Ranker:
    """A fresh ranker from `seed`, whose features start the same for every contestant.

    Args:
        dataset: only its schema matters.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed_for(seed, "features"))
        embedded = Features(dataset.schema, features)
        torch.manual_seed(seed_for(seed, "contestant"))
        built = contestant.build(embedded.input_shape(), hyperparameters)
        return Ranker(embedded, built, linear_part(contestant, dataset.schema)).to(device)


@torch.inference_mode()
def predict(ranker: Ranker, rows: Rows) -> np.ndarray:
    """Logits, float32 (rows, tasks), in the order of `rows`."""
    ranker.eval()
    # One array from the start: logits kept one by one would lie between the large buffers of each batch, so
    # that the memory freed there could not be joined for the next.
    logits = np.empty((len(rows), ranker.features.input_shape().num_tasks), np.float32)
    first = 0
    for batch in _in_order(rows):
        logits[first : first + len(batch)] = ranker(batch).float().cpu().numpy()
        first += len(batch)
    return logits


@torch.inference_mode()
def active_parameters(ranker: Ranker, rows: Rows) -> float | None:
    """Dense parameters that serve a row, mean over `rows`; None where the contestant has a fixed number."""
    of_batch = getattr(ranker.contestant, "active_parameters", None)
    if of_batch is None:
        return None
    ranker.eval()
    total = sum(len(batch) * float(of_batch(ranker.features(batch))) for batch in _in_order(rows))
    return total / len(rows)


def _in_order(rows: Rows) -> Iterable[Rows]:
    return batches(rows.inputs_and_labels(), batch_size=EVALUATION_BATCH, shuffle_seed=None)


@torch.no_grad()
def observed(ranker: Ranker, rows: Rows) -> Mapping[str, np.ndarray]:
    """What the contestant shows of itself on `rows`, see `observe` in `bench.contestants.contract`.

    The ranker, its mode too, and the random numbers to come are as before afterwards.
    """
    training = ranker.training
    with torch.random.fork_rng():
        ranker.eval()
        shown: Mapping[str, Tensor] = ranker.contestant.observe(ranker.features(rows))  # type: ignore[operator]
        ranker.train(training)
    return {name: value.cpu().numpy().copy() for name, value in shown.items()}


def seed_for(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose, so that none shares another's random numbers."""
    words = [seed, *purpose.encode()]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))
