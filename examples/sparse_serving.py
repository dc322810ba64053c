"""RankMixer's sparse experts at several active fractions, trained and served beside the dense RankMixer.

    python -m examples.sparse_serving --budget 1M --rows 300k

All have the same number of dense parameters. A line says which share of the experts is active on the test
rows; the AUC, mean over the tasks, of what is served (h_infer, the chosen experts only) and of the training
path (h_train, all experts); and time and FLOPs of the dense model over those of the sparse one, for a forward
pass without the look-ups. Models are timed in turns, so that a slow moment of the machine hits all alike.
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

from bench.allocator import keep_buffers
from bench.dataset import Rows
from bench.loader import batches
from bench.sweep import Request, size
from bench.training import build_ranker, mean_auc, train
from rankbench.console import table
from rankbench.options import DEFAULT_DATA
from rankbench.request import Choices, request

FRACTIONS = (0.5, 0.25, 0.125)
ROUNDS = 50
CHUNK_ROWS = 4096
COLUMNS = ("model", "active", "served AUC", "training-path AUC", "ms a batch", "time ÷", "FLOPs ÷")

Embedded = list[Tensor]
"""The test rows after the look-ups, chunk after chunk."""


def main(
    budget: Annotated[str, typer.Option(help="Dense parameters of every model.")] = "1M",
    rows: Annotated[str, typer.Option(help="Rows of the synthetic data set.")] = "300k",
    batch_size: Annotated[int, typer.Option(help="Rows of the batch that is timed.")] = 512,
    data_dir: Path = DEFAULT_DATA,
) -> None:
    keep_buffers()
    chosen = Choices(budget=budget, rows=rows, data_dir=data_dir)
    asked = request("rankmixer", chosen)
    test = asked.dataset.splits["test"]
    dense, dense_flops, chunks = trained(asked)
    models, flops = [dense], [dense_flops]
    lines = [["dense", "", area(dense, chunks, test), ""]]
    for fraction in FRACTIONS:
        chosen = replace(chosen, settings=[f"active_fraction={fraction}"])
        sparse, sparse_flops, chunks = trained(request("rankmixer-moe", chosen))
        areas = [area(path, chunks, test) for path in (sparse, sparse.training_path)]
        lines.append([f"sparse, target {fraction:g}", f"{active_share(sparse, chunks):.3f}", *areas])
        models.append(sparse)
        flops.append(sparse_flops)
    times = milliseconds_in_turns(models, chunks[0][:batch_size])
    for line, ms, flops_forward in zip(lines, times, flops, strict=True):
        line += [f"{ms:.2f}", f"{times[0] / ms:.2f}", f"{flops[0] / flops_forward:.2f}"]
    table(f"{budget} dense parameters, batches of {batch_size}; ÷: dense over this", COLUMNS, lines)


def trained(asked: Request) -> tuple[nn.Module, int, Embedded]:
    """The model of the request's only contestant, its served FLOPs, and the test rows as it sees them."""
    (sized,) = size(asked)
    assert sized.cost is not None, sized.reason
    ranker = build_ranker(
        asked.dataset,
        asked.features,
        sized.contestant,
        sized.hyperparameters,
        seed=0,
        device=torch.device("cpu"),
    )
    train(ranker, asked.dataset, asked.protocol, seed=0)
    ranker.eval()
    with torch.inference_mode():
        chunks = [
            ranker.features(rows) for rows in batches(asked.dataset.splits["test"], batch_size=CHUNK_ROWS)
        ]
    return ranker.contestant, sized.cost.flops_forward, chunks


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
