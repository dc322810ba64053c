"""RankMixer: Scaling Up Ranking Models in Industrial Recommenders (arXiv 2507.15551 v3, CIKM 2025).

    block:   S  = LN(TokenMixing(X) + X)          X ∈ R^{T×D}
             X' = LN(PFFN(S) + S)
    output:  mean over the T tokens of the last block, then one logit per task

Letters: B batch, I flat input width, T tokens, D token width, H heads (H = T), K tasks. Tokens come first
inside (`x_TBD`), so that the per-token products are batched ones without copies.

Our reading where the paper is silent: one projection per token (see `tokenization`); a LayerNorm's scale
and shift are shared by the tokens; weights start as those of `torch.nn.Linear` do; the heads are linear.
The paper never gives the expansion k of the hidden layer: 4 is the usual Transformer's.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rankmixer.mixing import mix
from rankmixer.per_token import PerTokenFFN
from rankmixer.tokenization import Tokenizer


class RankMixer(nn.Module):
    """Dense RankMixer.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        groups: indices of the fields of each semantic group; None: the order of the input.
        num_layers: L, blocks.
        num_tokens: T; at most the number of fields unless `slicing` is ``equal``.
        token_dim: D, a multiple of T.
        hidden_dim: kD, the hidden width of the per-token FFN; None: 4 D.
        norm: ``post`` (the paper's) or ``pre``, which normalises what enters the mixing and the FFN and, once
            more, what leaves the last block.
        slicing: how the input is cut into tokens, see `Tokenizer`.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a D that T does not divide.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        groups: Sequence[Sequence[int]] | None = None,
        num_layers: int = 2,
        num_tokens: int = 8,
        token_dim: int = 64,
        hidden_dim: int | None = None,
        norm: str = "post",
        slicing: str = "fields",
    ) -> None:
        super().__init__()
        if token_dim % num_tokens:
            raise ValueError(f"token_dim is {token_dim}; it must be a multiple of num_tokens, {num_tokens}")
        if norm not in ("post", "pre"):
            raise ValueError(f"norm is '{norm}', allowed: post, pre")
        self.input_dim, self.num_tasks, self.num_layers = sum(field_dims), num_tasks, num_layers
        self.num_tokens, self.token_dim, self.norm = num_tokens, token_dim, norm
        self.hidden_dim = 4 * token_dim if hidden_dim is None else hidden_dim
        self.tokenizer = Tokenizer(
            field_dims, groups, num_tokens=num_tokens, token_dim=token_dim, slicing=slicing
        )
        self.blocks = nn.ModuleList(
            Block(num_tokens, token_dim, self.hidden_dim, norm=norm) for _ in range(num_layers)
        )
        self.final_norm = nn.LayerNorm(token_dim) if norm == "pre" else nn.Identity()
        self.head = nn.Linear(token_dim, num_tasks)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        x_TBD = self.tokenizer(x_BI)
        for block in self.blocks:
            x_TBD = block(x_TBD)
        return self.head(self.final_norm(x_TBD).mean(dim=0))

    def closed_form(self) -> dict[str, int]:
        """Dense parameters and forward FLOPs per example; the blocks have the paper's 2kLTD² and 4kLTD²."""
        I, T, D, L, K = self.input_dim, self.num_tokens, self.token_dim, self.num_layers, self.num_tasks  # noqa: E741
        tokens = I * D + T * D
        norms = L * 2 * 2 * D + (2 * D if self.norm == "pre" else 0)
        ffn = L * T * (2 * D * self.hidden_dim + self.hidden_dim + D)
        return {
            "dense_parameters": tokens + norms + ffn + D * K + K,
            "flops_forward": 2 * I * D + L * T * 4 * D * self.hidden_dim + 2 * D * K,
        }


class Block(nn.Module):
    """Token mixing, then the per-token FFN, each with a residual and a LayerNorm: (T, B, D) → (T, B, D)."""

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int, *, norm: str) -> None:
        super().__init__()
        self.pre_norm = norm == "pre"
        self.mixing_norm = nn.LayerNorm(dim)
        self.ffn = PerTokenFFN(num_tokens, dim, hidden_dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def forward(self, x_TBD: Tensor) -> Tensor:
        T = x_TBD.shape[0]
        if self.pre_norm:
            s_TBD = mix(self.mixing_norm(x_TBD), T) + x_TBD
            return self.ffn(self.ffn_norm(s_TBD)) + s_TBD
        s_TBD = self.mixing_norm(mix(x_TBD, T) + x_TBD)
        return self.ffn_norm(self.ffn(s_TBD) + s_TBD)
