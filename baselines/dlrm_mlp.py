"""DLRM-MLP, the base of RankMixer's comparison (arXiv 2507.15551): one MLP over the concatenated embeddings.

    h_0 = x,   h_i = ReLU(W_i h_{i-1} + b_i),   logits = W h_N + b

Letters: B batch, I flat input width, K tasks. The paper gives neither widths nor depth; three hidden layers
of equal width are our reading. It has no dot interaction, unlike DLRM itself (arXiv 1906.00091).

Weights start as in the code of DLRM's authors, see `initialisation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from baselines.initialisation import INITIALISATIONS, initialise, require_known
from baselines.mlp import mlp


class DLRMMLP(nn.Module):
    """MLP over all fields.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        hidden_dims: widths of the hidden layers.
        initialisation: ``dlrm`` (the authors'), or one of `initialisation`.

    Raises:
        ValueError: an unknown initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        hidden_dims: Sequence[int] = (256, 256, 256),
        initialisation: str = "dlrm",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("dlrm", *INITIALISATIONS))
        self.mlp = mlp(sum(field_dims), hidden_dims)
        self.head = nn.Linear([sum(field_dims), *hidden_dims][-1], num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return self.head(self.mlp(x_BI))
