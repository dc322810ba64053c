"""`rankbench run`: train what is missing, then report."""

from __future__ import annotations

from typing import Annotated

import typer

from rankbench import options
from rankbench.console import complain, count
from rankbench.options import DEFAULT_DATA, DEFAULT_STORE
from rankbench.report import write_and_print
from rankbench.request import Choices, request


def run(
    target: Annotated[str, typer.Argument(help="A suite, or one contestant.")],
    data: options.Data = None,
    rows: options.Rows = None,
    budget: options.BudgetText = None,
    budget_kind: options.BudgetKind = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds, from 0.")] = None,
    contestants: options.Contestants = None,
    contestant: options.Plugins = None,
    settings: options.Settings = None,
    width: options.Width = None,
    sequence_encoder: options.SequenceEncoder = None,
    protocol: Annotated[str | None, typer.Option(help="Training protocol, see 'list protocols'.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per step.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the training rows.")] = None,
    patience: Annotated[int | None, typer.Option(help="Passes without a better valid AUC to stop.")] = None,
    dense_lr: Annotated[float | None, typer.Option(help="Learning rate of all but the tables.")] = None,
    sparse_lr: Annotated[float | None, typer.Option(help="Learning rate of the tables.")] = None,
    gradient_clip: Annotated[float | None, typer.Option(help="Largest norm of the dense gradient.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    store: options.Store = DEFAULT_STORE,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> int:
    """Train what the store does not have yet, then report. Started again, it goes on where it was."""
    choices = Choices.among(locals())

    from bench.allocator import keep_buffers
    from bench.device import choose_device
    from bench.paging import peak_rss_bytes
    from bench.store import Store
    from bench.sweep import missing, plan, sweep
    from rankbench.progress import SweepProgress

    keep_buffers()
    chosen_device = choose_device(device)
    asked = request(target, choices)
    planned = plan(asked)
    records = Store(store)
    to_do = missing(planned, records)
    complain(f"runs: {len(planned)} planned, {len(planned) - len(to_do)} of them in {store} already")
    with SweepProgress(len(to_do)) as shown:
        done = sweep(
            to_do,
            asked.dataset,
            records,
            device=chosen_device,
            progress=shown.starts,
            finished=shown.finished,
        )
    complain(f"peak memory of this process: {count(peak_rss_bytes())}B")
    write_and_print(store, store / "report", plugins=contestant, json=json)
    return 1 if any(record.status != "ok" for record in done) else 0
