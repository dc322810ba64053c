"""Layers in which every token has weights of its own, as batched products (arXiv 2507.15551, 2602.06563).

Letters: B batch, T tokens, D token width. Tokens come first, so that the batch of each is contiguous. Large
inputs take the same equations block by block, see `blockwise`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rankmixer import blockwise


class PerTokenLinear(nn.Module):
    """T linear maps, one per token: (T, B, in) → (T, B, out).

    Each token's weight and bias start as those of `torch.nn.Linear` do, uniform within ±1/√in: the fan is
    that of one token's matrix, which initialisers made for 2-D weights get wrong on a (T, in, out) tensor.
    `init_scale` narrows those bounds.
    """

    def __init__(
        self, num_tokens: int, in_dim: int, out_dim: int, *, bias: bool = True, init_scale: float = 1.0
    ) -> None:
        super().__init__()
        self.init_scales = {"weight": init_scale}
        bound = init_scale / math.sqrt(in_dim)
        self.weight = nn.Parameter(torch.empty(num_tokens, in_dim, out_dim).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(num_tokens, 1, out_dim).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x_TBI: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(x_TBI, self.weight)
        return torch.baddbmm(self.bias, x_TBI, self.weight)


class PerTokenFFN(nn.Module):
    """v_t = W2_t · GELU(W1_t s_t + b1_t) + b2_t, for every token t: (T, B, D) → (T, B, D).

    `down_init` scales what W2 and b2 start with.
    """

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int, *, down_init: float = 1.0) -> None:
        super().__init__()
        self.up = PerTokenLinear(num_tokens, dim, hidden_dim)
        self.down = PerTokenLinear(num_tokens, hidden_dim, dim, init_scale=down_init)

    def forward(self, s_TBD: Tensor) -> Tensor:
        if blockwise.pays(s_TBD, self.up.weight.shape[2]):
            up, down = self.up, self.down
            assert up.bias is not None
            assert down.bias is not None
            return blockwise.ffn(s_TBD, up.weight, up.bias, down.weight, down.bias)
        return self.down(F.gelu(self.up(s_TBD)))


class PerTokenSwiGLU(nn.Module):
    """W_down,t (Swish(W_gate,t x_t) ⊙ W_up,t x_t), for every token t, without biases: (T, B, D) → (T, B, D).

    Args:
        down_init: scale of the standard deviation that W_down starts with.
    """

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int, *, down_init: float = 1.0) -> None:
        super().__init__()
        self.gate = PerTokenLinear(num_tokens, dim, hidden_dim, bias=False)
        self.up = PerTokenLinear(num_tokens, dim, hidden_dim, bias=False)
        self.down = PerTokenLinear(num_tokens, hidden_dim, dim, bias=False, init_scale=down_init)

    def forward(self, x_TBD: Tensor) -> Tensor:
        if blockwise.pays(x_TBD, 2 * self.up.weight.shape[2]):
            return blockwise.swiglu(x_TBD, self.gate.weight, self.up.weight, self.down.weight)
        return self.down(F.silu(self.gate(x_TBD)) * self.up(x_TBD))
