"""`rankbench fairness`: would a contestant gain on valid from a setting next to the one it is used with?"""

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


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    device: options.Device = "auto",
    processes: options.Processes = None,
    threads: options.Threads = 1,
    store: options.Stores = options.DEFAULT_STORES,
    json: options.Json = False,
) -> int:
    """Train each contestant as the study uses it and at the settings next to that, and say what it gains.

    The neighbours have half or twice the dense or sparse rate, another initialisation, or one step in the
    contestant's search space. Judged on valid; the test split is not used. Resumes.
    """
    options.check_counts(processes=processes, threads=threads)
    options.check_device(device)
    asked = study(target, choices)
    if any(budget is None for budget in asked.budgets):
        raise BadInput("--budget is 'none', but neighbours have equal size; give one, such as 100k")
    refuse_unwritable("the store", store[0], "--store")
    refuse_unwritable("the data folder", choices.data_dir, "--data-dir")

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.fairness import plan_fairness
    from bench.runs.store import JoinedStores, Store

    keep_buffers()
    where = choose_device(device)
    planned = plan_fairness(asked, opened(asked, choices), command=choices.command(target, verb="fairness"))
    for warning in planned.warnings:
        complain(warning)
    without = dict.fromkeys((m.label, m.reason) for m in planned.impossible if m.varied is None)
    for label, reason in without:
        complain(f"{label} cannot take part: {reason}")
    if len(asked.seeds) == 1:
        complain("one seed has no deviation, so there will be no verdict; give --seeds 2 or more")
    stores = [Store(folder) for folder in store]
    records, joined = stores[0], JoinedStores(stores)
    records.append_study(planned.record)
    train(planned, records, joined, where, processes, threads, keep_weights=False)
    runs = joined.read().runs
    try:
        write_and_print(store, store[0] / "report", study=planned.record, json=json)
    except BadInput as error:  # the runs are there; only the report of them is not
        complain(f"the report could not be written: {error}")
        return 1
    ended = [runs[run.spec.key()].status for _, of_dataset in planned.runs for run in of_dataset]
    return 0 if set(ended) == {"ok"} and not without else 1
