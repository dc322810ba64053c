"""Fields as vectors of one width, and what several baselines multiply them into.

    pairs          p_ij = ⟨e_i, e_j⟩,  i < j                            all pairs of vectors
    second order   Σ_{i<j} e_i ⊙ e_j = ½ ((Σ_i e_i)² − Σ_i e_i²)        the factorization machine, per column
    dot            [z_0 ; all pairs of z_0, e_1, …, e_T],  z_0 = MLP(x)   DLRM, arXiv 1906.00091

Letters: B batch, F fields, I flat input width, T vectors, D their width, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from baselines.mlp import mlp
from baselines.tokens import FieldTokens, require_positive


class FieldVectors(nn.Module):
    """Flat fields → vectors of one width: (B, I) → (B, T, D), T = `num_tokens` = min(F, `max_tokens`).

    The embeddings themselves, without parameters, where all are of one width and no more than `max_tokens`.
    Otherwise each vector is a linear map of its fields to the widest field's width: products need one width,
    and the number of pairs grows with T² (see `tokens.FieldTokens`).

    Raises:
        ValueError: `max_tokens` is below 1.
    """

    def __init__(self, field_dims: Sequence[int], *, max_tokens: int) -> None:
        super().__init__()
        require_positive({"max_tokens": max_tokens})
        self.num_tokens, self.dim = min(len(field_dims), max_tokens), max(field_dims)
        as_they_are = len(field_dims) <= max_tokens and len(set(field_dims)) == 1
        self.tokens: nn.Module = (
            nn.Unflatten(1, (self.num_tokens, self.dim))
            if as_they_are
            else FieldTokens(field_dims, max_tokens=max_tokens, token_dim=self.dim)
        )

    def forward(self, x_BI: Tensor) -> Tensor:
        return self.tokens(x_BI)


class PairProducts(nn.Module):
    """⟨e_i, e_j⟩ of all i < j, row by row of that triangle: (B, D, T) → (B, P), P = `num_pairs`."""

    def __init__(self, num_tokens: int) -> None:
        super().__init__()
        pairs = [i * num_tokens + j for i, j in combinations(range(num_tokens), 2)]
        self.num_pairs = len(pairs)
        self.pairs: Tensor
        self.register_buffer("pairs", torch.tensor(pairs, dtype=torch.long), persistent=False)

    def forward(self, x_BDT: Tensor) -> Tensor:
        products_BP: Tensor = _PairProducts.apply(x_BDT, self.pairs)
        return products_BP


class _PairProducts(torch.autograd.Function):
    """Entries `pairs` of XᵀX: (B, D, T) → (B, P). Autograd's own backward has products with D columns."""

    @staticmethod
    def forward(ctx: Any, x_BDT: Tensor, pairs: Tensor) -> Tensor:
        ctx.save_for_backward(x_BDT, pairs)
        return torch.bmm(x_BDT.transpose(1, 2), x_BDT).flatten(1).index_select(1, pairs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BP: Tensor) -> tuple[Tensor, None]:
        x_BDT, pairs = ctx.saved_tensors
        B, _, T = x_BDT.shape
        grad_BTT = grad_BP.new_zeros(B, T * T).index_copy_(1, pairs, grad_BP).view(B, T, T)
        of_left = torch.bmm(x_BDT, grad_BTT.transpose(1, 2))
        return torch.baddbmm(of_left, x_BDT, grad_BTT), None


class DotInteraction(nn.Module):
    """[z_0 ; all pairs of z_0 and the fields' vectors], z_0 = MLP(x): (B, I) → (B, `out_dim`).

    Args:
        field_dims: embedding width of every field.
        max_tokens: see `FieldVectors`.
        bottom_dims: hidden widths of the MLP, before its layer of the vectors' width.
    """

    def __init__(self, field_dims: Sequence[int], *, max_tokens: int, bottom_dims: Sequence[int]) -> None:
        super().__init__()
        self.vectors = FieldVectors(field_dims, max_tokens=max_tokens)
        self.bottom = mlp(sum(field_dims), (*bottom_dims, self.vectors.dim))
        self.products = PairProducts(1 + self.vectors.num_tokens)
        self.out_dim = self.vectors.dim + self.products.num_pairs

    def forward(self, x_BI: Tensor) -> Tensor:
        z0_BD = self.bottom(x_BI)
        every_BTD = torch.cat([z0_BD.unsqueeze(1), self.vectors(x_BI)], dim=1)
        return torch.cat([z0_BD, self.products(every_BTD.transpose(1, 2))], dim=1)


def second_order(x_BTD: Tensor) -> Tensor:
    """Σ_{i<j} e_i ⊙ e_j: (B, T, D) → (B, D)."""
    return (x_BTD.sum(dim=1).square() - x_BTD.square().sum(dim=1)) / 2
