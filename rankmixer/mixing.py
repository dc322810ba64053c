"""Multi-head token mixing, without parameters (RankMixer, arXiv 2507.15551).

    s^h = Concat(x_1^h, …, x_T^h),   h = 1 … H

where x_t^h is the h-th of H equal slices of token t. Letters: B batch, T tokens, D token width, H heads.
"""

from __future__ import annotations

from torch import Tensor


def mix(x_TBD: Tensor, num_heads: int) -> Tensor:
    """(T, B, D) → (H, B, T · D/H): output token h holds slice h of every input token, in their order.

    With H = T this keeps the shape and is its own inverse. `num_heads` must divide D.
    """
    T, B, D = x_TBD.shape
    return x_TBD.view(T, B, num_heads, D // num_heads).permute(2, 1, 0, 3).reshape(num_heads, B, -1)
