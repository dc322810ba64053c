"""`rankbench tune`: as many trials for every contestant, then the best of each with fresh seeds."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.errors import BadInput, unknown_name
from bench.machine.writable import refuse_unwritable
from bench.runs.entrants import short_value
from rankbench import options
from rankbench.choices import Choices, takes_choices
from rankbench.console import answer, answer_json, complain, count, table
from rankbench.report import write_and_print
from rankbench.request import DEVELOPMENT_SEED, SYNTHETIC_SEED, study
from rankbench.training import opened, train

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.runs.plan import Plan
    from bench.runs.record import Run
    from bench.runs.studies import Study
    from bench.runs.study_record import StudyRecord
    from bench.runs.tuning import Search, Tuning
    from bench.spec import Budget

FAMILIES = ("rules", "trees", "network")
SAMPLERS = ("qmc",)
_TRIALS = 24


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    trials: Annotated[
        int, typer.Option("--trials", help="Settings to try for each contestant, its default among them.")
    ] = _TRIALS,
    sampler: Annotated[
        str, typer.Option("--sampler", help="qmc: the same quasi-random points for every contestant.")
    ] = SAMPLERS[0],
    sampler_seed: Annotated[int, typer.Option("--sampler-seed", help="Seed of the sampler.")] = 0,
    device: options.Device = "auto",
    processes: options.Processes = None,
    threads: options.Threads = 1,
    store: options.Stores = options.DEFAULT_STORES,
    json: options.Json = False,
) -> int:
    """Try settings of each contestant on valid, then run the best of each with fresh seeds. Resumes.

    The data is the development world (seed 0), all three families unless --data names some. Studies use the
    world of seed 1, which tuning never sees.
    """
    options.check_counts(trials=trials, processes=processes, threads=threads)
    if sampler not in SAMPLERS:
        raise unknown_name("sampler", sampler, SAMPLERS)
    if sampler_seed < 0:
        raise BadInput(f"--sampler-seed is {sampler_seed}; it must be 0 or more")
    options.check_device(device)
    asked = _asked(target, choices)
    refuse_unwritable("the store", store[0], "--store")
    refuse_unwritable("the data folder", choices.data_dir, "--data-dir")

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import plan
    from bench.runs.samplers import sampler_called
    from bench.runs.store import JoinedStores, Store
    from bench.runs.tuning import tune

    keep_buffers()
    where = choose_device(device)
    datasets = opened(asked, choices, seed=DEVELOPMENT_SEED)
    _refuse_world_of_studies(datasets)
    records, joined = Store(store[0]), JoinedStores([Store(folder) for folder in store])
    command = choices.command(target, verb="tune")
    command += _more(("--trials", trials, _TRIALS), ("--sampler-seed", sampler_seed, 0))

    def trained(planned: Plan, earlier: Sequence[StudyRecord]) -> Mapping[str, Run]:
        for warning in planned.warnings:
            complain(warning)
        records.append_study(_together([*earlier, planned.record]))
        train(planned, records, joined, where, processes, threads, keep_weights=False)
        return joined.read().runs

    tuned: list[StudyRecord] = []
    tested: list[StudyRecord] = []
    told = []
    ok = True
    for budget in asked.budgets:
        assert budget is not None
        found = tune(
            asked,
            datasets,
            budget,
            sampler_called(sampler, trials, sampler_seed),
            given=choices.protocol_given(),
            command=command,
            train=lambda planned: trained(planned, tuned),
        )
        tuned.append(found.plan.record)
        told.append(_told(budget, found))
        if not json:
            _print(budget, found)
        if found.failed:
            complain(f"trials without a value: {', '.join(found.failed)}; the same command tries them again")
            return 1
        final = plan(_final(asked, budget, found), datasets, command=command)
        runs = trained(final, tested)
        tested.append(final.record)
        ok = ok and not found.plan.impossible
        ok = ok and all(runs[run.spec.key()].status == "ok" for _, of_one in final.runs for run in of_one)
    if json:
        answer_json(told)
        return 0 if ok else 1
    try:
        write_and_print(store, store[0] / "report", study=_together(tested), json=False)
    except BadInput as error:  # the runs are there; only the report of them is not
        complain(f"the report could not be written: {error}")
        return 1
    return 0 if ok else 1


def _asked(target: str, choices: Choices) -> Study:
    """What is to be tuned, on what.

    Raises:
        BadInput: something that cannot be tuned.
    """
    asked = study(target, choices)
    if any(budget is None for budget in asked.budgets):
        raise BadInput("--budget is 'none', but a setting is tuned for a size; give one, such as 100k")
    return asked if choices.data is not None else dataclasses.replace(asked, datasets=FAMILIES)


def _refuse_world_of_studies(datasets: Sequence[Dataset]) -> None:
    for dataset in datasets:
        if dataset.source.get("generator") == "synthetic" and dataset.source["seed"] == SYNTHETIC_SEED:
            raise BadInput(
                f"{dataset.name} is of the world that studies are judged on, which tuning must not see; "
                f"give --data {dataset.source['family']} to tune in the development world"
            )


def _more(*given: tuple[str, object, object]) -> str:
    """The options of (option, value, default) that are not at their default, as they end a command."""
    return "".join(
        f" {option} {shlex.quote(str(value))}" for option, value, default in given if value != default
    )


def _together(records: Sequence[StudyRecord]) -> StudyRecord:
    """One record of what was asked for several budgets, one after another."""
    members = tuple(member for record in records for member in record.members)
    return dataclasses.replace(records[0], members=members)


def _final(asked: Study, budget: Budget, found: Tuning) -> Study:
    """The best setting of each with the study's own seeds."""
    from bench.runs.tuning import entrant_of

    entrants = tuple(
        one.entrant if one.reason else entrant_of(one, one.best().setting, one.entrant.label)
        for one in found.searches
    )
    return dataclasses.replace(asked, name=f"{asked.name}-tuned", entrants=entrants, budgets=(budget,))


