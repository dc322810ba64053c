"""AutoInt: feature interactions by self-attention over fields (arXiv 1810.11921, CIKM 2019).

    e_i    = P_i x_i + b_i                                            field i as a token of width C
    head h   a_ij = softmax_j(⟨W_Q e_i, W_K e_j⟩),   o_i = Σ_j a_ij W_V e_j ∈ R^D
    layer    e_i ← ReLU([o_i of every head] + W_Res e_i) ∈ R^A,     A = H D
    logits = Σ_i w_iᵀ e_i + b;   AutoInt+ adds those of an MLP on x

Letters: B batch, I flat input width, T tokens, C token width, H heads, D head width, A = H D attention width,
K tasks; N rows times tokens, M outputs of several maps.

The maps of a layer have no biases and the scores no 1/√D, as in the paper. The authors' code differs from
their paper: each of the four maps has a bias and a ReLU, the scores are divided by √D, and a LayerNorm
follows the layer's ReLU. Of these, only the division is offered here, by `scaled_scores`.
Weights start as in the authors' code (DeepGraphLearning/RecommenderSystems, featureRec/autoint): the maps of
attention Glorot uniform; those of MLP and heads, and the MLP's biases, normal with variance 2 / (in + out).
The biases of their heads are drawn from a standard normal; ours is zero.
Where we differ: the paper's tokens are the embeddings themselves; ours are a linear map of each, since fields
may differ in width and C should not depend on the embedding; beyond `max_tokens` fields, neighbours share a
token (see `tokens.FieldTokens`), as scores grow with T². The two parts of AutoInt+ share one bias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from baselines.initialisation import INITIALISATIONS, FusedLinear, initialise, require_known
from baselines.mlp import mlp
from baselines.tokens import FieldTokens, by_rows, require_positive

FLOATS_AT_A_TIME = 1 << 19
"""Of the queries, keys, values and residuals of a layer; half or twice as many gained nothing."""


class AutoInt(nn.Module):
    """Attention layers over the fields; with `hidden_dims`, AutoInt+.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most tokens; up to as many fields, every field is one.
        token_dim: C.
        num_layers: attention layers, from 1.
        num_heads: H.
        head_dim: D.
        scaled_scores: whether scores are divided by √D.
        hidden_dims: widths of the MLP of AutoInt+; none: AutoInt.
        initialisation: ``autoint`` (the authors'), or one of `initialisation`.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 40,
        token_dim: int = 16,
        num_layers: int = 3,
        num_heads: int = 2,
        head_dim: int = 32,
        scaled_scores: bool = False,
        hidden_dims: Sequence[int] = (),
        initialisation: str = "autoint",
    ) -> None:
        super().__init__()
        require_known(initialisation, ("autoint", *INITIALISATIONS))
        require_positive({"num_layers": num_layers, "num_heads": num_heads, "head_dim": head_dim})
        attention_dim = num_heads * head_dim
        self.tokens = FieldTokens(field_dims, max_tokens=max_tokens, token_dim=token_dim)
        self.layers = nn.ModuleList(
            InteractingLayer(in_dim, num_heads, head_dim, scaled_scores=scaled_scores)
            for in_dim in [token_dim] + [attention_dim] * (num_layers - 1)
        )
        self.floats_per_row = self.tokens.num_tokens * 4 * attention_dim  # what `maps` of a layer gives
        self.head = nn.Linear(self.tokens.num_tokens * attention_dim, num_tasks)
        self.deep: nn.Module | None = None
        if hidden_dims:
            deep_head = nn.Linear(hidden_dims[-1], num_tasks, bias=False)
            self.deep = nn.Sequential(mlp(sum(field_dims), hidden_dims), deep_head)
        initialise(self, "glorot" if initialisation == "autoint" else initialisation)
        if initialisation == "autoint":
            for part in (self.head, self.deep):
                if part is not None:
                    part.apply(_glorot_normal_)
            nn.init.zeros_(self.head.bias)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K).

        So few rows at a time that what a layer makes of them stays in a core's cache.
        """
        return by_rows(self._logits, x_BI, max(1, FLOATS_AT_A_TIME // self.floats_per_row))

    def _logits(self, x_BI: Tensor) -> Tensor:
        e_BTA = self.tokens(x_BI)
        for layer in self.layers:
            e_BTA = layer(e_BTA)
        logits_BK = self.head(e_BTA.flatten(1))
        return logits_BK if self.deep is None else logits_BK + self.deep(x_BI)


class InteractingLayer(nn.Module):
    """ReLU(attention over the tokens + W_Res e): (B, T, in) → (B, T, A).

    `maps` holds W_Q, W_K, W_V and W_Res one above the other, each with its heads one after another.
    """

    def __init__(self, in_dim: int, num_heads: int, head_dim: int, *, scaled_scores: bool) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, head_dim
        self.score_scale = 1 / math.sqrt(head_dim) if scaled_scores else 1.0
        self.maps = FusedLinear(in_dim, 4 * num_heads * head_dim, outputs=4, bias=False)

    def forward(self, e_BTC: Tensor) -> Tensor:
        weight_MC = self.maps.weight
        if self.score_scale != 1:
            A = self.num_heads * self.head_dim
            weight_MC = torch.cat([self.score_scale * weight_MC[:A], weight_MC[A:]])  # W_Q takes the scale
        out_BTA: Tensor = _Interacting.apply(e_BTC, weight_MC, self.num_heads)
        return out_BTA


class _Interacting(torch.autograd.Function):
    """The layer's equation, head by head, with few passes over memory.

    Heads are views of what the maps give, which products read without a copy. Of the residual and of what is
    attended only the sum after its ReLU is kept.
    """

    @staticmethod
    def forward(ctx: Any, e_BTC: Tensor, weight_MC: Tensor, num_heads: int) -> Tensor:
        B, T, C = e_BTC.shape
        A = weight_MC.shape[0] // 4
        e_NC = e_BTC.reshape(B * T, C)
        qkv_NM = e_NC @ weight_MC[: 3 * A].t()
        shares_BTT, heads_BTD = [], []
        for q_BTD, k_BTD, v_BTD in _by_head(qkv_NM, (B, T, 3, num_heads)):
            # Softmax in place takes longer here than into a new tensor.
            shares_BTT.append(torch.softmax(torch.bmm(q_BTD, k_BTD.transpose(1, 2)), dim=2))
            heads_BTD.append(torch.bmm(shares_BTT[-1], v_BTD))
        attended_NA = torch.cat(heads_BTD, dim=2).view(B * T, A)
        out_NA = torch.addmm(attended_NA, e_NC, weight_MC[3 * A :].t()).relu_()
        ctx.save_for_backward(e_NC, weight_MC, qkv_NM, out_NA, *shares_BTT)
        return out_NA.view(B, T, A)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BTA: Tensor) -> tuple[Tensor, Tensor, None]:
        e_NC, weight_MC, qkv_NM, out_NA, *shares_BTT = ctx.saved_tensors
        B, T, A = grad_BTA.shape
        C, H = e_NC.shape[1], len(shares_BTT)
        maps_NM = qkv_NM.new_empty(B * T, 4 * A)  # the gradient of what each of the four maps gives
        torch.ops.aten.threshold_backward.grad_input(  # of the ReLU
            grad_BTA.reshape(B * T, A), out_NA, 0, grad_input=maps_NM[:, 3 * A :]
        )
        for share_BTT, (q_BTD, k_BTD, v_BTD), (of_q_BTD, of_k_BTD, of_v_BTD, grad_BTD) in zip(
            shares_BTT, _by_head(qkv_NM, (B, T, 3, H)), _by_head(maps_NM, (B, T, 4, H)), strict=True
        ):
            of_v_BTD.copy_(torch.bmm(share_BTT.transpose(1, 2), grad_BTD))
            of_share_BTT = torch.bmm(grad_BTD, v_BTD.transpose(1, 2))
            of_score_BTT = torch._softmax_backward_data(of_share_BTT, share_BTT, 2, share_BTT.dtype)
            of_q_BTD.copy_(torch.bmm(of_score_BTT, k_BTD))
            of_k_BTD.copy_(torch.bmm(of_score_BTT.transpose(1, 2), q_BTD))
        # With fewer columns than a vector register holds, a product is faster with those as its rows.
        of_e_NC = (weight_MC.t() @ maps_NM.t()).t() if C < 16 else maps_NM @ weight_MC
        return of_e_NC.view(B, T, C), (e_NC.t() @ maps_NM).t(), None


def _by_head(maps_NM: Tensor, sizes: tuple[int, int, int, int]) -> Tensor:
    """Views: (rows × tokens, parts × heads × D) → (heads, parts, rows, tokens, D), from the four sizes."""
    return maps_NM.view(*sizes, maps_NM.shape[1] // (sizes[2] * sizes[3])).permute(3, 2, 0, 1, 4)


def _glorot_normal_(module: nn.Module) -> None:
    """Weight and bias normal with variance 2 / (in + out)."""
    if isinstance(module, nn.Linear):
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=math.sqrt(2 / sum(module.weight.shape)))
