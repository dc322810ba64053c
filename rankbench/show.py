"""`rankbench show`: the cost table; trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import answer, answer_json, complain, count, table
from rankbench.request import schemas, study

if TYPE_CHECKING:
    from bench.data.schema import Schema
    from bench.runs.sizing import SizedEntrant


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    json: options.Json = False,
) -> int:
    """Show the cost and the hyper-parameters of each contestant at a budget. Trains and writes nothing."""
    asked = study(target, choices)
    found = schemas(asked, choices)

    from bench.runs.plan import size

    sized = [(name, schema, size(asked, schema)) for name, schema in found]
    for warning in dict.fromkeys(warning for *_, of_one in sized for s in of_one for warning in s.warnings):
        complain(warning)
    if json:
        answer_json([_row(name, s) for name, _, of_one in sized for s in of_one])
    else:
        for name, schema, of_one in sized:
            _print(name, schema, of_one)
    return 0


def _print(name: str, schema: Schema, sized: list[SizedEntrant]) -> None:
    possible = [s for s in sized if s.cost is not None]
    if possible:
        embedded = possible[0].cost
        assert embedded is not None
        answer(
            f"{name}: {len(schema.fields)} fields, "
            f"{count(embedded.embedding_parameters, billion='B')} embedding parameters and "
            f"{count(embedded.encoder_parameters, billion='B')} encoder parameters, the same for all"
        )
        table(
            "Cost per example; a multiply-add of a matrix product counts as 2 FLOPs",
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
            answer(f"{s.entrant.label}: {s.reason}")


def _row(name: str, s: SizedEntrant) -> dict[str, Any]:
    return {
        "dataset": name,
        "label": s.entrant.label,
        "contestant": s.entrant.contestant.name,
        "budget": None if s.budget is None else {"kind": s.budget.kind, "target": s.budget.target},
        "error": _error(s),
        "cost": None if s.cost is None else vars(s.cost),
        "hyperparameters": s.hyperparameters,
        "reason": s.reason,
    }


def _error(s: SizedEntrant) -> float | None:
    """The relative, signed difference between the size and the budget."""
    return (
        None if s.budget is None or s.cost is None else getattr(s.cost, s.budget.kind) / s.budget.target - 1
    )


def _cells(s: SizedEntrant) -> list[str]:
    assert s.cost is not None
    assert s.hyperparameters is not None
    contestant = s.entrant.contestant
    error, solved = _error(s), {contestant.dial.name, contestant.trim}
    changed = {
        name: value
        for name, value in s.hyperparameters.items()
        if name in solved or value != contestant.hyperparameters.get(name)
    }
    return [
        s.entrant.label,
        "" if s.budget is None else count(s.budget.target),
        count(s.cost.dense_parameters, billion="B"),
        "" if error is None else f"{error:+.2%}",
        count(s.cost.active_parameters, billion="B"),
        count(s.cost.flops_forward),
        f"{s.cost.flops_forward / s.cost.dense_parameters:.2f}" if s.cost.dense_parameters else "",
        count(s.cost.flops_train),
        f"{count(s.cost.activation_bytes)}B",
        ", ".join(f"{name} {value}" for name, value in changed.items()),
    ]
