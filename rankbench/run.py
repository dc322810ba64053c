"""`rankbench run`: train what is missing, then report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BadInput
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import complain, count
from rankbench.report import write_and_print
from rankbench.request import open_datasets, study

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from bench.data.dataset import Dataset
    from bench.runs.execute import Planned
    from bench.runs.plan import Plan
    from bench.runs.record import Run
    from bench.runs.store import JoinedStores, Store

KEPT = ("weights",)


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    device: options.Device = "auto",
    processes: Annotated[
        int | None, typer.Option(help="Number of runs at a time; by default one per core on a CPU, else 1.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of a run. Changes results in the last digits.")] = 1,
    keep: Annotated[
        str | None, typer.Option(help="'weights' keeps the weights of every run, which 'predict' needs.")
    ] = None,
    store: options.Stores = options.DEFAULT_STORES,
    json: options.Json = False,
) -> int:
    """Train the runs that are missing from the store, then report. Run it again to resume."""
    for name, value in (("--processes", processes), ("--threads", threads)):
        if value is not None and value < 1:
            raise BadInput(f"{name} is {value}; it must be 1 or more")
    if keep is not None and keep not in KEPT:
        raise BadInput(f"--keep is '{keep}', allowed: {', '.join(KEPT)}")
    options.check_device(device)
    asked = study(target, choices)
    refuse_unwritable("the store", store[0], "--store")
    refuse_unwritable("the data folder", choices.data_dir, "--data-dir")

    from bench.data.findings import one_class_splits
    from bench.data.verification import verify
    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import plan
    from bench.runs.store import JoinedStores, Store

    keep_buffers()
    where = choose_device(device)
    datasets = open_datasets(asked, choices)
    for dataset in datasets:
        verify(dataset)
        for warning in one_class_splits(dataset):
            complain(warning)
    planned = plan(asked, datasets, command=choices.command(target))
    for warning in planned.warnings:
        complain(warning)
    for label, reason in dict.fromkeys((m.label, m.reason) for m in planned.impossible):
        complain(f"{label} cannot take part: {reason}")
    records, joined = Store(store[0]), JoinedStores([Store(folder) for folder in store])
    records.append_study(planned.record)
    _train(planned, records, joined, where, processes, threads, keep_weights=keep == "weights")
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


def _train(
    planned: Plan,
    records: Store,
    joined: JoinedStores,
    device: torch.device,
    processes: int | None,
    threads: int,
    *,
    keep_weights: bool,
) -> None:
    """Trains the missing runs, one data set after the other."""
    from bench.runs.sweep import missing, sweep
    from rankbench.progress import SweepProgress

    every = [run for _, runs in planned.runs for run in runs]
    left = missing(every, joined, weights=keep_weights)
    complain(f"runs: {len(every)} planned, {len(every) - len(left)} already in the store")
    done: list[Run] = []
    with SweepProgress(len(left)) as shown:
        for dataset, _ in planned.runs:
            runs = [run for run in left if run.spec.dataset.name == dataset.name]
            if not runs:
                continue
            _fit_references(dataset)
            done += sweep(
                runs,
                dataset,
                records,
                device=device,
                processes=_at_a_time(device, runs) if processes is None else processes,
                threads=threads,
                keep_weights=keep_weights,
                progress=shown.at,
                finished=shown.finished,
            )
    if done:
        peak = max(float(record.timings.get("peak_rss_bytes") or 0) for record in done)
        complain(f"peak memory of a training process: {count(peak)}B")


def _at_a_time(device: torch.device, runs: Sequence[Planned]) -> int:
    from bench.machine.device import runs_at_a_time
    from bench.runs.executors import bytes_of_run

    return runs_at_a_time(device, len(runs), max(map(bytes_of_run, runs)))


def _fit_references(dataset: Dataset) -> None:
    from bench.data.references import known_references, references

    if known_references(dataset) is None:
        complain(f"fitting a logistic regression on {dataset.name}; this happens once per data set")
        references(dataset)
