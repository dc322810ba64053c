"""The arm of TokenMixer-Large's Table 9 (arXiv 2602.06563). Letters: B batch, I flat input width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from baselines.cross import LowRankCross, crossed
from rankmixer import TokenMixerLarge
from rankmixer.tokenization import GroupTokenizer

LAYERS = 2
RANK = 4


class BehindCrossNetwork(TokenMixerLarge):
    """Tokens are made of the crossed input, the rest is as before."""

    def tokens(
        self, field_dims: Sequence[int], groups: Sequence[Sequence[int]] | None, num_tokens: int | None
    ) -> GroupTokenizer:
        tokenizer = super().tokens(field_dims, groups, num_tokens)
        tokenizer.regroup = nn.Sequential(tokenizer.regroup, CrossNetwork(sum(field_dims)))
        return tokenizer


class CrossNetwork(nn.Module):
    """x_{l+1} = x_0 ⊙ (U_l V_lᵀ x_l + b_l) + x_l, DCN V2's (arXiv 2008.13535): (B, I) → (B, I)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(LowRankCross(dim, RANK) for _ in range(LAYERS))

    def forward(self, x0_BI: Tensor) -> Tensor:
        return crossed(self.layers, x0_BI)
