"""Multi-head token mixing (RankMixer, arXiv 2507.15551) and its undoing (TokenMixer-Large, arXiv 2602.06563).

    mix      s^h = Concat(x_1^h, …, x_T^h),   h = 1 … H
    revert   x_t = Concat(s_t^1, …, s_t^H),   t = 1 … T

where x_t^h is the h-th of H equal slices of token t, and s_t^h the t-th of T equal slices of mixed token h.
No parameters. Letters: B batch, T tokens, D token width, H heads, W = T · D/H width of a mixed token.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_WORTH = 1 << 19
"""Numbers from which `_Mix` is faster."""


def mix(x_TBD: Tensor, num_heads: int) -> Tensor:
    """(T, B, D) → (H, B, T · D/H): output token h holds slice h of every input token, in their order.

    With H = T this keeps the shape and is its own inverse. `num_heads` must divide D. On a CPU a large
    result lies in memory row by row instead of token by token.
    """
    # What is exported must not depend on the number of rows, so that is not looked at then.
    if x_TBD.device.type == "cpu" and not torch.compiler.is_compiling() and x_TBD.numel() >= _WORTH:
        return _Mix.apply(x_TBD, num_heads)
    T, B, D = x_TBD.shape
    return x_TBD.view(T, B, num_heads, D // num_heads).permute(2, 1, 0, 3).flatten(2)


class _Mix(torch.autograd.Function):
    """The same by `torch.cat`, which on a CPU moves short slices several times as fast as a permuting copy.

    Slice h of token t goes to slice t of mixed token h, so the gradient is mixed in turn, with T heads.
    """

    @staticmethod
    def forward(ctx: Any, x_TBD: Tensor, num_heads: int) -> Tensor:
        T, B, D = x_TBD.shape
        ctx.num_tokens = T
        tokens = x_TBD.contiguous().view(T, B, num_heads, 1, D // num_heads).unbind()
        return torch.cat(tokens, dim=2).flatten(2).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad_HBW: Tensor) -> tuple[Tensor, None]:
        return mix(grad_HBW, ctx.num_tokens), None


def revert(s_HBW: Tensor, num_tokens: int) -> Tensor:
    """(H, B, T · D/H) → (T, B, D): what `mix` made of T tokens is those tokens again.

    Slice h of token t is slice t of mixed token h, so undoing a mixing is a mixing with T heads.
    """
    return mix(s_HBW, num_tokens)


class TokenMixing(nn.Module):
    """`mix` as a block takes it, None: with as many heads as tokens, (T, B, D) → (T, B, D)."""

    def __init__(self, num_heads: int | None = None) -> None:
        super().__init__()
        self.num_heads = num_heads

    def forward(self, x_TBD: Tensor) -> Tensor:
        return mix(x_TBD, x_TBD.shape[0] if self.num_heads is None else self.num_heads)


class TokenReverting(nn.Module):
    """`revert` as a block takes it."""

    def __init__(self, num_tokens: int) -> None:
        super().__init__()
        self.num_tokens = num_tokens

    def forward(self, s_HBW: Tensor) -> Tensor:
        return revert(s_HBW, self.num_tokens)
