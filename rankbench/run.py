"""`rankbench run`: train what is missing, then report."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.errors import BadInput
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import complain
from rankbench.report import write_and_print
from rankbench.request import study
from rankbench.training import opened, train

KEPT = ("weights",)


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    device: options.Device = "auto",
    processes: options.Processes = None,
    threads: options.Threads = 1,
    keep: Annotated[
        str | None, typer.Option(help="'weights' keeps the weights of every run, which 'predict' needs.")
    ] = None,
    store: options.Stores = options.DEFAULT_STORES,
    json: options.Json = False,
) -> int:
    """Train the runs that are missing from the store, then report. Run it again to resume."""
    options.check_counts(processes=processes, threads=threads)
    if keep is not None and keep not in KEPT:
        raise BadInput(f"--keep is '{keep}', allowed: {', '.join(KEPT)}")
    options.check_device(device)
    asked = study(target, choices)
    refuse_unwritable("the store", store[0], "--store")
    refuse_unwritable("the data folder", choices.data_dir, "--data-dir")

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import plan
    from bench.runs.store import JoinedStores, Store

    keep_buffers()
    where = choose_device(device)
    planned = plan(asked, opened(asked, choices), command=choices.command(target))
    for warning in planned.warnings:
        complain(warning)
    for label, reason in dict.fromkeys((m.label, m.reason) for m in planned.impossible):
        complain(f"{label} cannot take part: {reason}")
    stores = [Store(folder) for folder in store]
    records, joined = stores[0], JoinedStores(stores)
    records.append_study(planned.record)
    train(planned, records, joined, where, processes, threads, keep_weights=keep == "weights")
    runs = joined.read().runs
    done = [runs[run.spec.key()] for _, of_dataset in planned.runs for run in of_dataset]
    kept = [run.key for run in done if "weights" in run.files]
    if keep is not None and kept:
        complain(f"weights are kept; to use those of a run: rankbench predict {kept[-1][:8]} --data FILE")
    try:
        write_and_print(store, store[0] / "report", study=planned.record, json=json)
    except BadInput as error:  # the runs are there; only the report of them is not
        complain(f"the report could not be written: {error}")
        return 1
    return 0 if all(run.status == "ok" for run in done) and not planned.impossible else 1
