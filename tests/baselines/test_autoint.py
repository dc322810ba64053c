"""AutoInt against its equations, written as loops over rows, heads and fields."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines.autoint import AutoInt
from baselines.interacting import InteractingLayer
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (4, 4, 4)
WIDTH = sum(FIELD_DIMS)


def small_autoint(**hyperparameters: object) -> AutoInt:
    torch.manual_seed(0)
    sizes = {"token_dim": 5, "num_layers": 2, "num_heads": 2, "head_dim": 3}
    return AutoInt(FIELD_DIMS, 2, **{**sizes, **hyperparameters}).double()


def batch(rows: int = 4) -> Tensor:
    return 2 * torch.randn(rows, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def tokens_by_loops(model: AutoInt, x: Tensor) -> list[Tensor]:
    """One row: each of the equally wide fields through its own map."""
    (projection,) = model.tokens.projections
    return [
        x[4 * field : 4 * field + 4] @ projection.weight[field] + projection.bias[field, 0]
        for field in range(len(FIELD_DIMS))
    ]


def layer_by_loops(layer: InteractingLayer, tokens: list[Tensor], *, scale: float) -> list[Tensor]:
    """One row through the layer, head by head and pair by pair."""
    H, D = layer.num_heads, layer.head_dim
    W_Q, W_K, W_V, W_Res = (layer.maps.weight[part * H * D : (part + 1) * H * D] for part in range(4))
    out = []
    for e_i in tokens:
        heads = []
        for head in range(H):
            of_head = slice(head * D, (head + 1) * D)
            scores = [scale * torch.dot(W_Q[of_head] @ e_i, W_K[of_head] @ e_j) for e_j in tokens]
            total = sum(torch.exp(score) for score in scores)
            heads.append(
                sum(
                    torch.exp(score) / total * (W_V[of_head] @ e_j)
                    for score, e_j in zip(scores, tokens, strict=True)
                )
            )
        out.append(torch.relu(torch.cat(heads) + W_Res @ e_i))
    return out


@pytest.mark.parametrize("scaled_scores", [False, True])
@pytest.mark.parametrize("hidden_dims", [(), (7,)])
def test_logits_are_those_of_the_equations(scaled_scores: bool, hidden_dims: tuple[int, ...]) -> None:
    model = small_autoint(scaled_scores=scaled_scores, hidden_dims=hidden_dims)
    expected = []
    for x in batch():
        tokens = tokens_by_loops(model, x)
        for layer in model.layers:
            tokens = layer_by_loops(layer, tokens, scale=1 / math.sqrt(3) if scaled_scores else 1.0)
        logits = model.head.weight @ torch.cat(tokens) + model.head.bias
        if hidden_dims:
            (first, _), deep_head = model.deep
            logits = logits + deep_head.weight @ torch.relu(first.weight @ x + first.bias)
        expected.append(logits)
    torch.testing.assert_close(model(batch()), torch.stack(expected))


def test_a_field_reaches_the_others_only_by_attention() -> None:
    """With values of zero the residual map alone remains, and a field then changes its own token only."""
    layer = small_autoint().layers[0]
    e_BTC = torch.randn(2, 3, 5, dtype=torch.float64)
    other_BTC = e_BTC.clone()
    other_BTC[:, 1] += 1
    assert (layer(e_BTC) != layer(other_BTC)).any(dim=2).all()
    with torch.no_grad():
        layer.maps.weight[12:18] = 0  # W_V
    changed_BT = (layer(e_BTC) != layer(other_BTC)).any(dim=2)
    assert changed_BT.tolist() == [[False, True, False]] * 2


def test_a_layer_does_not_know_the_order_of_the_fields() -> None:
    layer = small_autoint().layers[0]
    e_BTC = torch.randn(2, 3, 5, dtype=torch.float64)
    order = [2, 0, 1]
    torch.testing.assert_close(layer(e_BTC)[:, order], layer(e_BTC[:, order]))


def test_scaling_divides_the_scores_by_the_root_of_the_head_width() -> None:
    plain, scaled = small_autoint().layers[0], small_autoint(scaled_scores=True).layers[0]
    e_BTC = torch.randn(2, 3, 5, dtype=torch.float64)
    assert not torch.allclose(plain(e_BTC), scaled(e_BTC))
    with torch.no_grad():
        plain.maps.weight[:6] /= math.sqrt(3)  # W_Q
    torch.testing.assert_close(plain(e_BTC), scaled(e_BTC))


def plain_layer(layer: InteractingLayer, e_BTC: Tensor, weight: Tensor) -> Tensor:
    """Operator by operator, without a function of its own for gradients."""
    q, k, v, residual = torch.einsum("btc,mc->btm", e_BTC, weight).chunk(4, dim=2)
    q, k, v = (part.unflatten(2, (layer.num_heads, layer.head_dim)) for part in (q, k, v))
    shares = torch.softmax(layer.score_scale * torch.einsum("bihd,bjhd->bhij", q, k), dim=3)
    return torch.relu(torch.einsum("bhij,bjhd->bihd", shares, v).flatten(2) + residual)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("scaled_scores", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 4])
@pytest.mark.parametrize("in_dim", [3, 17])
def test_a_layer_and_its_gradients_are_those_of_the_plain_operators(
    in_dim: int, rows: int, scaled_scores: bool, dtype: torch.dtype, tolerance: float
) -> None:
    """For narrow and wide input, whose products have two forms; no tensor is contiguous."""
    torch.manual_seed(0)
    layer = InteractingLayer(in_dim, num_heads=2, head_dim=4, scaled_scores=scaled_scores).to(dtype)
    e_BTC = torch.randn(5, rows, in_dim, dtype=dtype).transpose(0, 1).requires_grad_()
    inputs = [e_BTC, layer.maps.weight]
    fast, plain = layer(e_BTC), plain_layer(layer, *inputs)
    grad = torch.randn(5, rows, 8, dtype=dtype).transpose(0, 1)
    results = [(out, *torch.autograd.grad(out, inputs, grad)) for out in (fast, plain)]
    for a, b in zip(*results, strict=True):
        assert a.shape == b.shape
        assert a.numel() == 0 or (a - b).abs().max() <= tolerance * b.abs().max()


@pytest.mark.parametrize("in_dim", [3, 17])
def test_a_layer_has_the_gradient_of_differences(in_dim: int) -> None:
    torch.manual_seed(0)
    layer = InteractingLayer(in_dim, num_heads=2, head_dim=4, scaled_scores=True).double()
    e_BTC = torch.randn(2, 5, in_dim, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda e_BTC, _: layer(e_BTC), (e_BTC, layer.maps.weight))


def test_a_layer_stays_finite_where_scores_are_large() -> None:
    layer = InteractingLayer(5, num_heads=2, head_dim=4, scaled_scores=False)
    e_BTC = (1e4 * torch.randn(2, 3, 5)).requires_grad_()
    out = layer(e_BTC)
    (grad_BTC,) = torch.autograd.grad(out.sum(), e_BTC)
    assert out.isfinite().all()
    assert grad_BTC.isfinite().all()


def test_plus_adds_the_logits_of_an_mlp() -> None:
    plus, plain = small_autoint(hidden_dims=(7, 6)), small_autoint()
    plain.load_state_dict({k: v for k, v in plus.state_dict().items() if not k.startswith("deep.")})
    torch.testing.assert_close(plus(batch()), plain(batch()) + plus.deep(batch()))
    assert not torch.allclose(plus(batch()), plain(batch()))


def test_many_fields_share_tokens() -> None:
    """Above `max_tokens` scores no longer grow with the fields."""
    assert AutoInt((4,) * 60, max_tokens=6)(torch.randn(3, 240)).shape == (3, 1)
    few, many = (cost_of(AutoInt, (4,) * count, max_tokens=6, head_dim=8) for count in (6, 60))
    assert many["flops_forward"] - few["flops_forward"] == 2 * (240 - 24) * 16


def test_rows_in_parts_give_what_all_rows_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last part is smaller; gradients are sums over the parts."""
    model, x_BI = small_autoint(hidden_dims=(7,)), batch(7).requires_grad_()
    inputs = [x_BI, *model.parameters()]
    together = model(x_BI)
    monkeypatch.setattr("baselines.autoint.FLOATS_AT_A_TIME", 3 * model.floats_per_row)
    parts = model(x_BI)
    torch.testing.assert_close(parts, together)
    for a, b in zip(
        *(torch.autograd.grad(out.square().sum(), inputs) for out in (parts, together)), strict=True
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("hidden_dims", [(), (7, 6)])
def test_the_cost_is_that_of_the_equations(hidden_dims: tuple[int, ...]) -> None:
    """A layer has four maps to A, and T² scores and their use, A products each."""
    I, T, C, A, K = WIDTH, 3, 5, 6, 2  # noqa: E741
    maps = 4 * C * A + 4 * A * A
    heads = T * A * K + (6 * K if hidden_dims else 0)
    deep = I * 7 + 7 * 6 if hidden_dims else 0
    parameters = I * C + T * C + maps + deep + sum(hidden_dims) + heads + K
    products = I * C + T * maps + 2 * 2 * T * T * A + deep + heads
    cost = cost_of(
        AutoInt, FIELD_DIMS, K, token_dim=C, num_layers=2, num_heads=2, head_dim=3, hidden_dims=hidden_dims
    )
    assert cost == dense_cost(parameters, products)


@pytest.mark.parametrize("hidden_dims", [(), (8,)])
def test_it_learns_a_product_of_two_fields(hidden_dims: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x_BI = torch.randn(128, WIDTH)
    y_BK = (x_BI[:, :1] * x_BI[:, 6:7] > 0).float()
    model = AutoInt(FIELD_DIMS, token_dim=8, num_layers=2, head_dim=8, hidden_dims=hidden_dims)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x_BI), y_BK)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2  # chance: 0.69


@pytest.mark.parametrize("name", ["num_layers", "num_heads", "head_dim", "token_dim", "max_tokens"])
def test_sizes_below_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0; it must be 1 or more"):
        small_autoint(**{name: 0})
