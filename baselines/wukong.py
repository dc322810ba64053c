"""Wukong: Towards a Scaling Law for Large-Scale Recommendation (arXiv 2403.02545, ICML 2024).

    X_{i+1} = LN(Concat(FMB_i(X_i), LCB_i(X_i)) + R_i(X_i))        X_i ∈ R^{n_i×D}
    LCB(X)  = W_L X                                                W_L ∈ R^{n_L×n_i}
    FMB(X)  = MLP(LN(flatten(FM(X)))), cut into n_F tokens
    FM(X)   = X (Xᵀ Y)                                             Y ∈ R^{n_i×k}
    R(X)    = X, or W_R X where the number of tokens changes       W_R ∈ R^{(n_F+n_L)×n_i}
    logits  = W MLP(flatten(X_L)) + b

The static Y is a weight. The attentive Y is computed from X: Y = MLP(flatten(W_Y X)), cut into n_i × k, with
W_Y ∈ R^{c×n_i} and one hidden layer.

Letters: B batch, I flat input width, T tokens, n_i those that enter layer i, D token width, K tasks.

Our reading where the paper is silent: W_L, W_R and W_Y have no bias; the LayerNorm of a layer shares its
scale and shift among the tokens; an MLP ends linearly (no ReLU) where tokens or Y come out; the head's MLP
has the hidden widths of the FMB's. The paper feeds embeddings as they are and groups minor features: here
every field, and beyond `max_tokens` fields every run of them, is projected (see `tokens.FieldTokens`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.mlp import mlp
from baselines.tokens import FieldTokens, TokenMap, require_positive


class Wukong(nn.Module):
    """Stacked factorization machines.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: most tokens the fields become.
        token_dim: D.
        num_layers: l.
        num_fmb_tokens: n_F.
        num_lcb_tokens: n_L.
        projection_rank: k.
        num_hidden: hidden layers of every FMB's MLP and of the head's.
        hidden_dim: their width.
        projection: what makes Y, ``static`` or ``attentive``.
        num_compressed: c of the attentive Y.
        projection_hidden_dim: hidden width of the MLP of the attentive Y.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a width below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        token_dim: int = 16,
        num_layers: int = 4,
        num_fmb_tokens: int = 8,
        num_lcb_tokens: int = 8,
        projection_rank: int = 8,
        num_hidden: int = 2,
        hidden_dim: int = 64,
        projection: str = "static",
        num_compressed: int = 8,
        projection_hidden_dim: int = 32,
    ) -> None:
        super().__init__()
        require_positive(
            {
                "num_layers": num_layers,
                "num_fmb_tokens": num_fmb_tokens,
                "num_lcb_tokens": num_lcb_tokens,
                "projection_rank": projection_rank,
                "num_hidden": num_hidden,
                "hidden_dim": hidden_dim,
                "num_compressed": num_compressed,
                "projection_hidden_dim": projection_hidden_dim,
            }
        )
        if projection not in ("static", "attentive"):
            raise ValueError(f"projection is '{projection}', allowed: static, attentive")
        hidden_dims = (hidden_dim,) * num_hidden
        self.tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        self.layers = nn.ModuleList()
        num_tokens = self.tokens.num_tokens
        for _ in range(num_layers):
            y: StaticProjection | AttentiveProjection
            if projection == "static":
                y = StaticProjection(num_tokens, token_dim, projection_rank)
            else:
                y = AttentiveProjection(
                    num_tokens, token_dim, projection_rank, num_compressed, projection_hidden_dim
                )
            layer = WukongLayer(y, num_tokens, num_fmb_tokens, num_lcb_tokens, token_dim, hidden_dims)
            self.layers.append(layer)
            num_tokens = num_fmb_tokens + num_lcb_tokens
        self.mlp = mlp(num_tokens * token_dim, hidden_dims)
        self.head = nn.Linear(hidden_dim, num_tasks)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        x_BTD = self.tokens(x_BI)
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return self.head(self.mlp(x_BTD.flatten(1)))


class WukongLayer(nn.Module):
    """LN(Concat(FMB(X), LCB(X)) + R(X)): (B, n, D) → (B, n_F + n_L, D)."""

    def __init__(
        self,
        projection: StaticProjection | AttentiveProjection,
        in_tokens: int,
        fmb_tokens: int,
        lcb_tokens: int,
        dim: int,
        hidden_dims: Sequence[int],
    ) -> None:
        super().__init__()
        self.projection = projection
        fm_dim, fmb_dim = in_tokens * projection.rank, fmb_tokens * dim
        self.fm_norm = nn.LayerNorm(fm_dim)
        self.mlp = nn.Sequential(
            mlp(fm_dim, hidden_dims),
            nn.Linear(hidden_dims[-1], fmb_dim),
            nn.Unflatten(1, (fmb_tokens, dim)),
        )
        self.lcb = TokenMap(in_tokens, lcb_tokens)
        out_tokens = fmb_tokens + lcb_tokens
        same = in_tokens == out_tokens
        self.residual = nn.Identity() if same else TokenMap(in_tokens, out_tokens)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x_BTD: Tensor) -> Tensor:
        fm_BTk = torch.bmm(x_BTD, self.projection(x_BTD))
        fmb_BTD = self.mlp(self.fm_norm(fm_BTk.flatten(1)))
        return self.norm(torch.cat([fmb_BTD, self.lcb(x_BTD)], dim=1) + self.residual(x_BTD))


class StaticProjection(nn.Module):
    """Xᵀ Y with a weight Y: (B, n, D) → (B, D, k), k = `rank`."""

    def __init__(self, in_tokens: int, dim: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.y = nn.Linear(in_tokens, rank, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.y(x_BTD.transpose(1, 2))


class AttentiveProjection(nn.Module):
    """Xᵀ Y with Y = MLP(flatten(W_Y X)), W_Y ∈ R^{c×n}: (B, n, D) → (B, D, k), k = `rank`."""

    def __init__(self, in_tokens: int, dim: int, rank: int, num_compressed: int, hidden_dim: int) -> None:
        super().__init__()
        self.rank = rank
        y_dim = in_tokens * rank
        self.compress = TokenMap(in_tokens, num_compressed)
        self.mlp = nn.Sequential(
            mlp(num_compressed * dim, (hidden_dim,)),
            nn.Linear(hidden_dim, y_dim),
            nn.Unflatten(1, (in_tokens, rank)),
        )

    def forward(self, x_BTD: Tensor) -> Tensor:
        y_BTk = self.mlp(self.compress(x_BTD).flatten(1))
        return torch.bmm(x_BTD.transpose(1, 2), y_BTk)
