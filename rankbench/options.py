"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.counts import parse_count as parse_count  # beside the other readers of options
from bench.errors import BadInput
from bench.spec import Budget
from rankbench.console import complain

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

DEVICES = ("auto", "cpu", "cuda")
DEFAULT_STORES = [Path("results/local")]
DEFAULT_DATA = Path("data")

OwnStudy = Annotated[
    str | None,
    typer.Option(
        "--study", help="Your own study, as path/to/file.py:NAME or package.module:NAME, in place of TARGET."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Stores = Annotated[
    list[Path],
    typer.Option(
        "--store", help="Folder of the records. If repeated, all are read, and the first is written."
    ),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")]
Processes = Annotated[
    int | None,
    typer.Option("--processes", help="Number of runs at a time; by default one per core on a CPU, else 1."),
]
Threads = Annotated[
    int, typer.Option("--threads", help="Threads of a run. Changes results in the last digits.")
]
DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the data sets.")]


def parse_budgets(text: str, kind: str) -> tuple[Budget | None, ...]:
    """Budgets separated by commas; ``none`` is no budget.

    Raises:
        BadInput: a size that is not a number or is given twice, or an unknown kind.
    """
    budgets: dict[Budget | None, None] = {}
    for part in text.split(","):
        no_budget = part.strip().lower() == "none"
        budget = None if no_budget else Budget(kind=kind, target=parse_count("budget", part))
        if budget in budgets:
            raise BadInput(f"--budget is '{text}'; it has '{part.strip()}' twice; give each size once")
        budgets[budget] = None
    return tuple(budgets)


def parse_train_rows(text: str) -> tuple[int | None, ...]:
    """Numbers of training rows separated by commas; ``all`` is None.

    Raises:
        BadInput: one that is not a number or is given twice.
    """
    counts: dict[int | None, None] = {}
    for part in text.split(","):
        count = None if part.strip().lower() == "all" else parse_count("--train-rows", part)
        if count in counts:
            raise BadInput(f"--train-rows is '{text}'; it has '{part.strip()}' twice; give each number once")
        counts[count] = None
    return tuple(counts)


def check_device(name: str) -> None:
    """Raises BadInput for an unknown device. Only torch can say whether the machine has it."""
    if name not in DEVICES:
        raise BadInput(f"--device is '{name}', allowed: {', '.join(DEVICES)}")


def check_counts(**counts: int | None) -> None:
    """Raises BadInput for a count below 1; the names are those of options, None is none given."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise BadInput(f"--{name} is {value}; it must be 1 or more")


def open_dataset(name: str, data_dir: Path) -> Dataset:
    """The data set called `name` in `data_dir`; notices go to stderr. See `bench.data.sources`."""
    from bench.data import sources

    return sources.open_dataset(name, data_dir, notice=complain)


def synthetic(family: str, rows: int, seed: int, data_dir: Path, *, processes: int | None = None) -> Dataset:
    """The synthetic data set; progress and notices go to stderr. See `bench.data.sources`."""
    from bench.data import sources
    from rankbench.progress import row_progress

    return sources.open_or_synthesize(
        family, rows, seed, data_dir, processes=processes, show=row_progress, notice=complain
    )
