"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    str | None, typer.Option("--contestants", help="Names, separated by commas; all by default.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--contestant", help="A contestant of your own: package.module:NAME. May be repeated."),
]
Width = Annotated[int | None, typer.Option("--width", help="Embedding width of every field.")]
SequenceEncoder = Annotated[
    str | None, typer.Option("--sequence-encoder", help="mean, or target (DIN attention).")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Hyper-parameter, as num_layers=3; for one contestant. May be repeated."),
]

_SUFFIXES = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "b": 1_000_000_000}


def parse_count(what: str, text: str) -> int:
    """A whole number such as 250000, 250_000, 250k or 1.5M.

    Raises:
        BadInput: it is none.
    """
    digits, factor = text.strip().lower(), 1
    if digits[-1:] in _SUFFIXES:
        digits, factor = digits[:-1], _SUFFIXES[digits[-1]]
    try:
        value = float(digits) * factor
    except ValueError:
        value = float("nan")
    if not 1 <= value < 1e15 or value != int(value):
        raise BadInput(f"{what} is '{text}'; it must be a whole number above 0, such as 250000, 250k or 1.5M")
    return int(value)


def parse_budgets(text: str, kind: str) -> tuple[Budget | None, ...]:
    """Budgets separated by commas; ``none`` is no budget.

    Raises:
        BadInput: a size that is no number, or an unknown kind.
    """
    if text == "none":
        return (None,)
    return tuple(Budget(kind=kind, target=parse_count("budget", part)) for part in text.split(","))


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
