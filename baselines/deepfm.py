"""DeepFM: A Factorization-Machine based Neural Network for CTR Prediction (arXiv 1703.04247, IJCAI 2017).

    FM(x)  = Σ_{i<j} ⟨e_i, e_j⟩                                      e_i ∈ R^D, the embedding of field i
    logits = linear(ids) + s ⊙ FM(x) + W MLP(x) + b                  s = 1

Letters: B batch, I flat input width, T vectors, D their width, K tasks. FM and MLP share the embeddings. The
linear part over the raw ids, a table of one number per id and task, is added by the harness.

Where we differ: the paper has one task. With several, they share the embeddings, and one sum would move all
logits alike, even those of opposite labels; so each task has a factor s_k, from 1. With one task there is
none, as in the paper. Fields of unequal widths are first mapped to the widest (see `products.FieldVectors`);
the sum takes any number of fields.

Neither the paper nor its authors say how weights start.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import FieldVectors, second_order


class DeepFM(nn.Module):
    """A factorization machine and an MLP on the same embeddings.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        hidden_dims: widths of the MLP; the paper's are three of 400.
        initialisation: ``glorot`` or ``torch``, see `initialisation`; the paper does not say.

    Raises:
        ValueError: an unknown initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        hidden_dims: Sequence[int] = (400, 400, 400),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_known(initialisation)
        self.vectors = FieldVectors(field_dims, max_tokens=len(field_dims))
        self.deep = mlp_with_head(sum(field_dims), hidden_dims, num_tasks)
        self.scale_K = nn.Parameter(torch.ones(num_tasks)) if num_tasks > 1 else None
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits without their linear part (B, K)."""
        fm_B1 = second_order(self.vectors(x_BI)).sum(dim=1, keepdim=True)
        return self.deep(x_BI) + (fm_B1 if self.scale_K is None else fm_B1 * self.scale_K)