def _told(budget: Budget, found: Tuning) -> dict[str, Any]:
    """What a tuning came to, for machines."""
    return {
        "budget": dataclasses.asdict(budget),
        "contestants": [
            {
                "contestant": one.entrant.contestant.name,
                "label": one.entrant.label,
                "reason": one.reason,
                "trials": [
                    {
                        "trial": trial.number,
                        "valid_auc": trial.value,
                        "hyperparameters": dict(trial.setting.hyperparameters),
                        "protocol": dict(trial.setting.protocol),
                    }
                    for trial in one.trials
                ],
            }
            for one in found.searches
        ],
    }


def _print(budget: Budget, found: Tuning) -> None:
    rows = [_cells(one) for one in found.searches if one.trials]
    if rows:
        size = f"{count(budget.target)} {budget.kind.replace('_', ' ')}"
        table(
            f"{size}: AUC on valid, mean of tasks and data sets",
            ["contestant", "trials", "default", "best", "gain, points", "trial", "setting"],
            rows,
        )
    for one in found.searches:
        if one.reason is not None:
            answer(f"{one.entrant.label}: {one.reason}")


def _cells(one: Search) -> list[str]:
    default = one.trials[0].value
    known = [trial for trial in one.trials if trial.value is not None]
    if default is None or not known:
        return [one.entrant.label, str(len(known)), "", "", "", "", ""]
    best = one.best()
    assert best.value is not None
    return [
        one.entrant.label,
        str(len(known)),
        f"{default:.4f}",
        f"{best.value:.4f}",
        f"{100 * (best.value - default):+.2f}",
        str(best.number),
        _said({**best.setting.hyperparameters, **best.setting.protocol}),
    ]


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {short_value(value)}" for name, value in values.items()) or "as by default"
