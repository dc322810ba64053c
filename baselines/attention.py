"""Fast forms for models of narrow tokens: attention and LayerNorm with the features of a token not innermost.

    attention   o_i = Σ_j softmax_j(⟨q_i, k_j⟩) v_j
    norm        y = (x − mean(x)) / √(var(x) + ε) ⊙ w + b

Heads and tokens are a few numbers wide, and a CPU's vector units run along the innermost axis. So the models
keep tokens or rows innermost. Each of the two is an autograd function here, which keeps and copies less than
autograd does for the plain operators. Both give the numbers of the plain operators up to rounding, with as
many matrix products.

Letters: T tokens, Q those that are queries, D width of a query, E width of a value, N rows times heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def attend(q_NDQ: Tensor, k_NDT: Tensor, v_NET: Tensor) -> Tensor:
    """softmax(qᵀ k) over T applied to v: (N, E, Q). Scores are not scaled."""
    attended_NEQ: Tensor = _Attention.apply(q_NDQ, k_NDT, v_NET)
    return attended_NEQ


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_NDQ: Tensor, k_NDT: Tensor, v_NET: Tensor) -> Tensor:
        share_NQT = torch.softmax(torch.bmm(q_NDQ.transpose(1, 2), k_NDT), dim=2)
        out_NEQ = torch.bmm(v_NET, share_NQT.transpose(1, 2))
        ctx.save_for_backward(q_NDQ, k_NDT, v_NET, share_NQT, out_NEQ)
        return out_NEQ

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NEQ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q_NDQ, k_NDT, v_NET, share_NQT, out_NEQ = ctx.saved_tensors
        # Σ_j share_ij ∂share_ij, which the softmax subtracts, is ⟨o_i, ∂o_i⟩: a sum of E numbers, not of T.
        sum_NQ1 = (out_NEQ * grad_NEQ).sum(dim=1).unsqueeze(2)
        scores_NQT = torch.bmm(grad_NEQ.transpose(1, 2), v_NET).sub_(sum_NQ1).mul_(share_NQT)
        return (
            torch.bmm(k_NDT, scores_NQT.transpose(1, 2)),
            torch.bmm(q_NDQ, scores_NQT),
            torch.bmm(grad_NEQ, share_NQT),
        )


def add_norm(
    parts: Sequence[Tensor], residual: Tensor, norm: nn.LayerNorm, *, dim: int, along: int
) -> Tensor:
    """`norm`, along `dim`, of what `parts` are when joined along `along`, plus `residual`."""
    shape = [-1 if i == dim else 1 for i in range(residual.ndim)]
    weight, bias = norm.weight.view(shape), norm.bias.view(shape)
    normed: Tensor = _AddNorm.apply(residual, weight, bias, norm.eps, dim, along, *parts)
    return normed


class _AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        residual: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: float,
        dim: int,
        along: int,
        *parts: Tensor,
    ) -> Tensor:
        x = torch.cat(parts, along).add_(residual) if len(parts) > 1 else parts[0] + residual
        centred = x.sub_(x.mean(dim, keepdim=True))
        inverse = centred.square().mean(dim, keepdim=True).add_(eps).rsqrt_()
        standard = centred.mul_(inverse)
        ctx.save_for_backward(standard, inverse, weight)
        ctx.dim, ctx.along, ctx.sizes = dim, along, [part.shape[along] for part in parts]
        return torch.addcmul(bias, standard, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        standard, inverse, weight = ctx.saved_tensors
        others = [i for i in range(grad.ndim) if i != ctx.dim]
        product = grad * standard
        of_weight = product.sum(others, keepdim=True)
        along = product.mul_(weight).mean(ctx.dim, keepdim=True)
        weighted = torch.mul(grad, weight, out=product)
        of_x = weighted.sub_(weighted.mean(ctx.dim, keepdim=True)).addcmul_(standard, along, value=-1)
        of_x = of_x.mul_(inverse)
        of_bias = grad.sum(others, keepdim=True)
        return of_x, of_weight, of_bias, None, None, None, *of_x.split(ctx.sizes, ctx.along)
