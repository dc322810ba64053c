"""Pools of experts, one for every token (RankMixer, arXiv 2507.15551; TokenMixer-Large, arXiv 2602.06563).

Letters: B batch, T tokens, D token width, E experts of a token, N hidden width of an expert, R chosen
(token, row, expert) triples, G = T · E groups of them. The matrices of a pool lie as (T, E, N, D), so that
dense and grouped products alike take them without a copy.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rankmixer.grouped import Gates, grouped_linear, sum_of_chosen
from rankmixer.per_token import PerTokenLinear, PerTokenSwiGLU
from rankmixer.routing import top_k_gates


class PerTokenExperts(nn.Module):
    """Σ_j G_ij e_ij(s_i),   e_ij(s) = W2_ij GELU(W1_ij s + b1_ij) + b2_ij: expert j of token i.

    Weights and biases start as those of `torch.nn.Linear` do, expert by expert.
    """

    def __init__(self, num_tokens: int, dim: int, num_experts: int, hidden_dim: int) -> None:
        super().__init__()
        T, E, N, D = num_tokens, num_experts, hidden_dim, dim
        up, down = 1 / math.sqrt(D), 1 / math.sqrt(N)
        self.up_TEND = nn.Parameter(torch.empty(T, E, N, D).uniform_(-up, up))
        self.up_bias_TEN = nn.Parameter(torch.empty(T, E, N).uniform_(-up, up))
        self.down_TEND = nn.Parameter(torch.empty(T, E, N, D).uniform_(-down, down))
        self.down_bias_TED = nn.Parameter(torch.empty(T, E, D).uniform_(-down, down))

    def forward(self, s_TBD: Tensor, gates: Gates, *, dense: bool) -> Tensor:
        """(T, B, D) → (T, B, D); `dense` computes every expert, else the chosen only. The sum is the same."""
        return self._of_all(s_TBD, gates.weight) if dense else sum_of_chosen(s_TBD, gates, self._grouped)

    def _of_all(self, s_TBD: Tensor, gate_TBE: Tensor) -> Tensor:
        T, E, _, _ = self.up_TEND.shape
        up_TMD, down_TMD = self.up_TEND.flatten(1, 2), self.down_TEND.flatten(1, 2)  # M = E · N
        hidden_TBM = F.gelu(torch.baddbmm(self.up_bias_TEN.view(T, 1, -1), s_TBD, up_TMD.transpose(1, 2)))
        gated_TBM = (hidden_TBM.unflatten(2, (E, -1)) * gate_TBE.unsqueeze(3)).flatten(2)
        return torch.baddbmm(torch.bmm(gate_TBE, self.down_bias_TED), gated_TBM, down_TMD)

    def _grouped(self, rows_RD: Tensor, counts_G: Tensor) -> Tensor:
        up_GDN = self.up_TEND.flatten(0, 1).transpose(1, 2)
        hidden_RN = grouped_linear(rows_RD, up_GDN, self.up_bias_TEN.flatten(0, 1), counts_G)
        down_GND, down_bias_GD = self.down_TEND.flatten(0, 1), self.down_bias_TED.flatten(0, 1)
        return grouped_linear(F.gelu(hidden_RN), down_GND, down_bias_GD, counts_G)


def expert_widths(hidden_dim: int, num_experts: int) -> tuple[int, int]:
    """Hidden widths of the shared and of each routed expert: a SwiGLU's `hidden_dim`, cut into `num_experts`.

    What the division leaves over goes to the shared one. None is narrower than 1.
    """
    routed = max(1, hidden_dim // num_experts)
    return max(1, hidden_dim - (num_experts - 1) * routed), routed


class SparsePerTokenMoE(nn.Module):
    """S-P MoE: y_t = α Σ_{i ∈ top (k-1)} g_i(x_t) Expert_ti(x_t) + SharedExpert_t(x_t), all of them SwiGLUs.

    Of the E experts of a token one is shared, that is always on, and E - 1 are routed by g, a softmax over
    the scores of a linear router; k are active, the shared one among them. Trained as it is served: the
    chosen experts are the only ones computed.

    Args:
        hidden_dim: of all E experts together, see `expert_widths`.
        gate_scale: α.
        router_softmax: over ``all`` routed experts or the ``chosen`` ones, see `top_k_gates`.
        down_init: see `PerTokenSwiGLU`.
    """

    def __init__(
        self,
        num_tokens: int,
        dim: int,
        hidden_dim: int,
        *,
        num_experts: int,
        active_experts: int,
        gate_scale: float,
        router_softmax: str,
        down_init: float,
    ) -> None:
        super().__init__()
        T, D, routed = num_tokens, dim, num_experts - 1
        shared_dim, N = expert_widths(hidden_dim, num_experts)
        self.num_routed, self.gate_scale, self.router_softmax = active_experts - 1, gate_scale, router_softmax
        self.shared_expert: nn.Module = PerTokenSwiGLU(T, D, shared_dim, down_init=down_init)
        self.router = PerTokenLinear(T, D, routed, bias=False)
        self.init_scales = {"down_TEND": down_init}
        up, down = 1 / math.sqrt(D), down_init / math.sqrt(N)
        self.gate_TEND = nn.Parameter(torch.empty(T, routed, N, D).uniform_(-up, up))
        self.up_TEND = nn.Parameter(torch.empty(T, routed, N, D).uniform_(-up, up))
        self.down_TEND = nn.Parameter(torch.empty(T, routed, N, D).uniform_(-down, down))

    def forward(self, x_TBD: Tensor) -> tuple[Tensor, Tensor]:
        """(T, B, D) → the same, and the router's scores of the routed experts, (T, B, E - 1)."""
        score_TBE = self.router(x_TBD)
        gates = top_k_gates(score_TBE, self.num_routed, softmax=self.router_softmax)
        routed_TBD = sum_of_chosen(x_TBD, gates, self._grouped)
        return torch.add(self.shared_expert(x_TBD), routed_TBD, alpha=self.gate_scale), score_TBE

    def _grouped(self, rows_RD: Tensor, counts_G: Tensor) -> Tensor:
        gate_GDN, up_GDN = (w.flatten(0, 1).transpose(1, 2) for w in (self.gate_TEND, self.up_TEND))
        gate_RN = grouped_linear(rows_RD, gate_GDN, None, counts_G)
        hidden_RN = F.silu(gate_RN) * grouped_linear(rows_RD, up_GDN, None, counts_G)
        return grouped_linear(hidden_RN, self.down_TEND.flatten(0, 1), None, counts_G)
