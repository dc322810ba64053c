"""`rankbench tune`: as many trials for every contestant, then the best of each with fresh seeds."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.contestants.settings_file import read_settings, shipped
from bench.contestants.tuned import Provenance, TunedSettings, TunedSize, size_of
from bench.errors import BadInput, unknown_name
from bench.machine.writable import refuse_unwritable
from bench.runs.studies import TUNED
from bench.runs.study_record import StudyRecord
from rankbench import options, tune_outputs
from rankbench.choices import PROTOCOL_VALUES, Choices, takes_choices
from rankbench.console import complain
from rankbench.report import write_and_print
from rankbench.request import DEVELOPMENT_SEED, SYNTHETIC_SEED, study
from rankbench.training import opened, train
from rankbench.tune_tables import for_machines, print_losses, print_trials

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.runs.plan import Plan
    from bench.runs.record import Run
    from bench.runs.studies import Study
    from bench.runs.tuning import Sampler

FAMILIES = ("rules", "trees", "network")
SAMPLERS = ("qmc", "tpe")
_TRIALS = 24


@takes_choices
def run(
    target: Annotated[str, typer.Argument(help="A study or a contestant; see 'list'.")],
    choices: Choices,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            help=f"Settings to try for each contestant, its default among them; default: {_TRIALS}.",
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            help="qmc (default): the same quasi-random points for every contestant; tpe: learns from trials.",
        ),
    ] = None,
    sampler_seed: Annotated[
        int | None, typer.Option("--sampler-seed", help="Seed of the sampler; default: 0.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            help="Let trial 1 be what was chosen at the nearest other size: FILE.toml, or 'tuned' (ships).",
        ),
    ] = None,
    equal: Annotated[
        bool,
        typer.Option(
            "--equal",
            help="Try dense rates only, and say which one for all costs the median contestant least.",
        ),
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            help="Write the best settings to FILE.toml, for --protocol FILE.toml; adds sizes to it.",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage", help="Also write the trials there for optuna-dashboard, as sqlite:///FILE."
        ),
    ] = None,
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
    if sampler is not None and sampler not in SAMPLERS:
        raise unknown_name("sampler", sampler, SAMPLERS)
    if sampler_seed is not None and sampler_seed < 0:
        raise BadInput(f"--sampler-seed is {sampler_seed}; it must be 0 or more")
    own = {"--trials": trials, "--sampler": sampler, "--sampler-seed": sampler_seed, "--start": start}
    for option, value in {**own, "--write": write}.items():
        if equal and value is not None:
            raise BadInput(f"{option} does not apply to --equal, which tries a fixed list of rates")
    options.check_device(device)
    asked = _asked(target, choices)
    started = None if start is None else _settings_to_start_from(start)
    earlier = tune_outputs.earlier_settings(write)
    refuse_unwritable("the store", store[0], "--store")
    refuse_unwritable("the data folder", choices.data_dir, "--data-dir")

    from bench.machine.allocator import keep_buffers
    from bench.machine.device import choose_device
    from bench.runs.plan import plan
    from bench.runs.samplers import Grid, sampler_called
    from bench.runs.store import JoinedStores, Store
    from bench.runs.trials import FINALISTS
    from bench.runs.tuning import tune

    drawn: Sampler = Grid(asked.protocol.dense_lr)
    if not equal:
        drawn = sampler_called(sampler or SAMPLERS[0], trials or _TRIALS, sampler_seed or 0, started)
    kept = None if storage is None else tune_outputs.opened_storage(storage)
    keep_buffers()
    where = choose_device(device)
    datasets = opened(asked, choices, seed=DEVELOPMENT_SEED)
    _refuse_world_of_studies(datasets)
    command = choices.command(target, verb="tune") + _options(own) + (" --equal" if equal else "")
    provenance = Provenance(
        datasets={dataset.name: dataset.fingerprint[:16] for dataset in datasets},
        rows={dataset.name: sum(dataset.rows.values()) for dataset in datasets},
        width=asked.features.width,
        sequence_encoder=asked.features.sequence_encoder,
        gate=asked.features.gate,
        protocol=asked.protocol.name.partition(",")[0],
        protocol_values=choices.given(*PROTOCOL_VALUES),
    )
    tunings = [
        TunedSize(
            size=size_of(budget),
            trials=trials or _TRIALS,
            sampler=sampler or SAMPLERS[0],
            sampler_seed=sampler_seed or 0,
            start=start,
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            commit=_commit(),
            command=command,
        )
        for budget in asked.budgets
        if budget is not None
    ]
    if write is not None:
        tune_outputs.refuse_other(earlier, provenance, tunings, write)
    stores = [Store(folder) for folder in store]
    records, joined = stores[0], JoinedStores(stores)
    tuned: list[StudyRecord] = []

    def trained(planned: Plan, record: StudyRecord) -> Mapping[str, Run]:
        for warning in planned.warnings:
            complain(warning)
        records.append_study(record)
        train(planned, records, joined, where, processes, threads, keep_weights=False)
        return joined.read().runs

    settings, told, ok = TunedSettings(), [], True
    final: StudyRecord | None = None
    for place, budget in enumerate(asked.budgets):
        assert budget is not None
        if started is not None:
            _say_who_has_no_start(asked, started.without(size_of(budget)), str(start))
        found = tune(
            asked,
            datasets,
            budget,
            drawn,
            given=asked.given,
            command=command,
            train=lambda planned: trained(planned, _together([*tuned, planned.record])),
            finalists=0 if equal else FINALISTS,
        )
        tuned.append(found.plan.record)
        told.append(for_machines(budget, found.searches))
        if kept is not None:
            tune_outputs.keep(kept, asked, budget, datasets, found.searches)
        if not json:
            print_trials(budget, found.searches)
        if equal and not json and not found.failed:
            print_losses(budget, found.searches, asked.protocol.dense_lr)
        ok = ok and not found.plan.impossible
        if found.failed:
            complain(f"trials without a value: {', '.join(found.failed)}; the same command tries them again")
            return 1
        if equal:
            continue
        settings = settings.merged(found.chosen, provenance, tunings[place])
        if write is not None:
            earlier = earlier.merged(found.chosen, provenance, tunings[place])
            tune_outputs.write_out(earlier, write)
        study_of_best = dataclasses.replace(
            asked, name=f"{asked.name}-tuned", tuned=settings, budgets=asked.budgets[: place + 1]
        )
        planned = plan(study_of_best, datasets, command=command)
        final = planned.record
        runs = trained(planned, final)
        ok = ok and all(runs[run.spec.key()].status == "ok" for _, of_one in planned.runs for run in of_one)
    try:
        study_told = final or _together(tuned)
        write_and_print(store, store[0] / "report", study=study_told, json=json, more={"tuning": told})
    except BadInput as error:  # the runs are there; only the report of them is not
        complain(f"the report could not be written: {error}")
        return 1
    return 0 if ok else 1


def _asked(target: str, choices: Choices) -> Study:
    """What is to be tuned, on what.

    Raises:
        BadInput: something that cannot be tuned.
    """
    if choices.protocol == TUNED or (choices.protocol or "").endswith(".toml"):
        raise BadInput(
            f"--protocol is '{choices.protocol}', but tune chooses settings itself; give a named one"
        )
    if choices.train_rows is not None:
        raise BadInput("--train-rows does not apply to tune, which trains on all training rows; leave it out")
    asked = dataclasses.replace(study(target, choices), train_rows=(None,))
    if any(budget is None for budget in asked.budgets):
        raise BadInput("--budget is 'none', but a setting is tuned for a size; give one, such as 100k")
    return asked if choices.data is not None else dataclasses.replace(asked, datasets=FAMILIES)


def _settings_to_start_from(start: str) -> TunedSettings:
    if start != TUNED and not start.endswith(".toml"):
        raise BadInput(f"--start is '{start}'; it must be '{TUNED}' or a FILE.toml of 'tune --write'")
    return shipped() if start == TUNED else read_settings(Path(start))


def _say_who_has_no_start(asked: Study, started: TunedSettings, start: str) -> None:
    for entrant in asked.entrants:
        if started.of(entrant.contestant, 1) is None:
            complain(f"{entrant.label} has no setting of another size in {start}; its trial 1 is a point")


def _refuse_world_of_studies(datasets: Sequence[Dataset]) -> None:
    for dataset in datasets:
        if dataset.source.get("generator") == "synthetic" and dataset.source["seed"] == SYNTHETIC_SEED:
            raise BadInput(
                f"{dataset.name} is of the world that studies are judged on, which tuning must not see; "
                f"give --data {dataset.source['family']} to tune in the development world"
            )


def _options(given: Mapping[str, object]) -> str:
    """The options that were given, as they end a command."""
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None)


def _commit() -> str:
    from bench.machine.environment import environment

    commit = environment()["commit"] or "none"
    return f"{commit[:12]} with changes" if environment()["dirty"] else commit[:12]


def _together(records: Sequence[StudyRecord]) -> StudyRecord:
    """One record of what was asked for several budgets, one after another."""
    return functools.reduce(StudyRecord.with_members_of, records)
