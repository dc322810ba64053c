"""`rankbench show`: the cost table, nothing trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rankbench import options
from rankbench.console import answer, answer_json, count, table
from rankbench.options import DEFAULT_DATA
from rankbench.request import Choices, requests

if TYPE_CHECKING:
    from bench.runs.sweep import Request, Sized


def run(
    target: Annotated[str, typer.Argument(help="A suite, or one contestant.")],
    data: options.Data = None,
    rows: options.Rows = None,
    budget: options.BudgetText = None,
    budget_kind: options.BudgetKind = None,
    contestants: options.Contestants = None,
    contestant: options.Plugins = None,
    settings: options.Settings = None,
    width: options.Width = None,
    sequence_encoder: options.SequenceEncoder = None,
    data_dir: options.DataDir = DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show what each contestant costs at a budget, and the hyper-parameters that meet it."""
    asked = requests(target, Choices.among(locals()))
    from bench.runs.sweep import size

    sized = [(one, size(one)) for one in asked]
    if json:
        answer_json([_row(one, s) for one, of_one in sized for s in of_one])
        return
    for one, of_one in sized:
        _print(one, of_one)


def _print(asked: Request, sized: list[Sized]) -> None:
    possible = [s for s in sized if s.cost is not None]
    if possible:
        embedded = possible[0].cost
        assert embedded is not None
        answer(
            f"{asked.dataset.name}: {len(asked.dataset.schema.fields)} fields, "
            f"{count(embedded.embedding_parameters)} embedding parameters and "
            f"{count(embedded.encoder_parameters)} encoder parameters, the same for all"
        )
        table(
            "Cost per example; 2 FLOPs per multiply-add of matrix products",
            [
                "model",
                "budget",
                "dense",
                "error",
                "active",
                "FLOPs",
                "FLOPs/dense",
                "train FLOPs",
                "activations",
                "solved",
            ],
            [_cells(s) for s in possible],
        )
    for s in sized:
        if s.reason is not None:
            answer(s.reason)


def _row(asked: Request, s: Sized) -> dict[str, Any]:
    return {
        "dataset": asked.dataset.name,
        "contestant": s.contestant.name,
        "budget": None if s.budget is None else {"kind": s.budget.kind, "target": s.budget.target},
        "error": _error(s),
        "cost": None if s.cost is None else vars(s.cost),
        "hyperparameters": s.hyperparameters,
        "reason": s.reason,
    }


def _error(s: Sized) -> float | None:
    """How far the size is from the budget, relative and signed."""
    return (
        None if s.budget is None or s.cost is None else getattr(s.cost, s.budget.kind) / s.budget.target - 1
    )


def _cells(s: Sized) -> list[str]:
    assert s.cost is not None
    error, solved = _error(s), {s.contestant.dial.name, s.contestant.trim}
    changed = {
        name: value
        for name, value in s.hyperparameters.items()
        if name in solved or value != s.contestant.hyperparameters.get(name)
    }
    return [
        s.contestant.title,
        "" if s.budget is None else count(s.budget.target),
        count(s.cost.dense_parameters),
        "" if error is None else f"{error:+.2%}",
        count(s.cost.active_parameters),
        count(s.cost.flops_forward),
        f"{s.cost.flops_forward / s.cost.dense_parameters:.2f}",
        count(s.cost.flops_train),
        f"{count(s.cost.activation_bytes)}B",
        ", ".join(f"{name} {value}" for name, value in changed.items()),
    ]
