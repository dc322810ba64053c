"""DCN V2: Improved Deep & Cross Network (arXiv 2008.13535, WWW 2021).

    matrix    x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l                                   W_l ∈ R^{I×I}
    low rank  W_l = U_l V_lᵀ                                                          U_l, V_l ∈ R^{I×r}
    mixture   x_{l+1} = Σ_e G_e(x_l) E_e(x_l) + x_l,   G = softmax of one linear score per expert
              E_e(x)  = x_0 ⊙ (U_e g(C_e g(V_eᵀ x)) + b_l)                            C_e ∈ R^{r×r}

    stacked   logits = head(MLP(x_L))
    parallel  logits = head([x_L ; MLP(x_0)])

Letters: B batch, I flat input width, R rank, E experts, K tasks. In the mixture the bias is shared by the
experts and the gates sum to one, so that Σ_e G_e E_e = x_0 ⊙ (Σ_e G_e U_e(…) + b_l): one matrix product for
all experts.

Weights start as the paper says in its section on optimization: He normal kernels, W normal with variance
2 / in, and zero biases.

Our reading where the paper is silent: the gates' scores have no bias. The paper's G_e carries no layer
index, and public implementations share the gates between the layers: so do we, unless `shared_gates` is
off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from baselines.cross import FullCross, LowRankCross, crossed
from baselines.initialisation import INITIALISATIONS, FusedLinear, initialise, require_known
from baselines.mlp import mlp

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


class DCNv2(nn.Module):
    """Cross layers with an MLP beside or behind them.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        num_cross_layers: cross layers.
        rank: R of the low-rank form; None: full matrices.
        num_experts: E; more than 1 makes each cross layer a mixture of low-rank experts and needs a `rank`.
        activation: g of the mixture, ``tanh`` or ``relu``.
        shared_gates: whether the layers of a mixture share their gates.
        structure: ``parallel`` or ``stacked``.
        hidden_dims: widths of the MLP.
        initialisation: ``he`` (the paper's), or one of `initialisation`.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a mixture of full matrices.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        num_cross_layers: int = 3,
        rank: int | None = None,
        num_experts: int = 1,
        activation: str = "tanh",
        shared_gates: bool = True,
        structure: str = "parallel",
        hidden_dims: Sequence[int] = (256, 256),
        initialisation: str = "he",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("he", *INITIALISATIONS))
        if num_experts > 1 and rank is None:
            raise ValueError(f"num_experts is {num_experts} without a rank; a mixture needs low-rank experts")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is '{activation}', allowed: {', '.join(ACTIVATIONS)}")
        if structure not in ("parallel", "stacked"):
            raise ValueError(f"structure is '{structure}', allowed: parallel, stacked")
        input_dim = sum(field_dims)
        self.rank, self.num_experts, self.parallel = rank, num_experts, structure == "parallel"

        self.cross_layers = nn.ModuleList()
        gates = None
        for _ in range(num_cross_layers):
            if rank is None:
                self.cross_layers.append(FullCross(input_dim))
            elif num_experts == 1:
                self.cross_layers.append(LowRankCross(input_dim, rank))
            else:
                if gates is None or not shared_gates:
                    gates = nn.Linear(input_dim, num_experts, bias=False)
                self.cross_layers.append(MixtureCross(input_dim, rank, gates, ACTIVATIONS[activation]))
        self.mlp = mlp(input_dim, hidden_dims)
        last = [input_dim, *hidden_dims][-1]
        self.head = nn.Linear(input_dim + last if self.parallel else last, num_tasks)
        if initialisation == "he":
            self.apply(_as_he)
        else:
            initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        cross_BI = crossed(self.cross_layers, x_BI)
        if self.parallel:
            return self.head(torch.cat([cross_BI, self.mlp(x_BI)], dim=1))
        return self.head(self.mlp(cross_BI))


class MixtureCross(nn.Module):
    """x_0 ⊙ (Σ_e G_e(x) U_e g(C_e g(V_eᵀ x)) + b) + x, with `gates` given, as it may be shared."""

    def __init__(self, dim: int, rank: int, gates: nn.Linear, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        num_experts = gates.out_features
        bound = rank**-0.5
        self.gates = gates
        self.v = FusedLinear(dim, num_experts * rank, outputs=num_experts, bias=False)
        self.c_ERR = nn.Parameter(torch.empty(num_experts, rank, rank).uniform_(-bound, bound))
        self.u_ERI = nn.Parameter(torch.empty(num_experts, rank, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(dim).uniform_(-bound, bound))
        self.activation = activation

    def forward(self, x0_BI: Tensor, x_BI: Tensor) -> Tensor:
        E, R, _ = self.c_ERR.shape
        gate_BE1 = torch.softmax(self.gates(x_BI), dim=1).unsqueeze(2)
        inner_EBR = self.activation(self.v(x_BI)).view(-1, E, R).transpose(0, 1)
        inner_BER = self.activation(torch.bmm(inner_EBR, self.c_ERR)).transpose(0, 1)
        weighted_BI = (gate_BE1 * inner_BER).reshape(-1, E * R) @ self.u_ERI.view(E * R, -1)
        return torch.addcmul(x_BI, x0_BI, weighted_BI + self.bias)


def _as_he(module: nn.Module) -> None:
    """W normal with variance 2 / in, b = 0. Stacks of matrices are (experts, in, out)."""
    for name, parameter in module.named_parameters(recurse=False):
        if name == "bias":
            nn.init.zeros_(parameter)
        else:
            inputs = parameter.shape[1]
            nn.init.normal_(parameter, std=math.sqrt(2 / inputs))
