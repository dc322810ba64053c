"""The fast forms against the plain operators."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from baselines.attention import add_norm, attend

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def heads(dtype: torch.dtype) -> list[Tensor]:
    """Queries of 3 tokens, keys and values of 5; values have another width."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(7, 4, 3), (7, 4, 5), (7, 2, 5)]
    return [
        torch.randn(s, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for s in shapes
    ]


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    shares = torch.softmax(torch.einsum("ndq,ndt->nqt", q, k), dim=2)
    return torch.einsum("nqt,net->neq", shares, v)


def assert_near(fast: list[Tensor], plain: list[Tensor], dtype: torch.dtype) -> None:
    for a, b in zip(fast, plain, strict=True):
        assert (a - b).abs().max() <= TOLERANCE[dtype] * b.abs().max()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_attention_and_its_gradients_are_those_of_the_plain_operators(dtype: torch.dtype) -> None:
    inputs = heads(dtype)
    fast, plain = attend(*inputs), plain_attention(*inputs)
    grad = torch.randn_like(plain)
    fast_grads = torch.autograd.grad(fast, inputs, grad)
    assert_near([fast, *fast_grads], [plain, *torch.autograd.grad(plain, inputs, grad)], dtype)


def test_attention_has_the_gradient_of_differences() -> None:
    assert torch.autograd.gradcheck(attend, heads(torch.float64))


def test_attention_stays_finite_where_scores_are_large() -> None:
    q, k, v = (1e3 * part.detach() for part in heads(torch.float32))
    assert attend(q, k, v).isfinite().all()


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_norm_along_any_dimension_is_that_of_the_last(dim: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, residual = (torch.randn(4, 6, 5, dtype=dtype, requires_grad=True) for _ in range(2))
    norm = torch.nn.LayerNorm(x.shape[dim], dtype=dtype)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    inputs = [x, residual, norm.weight, norm.bias]
    fast = add_norm([x], residual, norm, dim=dim, along=0)
    plain = norm((x + residual).transpose(dim, 2)).transpose(dim, 2)
    grad = torch.randn_like(plain)
    fast_grads = torch.autograd.grad(fast, inputs, grad)
    assert_near([fast, *fast_grads], [plain, *torch.autograd.grad(plain, inputs, grad)], dtype)
    if dtype == torch.float64:
        assert torch.autograd.gradcheck(
            lambda x, residual: add_norm([x], residual, norm, dim=dim, along=0), (x, residual)
        )


@pytest.mark.parametrize("num_parts", [1, 2])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_norm_of_a_sum_is_that_of_the_joined_parts_plus_the_residual(
    dtype: torch.dtype, num_parts: int
) -> None:
    torch.manual_seed(0)
    residual = torch.randn(4, 6, 5, dtype=dtype, requires_grad=True)
    sizes = [5] if num_parts == 1 else [2, 3]
    parts = [torch.randn(4, 6, size, dtype=dtype, requires_grad=True) for size in sizes]
    norm = torch.nn.LayerNorm(6, dtype=dtype)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    kept = [part.detach().clone() for part in parts]
    inputs = [residual, *parts, norm.weight, norm.bias]
    fast = add_norm(parts, residual, norm, dim=1, along=2)
    plain = norm((torch.cat(parts, dim=2) + residual).transpose(1, 2)).transpose(1, 2)
    grad = torch.randn_like(plain)
    fast_grads = torch.autograd.grad(fast, inputs, grad)
    assert_near([fast, *fast_grads], [plain, *torch.autograd.grad(plain, inputs, grad)], dtype)
    assert all(torch.equal(part, before) for part, before in zip(parts, kept, strict=True))
