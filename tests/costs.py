"""What the harness counts of a model, for the tests that hold it against a formula written from the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from bench.contestants.contract import InputShape
from bench.contestants.counting import KINDS, measure


def cost_of(
    model_class: type[nn.Module], field_dims: Sequence[int], num_tasks: int = 1, **hyperparameters: Any
) -> dict[str, int]:
    """Every kind of cost by its name."""
    with torch.device("meta"):
        model = model_class(field_dims, num_tasks, **hyperparameters)
    groups = tuple((i,) for i in range(len(field_dims)))
    shape = InputShape(field_dims=tuple(field_dims), groups=groups, num_tasks=num_tasks)
    return {kind: measure(model, shape, kind) for kind in KINDS}


def dense_cost(parameters: int, products: int) -> dict[str, int]:
    """The cost of a model in which everything is active and backward takes twice what forward takes.

    Args:
        products: multiply-adds of the matrix products that one example takes.
    """
    return {
        "dense_parameters": parameters,
        "active_parameters": parameters,
        "flops_forward": 2 * products,
        "flops_train": 3 * 2 * products,
    }
