"""Mixture of experts over the concatenated embeddings, dense or with top-k gating (arXiv 1701.06538).

    p = softmax(W_g x) ∈ R^E,   logits = head(Σ_e g_e(x) f_e(x)),   f_e an MLP of its own

    dense   g = p
    top k   g_e = p_e for the k largest, 0 for the others; the loss gains  β · E Σ_e F_e P_e
            F_e: the fraction of the rows' choices that fell on e,   P_e: the mean of p_e over the rows

Letters: B batch, I flat input width, E experts, S slots (the k choices of a row), O width of an expert's
output, K tasks. RankMixer's comparison (arXiv 2507.15551) names an MoE baseline and gives no more.

Our reading: gate scores without bias; ReLU after every layer of an expert, the last one too; weights start
Glorot uniform with zero biases, as the experts' variables do in the code of the paper's authors
(tensor2tensor), and so do the gate's, which they start at zero beside a noise that ours does not have. The
balance term is the Switch Transformer's (arXiv 2101.03961), β when rows spread evenly. As there, the chosen
p_e are not made to sum to one, so that the gate learns from the prediction even at k = 1, and k = E is the
dense mixture.

With top k, training computes every expert in one batched product and weighs the others by zero. Evaluation
groups the rows by expert and computes what was chosen only: exactly k experts a row, so that `closed_form` is
exact. No count can know it, since which rows an expert gets depends on the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.initialisation import initialise, require_known
from baselines.tokens import require_positive


class MoE(nn.Module):
    """Experts over all fields, mixed by a softmax gate.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        num_experts: E.
        num_expert_layers: layers of an expert, from 1.
        expert_dim: width of all layers of an expert but the last.
        output_dim: O, width of the last.
        top_k: k, the experts that a row uses; None: all, weighted by the gate.
        balance_weight: β; of use with `top_k` only.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: no experts, or none of their layers, or a `top_k` that is not 1 … E.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        num_experts: int = 4,
        num_expert_layers: int = 2,
        expert_dim: int = 128,
        output_dim: int = 128,
        top_k: int | None = None,
        balance_weight: float = 0.01,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        require_positive({"num_experts": num_experts, "num_expert_layers": num_expert_layers})
        require_known(initialisation)
        if top_k is not None and not 1 <= top_k <= num_experts:
            raise ValueError(f"top_k is {top_k}; {num_experts} experts allow 1 … {num_experts}")
        self.input_dim, self.num_tasks, self.num_experts = sum(field_dims), num_tasks, num_experts
        self.expert_dims = (*[expert_dim] * (num_expert_layers - 1), output_dim)
        self.top_k, self.balance_weight = top_k, balance_weight
        self.gate = nn.Linear(self.input_dim, num_experts, bias=False)
        self.experts = Experts(self.input_dim, self.expert_dims, num_experts)
        self.head = nn.Linear(output_dim, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        return self.head(self._mixture(x_BI, self._probabilities(x_BI)))

    def loss(self, x_BI: Tensor, y_BK: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """`criterion` of the logits, plus the balance term with top-k gating; a scalar."""
        p_BE = self._probabilities(x_BI)
        prediction_loss = criterion(self.head(self._mixture(x_BI, p_BE)), y_BK)
        if self.top_k is None:
            return prediction_loss
        return prediction_loss + self.balance_weight * load_imbalance(p_BE, self.top_k)

    def closed_form(self) -> dict[str, int]:
        """With top-k gating, active parameters and forward FLOPs of an example: those of k experts."""
        if self.top_k is None:
            return {}
        dense, experts = (sum(p.numel() for p in m.parameters()) for m in (self, self.experts))
        products = sum(n * o for n, o in pairwise([self.input_dim, *self.expert_dims]))
        gate, head = self.input_dim * self.num_experts, self.expert_dims[-1] * self.num_tasks
        return {
            "active_parameters": dense - experts + self.top_k * (experts // self.num_experts),
            "flops_forward": 2 * (gate + self.top_k * products + head),
        }

    def _probabilities(self, x_BI: Tensor) -> Tensor:
        return torch.softmax(self.gate(x_BI), dim=1)

    def _mixture(self, x_BI: Tensor, p_BE: Tensor) -> Tensor:
        if self.top_k is None:
            return _weighted_sum(self.experts(x_BI), p_BE)
        g_BS, chosen_BS = p_BE.topk(self.top_k, dim=1)
        if self.training:
            return _weighted_sum(self.experts(x_BI), torch.zeros_like(p_BE).scatter(1, chosen_BS, g_BS))
        mixture_BO = x_BI.new_zeros(x_BI.shape[0], self.expert_dims[-1])
        for expert in range(self.num_experts):
            rows, slots = torch.where(chosen_BS == expert)
            out_NO = self.experts(x_BI[rows], expert)
            mixture_BO = mixture_BO.index_add(0, rows, g_BS[rows, slots].unsqueeze(1) * out_NO)
        return mixture_BO


def load_imbalance(p_BE: Tensor, top_k: int) -> Tensor:
    """E Σ_e F_e P_e of gate probabilities (B, E): 1 when rows spread evenly, E / k when all choose alike."""
    ones_BE = torch.zeros_like(p_BE).scatter(1, p_BE.topk(top_k, dim=1).indices, 1.0)
    chosen_fraction_E = ones_BE.mean(dim=0) / top_k
    return p_BE.shape[1] * (chosen_fraction_E * p_BE.mean(dim=0)).sum()


def _weighted_sum(out_EBO: Tensor, g_BE: Tensor) -> Tensor:
    return (g_BE.t().unsqueeze(2) * out_EBO).sum(dim=0)


class Experts(nn.Module):
    """E MLPs of equal shape over the same input."""

    def __init__(self, in_dim: int, dims: Sequence[int], num_experts: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            ExpertLinear(num_experts, narrow, wide)
            for narrow, wide in zip([in_dim, *dims[:-1]], dims, strict=True)
        )

    def forward(self, x: Tensor, expert: int | None = None) -> Tensor:
        """All experts, (B, I) → (E, B, O), or one on the rows that chose it, (N, I) → (N, O)."""
        for layer in self.layers:
            x = F.relu(layer(x, expert))
        return x


class ExpertLinear(nn.Module):
    """E linear maps; each starts as `torch.nn.Linear` does, uniform within ±1/√in."""

    def __init__(self, num_experts: int, in_dim: int, out_dim: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)
        self.weight_EOI = nn.Parameter(torch.empty(num_experts, out_dim, in_dim).uniform_(-bound, bound))
        self.bias_EO = nn.Parameter(torch.empty(num_experts, out_dim).uniform_(-bound, bound))

    def forward(self, x: Tensor, expert: int | None = None) -> Tensor:
        """All maps, on an input they share, (B, in), or one each, (E, B, in) → (E, B, out); or one map."""
        if expert is not None:
            return F.linear(x, self.weight_EOI[expert], self.bias_EO[expert])
        if x.dim() == 2:
            out_BX = F.linear(x, self.weight_EOI.flatten(0, 1), self.bias_EO.flatten())
            return out_BX.unflatten(1, self.bias_EO.shape).transpose(0, 1)
        return torch.baddbmm(self.bias_EO.unsqueeze(1), x, self.weight_EOI.transpose(1, 2))
