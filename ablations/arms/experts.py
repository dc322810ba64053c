"""Arms of TokenMixer-Large's Table 6 (arXiv 2602.06563).

Letters: B batch, T tokens, D token width, E experts of a token, k active ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rankmixer import TokenMixerLarge
from rankmixer.experts import SparsePerTokenMoE, expert_widths


class WithoutSharedExpert(TokenMixerLarge):
    """y_t = α Σ_{i ∈ top k} g_i(x_t) Expert_ti(x_t): E experts as wide as before, all of them routed."""

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        if self.balance_weight:
            raise ValueError(f"balance_weight is {self.balance_weight}; without a shared expert it must be 0")
        E, k = self.num_experts + 1, self.active_experts + 1  # the shared one is taken out again
        _, width = expert_widths(hidden, self.num_experts)
        pool = _fitted(SparsePerTokenMoE, self, (tokens, dim, E * width), E, k)
        pool.shared_expert = Nothing()
        return pool

    closed_form = TokenMixerLarge.closed_form


class Nothing(nn.Module):
    """0, of the shape of the input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class OrdinaryMoE(TokenMixerLarge):
    """One pool of T · E experts for all tokens, as wide as before: one is shared, T · E - 1 are routed.

    There are as many experts as before and a token has k active ones, the shared one among them.
    """

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        E = tokens * self.num_experts
        shared, width = expert_widths(hidden, self.num_experts)
        return _fitted(CommonPool, self, (1, dim, shared + (E - 1) * width), E, self.active_experts)

    def closed_form(self) -> dict[str, int]:
        """Active parameters of an example of which no two tokens choose the same routed expert."""
        further = sum(  # where every token has a shared expert of its own, these are active too
            (tokens - 1) * 3 * dim * expert_widths(hidden, self.num_experts)[1]
            for tokens, dim, hidden in self.swiglu_shapes()
        )
        of_each = super().closed_form()["active_parameters"]
        return {"active_parameters": of_each - len(self.blocks) * further}


class CommonPool(SparsePerTokenMoE):
    """The experts of a single token, which all tokens take: (T, B, D) → the same, scores (1, T · B, E)."""

    def forward(self, x_TBD: Tensor) -> tuple[Tensor, Tensor]:
        y_1RD, score_1RE = super().forward(x_TBD.flatten(0, 1).unsqueeze(0))
        return y_1RD.view_as(x_TBD), score_1RE


def _fitted(
    kind: type[SparsePerTokenMoE],
    model: TokenMixerLarge,
    shape: tuple[int, int, int],
    num_experts: int,
    active: int,
) -> SparsePerTokenMoE:
    """A pool with the gates and the initialisation of `model`."""
    return kind(
        *shape,
        num_experts=num_experts,
        active_experts=active,
        gate_scale=model.gate_scale,
        router_softmax=model.router_softmax,
        down_init=model.down_init,
    )
