"""Deep & Cross Network for Ad Click Predictions (arXiv 1708.05123, ADKDD 2017).

    cross    x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l                     w_l, b_l ∈ R^I
    logits = W [x_L ; MLP(x_0)] + b

Letters: B batch, I flat input width, L cross layers, K tasks. The paper's best on Criteo has six cross layers
beside two hidden layers of 1024. Its batch normalization of the MLP is left out, as rows would see each
other.

Weights start as the layers of TensorFlow do, in which the paper trains it, as it says no more: Glorot
uniform, biases zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.cross import VectorCross, crossed
from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp


class DCN(nn.Module):
    """Cross layers of one vector each, and an MLP beside them.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        num_cross_layers: L.
        hidden_dims: widths of the MLP.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: an unknown initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        num_cross_layers: int = 4,
        hidden_dims: Sequence[int] = (1024, 1024),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_known(initialisation)
        dim = sum(field_dims)
        self.cross_layers = nn.ModuleList(VectorCross(dim) for _ in range(num_cross_layers))
        self.mlp = mlp(dim, hidden_dims)
        self.head = nn.Linear(dim + [dim, *hidden_dims][-1], num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return self.head(torch.cat([crossed(self.cross_layers, x_BI), self.mlp(x_BI)], dim=1))
