"""Block by block or as whole tensors: the same equations, to rounding, and gradients of every input."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rankmixer import RankMixer, TokenMixerLarge, blockwise
from rankmixer.per_token import PerTokenFFN, PerTokenSwiGLU
from rankmixer.tokenmixer_large import RMSNorm

T, B, D, N = 5, 23, 6, 10
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def ffn(x: Tensor, up: Tensor, up_bias: Tensor, down: Tensor, down_bias: Tensor) -> Tensor:
    hidden = torch.einsum("tbd,tdn->tbn", x, up) + up_bias
    return torch.einsum("tbn,tnd->tbd", F.gelu(hidden), down) + down_bias


def swiglu(x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    gate, up = (torch.einsum("tbd,tdn->tbn", x, w) for w in (gate, up))
    return torch.einsum("tbn,tnd->tbd", gate * torch.sigmoid(gate) * up, down)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    return x / (x.square().mean(dim=2, keepdim=True) + 1e-6).sqrt() * weight


LAYERS = {
    "ffn": (ffn, blockwise.ffn, [(T, B, D), (T, D, N), (T, 1, N), (T, N, D), (T, 1, D)]),
    "swiglu": (swiglu, blockwise.swiglu, [(T, B, D), (T, D, N), (T, D, N), (T, N, D)]),
    "rms_norm": (rms_norm, lambda x, w: blockwise.rms_norm(x, w, 1e-6), [(T, B, D), (D,)]),
}


@pytest.fixture(params=[1, 2])
def several_blocks(request, monkeypatch):
    """Blocks of 4 rows and of one or two tokens: some are full, the last ones are not."""
    monkeypatch.setattr(blockwise, "_WORTH", 0)
    monkeypatch.setattr(blockwise, "_BLOCK", 0)
    monkeypatch.setattr(blockwise, "_FEWEST_ROWS", 4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: request.param)


def inputs(shapes: list[tuple[int, ...]], dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


def difference(got: Tensor, expected: Tensor) -> Tensor:
    """The norm of the difference as a share of that of what is expected."""
    return (got - expected).norm() / expected.norm()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_those_of_the_equation(name, dtype, several_blocks):
    plain, blocks, shapes = LAYERS[name]
    arguments = inputs(shapes, dtype)
    y, expected = blocks(*arguments), plain(*arguments)
    torch.testing.assert_close(y, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    grad = torch.randn_like(expected)
    for got, of_plain in zip(
        torch.autograd.grad(y, arguments, grad), torch.autograd.grad(expected, arguments, grad), strict=True
    ):
        assert difference(got, of_plain) < TOLERANCE[dtype]


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_finite_differences(name, several_blocks):
    _, blocks, shapes = LAYERS[name]
    assert torch.autograd.gradcheck(blocks, inputs(shapes, torch.float64), fast_mode=True)


@pytest.mark.parametrize("name", LAYERS)
def test_without_gradients_the_values_are_the_same(name, several_blocks):
    _, blocks, shapes = LAYERS[name]
    arguments = inputs(shapes, torch.float32)
    with torch.no_grad():
        y = blocks(*arguments)
    assert not y.requires_grad
    assert difference(y, blocks(*arguments)) < 1e-6


@pytest.mark.parametrize("name", LAYERS)
def test_tokens_may_lie_in_memory_row_by_row(name, several_blocks):
    _, blocks, shapes = LAYERS[name]
    x_TBD, *weights = inputs(shapes, torch.float32)
    by_row_TBD = x_TBD.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    y, of_rows = blocks(x_TBD, *weights), blocks(by_row_TBD, *weights)
    assert difference(of_rows, y) < 1e-6
    grad_TBD = torch.randn(B, T, D).transpose(0, 1)
    torch.testing.assert_close(
        torch.autograd.grad(of_rows, by_row_TBD, grad_TBD), torch.autograd.grad(y, x_TBD, grad_TBD)
    )


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", LAYERS)
def test_any_number_of_rows_will_do(name, rows, several_blocks):
    plain, blocks, shapes = LAYERS[name]
    x_TBD, *weights = inputs([(T, rows, D), *shapes[1:]], torch.float32)
    y = blocks(x_TBD, *weights)
    torch.testing.assert_close(y, plain(x_TBD, *weights), rtol=1e-5, atol=1e-5)
    y.sum().backward()
    assert x_TBD.grad.shape == x_TBD.shape


def models() -> list[nn.Module]:
    torch.manual_seed(0)
    fields = [4] * 8
    return [
        RankMixer(fields, num_tokens=4, token_dim=8, hidden_dim=16),
        RankMixer(fields, num_tokens=4, token_dim=8, hidden_dim=16, norm="pre"),
        TokenMixerLarge(fields, num_tokens=4, num_heads=4, token_dim=8, hidden_dim=12),
        TokenMixerLarge(fields, num_tokens=4, num_heads=2, token_dim=8, hidden_dim=12, norm="sandwich"),
        TokenMixerLarge(fields, num_tokens=4, num_heads=4, token_dim=8, num_experts=4, active_experts=2),
    ]


@pytest.mark.parametrize("number", range(len(models())))
def test_a_model_gives_the_same_logits_and_gradients_either_way(number, several_blocks, monkeypatch):
    by_blocks = models()[number]
    plain = copy.deepcopy(by_blocks)
    x_BI = torch.randn(B, 32)
    found = []
    for model, worth in ((by_blocks, 0), (plain, 1 << 40)):
        monkeypatch.setattr(blockwise, "_WORTH", worth)
        x = x_BI.clone().requires_grad_()
        logits = model(x)
        logits.square().sum().backward()
        found.append([logits, x.grad, *(p.grad for p in model.parameters())])
    for got, expected in zip(*found, strict=True):
        if expected is not None:  # auxiliary heads get none without the loss
            assert difference(got, expected) < 3e-5


def test_large_inputs_on_a_cpu_go_by_blocks_and_others_do_not(monkeypatch):
    def refuse(*_: object) -> Tensor:
        raise AssertionError("by blocks")

    for name in ("ffn", "swiglu", "rms_norm"):
        monkeypatch.setattr(blockwise, name, refuse)
    monkeypatch.setattr(blockwise, "_WORTH", 4 * T * B * D)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    layers = PerTokenFFN(T, D, 4 * D), PerTokenSwiGLU(T, D, 2 * D), RMSNorm(D)
    for layer in layers:
        layer(torch.randn(T, B - 1, D))
        with pytest.raises(AssertionError, match="by blocks"):
            layer(torch.randn(T, B, D))
        layer.to("meta")(torch.empty(T, B, D, device="meta"))
