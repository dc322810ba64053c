"""Target attention (DIN, arXiv 1706.06978): a sequence as the sum of its rows, each weighted by the target.

The attention unit is a two-layer perceptron over [e, t, e − t, e ⊙ t] with 36 hidden units as in its paper
and PReLU; its Dice activation is left out, for it makes an example's output depend on the batch. As in the
paper the weights are not normalised by a softmax.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

HIDDEN = 36


class TargetAttention(nn.Module):
    """Σ_n a(e_n, t) e_n over the ids present: (B, N, D) rows, (B, D) target, (B, N) mask → (B, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.unit = nn.Sequential(nn.Linear(4 * dim, HIDDEN), nn.PReLU(), nn.Linear(HIDDEN, 1))

    def forward(self, e_BND: Tensor, t_BD: Tensor, mask_BN: Tensor) -> Tensor:
        t_BND = t_BD.unsqueeze(1).expand_as(e_BND)
        a_BN = self.unit(torch.cat([e_BND, t_BND, e_BND - t_BND, e_BND * t_BND], dim=2)).squeeze(2)
        return torch.einsum("bn,bnd->bd", a_BN * mask_BN, e_BND)


def num_parameters(dim: int) -> int:
    """Those of a `TargetAttention`: two linear layers with biases and the slope of PReLU."""
    return (4 * dim + 1) * HIDDEN + 1 + HIDDEN + 1
