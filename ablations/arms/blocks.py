"""Arms of TokenMixer-Large's Table 5 (arXiv 2602.06563).

Letters: B batch, I flat input width, T tokens, D token width, N hidden width of a SwiGLU.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rankmixer import TokenMixerLarge
from rankmixer.per_token import PerTokenFFN, PerTokenSwiGLU
from rankmixer.tokenization import GroupTokenizer
from rankmixer.tokenmixer_large import Block


class WithoutGlobalToken(TokenMixerLarge):
    """X = [X_1 … X_{T-1}]: the groups' tokens alone, with as many heads as before."""

    def tokens(
        self, field_dims: Sequence[int], groups: Sequence[Sequence[int]] | None, num_tokens: int | None
    ) -> GroupTokenizer:
        tokenizer = super().tokens(field_dims, groups, num_tokens)
        tokenizer.global_mlp = None
        return tokenizer

    closed_form = TokenMixerLarge.closed_form


class WithoutMixing(TokenMixerLarge):
    """X' = X + pSwiGLU_2(Norm(M')), M' = X + pSwiGLU_1(Norm(X)): tokens meet in the mean over them only.

    With H = T the SwiGLUs are as large as before.
    """

    def block(self) -> Block:
        block = super().block()
        block.mixing = block.reverting = nn.Identity()
        return block

    def swiglu_shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        of_tokens = super().swiglu_shapes()[1]
        return of_tokens, of_tokens

    closed_form = TokenMixerLarge.closed_form


class WithoutResidual(TokenMixerLarge):
    """M' = pSwiGLU_1(Norm(M)), X' = pSwiGLU_2(Norm(R)). The residual between blocks stays."""

    def block(self) -> Block:
        block = super().block()
        block.on_mixed.skip = block.on_tokens.skip = False
        return block

    closed_form = TokenMixerLarge.closed_form


class SharedSwiGLU(TokenMixerLarge):
    """One SwiGLU for all tokens, as wide as that of one of them."""

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        return OneForAll(1, dim, hidden, down_init=self.down_init)


class OneForAll(PerTokenSwiGLU):
    """W_down (Swish(W_gate x_t) ⊙ W_up x_t), the same for every token: (T, B, D) → (T, B, D)."""

    def forward(self, x_TBD: Tensor) -> Tensor:
        return super().forward(x_TBD.flatten(0, 1).unsqueeze(0)).view_as(x_TBD)


class PerTokenFFNs(TokenMixerLarge):
    """W2_t GELU(W1_t x_t + b1_t) + b2_t in place of the SwiGLUs, with as small an initialisation of W2."""

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        return PerTokenFFN(tokens, dim, hidden, down_init=self.down_init)
