"""From a request to its runs: plan everything first, then do what the store does not have yet."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from bench.contestants.budget import solve
from bench.contestants.contract import Contestant, Hyperparameters
from bench.contestants.cost import Cost
from bench.contestants.counting import cost, on_meta
from bench.data.dataset import Dataset
from bench.errors import BadInput
from bench.runs.execute import Planned, execute
from bench.runs.executors import run_side_by_side
from bench.runs.record import Run
from bench.runs.store import Store
from bench.spec import Budget, ContestantRef, DatasetRef, FeatureSpec, Protocol, Spec
from bench.training.features import Features, features_on_meta


@dataclass(frozen=True, kw_only=True)
class Request:
    """Contestants × budgets × seeds, everything else equal.

    Args:
        budgets: None among them: the hyper-parameters as they are.
        hyperparameters: in place of the contestants' defaults.
    """

    contestants: Sequence[Contestant]
    dataset: Dataset
    features: FeatureSpec
    protocol: Protocol
    budgets: Sequence[Budget | None]
    seeds: Sequence[int]
    hyperparameters: Hyperparameters = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A contestant at a budget: its hyper-parameters and cost, or why there are none."""

    contestant: Contestant
    budget: Budget | None
    hyperparameters: Hyperparameters = field(default_factory=dict)
    cost: Cost | None = None
    reason: str | None = None


def size(request: Request) -> list[Sized]:
    """Every contestant at every budget; one that cannot be had says why."""
    features = features_on_meta(request.dataset.schema, request.features)
    return [
        _sized(contestant, budget, features, request.hyperparameters)
        for budget in request.budgets
        for contestant in request.contestants
    ]


def _sized(
    contestant: Contestant, budget: Budget | None, features: Features, given: Hyperparameters
) -> Sized:
    shape = features.input_shape()
    try:
        if budget is None:
            hyperparameters: Hyperparameters = {**contestant.hyperparameters, **given}
        else:
            hyperparameters = solve(contestant, shape, budget, given).hyperparameters
        return Sized(
            contestant=contestant,
            budget=budget,
            hyperparameters=hyperparameters,
            cost=cost(on_meta(contestant, shape, hyperparameters), shape, **features.parameter_counts()),
        )
    except BadInput as error:
        return Sized(contestant=contestant, budget=budget, reason=str(error))


def plan(request: Request) -> list[Planned]:
    """Every run of the request: all contestants and budgets of one seed, then those of the next.

    Raises:
        BadInput: a contestant cannot meet a budget.
    """
    sized = size(request)
    impossible = [s.reason for s in sized if s.reason is not None]
    if impossible:
        raise BadInput("; ".join(impossible))
    dataset = DatasetRef(
        name=request.dataset.name, rev=request.dataset.rev, fingerprint=request.dataset.fingerprint
    )
    return [
        Planned(
            contestant=s.contestant,
            spec=Spec(
                dataset=dataset,
                features=request.features,
                contestant=ContestantRef(
                    name=s.contestant.name, rev=s.contestant.rev, hyperparameters=s.hyperparameters
                ),
                protocol=request.protocol,
                budget=s.budget,
                seed=seed,
            ),
        )
        for seed in request.seeds
        for s in sized
    ]


def missing(planned: Sequence[Planned], store: Store) -> list[Planned]:
    """The planned runs whose outcome the store does not have."""
    settled = store.read().settled()
    return [run for run in planned if run.spec.key() not in settled]


def sweep(
    planned: Sequence[Planned],
    dataset: Dataset,
    store: Store,
    *,
    device: torch.device,
    processes: int = 1,
    progress: Callable[[Planned, int, int], None] | None = None,
    finished: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Does the runs, and puts each into the store as soon as it ends; returns their records.

    Args:
        processes: how many runs at a time; 1 does them in this process, one after another.
        progress: told of a run in flight, its rows done and its rows in all.
        finished: told of each record that has been stored.

    Raises:
        WorkerDied: a process of one of several ended without a result.
    """

    def tell(run: Planned, done: int, rows: int) -> None:
        if progress is not None:
            progress(run, done, rows)

    if processes > 1 and planned:
        records = run_side_by_side(planned, dataset, store, device=device, processes=processes, progress=tell)
    else:
        records = (
            execute(run, dataset, store, device=device, progress=functools.partial(tell, run))
            for run in planned
        )
    runs = []
    for record in records:
        store.append(record)
        runs.append(record)
        if finished is not None:
            finished(record)
    return runs
