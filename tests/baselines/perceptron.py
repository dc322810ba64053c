"""An MLP by hand, for the tests that hold a model against its equations."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


def mlp_by_hand(layers: nn.Sequential, x: Tensor) -> Tensor:
    """One row through linear layers with a ReLU behind each of them but a head."""
    linears = [module for module in layers.modules() if isinstance(module, nn.Linear)]
    num_rectified = sum(isinstance(module, nn.ReLU) for module in layers.modules())
    for number, linear in enumerate(linears):
        x = torch.stack([sum(w * v for w, v in zip(row, x, strict=True)) for row in linear.weight])
        x = x if linear.bias is None else x + linear.bias
        x = torch.clamp(x, min=0) if number < num_rectified else x
    return x


def mlp_products(*widths: int) -> int:
    """Multiply-adds of linear layers between these widths."""
    return sum(narrow * wide for narrow, wide in pairwise(widths))
