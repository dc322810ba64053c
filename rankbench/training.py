"""What `run` and `tune` do alike: open the data sets of a study, and train what is missing from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankbench.choices import Choices
from rankbench.console import complain, count
from rankbench.request import SYNTHETIC_SEED, open_datasets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from bench.data.dataset import Dataset
    from bench.runs.execute import Planned
    from bench.runs.plan import Plan
    from bench.runs.record import Run
    from bench.runs.store import JoinedStores, Store
    from bench.runs.studies import Study
    from bench.runs.study_record import Member


def opened(asked: Study, choices: Choices, *, seed: int = SYNTHETIC_SEED) -> list[Dataset]:
    """The data sets of a study, compared with their fingerprints; warnings go to stderr.

    Args:
        seed: of the synthetic world.
    """
    from bench.data.findings import one_class_splits
    from bench.data.verification import verify

    datasets = open_datasets(asked, choices, seed=seed)
    for dataset in datasets:
        verify(dataset)
        for warning in one_class_splits(dataset):
            complain(warning)
    return datasets


def train(
    planned: Plan,
    records: Store,
    joined: JoinedStores,
    device: torch.device,
    processes: int | None,
    threads: int,
    *,
    keep_weights: bool,
) -> None:
    """Trains the missing runs, one data set after the other.

    Args:
        records: is written; `joined`: is read.
        processes: None: as many as the machine has room for.
    """
    from bench.runs.sweep import missing, sweep
    from rankbench.progress import SweepProgress

    every = {run.spec.key(): run for _, runs in planned.runs for run in runs}
    left = missing(list(every.values()), joined, weights=keep_weights)
    complain(f"runs: {len(every)} planned, {len(every) - len(left)} already in the store")
    done: list[Run] = []
    equal = {m.key: f"{_label(m, planned)} by equal protocol" for m in planned.record.equal if m.key}
    labels = equal | {m.key: _label(m, planned) for m in planned.record.members if m.key}
    with SweepProgress(len(left), labels) as shown:
        for dataset, _ in planned.runs:
            runs = [run for run in left if run.spec.dataset.name == dataset.name]
            if not runs:
                continue
            _fit_references(dataset)
            done += sweep(
                runs,
                dataset,
                records,
                device=device,
                processes=at_a_time(device, runs) if processes is None else processes,
                threads=threads,
                keep_weights=keep_weights,
                progress=shown.at,
                finished=shown.finished,
            )
    if done:
        peak = max(float(record.timings.get("peak_rss_bytes") or 0) for record in done)
        complain(f"peak memory of a training process: {count(peak)}B")


def _label(member: Member, planned: Plan) -> str:
    """The entrant, and the data and the number of training rows where the study has several."""
    label = member.label if len(planned.runs) == 1 else f"{member.label} on {member.dataset.name}"
    if len({one.dataset.train_rows for one in planned.record.members}) == 1:
        return label
    count_of = member.dataset.train_rows
    return f"{label}, {'all' if count_of is None else f'{count_of:,}'} rows"


def at_a_time(device: torch.device, runs: Sequence[Planned]) -> int:
    """How many of the runs the machine trains at a time, unless a user says how many."""
    from bench.machine.device import runs_at_a_time
    from bench.runs.executors import bytes_of_run

    return runs_at_a_time(device, len(runs), max(map(bytes_of_run, runs)))


def _fit_references(dataset: Dataset) -> None:
    from bench.data.references import known_references, references

    if known_references(dataset) is None:
        complain(f"fitting a logistic regression on {dataset.name}; this happens once per data set")
        references(dataset)
