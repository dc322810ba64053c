"""`rankbench show`: what a study costs, and what of it is done; trains and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import answer, answer_json, complain, count, table
from rankbench.request import facts, study
from rankbench.show_runs import as_json, measure, print_runs, shown, with_fingerprints

if TYPE_CHECKING:
    from bench.data.dataset import DatasetFacts
    from bench.runs.sizing import SizedEntrant
    from bench.runs.studies import Study


_LINEAR = "linear_parameters"
_SHARED = {"embedding_parameters": "embedding", "encoder_parameters": "encoder", _LINEAR: "linear"}
"""The parameters that are outside every budget, and what the command calls them."""


_ARMS = {
    "as_baseline": "have its hyper-parameters, but for what they change",
    "baseline": "are solved for its size",
    "budget": "are solved for the budget",
    "given": "have the sizes they are given",
}
"""How the arms of an ablation are sized, by `Entrant.sized`."""


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Measure some steps of each model, and say how long the runs will take."
        ),
    ] = False,
    device: options.Device = "auto",
    processes: options.Processes = None,
    threads: options.Threads = 1,
    store: options.Stores = options.DEFAULT_STORES,
    json: options.Json = False,
) -> int:
    """Show what each contestant costs, and which runs are done. Trains and writes nothing.

    The options are those of 'run', so that 'show' in its place says what it will do.
    """
    options.check_counts(processes=processes, threads=threads)
    options.check_device(device)
    asked = study(target, choices)
    found = facts(asked, choices)

    from bench.machine.device import choose_device
    from bench.runs.plan import on_data
    from bench.runs.sizing import Sizes
    from bench.runs.store import JoinedStores, Store
    from bench.runs.using_tuned import settings_of

    where = choose_device(device)
    sizes = Sizes(asked.features)
    stores = JoinedStores([Store(folder) for folder in store])
    plans = [(data, on_data(asked, data, sizes)) for data in with_fingerprints(found, stores)]
    for warning in dict.fromkeys(w for _, of_data in plans for s in of_data.sized for w in s.warnings):
        complain(warning)
    measured = measure(plans, where, processes, threads) if estimate else None
    of_study = shown(plans, stores, measured)
    if json:
        rows = [_row(data.name, s) for data, of_data in plans for s in of_data.sized]
        answer_json({"study": _about(asked), "contestants": rows, **as_json(of_study)})
        return 0
    answer(f"{asked.name}: {asked.question}")
    if asked.kind == "ablation":
        arms = dict.fromkeys(_ARMS[one.sized] for one in asked.entrants if one.label != asked.baseline)
        answer(f"base: {asked.baseline}; arms {'; or '.join(arms)}")
    for data, of_data in plans:
        _print(data, of_data.sized)
    settings = settings_of(asked)
    if settings is not None and any(s.tuned for _, of_data in plans for s in of_data.sized):
        answer(f"settings: those of the nearest tuned size in dense parameters; {settings.told()}")
    print_runs(of_study, store)
    return 0


def _print(data: DatasetFacts, sized: Sequence[SizedEntrant]) -> None:
    possible = [s for s in sized if s.cost is not None]
    if possible:
        costs = [s.cost for s in possible if s.cost is not None]
        apart = [part for part in _SHARED if len({getattr(cost, part) for cost in costs}) > 1]
        alike = " and ".join(
            f"{count(getattr(costs[0], part), billion='B')} {title} parameters"
            for part, title in _SHARED.items()
            if part not in apart and (part != _LINEAR or costs[0].linear_parameters)
        )
        fields = f"{data.name}: {len(data.schema.fields)} fields"
        answer(f"{fields}, {alike}, the same for all" if alike else fields)
        table(
            "Cost per example; a multiply-add of a matrix product counts as 2 FLOPs",
            [
                "model",
                "budget",
                *(_SHARED[part] for part in apart),
                "dense",
                "error",
                "active",
                "FLOPs",
                "FLOPs/dense",
                "train FLOPs",
                "activations",
                "solved",
            ],
            [_cells(s, apart) for s in possible],
        )
    for s in sized:
        if s.reason is not None:
            answer(f"{s.entrant.label}: {s.reason}")


def _about(asked: Study) -> dict[str, Any]:
    """What is asked; `sized` says how each entrant comes by its size, see `Entrant`."""
    return {
        "name": asked.name,
        "kind": asked.kind,
        "question": asked.question,
        "baseline": asked.baseline,
        "sized": {one.label: one.sized for one in asked.entrants},
    }


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


def _cells(s: SizedEntrant, apart: list[str]) -> list[str]:
    """The line of an entrant, with the `apart` ones of the sizes that most studies share."""
    assert s.cost is not None
    assert s.hyperparameters is not None
    contestant = s.entrant.contestant
    error, solved = _error(s), {contestant.dial.name, contestant.trim}
    changed = {
        name: value
        for name, value in s.hyperparameters.items()
        if name in {*solved, *s.entrant.hyperparameters} or value != contestant.hyperparameters.get(name)
    }
    return [
        s.entrant.label,
        "" if s.budget is None else count(s.budget.target),
        *(count(getattr(s.cost, part), billion="B") for part in apart),
        count(s.cost.dense_parameters, billion="B"),
        "" if error is None else f"{error:+.2%}",
        count(s.cost.active_parameters, billion="B"),
        count(s.cost.flops_forward),
        f"{s.cost.flops_forward / s.cost.dense_parameters:.2f}" if s.cost.dense_parameters else "",
        count(s.cost.flops_train),
        f"{count(s.cost.activation_bytes)}B",
        ", ".join(f"{name} {value}" for name, value in changed.items()),
    ]
