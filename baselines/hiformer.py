"""Hiformer: Heterogeneous Feature Interactions Learning with Transformers (arXiv 2311.05884).

    block:   S  = LN(X + MultiHead(X))                             X ∈ R^{T×D}: fields, then task tokens
             X' = LN(S + FFN(S)),   FFN(s_t) = W2_t GELU(W1_t s_t + b1_t) + b2_t
    head:    O_t = W_t Concat_h(Σ_j softmax_j(⟨q_t^h, k_j^h⟩ / √d_k) v_j^h)
    heterogeneous   k_j^h = x_j K_j^h                              K_j^h ∈ R^{D×d_k}, q and v alike
    composite       [k_1, …, k_T] = flatten(X) L_k R_kᵀ            L_k ∈ R^{TD×r_k}, R_k ∈ R^{T·H·d_k×r_k};
                                                                   q with r_k, v with r_v alike
    logits   of task k: a linear map of its task tokens in the last block

The composite projection (Hiformer proper) lets every token's query, key and value see all tokens; the ranks
r_k and r_v are shared by all heads. In the last block only the task tokens are queries and only they go
on to its FFN, since nothing else is read.

Letters: B batch, I flat input width, T tokens, Q those that are queries, D token width, H heads, K tasks.
Inside, tokens come first and rows last (`x_TDB`): the per-token products are batched ones without copies and
run along the rows, as D is narrow; flatten(X) is a view.

Our reading where the paper is silent: residuals and LayerNorms stand as in the original Transformer (norms
behind), a LayerNorm's scale and shift are shared by the tokens; projections have no bias; ranks are those of
all heads together, with which alone the paper's own sizes agree; task tokens start small, so that what they
attend to outweighs them; weights start as dense layers of TensorFlow, Google's own, do: Glorot uniform with
zero biases; a linear map reads a task's own token. Numeric features are fields like any other.
Every field, and beyond `max_tokens` fields every run of them, is projected (see `tokens.FieldTokens`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.attention import add_norm, attend
from baselines.initialisation import initialise, require_known
from baselines.tokens import FieldTokens, PerTokenLinear, require_positive


class Hiformer(nn.Module):
    """Transformer with token-wise weights and composite projections.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: most tokens the fields become.
        tokens_per_task: learned tokens of each task.
        token_dim: D.
        num_layers: blocks.
        projection: ``composite`` (Hiformer) or ``heterogeneous``.
        num_heads: H.
        key_dim: d_k of each head.
        value_dim: d_v of each head.
        key_rank: r_k, of queries and keys; for the composite projection.
        value_rank: r_v; for the composite projection.
        hidden_dim: d_f, hidden width of the FFN.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a width below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        tokens_per_task: int = 1,
        token_dim: int = 16,
        num_layers: int = 2,
        projection: str = "composite",
        num_heads: int = 4,
        key_dim: int = 4,
        value_dim: int = 8,
        key_rank: int = 16,
        value_rank: int = 128,
        hidden_dim: int = 64,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive(
            {
                "tokens_per_task": tokens_per_task,
                "num_layers": num_layers,
                "num_heads": num_heads,
                "key_dim": key_dim,
                "value_dim": value_dim,
                "key_rank": key_rank,
                "value_rank": value_rank,
                "hidden_dim": hidden_dim,
            }
        )
        require_known(initialisation)
        if projection not in ("composite", "heterogeneous"):
            raise ValueError(f"projection is '{projection}', allowed: composite, heterogeneous")
        self.num_tasks = num_tasks
        self.tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        num_task_tokens = num_tasks * tokens_per_task
        num_tokens = self.tokens.num_tokens + num_task_tokens

        def project(queries: int, head_dim: int, rank: int) -> CompositeProjection | HeterogeneousProjection:
            if projection == "composite":
                return CompositeProjection(num_tokens, queries, token_dim, num_heads, head_dim, rank)
            return HeterogeneousProjection(queries, token_dim, num_heads, head_dim)

        self.blocks = nn.ModuleList()
        for i in range(num_layers):
            queries = num_tokens if i < num_layers - 1 else num_task_tokens
            block = Block(
                project(queries, key_dim, key_rank),
                project(num_tokens, key_dim, key_rank),
                project(num_tokens, value_dim, value_rank),
                token_dim,
                hidden_dim,
            )
            self.blocks.append(block)
        self.head = PerTokenLinear(num_tasks, tokens_per_task * token_dim, 1)
        initialise(self, initialisation)
        self.task_tokens = nn.Parameter(0.02 * torch.randn(num_task_tokens, 1, token_dim))

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        fields_TDB = self.tokens(x_BI).permute(1, 2, 0)
        x_TDB = torch.cat([fields_TDB, self.task_tokens.transpose(1, 2).expand(-1, -1, x_BI.shape[0])])
        for block in self.blocks:
            x_TDB = block(x_TDB)
        own_KIB = x_TDB.unflatten(0, (self.num_tasks, -1)).flatten(1, 2)
        return self.head.rows_last(own_KIB).squeeze(1).t()


