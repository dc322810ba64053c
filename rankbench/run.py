"""`rankbench run`: train what is missing, then report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BadInput
from rankbench import options
from rankbench.console import complain, count
from rankbench.options import DEFAULT_DATA, DEFAULT_STORE
from rankbench.report import write_and_print
from rankbench.request import Choices, requests

if TYPE_CHECKING:
    from bench.runs.record import Run


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
    cooldown: Annotated[
        float | None, typer.Option(help="Share of the steps in which rates fall to 0.")
    ] = None,
    gradient_clip: Annotated[float | None, typer.Option(help="Largest norm of the dense gradient.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    processes: Annotated[
        int | None, typer.Option(help="Runs at a time; by default one a core on a CPU, else 1.")
    ] = None,
    store: options.Store = DEFAULT_STORE,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> int:
    """Train what the store does not have yet, then report. Started again, it goes on where it was."""
    choices = Choices.among(locals())
    if processes is not None and processes < 1:
        raise BadInput(f"--processes is {processes}; it must be 1 or more")

    from bench.data.references import known_references, references
    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device, runs_at_a_time
    from bench.runs.store import Store
    from bench.runs.sweep import missing, plan, sweep
    from rankbench.progress import SweepProgress

    keep_buffers()
    chosen_device = choose_device(device)
    asked = requests(target, choices)
    planned = [plan(one) for one in asked]
    total = sum(map(len, planned))
    # Of all that is planned, not of what is left: a sweep that goes on trains with as many threads as before.
    at_a_time = runs_at_a_time(chosen_device, total) if processes is None else processes
    records = Store(store)
    to_do = [missing(of_one, records) for of_one in planned]
    left = sum(map(len, to_do))
    complain(f"runs: {total} planned, {total - left} of them in {store} already")
    done: list[Run] = []
    with SweepProgress(left) as shown:
        for one, of_one in zip(asked, to_do, strict=True):
            if of_one and known_references(one.dataset) is None:
                complain(
                    f"fitting what results on {one.dataset.name} are read against, once for the data set"
                )
                references(one.dataset)
            done += sweep(
                of_one,
                one.dataset,
                records,
                device=chosen_device,
                processes=at_a_time,
                progress=shown.at,
                finished=shown.finished,
            )
    if done:
        peak = max(record.timings["peak_rss_bytes"] for record in done)
        complain(f"peak memory of a training process: {count(peak)}B")
    write_and_print(store, store / "report", plugins=contestant, json=json)
    return 1 if any(record.status != "ok" for record in done) else 0
