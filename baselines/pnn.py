"""Product-based Neural Networks for User Response Prediction (arXiv 1611.00144, ICDM 2016).

    inner (IPNN)   p = all ⟨e_i, e_j⟩, i < j                          P = T (T−1) / 2 numbers
    outer (OPNN)   p = f fᵀ,  f = Σ_i e_i                             P = D² numbers
    h_1    = ReLU(W_z x + W_p p + b_1),   then an MLP
    logits = W h_N + b

Letters: B batch, I flat input width, T vectors, D their width, P products, K tasks. W_z and W_p are one
matrix here. The paper also offers to factorize W_p; its authors' code does not, nor do we.

Weights start as in the authors' code (Atomu2014/product-nets), Glorot uniform with zero biases; for the outer
product that code draws W_z and W_p apart, we draw them together, as it does for the inner one. Its outer
product has changed over time: at first each embedding got a bias and an activation before the sum, and in the
end each pair of fields has a kernel of its own instead. Ours is the paper's.
Where we differ: beyond `max_tokens` fields neighbours share a vector, as the inner products grow with T²;
fields of unequal widths are mapped to the widest (see `products.FieldVectors`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import FieldVectors, PairProducts


class PNN(nn.Module):
    """An MLP over the embeddings and their products.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        product: ``inner`` or ``outer``.
        max_tokens: the most vectors; up to as many fields, every field is one.
        hidden_dims: widths of the MLP, of which one at least.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: an unknown product or initialisation.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        product: str = "inner",
        max_tokens: int = 64,
        hidden_dims: Sequence[int] = (400, 400, 400),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_known(initialisation)
        if product not in ("inner", "outer"):
            raise ValueError(f"product is '{product}', allowed: inner, outer")
        self.vectors = FieldVectors(field_dims, max_tokens=max_tokens)
        self.products = PairProducts(self.vectors.num_tokens) if product == "inner" else None
        num_products = self.vectors.dim**2 if self.products is None else self.products.num_pairs
        self.mlp = mlp_with_head(sum(field_dims) + num_products, hidden_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        vectors_BTD = self.vectors(x_BI)
        if self.products is None:
            sum_BD = vectors_BTD.sum(dim=1)
            p_BP = (sum_BD.unsqueeze(2) * sum_BD.unsqueeze(1)).flatten(1)
        else:
            p_BP = self.products(vectors_BTD.transpose(1, 2))
        logits_BK: Tensor = self.mlp(torch.cat([x_BI, p_BP], dim=1))
        return logits_BK
