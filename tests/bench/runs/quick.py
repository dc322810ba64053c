"""A study that trains in a second, for the tests of this folder."""

from __future__ import annotations

import torch

from bench.contestants.lookup import contestants
from bench.data.dataset import Dataset
from bench.runs.entrants import Entrant
from bench.runs.execute import Planned
from bench.runs.plan import plan
from bench.runs.record import Run
from bench.runs.store import Store
from bench.runs.studies import Study
from bench.runs.sweep import missing, sweep
from bench.spec import Budget, FeatureSpec, Protocol

CPU = torch.device("cpu")


def entrant(name: str, **changes) -> Entrant:
    return Entrant(contestant=contestants([name])[0], **changes)


def study(*entrants: Entrant, **changes) -> Study:
    """DLRM-MLP and RankMixer at 10 thousand dense parameters, two seeds, but for what changes."""
    given = {
        "name": "quick",
        "question": "Does it run?",
        "entrants": entrants or (entrant("dlrm-mlp"), entrant("rankmixer")),
        "features": FeatureSpec(width=4),
        "protocol": Protocol(name="quick", batch_size=1024, dense_optimizer="adam", dense_lr=0.003),
        "budgets": (Budget(kind="dense_parameters", target=10_000),),
        "seeds": (0, 1),
        **changes,
    }
    return Study(**given)


def planned_runs(dataset: Dataset, *entrants: Entrant, **changes) -> list[Planned]:
    ((_, runs),) = plan(study(*entrants, **changes), [dataset], command="").runs
    return list(runs)


def run(dataset: Dataset, store: Store, *entrants: Entrant, **changes) -> list[Run]:
    return sweep(missing(planned_runs(dataset, *entrants, **changes), store), dataset, store, device=CPU)
