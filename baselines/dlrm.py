"""DLRM, the Deep Learning Recommendation Model with its dot interaction (arXiv 1906.00091).

    z_0    = MLP_bottom(x) ∈ R^D
    r      = [z_0 ; all pairs of z_0, e_1, …, e_T]                    strictly above the diagonal
    logits = W MLP_top(r) + b

Letters: B batch, I flat input width, T vectors, D their width, K tasks. An embedding reaches the top by its
products alone, as in the paper.

Weights start as in the authors' code (facebookresearch/dlrm, `create_mlp`), see `initialisation`.
Where we differ: their bottom MLP reads the numeric features. Here every numeric feature comes embedded, as a
field like any other, and a model is not told which these are; so the bottom MLP reads all fields. Beyond
`max_tokens` fields neighbours share a vector, as pairs grow with T²; fields of unequal widths are mapped to
the widest (see `products.FieldVectors`); those maps start Glorot uniform.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from baselines.initialisation import INITIALISATIONS, initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import DotInteraction


class DLRM(nn.Module):
    """Bottom MLP, dot interaction, top MLP.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most vectors of fields; up to as many fields, every field is one.
        bottom_dims: hidden widths of the bottom MLP, before its layer of width D.
        top_dims: widths of the top MLP.
        initialisation: ``dlrm`` (the authors'), or one of `initialisation`.

    Raises:
        ValueError: an unknown initialisation, or `max_tokens` below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        bottom_dims: Sequence[int] = (512, 256),
        top_dims: Sequence[int] = (512, 256),
        initialisation: str = "dlrm",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("dlrm", *INITIALISATIONS))
        self.dot = DotInteraction(field_dims, max_tokens=max_tokens, bottom_dims=bottom_dims)
        self.top = mlp_with_head(self.dot.out_dim, top_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        logits_BK: Tensor = self.top(self.dot(x_BI))
        return logits_BK
