"""Residual DCN, the cross network with attention of LiRank (arXiv 2402.06859, KDD 2024, section 3.3).

    plain      x_{l+1} = x_0 ⊙ (U Vᵀ x_l + b) + x_l                                      U, V ∈ R^{I×R}
    attention  v = V_vᵀ x_l,   q = V_qᵀ x_l,   k = V_kᵀ x_l                              in R^R, read as T
               A = softmax_rows(Q Kᵀ / (τ √W)) ∈ R^{T×T}                                 tokens of W = R/T
               c = U_a (A v + v)                                                         + v: inner skip
    layer      x_{l+1} = x_0 ⊙ (U Vᵀ x_l + c + b) + x_l                                  + x_l: outer skip
    logits     head([x_L ; MLP(x_0)])

Letters: B batch, I flat input width, R rank, T score tokens, W their width, K tasks.

The paper has a figure and no equation. Its text fixes that the low-rank map is copied three times, that a
scaled-dot-product score matrix stands between the two low-rank maps, that it has a temperature, that with an
identity score matrix the plain cross net remains, that a skip connection helps, and that a plain low-rank
cross net runs in parallel. Our reading of the rest:

- The skip connection is the inner one, from v around the scores; a cross layer has the outer one anyway.
  Without it, identity scores give the plain cross net exactly; with it, that of 2 U_a.
- The parallel net shares x_0 and x_l with the attention, layer by layer, and the two biases, which would only
  ever be seen as their sum, are one.
- The score matrix relates T tokens, the equal parts of the R-vectors. T = R is the R×R matrix over single
  numbers; its logits are an outer product, which softmax cannot make an identity, and it takes R² numbers per
  example (0.4 MB at R = 312). T = 1 is the identity.
- The deep part is DCNv2's, in parallel (arXiv 2008.13535), of equal widths.
- Weights start as TensorFlow's dense layers do, Glorot uniform with zero biases: LiRank's models are trained
  in TensorFlow, and the paper says no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.cross import crossed
from baselines.initialisation import FusedLinear, initialise, require_known
from baselines.mlp import mlp
from baselines.tokens import require_positive


class RDCN(nn.Module):
    """Low-rank cross layers with attention, and an MLP beside them.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        num_cross_layers: cross layers; the paper found 2 enough.
        rank: R.
        num_score_tokens: T, a divisor of R; R itself for scores between single numbers.
        temperature: τ, above 0; higher is nearer to an even average.
        inner_skip: whether v goes around the scores.
        num_hidden_layers: hidden layers of the MLP.
        hidden_dim: their width.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: R or T is below 1, T does not divide R, or τ is not above 0.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        num_cross_layers: int = 2,
        rank: int = 64,
        num_score_tokens: int = 8,
        temperature: float = 1.0,
        inner_skip: bool = True,
        num_hidden_layers: int = 2,
        hidden_dim: int = 256,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive({"rank": rank, "num_score_tokens": num_score_tokens})
        if rank % num_score_tokens:
            raise ValueError(f"num_score_tokens is {num_score_tokens}; it must divide rank, {rank}")
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; it must be above 0")
        require_known(initialisation)
        input_dim, hidden_dims = sum(field_dims), (hidden_dim,) * num_hidden_layers
        self.cross_layers = nn.ModuleList(
            AttentionCross(input_dim, rank, num_score_tokens, temperature=temperature, inner_skip=inner_skip)
            for _ in range(num_cross_layers)
        )
        self.mlp = mlp(input_dim, hidden_dims)
        self.head = nn.Linear(input_dim + [input_dim, *hidden_dims][-1], num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return self.head(torch.cat([crossed(self.cross_layers, x_BI), self.mlp(x_BI)], dim=1))


class AttentionCross(nn.Module):
    """x_0 ⊙ (U Vᵀ x + U_a (A v + v) + b) + x.

    `down` holds V, V_v, V_q, V_k one above the other, `up` holds U and U_a side by side with b, so that the
    four maps to R-vectors are one matrix product and the two back another.
    """

    def __init__(self, dim: int, rank: int, num_tokens: int, *, temperature: float, inner_skip: bool) -> None:
        super().__init__()
        self.rank, self.num_tokens, self.inner_skip = rank, num_tokens, inner_skip
        self.score_scale = 1 / (temperature * math.sqrt(rank // num_tokens))
        self.down = FusedLinear(dim, 4 * rank, outputs=4, bias=False)
        self.up = FusedLinear(2 * rank, dim, inputs=2)

    def forward(self, x0_BI: Tensor, x_BI: Tensor) -> Tensor:
        plain_BR, v_BR, q_BR, k_BR = self.down(x_BI).split(self.rank, dim=1)
        v_BTW, q_BTW, k_BTW = (part.unflatten(1, (self.num_tokens, -1)) for part in (v_BR, q_BR, k_BR))
        scores_BTT = torch.softmax(self.score_scale * torch.bmm(q_BTW, k_BTW.transpose(1, 2)), dim=2)
        attended_BR = torch.bmm(scores_BTT, v_BTW).flatten(1)
        if self.inner_skip:
            attended_BR = attended_BR + v_BR
        return torch.addcmul(x_BI, x0_BI, self.up(torch.cat([plain_BR, attended_BR], dim=1)))
