"""Arms of RankMixer's Table 3 (arXiv 2507.15551): other ways from the tokens to the FFNs than token mixing.

Letters: T tokens, B batch, D token width, N hidden width of the base's FFN of one token, H heads.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rankmixer import RankMixer
from rankmixer.per_token import PerTokenLinear
from rankmixer.tokenization import equal_slices


class AllConcat(RankMixer):
    """Tokens joined to one vector, one MLP for it, and its output split into tokens again."""

    def block(self) -> nn.Module:
        block = super().block()
        block.mixing, block.ffn = nn.Identity(), ConcatMLP(self.num_tokens, self.token_dim, self.hidden_dim)
        return block


class AllShare(RankMixer):
    """Every token's FFN sees all tokens."""

    def block(self) -> nn.Module:
        block = super().block()
        block.mixing, block.ffn = nn.Identity(), SharedInput(self.num_tokens, self.token_dim, self.hidden_dim)
        return block


class BySelfAttention(RankMixer):
    """S = LN(SelfAttention(X) + X)."""

    def block(self) -> nn.Module:
        block = super().block()
        block.mixing = SelfAttention(self.token_dim)
        return block


class ConcatMLP(nn.Sequential):
    """T D → T D with a hidden layer, as large as T FFNs D → N → D. (T, B, D) → (T, B, D)."""

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int) -> None:
        joined = num_tokens * dim
        width = max(1, round(num_tokens * hidden_dim * (2 * dim + 1) / (2 * joined + 1)))
        super().__init__(nn.Linear(joined, width), nn.GELU(), nn.Linear(width, joined))

    def forward(self, s_TBD: Tensor) -> Tensor:
        joined_BJ = super().forward(s_TBD.transpose(0, 1).flatten(1))
        return joined_BJ.unflatten(1, (len(s_TBD), -1)).transpose(0, 1)


class SharedInput(nn.Module):
    """T FFNs from T D to D, together as large as T FFNs D → N → D: (T, B, D) → (T, B, D).

    Their hidden widths differ by at most 1, so that the sum can meet that size.
    """

    def __init__(self, num_tokens: int, dim: int, hidden_dim: int) -> None:
        super().__init__()
        T, D = num_tokens, dim
        widths = equal_slices(max(T, round(T * hidden_dim * (2 * D + 1) / (T * D + D + 1))), T)
        self.ffns = nn.ModuleList(
            nn.Sequential(nn.Linear(T * D, width), nn.GELU(), nn.Linear(width, D)) for width in widths
        )

    def forward(self, s_TBD: Tensor) -> Tensor:
        joined_BJ = s_TBD.transpose(0, 1).flatten(1)
        return torch.stack([ffn(joined_BJ) for ffn in self.ffns])


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √(D/H)) V W over the tokens, with projections that they share; H is 4 where D allows."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.num_heads = gcd(dim, 4)
        self.qkv, self.out = PerTokenLinear(3, dim, dim), nn.Linear(dim, dim)

    def forward(self, x_TBD: Tensor) -> Tensor:
        T = len(x_TBD)
        qkv_3NHE = self.qkv(x_TBD.flatten(0, 1).expand(3, -1, -1)).unflatten(2, (self.num_heads, -1))
        qkv_3BHTE = qkv_3NHE.unflatten(1, (T, -1)).permute(0, 2, 3, 1, 4)
        attended_BHTE = F.scaled_dot_product_attention(*qkv_3BHTE)
        return self.out(attended_BHTE.permute(2, 0, 1, 3).flatten(2))
