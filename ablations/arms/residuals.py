"""Arms of TokenMixer-Large's Table 3 (arXiv 2602.06563): RankMixer and a Group Transformer.

    S  = LN(Mix(X) [+ X])       in brackets the original-token residual
    X' = LN(PFFN(S) [+ S])      in brackets the standard residual

Letters: B batch, T tokens, D token width.
"""

from __future__ import annotations

from torch import Tensor, nn

from ablations.arms.routing import SelfAttention
from rankmixer import RankMixer
from rankmixer.mixing import TokenMixing
from rankmixer.per_token import PerTokenFFN
from rankmixer.rankmixer import Block


class Switched(RankMixer):
    """RankMixer with each residual on or off."""

    original_token = standard = True

    def mixing(self) -> nn.Module:
        return TokenMixing()

    def block(self) -> Block:
        if self.norm == "pre":
            raise ValueError("norm is 'pre'; with a residual on or off it must be: post, none")
        mixing, ffn = self.mixing(), PerTokenFFN(self.num_tokens, self.token_dim, self.hidden_dim)
        return Block(
            Plus(mixing) if self.original_token else mixing,
            Plus(ffn) if self.standard else ffn,
            self.token_dim,
            norm=self.norm,
            skip=False,
        )


class Plus(nn.Module):
    """f(x) + x."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layer(x)


class RankMixerWithoutOriginalToken(Switched):
    original_token = False


class RankMixerWithoutStandard(Switched):
    standard = False


class RankMixerWithoutBoth(Switched):
    original_token = standard = False


class GroupTransformer(Switched):
    """RankMixer with self-attention between the tokens in place of their mixing."""

    def mixing(self) -> nn.Module:
        return SelfAttention(self.token_dim)


class GroupTransformerWithoutOriginalToken(GroupTransformer):
    original_token = False


class GroupTransformerWithoutStandard(GroupTransformer):
    standard = False


class GroupTransformerWithoutBoth(GroupTransformer):
    original_token = standard = False