class CompositeProjection(nn.Module):
    """flatten(X) L Rᵀ, cut into Q tokens and H heads: (T, D, B) → (B · H, `head_dim`, Q)."""

    def __init__(
        self, num_tokens: int, num_queries: int, dim: int, num_heads: int, head_dim: int, rank: int
    ) -> None:
        super().__init__()
        self.num_queries, self.num_heads, self.head_dim = num_queries, num_heads, head_dim
        self.left = nn.Linear(num_tokens * dim, rank, bias=False)
        self.right = nn.Linear(rank, num_queries * num_heads * head_dim, bias=False)

    def forward(self, x_TDB: Tensor) -> Tensor:
        low_rB = self.left.weight @ x_TDB.flatten(0, 1)
        # The rows of R_k come token by token; those of the result, feature by feature.
        right_QOr = self.right.weight.unflatten(0, (self.num_queries, -1))
        projected = F.linear(low_rB.t(), right_QOr.transpose(0, 1).flatten(0, 1))
        return projected.unflatten(1, (self.num_heads, self.head_dim, self.num_queries)).flatten(0, 1)


class HeterogeneousProjection(nn.Module):
    """x_t W_t of the last Q tokens, cut into H heads: (T, D, B) → (B · H, `head_dim`, Q)."""

    def __init__(self, num_queries: int, dim: int, num_heads: int, head_dim: int) -> None:
        super().__init__()
        self.num_queries, self.num_heads, self.head_dim = num_queries, num_heads, head_dim
        self.linear = PerTokenLinear(num_queries, dim, num_heads * head_dim, bias=False)

    def forward(self, x_TDB: Tensor) -> Tensor:
        out_QOB = self.linear.rows_last(x_TDB[-self.num_queries :])
        return out_QOB.permute(2, 1, 0).unflatten(1, (self.num_heads, self.head_dim)).flatten(0, 1)


class Block(nn.Module):
    """Attention of the last Q tokens to all, then their FFN: (T, D, B) → (Q, D, B)."""

    def __init__(
        self,
        query: CompositeProjection | HeterogeneousProjection,
        key: CompositeProjection | HeterogeneousProjection,
        value: CompositeProjection | HeterogeneousProjection,
        dim: int,
        hidden_dim: int,
    ) -> None:
        super().__init__()
        Q, H = query.num_queries, query.num_heads
        self.num_queries, self.num_heads = Q, H
        self.query, self.key, self.value = query, key, value
        self.out = PerTokenLinear(Q, H * value.head_dim, dim, bias=False)
        self.attention_norm = nn.LayerNorm(dim)
        self.up = PerTokenLinear(Q, dim, hidden_dim)
        self.down = PerTokenLinear(Q, hidden_dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def forward(self, x_TDB: Tensor) -> Tensor:
        attended_QDB = self.out.rows_last(self._attend(x_TDB))
        s_QDB = add_norm([attended_QDB], x_TDB[-self.num_queries :], self.attention_norm, dim=1, along=0)
        ffn_QDB = self.down.rows_last(F.gelu(self.up.rows_last(s_QDB)))
        return add_norm([ffn_QDB], s_QDB, self.ffn_norm, dim=1, along=0)

    def _attend(self, x_TDB: Tensor) -> Tensor:
        """(T, D, B) → (Q, H · d_v, B), the heads side by side."""
        q, k, v = self.query(x_TDB), self.key(x_TDB), self.value(x_TDB)
        sums_BIQ = attend(q * q.shape[1] ** -0.5, k, v).unflatten(0, (-1, self.num_heads)).flatten(1, 2)
        return sums_BIQ.permute(2, 1, 0).contiguous()
