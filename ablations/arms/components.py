"""Arms of RankMixer's Table 2 (arXiv 2507.15551). Letters: T tokens, B batch, D token width."""

from __future__ import annotations

from torch import Tensor, nn

from rankmixer.mixing import TokenMixing
from rankmixer.per_token import PerTokenFFN
from rankmixer.rankmixer import Block, RankMixer


class WithoutSkip(RankMixer):
    """S = LN(TokenMixing(X)), X' = LN(PFFN(S))."""

    def block(self) -> nn.Module:
        ffn = PerTokenFFN(self.num_tokens, self.token_dim, self.hidden_dim)
        return Block(TokenMixing(), ffn, self.token_dim, norm=self.norm, skip=False)


class WithoutMixing(RankMixer):
    """S = LN(X + X): each token meets the others in the mean over the tokens only."""

    def block(self) -> nn.Module:
        block = super().block()
        block.mixing = nn.Identity()
        return block


class SharedFFN(RankMixer):
    """X' = LN(FFN(S) + S): one FFN for all tokens, as wide as that of one of them."""

    def block(self) -> nn.Module:
        block = super().block()
        block.ffn = OneForAll(self.token_dim, self.hidden_dim)
        return block


class OneForAll(PerTokenFFN):
    """W2 · GELU(W1 s_t + b1) + b2, the same for every token: (T, B, D) → (T, B, D)."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__(1, dim, hidden_dim)

    def forward(self, s_TBD: Tensor) -> Tensor:
        return super().forward(s_TBD.flatten(0, 1).unsqueeze(0)).view_as(s_TBD)
