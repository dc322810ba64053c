"""The multi-layer perceptron that most baselines end in.

h_0 = x,   h_i = ReLU(W_i h_{i-1} + b_i);   with a head   logits = W h_N + b
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def mlp(in_dim: int, hidden_dims: Sequence[int]) -> nn.Sequential:
    """Linear and ReLU for every hidden width: (B, in_dim) → (B, hidden_dims[-1]); no layer, the identity."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise([in_dim, *hidden_dims]):
        layers += [nn.Linear(narrow, wide), nn.ReLU()]
    return nn.Sequential(*layers)


def mlp_with_head(in_dim: int, hidden_dims: Sequence[int], out_dim: int) -> nn.Sequential:
    """The same with a linear layer behind it: (B, in_dim) → (B, out_dim)."""
    return nn.Sequential(mlp(in_dim, hidden_dims), nn.Linear([in_dim, *hidden_dims][-1], out_dim))
