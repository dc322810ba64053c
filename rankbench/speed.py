"""`rankbench speed`: how fast the loader and the contestants are on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BadInput
from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import answer, answer_json, complain, count
from rankbench.grid import gridded, in_words_of_grid
from rankbench.request import facts, open_datasets, study
from rankbench.speed_standard import STANDARD, run_standard
from rankbench.speed_tables import as_json, print_profiles, print_speeds

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.data.schema import Schema
    from bench.runs.sizing import SizedEntrant
    from bench.runs.studies import Study

_RANDOM_TABLE_ROWS = "709k"


@takes_choices
def run(
    choices: Choices,
    target: Annotated[
        str,
        typer.Argument(
            help="A study or a contestant; see 'list'. Or 'standard': a fixed list of models, each with its "
            "target."
        ),
    ] = "compare",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            help="Values to measure: num_layers=1,2 for a single contestant, rankmixer.num_layers=1,2 in a "
            "study, or batch_size=256,1024. What a budget decides, such as token_dim, needs --budget none. "
            "Can be repeated: every combination is measured.",
        ),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also show where the time of a training step goes.")
    ] = False,
    random_fields: Annotated[
        int | None,
        typer.Option("--random-fields", help="Use random data with this number of fields instead of --data."),
    ] = None,
    random_table_rows: Annotated[
        str | None,
        typer.Option(
            "--random-table-rows",
            help=f"Rows of all embedding tables of the random data; default: {_RANDOM_TABLE_ROWS}.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", help="Threads of each training; default: one per core. Runs of a sweep use 1."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.")] = 5.0,
    device: options.Device = "auto",
    json: options.Json = False,
) -> int:
    """Measure training steps and the loader, and compare the steps with this machine's GEMM peak.

    Each contestant is measured in its own process, in three rounds; every figure is the median of the rounds.
    Memory is the most that this process used while training: libraries, data, tables, model, optimizers and
    activations.
    """
    options.check_device(device)
    if not 0 < seconds < 3600:
        raise BadInput(f"--seconds is {seconds:g}; it must be above 0 and below 3600")
    if target == STANDARD:
        given = {"--grid": grid, "--random-fields": random_fields, "--random-table-rows": random_table_rows}
        given["--threads"] = threads
        return run_standard(choices, given, profile=profile, seconds=seconds, device=device, json=json)
    untuned = dataclasses.replace(
        study(target, choices), tuned=None, train_rows=(None,)
    )  # times are of equal batches, and of some steps
    asked = gridded(untuned, grid or [], choices)
    for option in ("seeds", "epochs", "patience", "baseline", "train_rows"):
        if getattr(choices, option) is not None:
            spelt = option.replace("_", "-")
            raise BadInput(f"--{spelt} does not apply to speed, which trains some steps from seed 0")
    _check_data(asked, choices, random_fields, random_table_rows)
    table_rows = options.parse_count("--random-table-rows", random_table_rows or _RANDOM_TABLE_ROWS)
    used = _threads(threads)

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import size
    from bench.speed.training import job_of, measured

    where = choose_device(device)
    if profile and where.type != "cpu":
        raise BadInput(
            f"--profile reads the operators of the CPU, but the device is {where}; give --device cpu"
        )
    schema = _schema(asked, choices, random_fields, table_rows)
    try:
        sized = size(asked, schema)
    except BadInput as error:
        raise in_words_of_grid(error, grid or []) from error
    possible = [s for s in sized if s.reason is None]
    if not possible:
        reasons = dict.fromkeys(str(s.reason) for s in sized)
        raise BadInput(f"no contestant can be measured: {'; '.join(reasons)}")
    with _opened(asked, choices, schema, random_fields) as dataset:
        _refuse_large_batches(asked, dataset)
        for s in sized:
            if s.reason is not None:
                complain(f"{_label(s, asked)}: {s.reason}")
        keep_buffers()
        loader, batches = _loader_rates(dataset, asked, seconds)
        jobs = [
            job_of(asked, s, dataset, device=where, threads=used, seconds=seconds, profiled=profile)
            for s in possible
        ]
        speeds = []
        for s, speed in zip(possible, measured(jobs), strict=True):
            speeds.append(speed)
            said = speed if isinstance(speed, str) else f"{count(speed.samples_per_second)} samples/s"
            complain(f"{len(speeds)}/{len(jobs)} {_label(s, asked)}: {said}")
    found = iter(speeds)
    rows = [(_label(s, asked), s, next(found) if s.reason is None else s.reason) for s in sized]
    if json:
        answer_json(
            {
                "dataset": dataset.name,
                "device": str(where),
                "loader_rows_per_second": loader,
                "batches_rows_per_second": batches,
                "contestants": [as_json(*row) for row in rows],
            }
        )
    else:
        answer(f"loader: {count(loader)} rows/s of 39 ids at batch 4096")
        answer(
            f"batches of {dataset.name}: {count(batches)} rows/s of {len(schema.fields)} fields at batch "
            f"{_batch_sizes(asked)[0]}"
        )
        shown = [(label, speed) for label, _, speed in rows if not isinstance(speed, str)]
        print_speeds(f"Training on {dataset.name}, {where}, float32", shown)
        print_profiles(shown)
    return int(any(isinstance(speed, str) for _, _, speed in rows))


def _threads(threads: int | None) -> int:
    from bench.machine.parallel import cores

    if threads is not None and not 1 <= threads <= cores():
        raise BadInput(f"--threads is {threads}; it must be from 1 to {cores()}, the cores that may be used")
    return threads or cores()


def _check_data(
    asked: Study, choices: Choices, random_fields: int | None, random_table_rows: str | None
) -> None:
    """Raises BadInput where the options ask for no data set that there is, or for two."""
    if random_fields is None:
        if random_table_rows is not None:
            raise BadInput("--random-table-rows needs --random-fields; give the number of fields, such as 39")
        if len(asked.datasets) > 1:
            raise BadInput(
                f"speed needs one data set, but the study has {len(asked.datasets)}: "
                f"{', '.join(asked.datasets)}; choose one with --data"
            )
        return
    for option, value in (("--data", choices.data), ("--rows", choices.rows)):
        if value is not None:
            raise BadInput(f"--random-fields makes its own data, so {option} does not apply; leave one out")


def _schema(asked: Study, choices: Choices, random_fields: int | None, table_rows: int) -> Schema:
    if random_fields is None:
        return facts(asked, choices)[0].schema

    from bench.speed.random_data import random_schema

    return random_schema(random_fields, table_rows)


@contextlib.contextmanager
def _opened(asked: Study, choices: Choices, schema: Schema, random_fields: int | None) -> Iterator[Dataset]:
    """The data set to train on; random data is removed again."""
    if random_fields is None:
        yield open_datasets(asked, choices)[0]
        return

    from bench.speed.random_data import random_dataset

    with tempfile.TemporaryDirectory() as folder:
        yield random_dataset(Path(folder) / "random", schema=schema)


def _batch_sizes(asked: Study) -> list[int]:
    """Of every entrant."""
    return [one.protocol.get("batch_size", asked.protocol.batch_size) for one in asked.entrants]


def _refuse_large_batches(asked: Study, dataset: Dataset) -> None:
    largest, there_are = max(_batch_sizes(asked)), dataset.rows["train"]
    if largest > there_are:
        raise BadInput(
            f"a batch has {largest} rows, but {dataset.name} has only {there_are} in train; give a smaller "
            "batch size or larger data"
        )


def _loader_rates(dataset: Dataset, asked: Study, seconds: float) -> tuple[float, float]:
    """Rows per second from a file as wide as Criteo, and from the data set itself."""
    from bench.data.loader import rows_per_second
    from bench.speed.rates import loader_rows_per_second

    train = dataset.splits["train"].inputs_and_labels()
    return (
        loader_rows_per_second(seconds=seconds),
        rows_per_second(train, batch_size=_batch_sizes(asked)[0], seconds=seconds),
    )


def _label(sized: SizedEntrant, asked: Study) -> str:
    """That of the entrant, and its budget where there are several."""
    if len(asked.budgets) == 1:
        return sized.entrant.label
    size = "as given" if sized.budget is None else count(sized.budget.target, billion="B")
    return f"{sized.entrant.label}, {size}"
