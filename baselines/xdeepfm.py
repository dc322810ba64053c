"""xDeepFM: Combining Explicit and Implicit Feature Interactions (arXiv 1803.05170, KDD 2018).

    CIN      x^k_h  = Σ_i Σ_j W^k_{h,ij} (x^{k−1}_i ⊙ x^0_j) ∈ R^D     h = 1 … H, i = 1 … H_{k−1}, j = 1 … T
             p^k_h  = Σ_d x^k_{h,d}                                   x^0 the fields' vectors, H_0 = T
    logits = linear(ids) + W [p^1 ; … ; p^L] + W MLP(x) + b

Letters: B batch, I flat input width, T vectors, D their width, H feature maps of a layer, L layers of the
CIN, N rows times D, K tasks. The linear part over the raw ids, a table of one number per id and task, is
added by the harness. The CIN has no activation, which the paper found best on its data, and no bias.

The outer products x^{k−1} ⊙ x^0 of a batch are B × D × H × T numbers, which is what other implementations
run out of memory with. Here they are made for a few of the N rows at a time and forgotten; backward makes
them again. What is kept for backward is the maps alone.

Weights: the authors' code (Leavingseason/xDeepFM) draws all of them from a normal cut at two deviations, of
one deviation for all widths that its configuration sets, and the paper says nothing; so they are open here.
In that code half of a layer's maps go to the next layer and the other half to the logit; here all go to both,
as in the paper's equations.
Where we differ: beyond `max_tokens` fields neighbours share a vector, as the first layer has H T² weights;
fields of unequal widths are mapped to the widest (see `products.FieldVectors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import FieldVectors
from baselines.tokens import require_positive

FLOATS_AT_A_TIME = {"cpu": 1 << 18, "other": 1 << 26}
"""Of the outer products: on a CPU what a core's second-level cache holds, elsewhere what keeps it busy."""


class XDeepFM(nn.Module):
    """A compressed interaction network and an MLP on the same embeddings.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most vectors; up to as many fields, every field is one.
        num_cin_layers: L.
        num_maps: H, in every layer of the CIN.
        hidden_dims: widths of the MLP.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        num_cin_layers: int = 2,
        num_maps: int = 100,
        hidden_dims: Sequence[int] = (400, 400),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive({"num_cin_layers": num_cin_layers, "num_maps": num_maps})
        require_known(initialisation)
        self.vectors = FieldVectors(field_dims, max_tokens=max_tokens)
        num_vectors = self.vectors.num_tokens
        self.cin = nn.ModuleList(
            nn.Linear(maps * num_vectors, num_maps, bias=False)
            for maps in [num_vectors, *[num_maps] * (num_cin_layers - 1)]
        )
        self.cin_head = nn.Linear(num_cin_layers * num_maps, num_tasks, bias=False)
        self.deep = mlp_with_head(sum(field_dims), hidden_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits without their linear part (B, K)."""
        x0_BDT = self.vectors(x_BI).transpose(1, 2)
        B, D, _ = x0_BDT.shape
        x0_NT = x0_BDT.flatten(0, 1)
        maps_NH, pooled = x0_NT, []
        for layer in self.cin:
            maps_NH = _Compressed.apply(maps_NH, x0_NT, layer.weight)
            pooled.append(maps_NH.unflatten(0, (B, D)).sum(dim=1))
        logits_BK: Tensor = self.cin_head(torch.cat(pooled, dim=1)) + self.deep(x_BI)
        return logits_BK


class _Compressed(torch.autograd.Function):
    """W vec(x ⊗ x^0) of every row: (N, G), (N, T) → (N, H), W ∈ R^{H×GT}."""

    @staticmethod
    def forward(ctx: Any, x_NG: Tensor, x0_NT: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x_NG, x0_NT, weight)
        out_NH = x_NG.new_empty(len(x_NG), len(weight))
        for rows, outer in _outer_products(x_NG, x0_NT):
            out_NH[rows] = outer @ weight.t()
        return out_NH

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NH: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x_NG, x0_NT, weight = ctx.saved_tensors
        of_x, of_x0, of_weight = torch.empty_like(x_NG), torch.empty_like(x0_NT), torch.zeros_like(weight)
        for rows, outer in _outer_products(x_NG, x0_NT):
            torch.addmm(of_weight, grad_NH[rows].t(), outer, out=of_weight)
            of_outer = (grad_NH[rows] @ weight).view(-1, x_NG.shape[1], x0_NT.shape[1])
            of_x[rows] = (of_outer * x0_NT[rows].unsqueeze(1)).sum(dim=2)
            of_x0[rows] = (of_outer * x_NG[rows].unsqueeze(2)).sum(dim=1)
        return of_x, of_x0, of_weight


def _outer_products(x_NG: Tensor, x0_NT: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Some of the N rows, and their outer products (n, G T): all rows, part by part."""
    floats = FLOATS_AT_A_TIME["cpu" if x_NG.device.type == "cpu" else "other"]
    num_rows = max(1, floats // (x_NG.shape[1] * x0_NT.shape[1]))
    for start in range(0, len(x_NG), num_rows):
        rows = slice(start, start + num_rows)
        yield rows, (x_NG[rows].unsqueeze(2) * x0_NT[rows].unsqueeze(1)).flatten(1)
