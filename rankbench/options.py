"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.counts import parse_count as parse_count  # beside the other readers of options
from bench.errors import BadInput
from bench.spec import Budget

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

DEVICES = ("auto", "cpu", "cuda")
DEFAULT_STORE = Path("results/local")
DEFAULT_STORES = [DEFAULT_STORE]
DEFAULT_DATA = Path("data")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Store = Annotated[Path, typer.Option("--store", help="Folder of the records.")]
Stores = Annotated[
    list[Path],
    typer.Option("--store", help="Folder of the records. Repeated: all are read, the first is written."),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto.")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the data sets.")]


def parse_budgets(text: str, kind: str) -> tuple[Budget | None, ...]:
    """Budgets separated by commas; ``none`` is no budget.

    Raises:
        BadInput: a size that is no number, one that is given twice, or an unknown kind.
    """
    budgets: dict[Budget | None, None] = {}
    for part in text.split(","):
        no_budget = part.strip().lower() == "none"
        budget = None if no_budget else Budget(kind=kind, target=parse_count("budget", part))
        if budget in budgets:
            raise BadInput(f"--budget is '{text}'; '{part.strip()}' is in it twice, give each size once")
        budgets[budget] = None
    return tuple(budgets)


def check_device(name: str) -> None:
    """Raises BadInput for an unknown device; whether the machine has it, only torch can say."""
    if name not in DEVICES:
        raise BadInput(f"device is '{name}', allowed: {', '.join(DEVICES)}")


def open_dataset(name: str, data_dir: Path) -> Dataset:
    """The data set called `name` in `data_dir`.

    Raises:
        BadInput: there is none.
    """
    from bench.data.dataset import MANIFEST, Dataset
    from bench.errors import unknown_name

    if not (data_dir / name / MANIFEST).is_file():
        present = [path.parent.name for path in data_dir.glob(f"*/{MANIFEST}")]
        error = unknown_name(f"data set in {data_dir}", name, present)
        raise BadInput(f"{error}; make one with 'rankbench data import' or 'rankbench data synthesize'")
    return Dataset.open(data_dir / name)
