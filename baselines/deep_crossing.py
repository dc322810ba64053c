"""Deep Crossing: Web-Scale Modeling without Manually Crafted Combinatorial Features (KDD 2016; no arXiv id).

    unit     x ← ReLU(x + W_1 ReLU(W_0 x + b_0) + b_1)                W_0 ∈ R^{h×I}, W_1 ∈ R^{I×h}
    logits = W x_N + b

Letters: B batch, I flat input width, h inner width of a unit, N units, K tasks. The paper has five units,
whose inner widths fall from 512 to 64. Its own embeddings are rectified; ours, which all contestants share,
are not.

Neither the paper nor its authors say how weights start.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.initialisation import initialise, require_known


class DeepCrossing(nn.Module):
    """Residual units over all fields.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        inner_dims: h of every unit.
        initialisation: ``glorot`` or ``torch``, see `initialisation`; the paper does not say.

    Raises:
        ValueError: an unknown initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        inner_dims: Sequence[int] = (512, 512, 256, 128, 64),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_known(initialisation)
        self.layers = nn.ModuleList(ResidualUnit(sum(field_dims), inner_dim) for inner_dim in inner_dims)
        self.head = nn.Linear(sum(field_dims), num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        for unit in self.layers:
            x_BI = unit(x_BI)
        return self.head(x_BI)


class ResidualUnit(nn.Module):
    """ReLU(x + W_1 ReLU(W_0 x + b_0) + b_1): (B, I) → (B, I)."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, inner_dim)
        self.up = nn.Linear(inner_dim, dim)

    def forward(self, x_BI: Tensor) -> Tensor:
        return torch.relu(x_BI + self.up(torch.relu(self.down(x_BI))))
