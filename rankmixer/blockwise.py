"""The layers of `per_token`, a block of tokens and rows at a time: same equations, less traffic to memory.

The hidden layer of a per-token network is wide: T · B · N numbers. As whole tensors, each pass over them
(bias, activation, product, and the same backwards) reads and writes memory. Here a block of them goes
through all passes while it lies in the processor's cache. Kept for backward is only what comes before the
activation; the activation is computed again, which costs no more than reading it.

Sums over the rows are taken block by block, so gradients differ from those of the plain form by rounding, and
from one number of threads to another, as a block has a token for each thread. There are no gradients of
gradients.

Letters: B batch, T tokens, D token width, N hidden width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_WORTH = 1 << 21
"""Numbers in a hidden layer, for each thread, from which blocks were faster where they were measured."""
_BLOCK = 1 << 20
"""Numbers of a hidden layer in a token's block: 4 MiB."""
_FEWEST_ROWS = 256

_gelu_backward = torch.ops.aten.gelu_backward.grad_input
_silu_backward = torch.ops.aten.silu_backward.grad_input


def pays(x_TBD: Tensor, hidden_dim: int) -> bool:
    """Whether blocks are faster for tokens with so wide a hidden layer: many, on a CPU, in eager mode."""
    return (
        x_TBD.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()  # a program that is exported must not depend on the rows
        and x_TBD.shape[0] * x_TBD.shape[1] * hidden_dim >= _WORTH * torch.get_num_threads()
    )


def ffn(
    x_TBD: Tensor, up_TDN: Tensor, up_bias_T1N: Tensor, down_TND: Tensor, down_bias_T1D: Tensor
) -> Tensor:
    """`per_token.PerTokenFFN`: down · GELU(up · x + up_bias) + down_bias, (T, B, D) → (T, B, D)."""
    arguments = x_TBD, up_TDN, up_bias_T1N, down_TND, down_bias_T1D
    return _FFN.apply(*arguments) if torch.is_grad_enabled() else _ffn(*arguments, hidden_TBN=None)


def swiglu(x_TBD: Tensor, gate_TDN: Tensor, up_TDN: Tensor, down_TND: Tensor) -> Tensor:
    """`per_token.PerTokenSwiGLU`: down · (Swish(gate · x) ⊙ up · x), (T, B, D) → (T, B, D)."""
    arguments = x_TBD, gate_TDN, up_TDN, down_TND
    return _SwiGLU.apply(*arguments) if torch.is_grad_enabled() else _swiglu(*arguments, kept=None)


def rms_norm(x_TBD: Tensor, weight_D: Tensor, eps: float) -> Tensor:
    """`torch.nn.functional.rms_norm` over the last dimension, which on a CPU is composed of many passes."""
    return _RMSNorm.apply(x_TBD, weight_D, eps)


def _blocks(x_TBD: Tensor, hidden_dim: int) -> Iterator[tuple[slice, slice]]:
    """Tokens and rows of each block: a token for each thread, and as many rows as fit."""
    T, B, _ = x_TBD.shape
    tokens, rows = torch.get_num_threads(), max(_FEWEST_ROWS, _BLOCK // hidden_dim)
    for t in range(0, T, tokens):
        for b in range(0, B, rows):
            yield slice(t, t + tokens), slice(b, b + rows)


def _ffn(
    x_TBD: Tensor,
    up_TDN: Tensor,
    up_bias_T1N: Tensor,
    down_TND: Tensor,
    down_bias_T1D: Tensor,
    *,
    hidden_TBN: Tensor | None,
) -> Tensor:
    """The forward pass; leaves what comes before the activation in `hidden_TBN`."""
    y_TBD = x_TBD.new_empty(*x_TBD.shape[:2], down_TND.shape[2])
    for t, b in _blocks(x_TBD, up_TDN.shape[2]):
        out = None if hidden_TBN is None else hidden_TBN[t, b]
        hidden = torch.baddbmm(up_bias_T1N[t], x_TBD[t, b], up_TDN[t], out=out)
        torch.baddbmm(down_bias_T1D[t], F.gelu(hidden), down_TND[t], out=y_TBD[t, b])
    return y_TBD


class _FFN(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_TBD: Tensor, up_TDN: Tensor, up_bias_T1N: Tensor, down_TND: Tensor, down_bias_T1D: Tensor
    ) -> Tensor:
        hidden_TBN = x_TBD.new_empty(*x_TBD.shape[:2], up_TDN.shape[2])
        ctx.save_for_backward(x_TBD, up_TDN, down_TND, hidden_TBN)
        return _ffn(x_TBD, up_TDN, up_bias_T1N, down_TND, down_bias_T1D, hidden_TBN=hidden_TBN)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TBD: Tensor) -> tuple[Tensor, ...]:
        x_TBD, up_TDN, down_TND, hidden_TBN = ctx.saved_tensors
        x_grad_TBD, up_grad_TDN, down_grad_TND = torch.empty_like(x_TBD), _zeros(up_TDN), _zeros(down_TND)
        bias_grad_T1N = up_TDN.new_zeros(up_TDN.shape[0], 1, up_TDN.shape[2])
        for t, b in _blocks(x_TBD, up_TDN.shape[2]):
            x, hidden, grad = x_TBD[t, b], hidden_TBN[t, b], grad_TBD[t, b]
            down_grad_TND[t].baddbmm_(F.gelu(hidden).transpose(1, 2), grad)
            hidden_grad = torch.bmm(grad, down_TND[t].transpose(1, 2))
            _gelu_backward(hidden_grad, hidden, grad_input=hidden_grad)
            up_grad_TDN[t].baddbmm_(x.transpose(1, 2), hidden_grad)
            bias_grad_T1N[t] += hidden_grad.sum(dim=1, keepdim=True)
            torch.bmm(hidden_grad, up_TDN[t].transpose(1, 2), out=x_grad_TBD[t, b])
        return x_grad_TBD, up_grad_TDN, bias_grad_T1N, down_grad_TND, grad_TBD.sum(dim=1, keepdim=True)


