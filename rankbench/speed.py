"""`rankbench speed`: how fast the loader and the contestants are here."""

from __future__ import annotations

from typing import Annotated

import typer

from rankbench import options
from rankbench.console import answer, answer_json, complain, count, table
from rankbench.options import DEFAULT_DATA
from rankbench.request import Choices, request


def run(
    target: Annotated[str, typer.Argument(help="A suite, or one contestant.")] = "compare",
    data: options.Data = None,
    rows: options.Rows = None,
    budget: options.BudgetText = None,
    budget_kind: options.BudgetKind = None,
    contestants: options.Contestants = None,
    contestant: options.Plugins = None,
    settings: options.Settings = None,
    width: options.Width = None,
    protocol: Annotated[str | None, typer.Option(help="Training protocol, see 'list protocols'.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per step.")] = None,
    seconds: Annotated[float, typer.Option(help="Time for each figure.")] = 5.0,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Measure loader rows/s, training samples/s, GFLOP/s and MFU against this machine's own GEMM peak."""
    asked = request(target, Choices.among(locals()))
    from bench.data.loader import rows_per_second
    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.sweep import size
    from bench.speed import gemm_peak, loader_rows_per_second, training_speed

    keep_buffers()
    where = choose_device(device)
    sized = size(asked)
    for s in sized:
        if s.reason is not None:
            complain(s.reason)
    train = asked.dataset.splits["train"]
    loader = loader_rows_per_second(seconds=seconds)
    batches = rows_per_second(train, batch_size=asked.protocol.batch_size, seconds=seconds)
    peak = gemm_peak(where, seconds=seconds)
    speeds = {
        s.contestant.title: training_speed(
            s.contestant,
            s.hyperparameters,
            asked.dataset,
            asked.features,
            asked.protocol,
            peak=peak,
            device=where,
            seconds=seconds,
        )
        for s in sized
        if s.reason is None
    }
    if json:
        answer_json(
            {
                "loader_rows_per_second": loader,
                "batches_rows_per_second": batches,
                "gemm_peak_flops_per_second": peak,
                "device": str(where),
                "contestants": {title: vars(speed) for title, speed in speeds.items()},
            }
        )
        return
    fields = len(asked.dataset.schema.fields)
    answer(f"loader: {count(loader)} rows/s of 39 ids at batch 4096")
    answer(
        f"batches of {asked.dataset.name}: {count(batches)} rows/s of {fields} fields "
        f"at batch {asked.protocol.batch_size}"
    )
    answer(f"GEMM peak on {where}, float32: {count(peak)}FLOP/s")
    table(
        f"Training on {asked.dataset.name}, median step",
        ["model", "samples/s", "FLOP/s", "MFU"],
        [
            [title, count(s.samples_per_second), count(s.flops_per_second), f"{s.mfu:.1%}"]
            for title, s in speeds.items()
        ],
    )
