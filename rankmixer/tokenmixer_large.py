"""TokenMixer-Large: Scaling Up Large Ranking Models in Industrial Recommenders (arXiv 2602.06563).

    tokens     X = [MLP_g(all groups), MLP_1(group 1), …, MLP_{T-1}(group T-1)] ∈ R^{T×D}
    mix        M = H mixed tokens of width W = T · D/H, token h holding slice h of every token
               M' = M + pSwiGLU_1(RMSNorm(M))
    revert     R = M' as T tokens again
               X' = X + pSwiGLU_2(RMSNorm(R))
    between    X_l += X_{l-r} behind every r-th block l, but not behind the last
    output     mean over the tokens of RMSNorm(X_L), then one logit per task

pSwiGLU has weights of its own for every token, dense (`per_token`) or a sparse mixture (`experts`).

Letters: B batch, I flat input width, T tokens, D token width, H heads, W width of a mixed token, L blocks,
E experts of a token, N hidden width of its SwiGLU, K tasks.

The public descriptions disagree or are silent in places; each choice is an argument, its default named
here: normalisation before the SwiGLU as in the text, not after the sum as in the equations; the second
residual from the block's input, not from the reverted tokens; mean pooling, not the global token; MLPs of one
linear layer. The residual between blocks adds the tokens as they were r blocks before. The auxiliary loss is
the task loss of a head of its own behind each such sum, with weight 0.1. Norms are shared by the tokens; the
pooled tokens are normalised unless `norm` is ``post``. A mixed token's SwiGLU is as wide for its width as a
token's: round(N · T/H). The balance loss of S-P MoE is that of Switch Transformers.

To try other pieces, override `tokens`, `block`, `swiglu_shapes` or `swiglu`, or exchange an attribute of what
they return, such as a block's `mixing`: see `rankmixer.rankmixer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from rankmixer import blockwise
from rankmixer.experts import SparsePerTokenMoE, expert_widths
from rankmixer.initialisation import initialise
from rankmixer.mixing import TokenMixing, TokenReverting
from rankmixer.per_token import PerTokenSwiGLU
from rankmixer.routing import SOFTMAXES, balance_loss, top_k_gates
from rankmixer.tokenization import GroupTokenizer

CHOICES = {
    "norm": ("pre", "post", "sandwich"),
    "residual": ("input", "reverted"),
    "output": ("mean", "global"),
    "router_softmax": SOFTMAXES,
}
_EPSILON = 1e-6


class TokenMixerLarge(nn.Module):
    """TokenMixer-Large, dense or with sparse per-token experts (S-P MoE).

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        groups: indices of the fields of each semantic group; None: each field a group, in order.
        num_layers: L, blocks.
        num_tokens: T, the global token among them; runs of whole fields stand for the groups. None: one token
            for each group, and the global one.
        num_heads: H, a divisor of D; None: one for each group, and one more.
        token_dim: D.
        hidden_dim: N, the hidden width nD of a token's SwiGLU, all of its experts together; None: 2 D.
        tokenizer_layers: linear layers of every token's MLP.
        norm: of a SwiGLU's input (``pre``), of its sum with the residual (``post``), or of its input and its
            output (``sandwich``).
        residual: where the second residual comes from, the block's ``input`` or the ``reverted`` tokens.
        inter_residual: r, blocks that a residual between blocks spans; 0: there are none.
        auxiliary_weight: of the task loss behind each residual between blocks; 0: no auxiliary heads.
        output: the ``mean`` of all tokens or the ``global`` token.
        down_init: scale of the standard deviation that the last matrix of a SwiGLU starts with; where the
            paper's 0.01 is read as a scale of the variance, it is 0.1.
        num_experts: E, the shared one among them; 1: dense.
        active_experts: k, the shared one among them.
        gate_scale: α of the routed experts' sum; None: E/k, one over the sparsity.
        router_softmax: over ``all`` routed experts before choosing among them or over the ``chosen`` ones,
            which takes at least two: the gate of a single one would be the constant 1 and teach nothing.
        balance_weight: of the mean over all pools of experts of their `balance_loss`; the paper wants it from
            a sparsity of 1:8 on, not at 1:2.
        initialisation: ``glorot`` or ``torch``, see `initialisation`; `down_init` scales either.

    Raises:
        ValueError: a hyper-parameter that fits no model, such as a D that H does not divide.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        groups: Sequence[Sequence[int]] | None = None,
        num_layers: int = 3,
        num_tokens: int | None = 8,
        num_heads: int | None = None,
        token_dim: int = 64,
        hidden_dim: int | None = None,
        tokenizer_layers: int = 1,
        norm: str = "pre",
        residual: str = "input",
        inter_residual: int = 2,
        auxiliary_weight: float = 0.1,
        output: str = "mean",
        down_init: float = 0.01,
        num_experts: int = 1,
        active_experts: int = 1,
        gate_scale: float | None = None,
        router_softmax: str = "all",
        balance_weight: float = 0.0,
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        given = {"norm": norm, "residual": residual, "output": output, "router_softmax": router_softmax}
        for name, value in given.items():
            if value not in CHOICES[name]:
                raise ValueError(f"{name} is '{value}', allowed: {', '.join(CHOICES[name])}")
        fewest = 1 if num_experts == 1 else 2 if router_softmax == "all" else 3
        if not fewest <= active_experts <= num_experts:
            raise ValueError(
                f"active_experts is {active_experts}; {num_experts} experts, one of them shared, with "
                f"router_softmax '{router_softmax}' allow {fewest} … {num_experts}"
            )
        if num_experts == 1 and balance_weight:
            raise ValueError(f"balance_weight is {balance_weight}; with a single expert it must be 0")
        self.token_dim, self.tokenizer_layers = token_dim, tokenizer_layers
        self.tokenizer = self.tokens(field_dims, groups, num_tokens)
        self.num_tokens = self.tokenizer.num_tokens
        self.num_heads = 1 + len(self.tokenizer.group_dims) if num_heads is None else num_heads
        if token_dim % self.num_heads:
            raise ValueError(
                f"token_dim is {token_dim}; it must be a multiple of num_heads, {self.num_heads}"
            )
        self.num_layers, self.norm, self.residual, self.down_init = num_layers, norm, residual, down_init
        self.hidden_dim = 2 * token_dim if hidden_dim is None else hidden_dim
        self.num_experts, self.active_experts = num_experts, active_experts
        self.gate_scale = num_experts / active_experts if gate_scale is None else gate_scale
        self.router_softmax, self.balance_weight = router_softmax, balance_weight
        self.inter_residual, self.auxiliary_weight = inter_residual, auxiliary_weight
        self.blocks = nn.ModuleList(self.block() for _ in range(num_layers))
        self.readout = Readout(token_dim, num_tasks, norm=norm, output=output)
        heads = len(self._joints()) if auxiliary_weight else 0
        self.auxiliary_readouts = nn.ModuleList(
            Readout(token_dim, num_tasks, norm=norm, output=output) for _ in range(heads)
        )
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        x_TBD, _, _ = self._blocks(x_BI)
        return self.readout(x_TBD)

    def loss(self, x_BI: Tensor, y_BK: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """The training objective, a scalar.

        The task loss, and by their weights the sum of the auxiliary heads' task losses and the balance loss.
        """
        x_TBD, joints, scores = self._blocks(x_BI)
        objective = criterion(self.readout(x_TBD), y_BK)
        if self.auxiliary_readouts:
            for readout, joint_TBD in zip(self.auxiliary_readouts, joints, strict=True):
                objective = objective + self.auxiliary_weight * criterion(readout(joint_TBD), y_BK)
        if self.balance_weight:
            gates = [top_k_gates(score_TBE, self.active_experts - 1) for score_TBE in scores]
            balance = torch.stack([balance_loss(g) for g in gates]).mean()
            objective = objective + self.balance_weight * balance
        return objective

    def observe(self, x_BI: Tensor) -> dict[str, Tensor]:
        """``gradient_norm``, (L,): of the weights of each block, in the last training step."""
        gradients = ([p.grad for p in block.parameters() if p.grad is not None] for block in self.blocks)
        return {"gradient_norm": torch.stack([nn.utils.get_total_norm(one) for one in gradients])}

    def tokens(
        self, field_dims: Sequence[int], groups: Sequence[Sequence[int]] | None, num_tokens: int | None
    ) -> GroupTokenizer:
        """A fresh tokenizer, (B, I) → (T, B, D), `num_tokens` as it was given."""
        dim, layers = self.token_dim, self.tokenizer_layers
        return GroupTokenizer(field_dims, groups, num_tokens=num_tokens, token_dim=dim, num_layers=layers)

    def block(self) -> Block:
        """A fresh block. Called while the model is built, when all sizes are set."""
        on_mixed, on_tokens = (
            Sublayer(self.swiglu(*shape), shape[1], norm=self.norm) for shape in self.swiglu_shapes()
        )
        mixing, reverting = TokenMixing(self.num_heads), TokenReverting(self.num_tokens)
        return Block(mixing, on_mixed, reverting, on_tokens, residual=self.residual)

    def swiglu_shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """(tokens, width, hidden width) of the SwiGLU on mixed and of that on reverted tokens."""
        T, H, D, N = self.num_tokens, self.num_heads, self.token_dim, self.hidden_dim
        return (H, T * D // H, max(1, round(N * T / H))), (T, D, N)

    def swiglu(self, tokens: int, dim: int, hidden: int) -> nn.Module:
        """A fresh pSwiGLU, dense or sparse: tokens → the same, a sparse one with its router's scores."""
        if self.num_experts == 1:
            return PerTokenSwiGLU(tokens, dim, hidden, down_init=self.down_init)
        return SparsePerTokenMoE(
            tokens,
            dim,
            hidden,
            num_experts=self.num_experts,
            active_experts=self.active_experts,
            gate_scale=self.gate_scale,
            router_softmax=self.router_softmax,
            down_init=self.down_init,
        )

    def closed_form(self) -> dict[str, int]:
        """Active parameters: all but the experts that an example does not choose."""
        idle = self.num_experts - self.active_experts
        routed = sum(
            tokens * 3 * dim * expert_widths(hidden, self.num_experts)[1]
            for tokens, dim, hidden in self.swiglu_shapes()
        )
        dense = sum(p.numel() for p in self.parameters())
        return {"active_parameters": dense - len(self.blocks) * idle * routed}

    def _joints(self) -> list[int]:
        """Blocks, counted from 1, that a residual between blocks ends behind."""
        r = self.inter_residual
        return list(range(r, self.num_layers, r)) if r else []

    def _blocks(self, x_BI: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Tokens behind the last block and behind each residual between blocks, and the routers' scores."""
        x_TBD = lower_TBD = self.tokenizer(x_BI)
        joints, scores = [], []
        for number, block in enumerate(self.blocks, start=1):
            x_TBD, of_block = block(x_TBD)
            scores += of_block
            if number in self._joints():
                x_TBD = lower_TBD = x_TBD + lower_TBD
                joints.append(x_TBD)
        return x_TBD, joints, scores


class Block(nn.Module):
    """Mix, a SwiGLU on mixed tokens, revert, a SwiGLU on tokens: (T, B, D) → the same, and router scores."""

    def __init__(
        self, mixing: nn.Module, on_mixed: Sublayer, reverting: nn.Module, on_tokens: Sublayer, residual: str
    ) -> None:
        super().__init__()
        self.mixing, self.on_mixed = mixing, on_mixed
        self.reverting, self.on_tokens = reverting, on_tokens
        self.from_input = residual == "input"

    def forward(self, x_TBD: Tensor) -> tuple[Tensor, list[Tensor]]:
        m_HBW = self.mixing(x_TBD)
        m_HBW, of_mixed = self.on_mixed(m_HBW, residual=m_HBW)
        r_TBD = self.reverting(m_HBW)
        x_TBD, of_tokens = self.on_tokens(r_TBD, residual=x_TBD if self.from_input else r_TBD)
        return x_TBD, [score for score in (of_mixed, of_tokens) if score is not None]


class Sublayer(nn.Module):
    """A layer with RMSNorms and a residual: pre r + f(N(x)), post N(r + f(x)), sandwich r + N(f(N(x))).

    Beside the sum come the scores of the layer's router; None for a layer without. `skip` may be turned off,
    which leaves out the r +.
    """

    def __init__(self, layer: nn.Module, dim: int, *, norm: str) -> None:
        super().__init__()
        self.layer, self.post, self.skip = layer, norm == "post", True
        self.norm = RMSNorm(dim)
        self.output_norm = RMSNorm(dim) if norm == "sandwich" else nn.Identity()

    def forward(self, x: Tensor, *, residual: Tensor) -> tuple[Tensor, Tensor | None]:
        y = self.layer(x if self.post else self.norm(x))
        y, score_TBE = y if isinstance(y, tuple) else (y, None)
        y = y if self.post else self.output_norm(y)
        y = y + residual if self.skip else y
        return (self.norm(y) if self.post else y), score_TBE


class RMSNorm(nn.RMSNorm):
    """x / √(mean x² + ε) ⊙ weight over the last dimension, for tokens (T, B, D) or one of them (B, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3 and blockwise.pays(x, 4 * x.shape[2]):  # about as many passes as a layer so wide
            return blockwise.rms_norm(x, self.weight, _EPSILON)
        return super().forward(x)


class Readout(nn.Module):
    """Normalised tokens, averaged or the global one, to one logit per task: (T, B, D) → (B, K)."""

    def __init__(self, dim: int, num_tasks: int, *, norm: str, output: str) -> None:
        super().__init__()
        self.norm = nn.Identity() if norm == "post" else RMSNorm(dim)
        self.head = nn.Linear(dim, num_tasks)
        self.of_global = output == "global"

    def forward(self, x_TBD: Tensor) -> Tensor:
        pooled_BD = self.norm(x_TBD[0]) if self.of_global else self.norm(x_TBD).mean(dim=0)
        return self.head(pooled_BD)
