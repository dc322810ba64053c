"""Cross layers: what several baselines multiply the input with, layer by layer.

    vector    x_{l+1} = x_0 (x_lᵀ w) + b + x_l                        w, b ∈ R^I       arXiv 1708.05123
    matrix    x_{l+1} = x_0 ⊙ (W x_l + b) + x_l                       W ∈ R^{I×I}      arXiv 2008.13535
    low rank  x_{l+1} = x_0 ⊙ (U Vᵀ x_l + b) + x_l                    U, V ∈ R^{I×R}   the same

Letters: B batch, I flat input width, R rank.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class VectorCross(nn.Module):
    """x_0 (xᵀ w) + b + x."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.w = nn.Linear(dim, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(dim).uniform_(-(dim**-0.5), dim**-0.5))

    def forward(self, x0_BI: Tensor, x_BI: Tensor) -> Tensor:
        return torch.addcmul(x_BI, x0_BI, self.w(x_BI)) + self.bias


class FullCross(nn.Module):
    """x_0 ⊙ (W x + b) + x."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)

    def forward(self, x0_BI: Tensor, x_BI: Tensor) -> Tensor:
        return torch.addcmul(x_BI, x0_BI, self.linear(x_BI))


class LowRankCross(nn.Module):
    """x_0 ⊙ (U Vᵀ x + b) + x."""

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.v = nn.Linear(dim, rank, bias=False)
        self.u = nn.Linear(rank, dim)

    def forward(self, x0_BI: Tensor, x_BI: Tensor) -> Tensor:
        return torch.addcmul(x_BI, x0_BI, self.u(self.v(x_BI)))


def crossed(layers: Iterable[nn.Module], x_BI: Tensor) -> Tensor:
    """x_L: the input through all `layers`, (B, I) → (B, I)."""
    cross_BI = x_BI
    for layer in layers:
        cross_BI = layer(x_BI, cross_BI)
    return cross_BI
