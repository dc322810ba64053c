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
Inside, tokens come last (`x_BDT`): a map over them is a plain linear layer, and FM(X)ᵀ = (Xᵀ Y)ᵀ Xᵀ has
wide rows. Weights that the paper's order flattens, tokens first, are reordered to match, not the data.

Our reading where the paper is silent: W_L, W_R and W_Y have no bias; the LayerNorm of a layer shares its
scale and shift among the tokens; an MLP ends linearly (no ReLU) where tokens or Y come out; the head's MLP
has the hidden widths of the FMB's. The paper feeds embeddings as they are and groups minor features: here
every field, and beyond `max_tokens` fields every run of them, is projected (see `tokens.FieldTokens`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.attention import add_norm
from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp
from baselines.tokens import FieldTokens, TokenMap, by_rows, require_positive, swap_pairs

ROWS_AT_A_TIME = 512
"""Measured best, of powers of two, with 80 tokens of width 16 and 1 MiB of second-level cache."""


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
        initialisation: ``glorot`` or ``torch``, see `initialisation`; the paper does not say.

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
        initialisation: str = "glorot",
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
        require_known(initialisation)
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
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return by_rows(self._logits, x_BI, ROWS_AT_A_TIME)

    def _logits(self, x_BI: Tensor) -> Tensor:
        x_BDT = self.tokens(x_BI).transpose(1, 2).contiguous()
        for layer in self.layers:
            x_BDT = layer(x_BDT)
        return self.head(_tokens_last(self.mlp, x_BDT.flatten(1), x_BDT.shape[1]))


def _tokens_last(layers: nn.Module, x_BI: Tensor, inner: int) -> Tensor:
    """An MLP made for pairs with the token first and `inner` second, of pairs with the token second."""
    assert isinstance(layers, nn.Sequential)
    first = layers[0]
    assert isinstance(first, nn.Linear)
    hidden: Tensor = layers[1:](F.linear(x_BI, swap_pairs(first.weight, 1, inner), first.bias))
    return hidden


class WukongLayer(nn.Module):
    """LN(Concat(FMB(X), LCB(X)) + R(X)): (B, D, n) → (B, D, n_F + n_L)."""

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
        )
        self.lcb = TokenMap(in_tokens, lcb_tokens)
        out_tokens = fmb_tokens + lcb_tokens
        same = in_tokens == out_tokens
        self.residual = nn.Identity() if same else TokenMap(in_tokens, out_tokens)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x_BDT: Tensor) -> Tensor:
        parts = [self._fmb(x_BDT), self.lcb.tokens_last(x_BDT)]
        residual_BDT = self.residual.tokens_last(x_BDT) if isinstance(self.residual, TokenMap) else x_BDT
        return add_norm(parts, residual_BDT, self.norm, dim=1, along=2)

    def _fmb(self, x_BDT: Tensor) -> Tensor:
        """MLP(LN(flatten(FM(X)))): (B, D, n) → (B, D, n_F)."""
        D, k = x_BDT.shape[1], self.projection.rank
        norm, last = self.fm_norm, self.mlp[1]
        assert isinstance(last, nn.Linear)
        fm_BkT = torch.bmm(self.projection(x_BDT), x_BDT)
        scale_kT, shift_kT = norm.weight.view(-1, k).t(), norm.bias.view(-1, k).t()
        fm_BkT = F.layer_norm(fm_BkT, scale_kT.shape, scale_kT, shift_kT, norm.eps)
        hidden = _tokens_last(self.mlp[0], fm_BkT.flatten(1), k)
        fmb = F.linear(hidden, swap_pairs(last.weight, 0, D), swap_pairs(last.bias, 0, D))
        return fmb.unflatten(1, (D, -1))


class StaticProjection(nn.Module):
    """(Xᵀ Y)ᵀ with a weight Y: (B, D, n) → (B, k, D), k = `rank`."""

    def __init__(self, in_tokens: int, dim: int, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.y = nn.Linear(in_tokens, rank, bias=False)

    def forward(self, x_BDT: Tensor) -> Tensor:
        return self.y(x_BDT).transpose(1, 2)


class AttentiveProjection(nn.Module):
    """(Xᵀ Y)ᵀ with Y = MLP(flatten(W_Y X)), W_Y ∈ R^{c×n}: (B, D, n) → (B, k, D), k = `rank`."""

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

    def forward(self, x_BDT: Tensor) -> Tensor:
        y_BTk = self.mlp(self.compress.tokens_last(x_BDT).transpose(1, 2).flatten(1))
        return torch.bmm(y_BTk.transpose(1, 2), x_BDT.transpose(1, 2))
