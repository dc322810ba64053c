"""The runs of a study: how many rows and steps each has, which are done, and how long the rest takes.

A store has finished runs only. It does not say which runs are in progress, so nothing here does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.canonical import canonical_json
from rankbench.console import answer, complain, count, table
from rankbench.training import at_a_time

if TYPE_CHECKING:
    import torch

    from bench.data.dataset import DatasetFacts
    from bench.runs.execute import Planned
    from bench.runs.plan import OnData
    from bench.runs.store import JoinedStores
    from bench.runs.study_record import Member
    from bench.spec import Budget, DatasetRef

    Plans = Sequence[tuple[DatasetFacts, OnData]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How long the runs take.

    Args:
        seconds: key of a run → its seconds; a run that could not be measured is not there.
        why: label of an entrant → why it could not be.
        processes: runs at a time, on each data set.
    """

    seconds: Mapping[str, float]
    why: Mapping[str, str]
    processes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """The runs of one entrant at one budget and one number of training rows, which differ in their seeds.

    Args:
        missing: how many of them are not done.
        seconds: of one; None where it is not measured.
    """

    label: str
    dataset: str
    budget: Budget | None
    runs: tuple[Planned, ...]
    missing: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All runs of a study.

    Args:
        planned: how many, each counted once; `missing`: of them are not done.
        failed: of the missing ones have a record of an error, and are tried again.
        seconds, seconds_missing: until the last of all, or of the missing ones, ends; None where that was not
            measured.
        measured: None where nothing was.
    """

    lines: tuple[Line, ...]
    planned: int
    missing: int
    failed: int
    seconds: float | None
    seconds_missing: float | None
    measured: Measured | None


def with_fingerprints(data: Sequence[DatasetFacts], stores: JoinedStores) -> list[DatasetFacts]:
    """The data sets; one that is not generated here has the fingerprint that stored runs on it have."""
    if all(one.fingerprint for one in data):
        return list(data)
    used = [run.spec.dataset for run in stores.read().runs.values()]
    stored = {(one.name, one.rev): one.fingerprint for one in used}
    return [
        dataclasses.replace(one, fingerprint=one.fingerprint or stored.get((one.name, one.rev), ""))
        for one in data
    ]


def measure(plans: Plans, device: torch.device, processes: int | None, threads: int) -> Measured:
    """Times some steps of every model, once however many runs it has."""
    from bench.speed.estimate import Pace, Paced, paces

    jobs: dict[str, Paced] = {}
    of_run: dict[str, tuple[str, DatasetFacts, Planned]] = {}
    for place, (data, of_data) in enumerate(plans):
        same = next(n for n, (other, _) in enumerate(plans[: place + 1]) if other.schema == data.schema)
        for run in of_data.runs:
            parts = dataclasses.asdict(run.spec)
            model = canonical_json([same, parts["features"], parts["contestant"], parts["protocol"]])
            of_run[run.spec.key()] = model, data, run
            jobs[model] = Paced(
                spec=run.spec, contestant=run.contestant, data=data, device=device, threads=threads
            )
    used = [processes or at_a_time(device, of_data.runs) for _, of_data in plans if of_data.runs]
    complain(f"measuring some steps of {len(jobs)} models")
    found = dict(zip(jobs, paces(list(jobs.values()), processes=max(used, default=1)), strict=True))
    labels = {m.key: m.label for _, of_data in plans for m in (*of_data.members, *of_data.equal)}
    seconds, why = {}, {}
    for key, (model, data, run) in of_run.items():
        pace = found[model]
        if isinstance(pace, Pace):
            seconds[key] = pace.run_seconds(run, data)
        else:
            why[labels[key]] = pace
    return Measured(seconds=seconds, why=why, processes=tuple(used))


def shown(plans: Plans, stores: JoinedStores, measured: Measured | None) -> Shown:
    """What there is to show of the runs."""
    from bench.runs.sweep import missing

    every = {run.spec.key(): run for _, of_data in plans for run in of_data.runs}
    left = {run.spec.key() for run in missing(list(every.values()), stores)}
    stored = stores.read().runs
    grouped: dict[tuple[str, DatasetRef, Budget | None], list[Member]] = {}
    for _, of_data in plans:
        for suffix, members in (("", of_data.members), (" by equal protocol", of_data.equal)):
            for member in members:
                if member.key is not None:
                    line = member.label + suffix, member.dataset, member.budget
                    grouped.setdefault(line, []).append(member)
    lines = [
        Line(
            label=label,
            dataset=dataset.name,
            budget=budget,
            runs=tuple(every[str(member.key)] for member in members),
            missing=sum(member.key in left for member in members),
            seconds=None if measured is None else measured.seconds.get(str(members[0].key)),
        )
        for (label, dataset, budget), members in grouped.items()
    ]
    return Shown(
        lines=tuple(lines),
        planned=len(every),
        missing=len(left),
        failed=sum(key in stored for key in left),
        seconds=_seconds(plans, measured, set(every)),
        seconds_missing=_seconds(plans, measured, left),
        measured=measured,
    )


def print_runs(of_study: Shown, folders: Sequence[Path]) -> None:
    """The table of the runs, then what is done and how long the rest takes."""
    from bench.speed.estimate import num_steps

    measured = of_study.measured
    several = len({line.dataset for line in of_study.lines}) > 1
    rows = []
    for line in of_study.lines:
        first = line.runs[0]
        cells = [
            f"{line.label} on {line.dataset}" if several else line.label,
            "" if line.budget is None else count(line.budget.target),
            f"{first.train_rows:,}",
            f"{first.spec.protocol.batch_size:,}",
            f"{num_steps(first):,}",
            f"{len(line.runs)}",
            f"{len(line.runs) - line.missing}",
            f"{line.missing}",
        ]
        if measured is not None:
            in_all = None if line.seconds is None else line.seconds * len(line.runs)
            cells += [_duration(line.seconds), _duration(in_all)]
        rows.append(cells)
    header = ["model", "budget", "training rows", "batch", "steps", "runs", "done", "missing"]
    if rows:
        table("Runs", header + ([] if measured is None else ["time of one", "of all seeds"]), rows)
    failed = f" ({of_study.failed} ended with an error before)" if of_study.failed else ""
    answer(
        f"runs: {of_study.planned} planned, {of_study.planned - of_study.missing} done, "
        f"{of_study.missing} missing{failed} in {' and '.join(map(str, folders))}"
    )
    if measured is None:
        if of_study.missing:
            answer("time: not measured; --estimate does that")
        return
    for label, reason in measured.why.items():
        answer(f"{label} could not be measured: {reason}")
    at_once = " or ".join(map(str, sorted(set(measured.processes))))
    answer(
        f"time: about {_duration(of_study.seconds_missing)} for the missing runs, about "
        f"{_duration(of_study.seconds)} for all, {at_once} at a time, from some steps of each on random rows"
    )


def as_json(of_study: Shown) -> dict[str, Any]:
    """The same for machines."""
    from bench.speed.estimate import num_steps

    return {
        "runs": [
            {
                "label": line.label,
                "dataset": line.dataset,
                "budget": None if line.budget is None else dataclasses.asdict(line.budget),
                "train_rows": line.runs[0].train_rows,
                "batch_size": line.runs[0].spec.protocol.batch_size,
                "steps": num_steps(line.runs[0]),
                "planned": len(line.runs),
                "missing": line.missing,
                "seconds_of_one": line.seconds,
            }
            for line in of_study.lines
        ],
        "planned": of_study.planned,
        "missing": of_study.missing,
        "failed": of_study.failed,
        "seconds": of_study.seconds,
        "seconds_missing": of_study.seconds_missing,
        "processes": None if of_study.measured is None else list(of_study.measured.processes),
        "not_measured": None if of_study.measured is None else dict(of_study.measured.why),
    }


def _seconds(plans: Plans, measured: Measured | None, keys: set[str]) -> float | None:
    """Time until the last of those runs ends. Data sets are trained one after another."""
    from bench.speed.estimate import seconds_of_all

    if measured is None:
        return None
    with_runs = [of_data.runs for _, of_data in plans if of_data.runs]
    return sum(
        seconds_of_all(
            (measured.seconds.get(run.spec.key(), 0.0) for run in runs if run.spec.key() in keys),
            processes=processes,
        )
        for runs, processes in zip(with_runs, measured.processes, strict=True)
    )


def _duration(seconds: float | None) -> str:
    """``4.2 s``, ``12 min``, ``3.5 h``."""
    if seconds is None:
        return ""
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.1f} s"
