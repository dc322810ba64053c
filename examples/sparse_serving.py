"""RankMixer's sparse experts at several active fractions, trained and served beside the dense RankMixer.

    python -m examples.sparse_serving --budget 1M --rows 300k --time-budgets 1M,10M

First table: models of the same number of dense parameters, trained. A line says which share of the experts
is active on the test rows, and the AUC, mean over the tasks, of what is served (h_infer, the chosen experts
only) and of the training path (h_train, all experts).

Second table: what serving a batch takes at each size, forward pass without the look-ups, and how many times
that of the dense model is of it, in time and in FLOPs. These models are not trained: the offset of h_infer is
set so that the intended share of the experts is active. Models of a size are timed in turns, so that a slow
moment of the machine hits all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from bench.data.dataset import Dataset, Rows
from bench.data.loader import batches
from bench.machine.allocator import keep_buffers
from bench.runs.plan import size
from bench.runs.studies import Study
from bench.training.ranker import Ranker, build_ranker
from bench.training.trainer import mean_auc, train
from rankbench.choices import Choices
from rankbench.console import table
from rankbench.options import DEFAULT_DATA
from rankbench.request import open_datasets, study

FRACTIONS = (0.5, 0.25, 0.125)
ROUNDS = 50
CHUNK_ROWS = 4096

Embedded = list[Tensor]
"""The test rows after the look-ups, chunk after chunk."""


def main(
    budget: Annotated[str, typer.Option(help="Dense parameters of the models that are trained.")] = "1M",
    time_budgets: Annotated[str, typer.Option(help="Dense parameters of those that are timed.")] = "1M,10M",
    rows: Annotated[str, typer.Option(help="Rows of the synthetic data set.")] = "300k",
    batch_size: Annotated[int, typer.Option(help="Rows of the batch that is timed.")] = 512,
    data_dir: Path = DEFAULT_DATA,
) -> None:
    keep_buffers()
    chosen = Choices(budget=budget, rows=rows, data_dir=data_dir)
    asked = study("rankmixer", chosen)
    (dataset,) = open_datasets(asked, chosen)
    test = dataset.splits["test"]
    dense, chunks = trained(asked, dataset)
    lines = [["dense", "", area(dense, chunks, test), ""]]
    for fraction in FRACTIONS:
        sparse, chunks = trained(study("rankmixer-moe", with_fraction(chosen, fraction)), dataset)
        areas = [area(path, chunks, test) for path in (sparse, sparse.training_path)]
        lines.append([f"sparse, target {fraction:g}", f"{active_share(sparse, chunks):.3f}", *areas])
    table(
        f"{budget} dense parameters, trained", ("model", "active", "served AUC", "training-path AUC"), lines
    )

    lines = []
    for size_of_models in time_budgets.split(","):
        lines += times(replace(chosen, budget=size_of_models), dataset, chunks[0][:batch_size])
    columns = ("size", "model", "active", "ms a batch", "time, dense ÷ this", "FLOPs, dense ÷ this")
    table(f"Serving batches of {batch_size} rows", columns, lines)


def with_fraction(chosen: Choices, fraction: float) -> Choices:
    return replace(chosen, settings=[f"active_fraction={fraction}"])


def built(asked: Study, dataset: Dataset) -> tuple[Ranker, int]:
    """The study's only contestant, not trained, and its FLOPs when served."""
    (sized,) = size(asked, dataset.schema)
    assert sized.cost is not None, sized.reason
    assert sized.hyperparameters is not None
    cpu = torch.device("cpu")
    ranker = build_ranker(
        dataset, asked.features, sized.entrant.contestant, sized.hyperparameters, seed=0, device=cpu
    )
    return ranker, sized.cost.flops_forward


def trained(asked: Study, dataset: Dataset) -> tuple[nn.Module, Embedded]:
    """The study's only contestant, trained, and the test rows as it sees them."""
    ranker, _ = built(asked, dataset)
    train(ranker, dataset, asked.protocol, seed=0)
    ranker.eval()
    with torch.inference_mode():
        test = batches(dataset.splits["test"], batch_size=CHUNK_ROWS)
        return ranker.contestant, [ranker.features(rows) for rows in test]


def times(chosen: Choices, dataset: Dataset, x_BI: Tensor) -> list[list[str]]:
    """The lines of the second table for one size."""
    ranker, dense_flops = built(study("rankmixer", chosen), dataset)
    models, names, flops = [ranker.contestant.eval()], [("dense", "")], [dense_flops]
    for fraction in FRACTIONS:
        ranker, flops_forward = built(study("rankmixer-moe", with_fraction(chosen, fraction)), dataset)
        model = ranker.contestant.eval()
        open_experts(model, x_BI, fraction)
        models.append(model)
        names.append((f"sparse, target {fraction:g}", f"{active_share(model, [x_BI]):.3f}"))
        flops.append(flops_forward)
    taken = milliseconds_in_turns(models, x_BI)
    return [
        [str(chosen.budget), *name, f"{ms:.2f}", f"{taken[0] / ms:.2f}", f"{flops[0] / of_model:.2f}"]
        for name, ms, of_model in zip(names, taken, flops, strict=True)
    ]


def open_experts(model: nn.Module, x_BI: Tensor, fraction: float) -> None:
    """Sets the offset of h_infer's scores so that this share of the experts is active, by bisection."""
    low, high = -5.0, 5.0
    for _ in range(25):
        model.offset.fill_((low + high) / 2)
        low, high = (
            (low, (low + high) / 2) if active_share(model, [x_BI]) > fraction else ((low + high) / 2, high)
        )


@torch.inference_mode()
def area(path: Callable[[Tensor], Tensor], chunks: Embedded, rows: Rows) -> str:
    """AUC of the logits that `path` gives."""
    return f"{mean_auc(rows, torch.cat([path(x_BI) for x_BI in chunks]).numpy()):.4f}"


def active_share(model: nn.Module, chunks: Embedded) -> float:
    """Mean share of active experts over all tokens and blocks."""
    weighted = [float(model.activation_fractions(x_BI).mean()) * len(x_BI) for x_BI in chunks]
    return sum(weighted) / sum(len(x_BI) for x_BI in chunks)


@torch.inference_mode()
def milliseconds_in_turns(models: Sequence[nn.Module], x_BI: Tensor) -> list[float]:
    """The median time of a forward pass of each model."""
    times: list[list[float]] = [[] for _ in models]
    for _ in range(ROUNDS):
        for model, of_model in zip(models, times, strict=True):
            start = time.perf_counter()
            model(x_BI)
            of_model.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(of_model) for of_model in times]


if __name__ == "__main__":
    typer.run(main)
