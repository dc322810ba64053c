"""Wide & Deep Learning for Recommender Systems (arXiv 1606.07792, DLRS 2016).

    h_0 = x,   h_i = ReLU(W_i h_{i-1} + b_i)
    logits = linear(ids) + W h_N + b

Letters: B batch, I flat input width, K tasks. The linear part over the raw ids, a table of one number per id
and task, is the wide side. The harness adds it to the logits, as to those of every contestant that has one;
this module is the deep side. The paper's wide side also has products of pairs of chosen fields; the fields
that a schema calls crossed come in as fields of their own.

The paper's deep side has 1024, 512 and 256 units. Weights start as the dense layers of TensorFlow do, in
which the authors published it: Glorot uniform, biases zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp_with_head


class WideDeep(nn.Module):
    """The deep side.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        hidden_dims: widths of the hidden layers.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: an unknown initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        hidden_dims: Sequence[int] = (1024, 512, 256),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_known(initialisation)
        self.deep = mlp_with_head(sum(field_dims), hidden_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits of the deep side (B, K)."""
        logits_BK: Tensor = self.deep(x_BI)
        return logits_BK
