"""Arms of TokenMixer-Large's Table 14 (arXiv 2602.06563): how the matrices of a SwiGLU start."""

from __future__ import annotations

import torch
from torch import nn

from rankmixer import TokenMixerLarge
from rankmixer.per_token import PerTokenLinear, PerTokenSwiGLU

SCALE = 0.01


class SmallUpAndGate(TokenMixerLarge):
    """W_up and W_gate start with `SCALE` times their standard deviation, W_down as `down_init` says."""

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        layer = super().swiglu(tokens, dim, hidden)
        if not isinstance(layer, PerTokenSwiGLU):
            raise ValueError(f"num_experts is {self.num_experts}; the arm is dense, so it must be 1")
        for linear in (layer.up, layer.gate):
            _narrow(linear)
        return layer


@torch.no_grad()
def _narrow(linear: PerTokenLinear) -> None:
    linear.init_scales["weight"] = SCALE
    linear.weight.mul_(SCALE)
