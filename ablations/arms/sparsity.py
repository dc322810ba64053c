"""An arm of RankMixer's Figure 3 (arXiv 2507.15551)."""

from __future__ import annotations

from torch import nn

from rankmixer import RankMixer
from rankmixer.per_token import PerTokenFFN


class EighthOfTheFFN(RankMixer):
    """What is active of experts that are as large as the FFN together and of which an eighth is active."""

    def block(self) -> nn.Module:
        block = super().block()
        block.ffn = PerTokenFFN(self.num_tokens, self.token_dim, max(1, round(self.hidden_dim / 8)))
        return block
