"""RankMixer: Scaling Up Ranking Models in Industrial Recommenders (arXiv 2507.15551 v3, CIKM 2025).

    block:   S  = LN(TokenMixing(X) + X)          X ∈ R^{T×D}
             X' = LN(PFFN(S) + S)
    output:  mean over the T tokens of the last block, then one logit per task

Letters: B batch, I flat input width, T tokens, D token width, H heads (H = T), K tasks. Tokens come first
inside (`x_TBD`), so that the per-token products are batched ones without copies.

Our reading where the paper is silent: one projection per token (see `tokenization`); a LayerNorm's scale
and shift are shared by the tokens; the heads are linear. The paper never gives the expansion k of the hidden
layer: 4 is the usual Transformer's. Nor does it say how weights start (see `initialisation`).

To try another block, override `RankMixer.block`; the arms in `ablations/arms` do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from rankmixer.initialisation import initialise
from rankmixer.mixing import TokenMixing
from rankmixer.per_token import PerTokenFFN
from rankmixer.tokenization import Tokenizer

NORMS = ("post", "pre", "none")


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
        norm: ``post`` (the paper's), ``pre``, which normalises what enters the mixing and the FFN and, once
            more, what leaves the last block, or ``none``.
        slicing: how the input is cut into tokens, see `Tokenizer`.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

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
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        if token_dim % num_tokens:
            raise ValueError(f"token_dim is {token_dim}; it must be a multiple of num_tokens, {num_tokens}")
        if norm not in NORMS:
            raise ValueError(f"norm is '{norm}', allowed: {', '.join(NORMS)}")
        self.num_tokens, self.token_dim, self.norm = num_tokens, token_dim, norm
        self.hidden_dim = 4 * token_dim if hidden_dim is None else hidden_dim
        self.tokenizer = Tokenizer(
            field_dims, groups, num_tokens=num_tokens, token_dim=token_dim, slicing=slicing
        )
        self.blocks = nn.ModuleList(self.block() for _ in range(num_layers))
        self.final_norm = nn.LayerNorm(token_dim) if norm == "pre" else nn.Identity()
        self.head = nn.Linear(token_dim, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        x_TBD = self.tokenizer(x_BI)
        for block in self.blocks:
            x_TBD = block(x_TBD)
        return self.head(self.final_norm(x_TBD).mean(dim=0))

    def block(self) -> nn.Module:
        """A fresh block, (T, B, D) → (T, B, D): the one place to override for another.

        It may be a `Block` of other pieces. `num_tokens`, `token_dim`, `hidden_dim` and `norm` are set.
        """
        ffn = PerTokenFFN(self.num_tokens, self.token_dim, self.hidden_dim)
        return Block(TokenMixing(), ffn, self.token_dim, norm=self.norm)


class Block(nn.Module):
    """Mixing, then an FFN, each with a residual and a LayerNorm: (T, B, D) → (T, B, D).

    Args:
        mixing: what carries information between the tokens, (T, B, D) → (T, B, D).
        ffn: what works on each token, (T, B, D) → (T, B, D).
        dim: D.
        norm: ``post`` LN(f(x) + x), ``pre`` f(LN(x)) + x or ``none`` f(x) + x.
        skip: whether there are residuals, the + x above.
    """

    def __init__(
        self, mixing: nn.Module, ffn: nn.Module, dim: int, *, norm: str = "post", skip: bool = True
    ) -> None:
        super().__init__()
        self.norm, self.skip = norm, skip
        self.mixing = mixing
        self.mixing_norm = _layer_norm(dim, norm)
        self.ffn = ffn
        self.ffn_norm = _layer_norm(dim, norm)

    def forward(self, x_TBD: Tensor, ffn: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """`ffn` may take the place of the block's own, to lead through it another way."""
        s_TBD = self._around(self.mixing, self.mixing_norm, x_TBD)
        return self._around(self.ffn if ffn is None else ffn, self.ffn_norm, s_TBD)

    def _around(self, layer: Callable[[Tensor], Tensor], norm: nn.Module, x_TBD: Tensor) -> Tensor:
        y_TBD = layer(norm(x_TBD) if self.norm == "pre" else x_TBD)
        if self.skip:
            y_TBD = x_TBD + y_TBD
        return norm(y_TBD) if self.norm == "post" else y_TBD


def _layer_norm(dim: int, norm: str) -> nn.Module:
    return nn.Identity() if norm == "none" else nn.LayerNorm(dim)
