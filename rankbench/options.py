"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.counts import parse_count as parse_count  # beside the other readers of options
from bench.errors import BadInput
from bench.spec import BUDGET_KINDS, Budget

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

DEFAULT_STORE = Path("results/local")
DEFAULT_DATA = Path("data")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Store = Annotated[Path, typer.Option("--store", help="Folder of the records.")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the data sets.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Data sets, separated by commas: rules, trees, network (synthetic), or imported ones.",
    ),
]
Rows = Annotated[str | None, typer.Option("--rows", help="Rows of the synthetic world, such as 600k.")]
BudgetText = Annotated[
    str | None,
    typer.Option("--budget", help="Sizes to match, such as 100k or 30k,100k,1M; 'none': as they are."),
]
BudgetKind = Annotated[
    str | None, typer.Option("--budget-kind", help=f"What --budget counts: {' or '.join(BUDGET_KINDS)}.")
]
Contestants = Annotated[
    str | None,
    typer.Option(
        "--contestants",
        help="Names, separated by commas, or my_model.py:NAME of your own; all by default.",
    ),
]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--contestant", help="A contestant of your own besides: my_model.py:NAME. May be repeated."),
]
Width = Annotated[int | None, typer.Option("--width", help="Embedding width of every field.")]
SequenceEncoder = Annotated[
    str | None, typer.Option("--sequence-encoder", help="mean, or target (DIN attention).")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Hyper-parameter, as num_layers=3; for one contestant. May be repeated."),
]


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


def parse_settings(settings: list[str] | None) -> dict[str, Any]:
    """``name=value`` pairs; values are Python literals, anything else is text.

    Raises:
        BadInput: no ``=``.
    """
    parsed = {}
    for setting in settings or []:
        name, equals, text = setting.partition("=")
        if not equals:
            raise BadInput(f"--set is '{setting}'; it must be name=value, such as num_layers=3")
        try:
            parsed[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            parsed[name] = text
    return parsed


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
