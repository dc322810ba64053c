"""Layers in which every token has weights of its own, as one batched matrix product (arXiv 2507.15551).

Letters: B batch, T tokens, D token width. Tokens come first, so that the batch of each is contiguous.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PerTokenLinear(nn.Module):
    """T linear maps, one per token: (T, B, in) → (T, B, out).

    Each token's weight and bias start as those of `torch.nn.Linear` do, uniform within ±1/√in: the fan is
    that of one token's matrix, which initialisers made for 2-D weights get wrong on a (T, in, out) tensor.
    """

    def __init__(self, num_tokens: int, in_dim: int, out_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)
        self.weight = nn.Parameter(torch.empty(num_tokens, in_dim, out_dim).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(num_tokens, 1, out_dim).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x_TBI: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(x_TBI, self.weight)
        return torch.baddbmm(self.bias, x_TBI, self.weight)


class PerTokenFFN(nn.Module):
    """v_t = W2_t · GELU(W1_t s_t + b1_t) + b2_t, for every token t: (T, B, D) → (T, B, D)."""

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.up = PerTokenLinear(num_tokens, dim, hidden_dim)
        self.down = PerTokenLinear(num_tokens, hidden_dim, dim)

    def forward(self, s_TBD: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(s_TBD)))
