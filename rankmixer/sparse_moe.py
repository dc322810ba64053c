"""RankMixer with sparse experts in the per-token FFN (arXiv 2507.15551 v3, CIKM 2025).

    block:   S  = LN(TokenMixing(X) + X)
             X' = LN(V + S),   v_i = Σ_j G_ij e_ij(s_i)         e_ij: expert j of token i, an FFN of its own

    relu     G_ij = ReLU(h(s_i))_j. Dense training, sparse inference (DTSI): two routers, h_train and h_infer;
             only h_infer serves, and only its gates pay L_reg = Σ_i Σ_j G_ij.
             L = ½ (L_task through h_train + L_task through h_infer) + λ L_reg
    top_k    G_ij = softmax(h(s_i))_j of the k largest, else 0 (Shazeer, arXiv 1701.06538; the softmax before
             the choice, as in Switch Transformers, arXiv 2101.03961), trained as it is served.
             L = L_task + w L_balance; with w = 0 the vanilla one

Letters: B batch, I flat input width, T tokens, D token width, L blocks, E experts of a token, N hidden width
of an expert, K tasks.

`forward` computes the chosen experts only (see `grouped`). DTSI trains densely: every expert works for both
routers, and a step costs two passes through the blocks.

Our reading where the paper is silent. If the training loss saw h_train alone, h_infer would learn nothing but
to close its gates, and what it serves would mean nothing: so both routers' task losses count, in equal parts.
Routers are linear, per token. L_reg is a mean over rows and blocks. λ follows ReMoE (arXiv 2412.14711), which
the paper cites: it starts at 1e-8, never falls below, and after every step is multiplied by 1.2 if h_infer's
share of active experts in the batch is above the target, divided by 1.2 if below. The balance loss is that of
Switch.

Our addition. λ can only close gates, and over hundreds of steps rather than ReMoE's tens of thousands it
overshoots, or sees gates close by themselves below the target. So one offset is added to all scores of
h_infer and moves after every step by `offset_rate` times what the share lacks; a rate of 0 leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from rankmixer.experts import PerTokenExperts
from rankmixer.grouped import Gates
from rankmixer.initialisation import initialise
from rankmixer.mixing import TokenMixing
from rankmixer.per_token import PerTokenLinear
from rankmixer.rankmixer import Block
from rankmixer.routing import balance_loss, relu_gates, top_k_gates
from rankmixer.tokenization import Tokenizer

ROUTINGS = ("relu", "top_k")
FIRST_PENALTY = 1e-8
PENALTY_FACTOR = 1.2

Route = Callable[["RoutedFFN", Tensor], Gates]
"""(routers and experts, the tokens that enter them) → gates."""


class SparseRankMixer(nn.Module):
    """RankMixer, post-norm, with a sparse mixture of experts for every token.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        groups: indices of the fields of each semantic group; None: the order of the input.
        num_layers: L, blocks.
        num_tokens: T; at most the number of fields unless `slicing` is ``equal``.
        token_dim: D, a multiple of T.
        num_experts: E.
        hidden_dim: N, the hidden width of each expert; None: 4 D / E, the dense FFN cut into E.
        routing: ``relu`` (the paper's, with DTSI) or ``top_k``.
        active_fraction: share of the experts to be active when served: a target for ``relu``, exact for
            ``top_k``, where it must make a whole number of experts.
        offset_rate: of the offset that holds the active share at its target with ``relu``.
        balance_weight: w, of the balance loss of ``top_k``.
        slicing: how the input is cut into tokens, see `Tokenizer`.
        initialisation: ``glorot`` or ``torch``, see `initialisation`.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a D that T does not divide.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        groups: Sequence[Sequence[int]] | None = None,
        num_layers: int = 2,
        num_tokens: int = 8,
        token_dim: int = 64,
        num_experts: int = 8,
        hidden_dim: int | None = None,
        routing: str = "relu",
        active_fraction: float = 0.5,
        offset_rate: float = 0.1,
        balance_weight: float = 0.0,
        slicing: str = "fields",
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        if token_dim % num_tokens:
            raise ValueError(f"token_dim is {token_dim}; it must be a multiple of num_tokens, {num_tokens}")
        if num_experts < 1:
            raise ValueError(f"num_experts is {num_experts}; it must be 1 or more")
        if routing not in ROUTINGS:
            raise ValueError(f"routing is '{routing}', allowed: {', '.join(ROUTINGS)}")
        if not 0 < active_fraction <= 1:
            raise ValueError(f"active_fraction is {active_fraction}; it must be above 0 and at most 1")
        if routing == "top_k" and not (active_fraction * num_experts).is_integer():
            raise ValueError(
                f"active_fraction is {active_fraction} of {num_experts} experts; "
                "with routing 'top_k' it must make a whole number of them"
            )
        if routing == "relu" and balance_weight:
            raise ValueError(f"balance_weight is {balance_weight}; with routing 'relu' it must be 0")
        self.input_dim, self.num_tasks, self.num_layers = sum(field_dims), num_tasks, num_layers
        self.num_tokens, self.token_dim, self.num_experts = num_tokens, token_dim, num_experts
        self.hidden_dim = max(1, 4 * token_dim // num_experts) if hidden_dim is None else hidden_dim
        self.routing, self.active_fraction = routing, active_fraction
        self.offset_rate, self.balance_weight = offset_rate, balance_weight

        self.tokenizer = Tokenizer(
            field_dims, groups, num_tokens=num_tokens, token_dim=token_dim, slicing=slicing
        )
        self.blocks = nn.ModuleList(
            Block(
                TokenMixing(),
                RoutedFFN(num_tokens, token_dim, num_experts, self.hidden_dim, two_routers=routing == "relu"),
                token_dim,
            )
            for _ in range(num_layers)
        )
        self.head = nn.Linear(token_dim, num_tasks)
        initialise(self, initialisation)
        self.penalty: Tensor
        self.register_buffer("penalty", torch.tensor(FIRST_PENALTY))
        self.offset: Tensor
        self.register_buffer("offset", torch.tensor(0.0))

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K), as served: by h_infer, computing the chosen experts only."""
        return self._through_blocks(self.tokenizer(x_BI), self._served, dense=False)[0]

    def training_path(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K) by h_train, every expert computed; with ``top_k``, those of `forward`."""
        if self.routing == "top_k":
            return self(x_BI)
        return self._through_blocks(self.tokenizer(x_BI), _train_gates, dense=True)[0]

    def loss(self, x_BI: Tensor, y_BK: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """The training objective, a scalar; in eval mode, the task loss of what is served.

        In training mode every call counts as one optimizer step: it moves λ and the offset once, after using
        them. Call it once per step.
        """
        if not self.training:
            return criterion(self(x_BI), y_BK)
        x_TBD = self.tokenizer(x_BI)
        if self.routing == "top_k":
            logits_BK, gates = self._through_blocks(x_TBD, self._served, dense=False)
            balance = torch.stack([balance_loss(g) for g in gates]).mean()
            objective = criterion(logits_BK, y_BK) + self.balance_weight * balance
        else:
            train_BK, _ = self._through_blocks(x_TBD, _train_gates, dense=True)
            infer_BK, gates = self._through_blocks(x_TBD, self._served, dense=True)
            task = (criterion(train_BK, y_BK) + criterion(infer_BK, y_BK)) / 2
            open_gates = torch.stack([g.weight.sum(dim=(0, 2)).mean() for g in gates]).mean()
            objective = task + self.penalty.clone() * open_gates  # a copy, since λ moves before backward
            self._after_step(gates)
        return objective

    @torch.no_grad()
    def activation_fractions(self, x_BI: Tensor) -> Tensor:
        """Share of the rows `x_BI` for which each served expert is active, (L, T, E)."""
        return _active(self._through_blocks(self.tokenizer(x_BI), self._served, dense=False)[1])

    @torch.no_grad()
    def active_parameters(self, x_BI: Tensor) -> Tensor:
        """Mean number of parameters that serve a row of `x_BI`, a scalar.

        That is all of them but the experts that the row does not choose.
        """
        share = self.activation_fractions(x_BI).mean(dtype=torch.float64)
        return sum(p.numel() for p in self.parameters()) - (1 - share) * self._expert_parameters()

    def observe(self, x_BI: Tensor) -> dict[str, Tensor]:
        """``active_share``, see `activation_fractions`."""
        return {"active_share": self.activation_fractions(x_BI)}

    def closed_form(self) -> dict[str, int]:
        """Active parameters, and with ``relu`` the FLOPs served, of an example at `active_fraction`."""
        dense, experts = sum(p.numel() for p in self.parameters()), self._expert_parameters()
        form = {"active_parameters": dense - experts + round(self.active_fraction * experts)}
        if self.routing == "relu":  # how many experts a row chooses depends on the row: no count knows
            I, T, D, L, K = self.input_dim, self.num_tokens, self.token_dim, self.num_layers, self.num_tasks  # noqa: E741
            E, N = self.num_experts, self.hidden_dim
            routers, of_experts = L * T * D * E, L * T * E * 2 * D * N
            form["flops_forward"] = 2 * (I * D + routers + D * K) + round(
                self.active_fraction * 2 * of_experts
            )
        return form

    def _expert_parameters(self) -> int:
        return sum(p.numel() for block in self.blocks for p in _ffn_of(block).experts.parameters())

    def _through_blocks(self, x_TBD: Tensor, route: Route, *, dense: bool) -> tuple[Tensor, list[Gates]]:
        gates: list[Gates] = []

        def ffn(s_TBD: Tensor) -> Tensor:
            routed = _ffn_of(block)
            gates.append(route(routed, s_TBD))
            return routed.experts(s_TBD, gates[-1], dense=dense)

        for block in self.blocks:
            x_TBD = block(x_TBD, ffn)
        return self.head(x_TBD.mean(dim=0)), gates

    def _served(self, ffn: RoutedFFN, s_TBD: Tensor) -> Gates:
        score_TBE = ffn.h_infer(s_TBD)
        if self.routing == "relu":
            return relu_gates(score_TBE + self.offset)
        return top_k_gates(score_TBE, int(self.active_fraction * self.num_experts))

    @torch.no_grad()
    def _after_step(self, gates: list[Gates]) -> None:
        excess = _active(gates).mean() - self.active_fraction
        self.penalty.mul_(PENALTY_FACTOR ** torch.sign(excess)).clamp_(min=FIRST_PENALTY)
        self.offset.sub_(self.offset_rate * excess)


def _ffn_of(block: nn.Module) -> RoutedFFN:
    assert isinstance(block.ffn, RoutedFFN)
    return block.ffn


def _train_gates(ffn: RoutedFFN, s_TBD: Tensor) -> Gates:
    return relu_gates(ffn.h_train(s_TBD))


def _active(gates: list[Gates]) -> Tensor:
    return torch.stack([g.chosen.to(g.weight.dtype).mean(dim=1) for g in gates])


class RoutedFFN(nn.Module):
    """Routers and experts of every token: what the per-token FFN of a block is in `SparseRankMixer`."""

    def __init__(
        self, num_tokens: int, dim: int, num_experts: int, hidden_dim: int, *, two_routers: bool
    ) -> None:
        super().__init__()
        self.h_infer = PerTokenLinear(num_tokens, dim, num_experts)
        if two_routers:
            self.h_train = PerTokenLinear(num_tokens, dim, num_experts)
        self.experts = PerTokenExperts(num_tokens, dim, num_experts, hidden_dim)
