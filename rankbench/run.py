"""`rankbench run`: train what is missing, then report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rankbench import options
from rankbench.console import complain, count
from rankbench.options import DEFAULT_DATA, DEFAULT_STORE
from rankbench.progress import bars
from rankbench.report import write_and_print
from rankbench.request import Choices, request

if TYPE_CHECKING:
    from bench.record import Run
    from bench.sweep import Planned
    from bench.training import Progress

OVERRIDES = ("batch_size", "epochs", "patience", "dense_lr", "sparse_lr")


def run(
    target: Annotated[str, typer.Argument(help="A suite, or one contestant.")],
    data: options.Data = None,
    rows: options.Rows = None,
    budget: options.BudgetText = None,
    budget_kind: options.BudgetKind = "dense_parameters",
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
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    store: options.Store = DEFAULT_STORE,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> int:
    """Train what the store does not have yet, then report. Started again, it goes on where it was."""
    given = locals()
    planned_for = request(
        target,
        Choices(
            data=data,
            data_dir=data_dir,
            rows=rows,
            budget=budget,
            budget_kind=budget_kind,
            contestants=contestants,
            plugins=contestant,
            width=width,
            sequence_encoder=sequence_encoder,
            settings=settings,
            protocol=protocol,
            protocol_overrides={name: given[name] for name in OVERRIDES if given[name] is not None},
            seeds=seeds,
        ),
    )
    from bench.allocator import keep_buffers
    from bench.device import choose_device
    from bench.store import Store
    from bench.sweep import missing, plan, sweep

    keep_buffers()
    chosen_device = choose_device(device)
    planned = plan(planned_for)
    records = Store(store)
    to_do = missing(planned, records)
    complain(f"{len(planned)} runs, {len(planned) - len(to_do)} of them in {store} already")
    with _Sweep(len(to_do)) as shown:
        done = sweep(
            to_do,
            planned_for.dataset,
            records,
            device=chosen_device,
            progress=shown.starts,
            finished=shown.finished,
        )
    write_and_print(store, store / "report", plugins=contestant, json=json)
    return 1 if any(record.status != "ok" for record in done) else 0


class _Sweep:
    """A bar for the run in flight and a line for each finished one."""

    def __init__(self, total: int) -> None:
        self.bars = bars()
        self.total = total
        self.done = 0

    def __enter__(self) -> _Sweep:
        self.bars.start()
        self.task = self.bars.add_task("", total=None, visible=False)
        return self

    def __exit__(self, *_: Any) -> None:
        self.bars.stop()

    def starts(self, planned: Planned) -> Progress:
        name = f"{self.done + 1}/{self.total} {planned.contestant.title} seed {planned.spec.seed}"
        self.bars.reset(self.task, description=name, visible=True)
        return lambda done, total: self.bars.update(self.task, completed=done, total=total)

    def finished(self, run: Run) -> None:
        self.done += 1
        spec, speed = run.spec, run.timings.get("samples_per_s")
        told = f"{count(speed)} samples/s" if speed else f"{(run.error or {}).get('message', '')}"
        line = f"{self.done}/{self.total} {spec.contestant.name} seed {spec.seed}: {run.status}, {told}"
        if sys.stderr.isatty():
            self.bars.console.print(line, highlight=False)
        else:
            complain(line)
