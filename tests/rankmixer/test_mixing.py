"""Token mixing: what goes where, and back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rankmixer import mixing
from rankmixer.mixing import mix, revert

SHAPES = [(4, 4, 12), (3, 5, 10), (6, 2, 4), (1, 3, 6)]


@pytest.fixture(params=["small", "large"], autouse=True)
def size(request, monkeypatch):
    """Every test is made with either form."""
    monkeypatch.setattr(mixing, "_WORTH", 0 if request.param == "large" else 1 << 30)


def concatenated_slices(x_TBD: Tensor, num_heads: int) -> list[Tensor]:
    """Slice h of every token, in the tokens' order, for every h."""
    width = x_TBD.shape[2] // num_heads
    return [
        torch.cat([token_BD[:, h * width : (h + 1) * width] for token_BD in x_TBD], dim=1)
        for h in range(num_heads)
    ]


@pytest.mark.parametrize(("T", "H", "D"), SHAPES)
def test_output_token_h_is_slice_h_of_every_token_in_order(T, H, D):
    x_TBD = torch.randn(T, 2, D)
    expected = concatenated_slices(x_TBD, H)
    assert all(torch.equal(token, slices) for token, slices in zip(mix(x_TBD, H), expected, strict=True))


def test_the_identity_would_fail_the_test_above():
    x_TBD = torch.randn(4, 2, 8)
    expected = concatenated_slices(x_TBD, 4)
    assert not any(torch.equal(token, slices) for token, slices in zip(x_TBD, expected, strict=True))


def test_every_mixed_token_sees_every_token():
    x_TBD = torch.randn(4, 2, 8)
    before = mix(x_TBD, 4)
    for t in range(4):
        changed = x_TBD.clone()
        changed[t] += 1
        assert (mix(changed, 4) != before).any(dim=2).all()


@pytest.mark.parametrize(("T", "H", "D"), SHAPES)
def test_reverting_gives_the_tokens_back(T, H, D):
    x_TBD = torch.randn(T, 3, D)
    assert torch.equal(revert(mix(x_TBD, H), T), x_TBD)


@pytest.mark.parametrize(("T", "H", "D"), SHAPES)
def test_the_gradient_is_that_of_the_slices(T, H, D):
    x_TBD = torch.randn(T, 3, D, requires_grad=True)
    grad_HBW = torch.randn(H, 3, T * D // H)
    (expected,) = torch.autograd.grad(torch.stack(concatenated_slices(x_TBD, H)), x_TBD, grad_HBW)
    (got,) = torch.autograd.grad(mix(x_TBD, H), x_TBD, grad_HBW)
    assert torch.equal(got, expected)
    assert torch.autograd.gradgradcheck(lambda x: mix(x, H), x_TBD.detach().double().requires_grad_())