def _swiglu(
    x_TBD: Tensor,
    gate_TDN: Tensor,
    up_TDN: Tensor,
    down_TND: Tensor,
    *,
    kept: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """The forward pass; leaves gate and up in `kept`, (T, B, N) each."""
    y_TBD = x_TBD.new_empty(*x_TBD.shape[:2], down_TND.shape[2])
    for t, b in _blocks(x_TBD, gate_TDN.shape[2]):
        gate_out, up_out = (None, None) if kept is None else (one[t, b] for one in kept)
        gate = torch.bmm(x_TBD[t, b], gate_TDN[t], out=gate_out)
        up = torch.bmm(x_TBD[t, b], up_TDN[t], out=up_out)
        torch.bmm(F.silu(gate).mul_(up), down_TND[t], out=y_TBD[t, b])
    return y_TBD


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_TBD: Tensor, gate_TDN: Tensor, up_TDN: Tensor, down_TND: Tensor) -> Tensor:
        shape = *x_TBD.shape[:2], gate_TDN.shape[2]
        kept = x_TBD.new_empty(shape), x_TBD.new_empty(shape)
        ctx.save_for_backward(x_TBD, gate_TDN, up_TDN, down_TND, *kept)
        return _swiglu(x_TBD, gate_TDN, up_TDN, down_TND, kept=kept)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TBD: Tensor) -> tuple[Tensor, ...]:
        x_TBD, gate_TDN, up_TDN, down_TND, gate_TBN, up_TBN = ctx.saved_tensors
        x_grad_TBD = torch.empty_like(x_TBD)
        gate_grad_TDN, up_grad_TDN, down_grad_TND = _zeros(gate_TDN), _zeros(up_TDN), _zeros(down_TND)
        for t, b in _blocks(x_TBD, gate_TDN.shape[2]):
            x, grad, gate, up = x_TBD[t, b], grad_TBD[t, b], gate_TBN[t, b], up_TBN[t, b]
            swish = F.silu(gate)
            down_grad_TND[t].baddbmm_((swish * up).transpose(1, 2), grad)
            hidden_grad = torch.bmm(grad, down_TND[t].transpose(1, 2))
            up_grad = swish.mul_(hidden_grad)
            gate_grad = _silu_backward(hidden_grad.mul_(up), gate, grad_input=hidden_grad)
            gate_grad_TDN[t].baddbmm_(x.transpose(1, 2), gate_grad)
            up_grad_TDN[t].baddbmm_(x.transpose(1, 2), up_grad)
            x_grad = torch.bmm(gate_grad, gate_TDN[t].transpose(1, 2), out=x_grad_TBD[t, b])
            x_grad.baddbmm_(up_grad, up_TDN[t].transpose(1, 2))
        return x_grad_TBD, gate_grad_TDN, up_grad_TDN, down_grad_TND


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_TBD: Tensor, weight_D: Tensor, eps: float) -> Tensor:
        y_TBD, scale_TB1 = x_TBD.new_empty(x_TBD.shape), x_TBD.new_empty(*x_TBD.shape[:2], 1)
        for t, b in _blocks(x_TBD, x_TBD.shape[2]):
            x, y, scale = x_TBD[t, b], y_TBD[t, b], scale_TB1[t, b]
            torch.linalg.vector_norm(x, dim=2, keepdim=True, out=scale)
            scale.square_().div_(x.shape[2]).add_(eps).rsqrt_()
            torch.mul(x, scale, out=y).mul_(weight_D)
        ctx.save_for_backward(x_TBD, weight_D, scale_TB1)
        return y_TBD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TBD: Tensor) -> tuple[Tensor, Tensor, None]:
        x_TBD, weight_D, scale_TB1 = ctx.saved_tensors
        x_grad_TBD, weight_grad_D = x_TBD.new_empty(x_TBD.shape), _zeros(weight_D)
        for t, b in _blocks(x_TBD, x_TBD.shape[2]):
            x, grad, scale, x_grad = x_TBD[t, b], grad_TBD[t, b], scale_TB1[t, b], x_grad_TBD[t, b]
            product = grad * x
            weight_grad_D += product.flatten(0, 1).t() @ scale.flatten()
            mean = (product @ weight_D).unsqueeze(2) / x.shape[2]
            torch.mul(grad, weight_D, out=x_grad).mul_(scale).addcmul_(x, mean.mul_(scale**3), value=-1)
        return x_grad_TBD, weight_grad_D, None


def _zeros(like: Tensor) -> Tensor:
    return like.new_zeros(like.shape)
