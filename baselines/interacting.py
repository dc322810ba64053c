"""The interacting layer of AutoInt (arXiv 1810.11921), which Fi-GNN has before its graph.

    head h   a_ij = softmax_j(⟨W_Q e_i, W_K e_j⟩),   o_i = Σ_j a_ij W_V e_j ∈ R^D
    layer    e_i ← ReLU([o_i of every head] + W_Res e_i) ∈ R^A,     A = H D

Letters: B batch, T tokens, C token width, H heads, D head width, A attention width; N rows times tokens, M
outputs of several maps.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from baselines.initialisation import FusedLinear


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
