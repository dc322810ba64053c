"""Every arm of every ablation, each model and setting once."""

from __future__ import annotations

import torch

from ablations import ABLATIONS
from bench.canonical import canonical_json
from bench.contestants.budget import solve
from bench.contestants.contract import Hyperparameters, InputShape
from bench.runs.entrants import Entrant
from bench.spec import Budget

ARMS: dict[str, Entrant] = {
    f"{one.contestant.name} {canonical_json(one.hyperparameters)}": one
    for study in ABLATIONS.values()
    for one in study.entrants
}


def small(arm: Entrant, shape: InputShape) -> Hyperparameters:
    """Hyper-parameters of the arm at 60 thousand dense parameters."""
    budget = Budget(kind="dense_parameters", target=60_000)
    return solve(arm.contestant, shape, budget, arm.hyperparameters).hyperparameters


def built(arm: Entrant, shape: InputShape) -> torch.nn.Module:
    torch.manual_seed(0)
    return arm.contestant.build(shape, small(arm, shape))
