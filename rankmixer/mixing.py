"""Multi-head token mixing (RankMixer, arXiv 2507.15551) and its undoing (TokenMixer-Large, arXiv 2602.06563).

    mix      s^h = Concat(x_1^h, …, x_T^h),   h = 1 … H
    revert   x_t = Concat(s_t^1, …, s_t^H),   t = 1 … T

where x_t^h is the h-th of H equal slices of token t, and s_t^h the t-th of T equal slices of mixed token h.
No parameters. Letters: B batch, T tokens, D token width, H heads, W = T · D/H width of a mixed token.
"""

from __future__ import annotations

from torch import Tensor, nn


def mix(x_TBD: Tensor, num_heads: int) -> Tensor:
    """(T, B, D) → (H, B, T · D/H): output token h holds slice h of every input token, in their order.

    With H = T this keeps the shape and is its own inverse. `num_heads` must divide D.
    """
    T, B, D = x_TBD.shape
    return x_TBD.view(T, B, num_heads, D // num_heads).permute(2, 1, 0, 3).reshape(num_heads, B, -1)


def revert(s_HBW: Tensor, num_tokens: int) -> Tensor:
    """(H, B, T · D/H) → (T, B, D): what `mix` made of T tokens is those tokens again.

    Slice h of token t is slice t of mixed token h, so undoing a mixing is a mixing with T heads.
    """
    return mix(s_HBW, num_tokens)


class TokenMixing(nn.Module):
    """`mix` with as many heads as tokens, as a block takes it: (T, B, D) → (T, B, D)."""

    def forward(self, x_TBD: Tensor) -> Tensor:
        return mix(x_TBD, x_TBD.shape[0])
