"""Wukong against its equations, written as loops over rows and tokens, and what each part does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from baselines import Wukong, wukong
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (3, 4, 2, 4)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def linear(module: torch.nn.Module, vector: Tensor) -> Tensor:
    return module.weight @ vector + module.bias


def layer_norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + norm.eps) * norm.weight + norm.bias


def wukong_row(model: Wukong, x_TD: Tensor, n_F: int, k: int) -> Tensor:
    """Equations of the paper for one example, from the tokens of its fields."""
    X = x_TD
    for layer in model.layers:
        n, D = X.shape
        if hasattr(layer.projection, "y"):
            Y = layer.projection.y.weight.T
        else:
            compressed = layer.projection.compress.map.weight @ X
            hidden, out = layer.projection.mlp[0][0], layer.projection.mlp[1]
            Y = linear(out, torch.relu(linear(hidden, compressed.reshape(-1)))).reshape(n, k)
        fm = torch.zeros(n, k, dtype=X.dtype)
        for i in range(n):
            for c in range(k):
                fm[i, c] = sum(X[i] @ X[j] * Y[j, c] for j in range(n))  # (X Xᵀ Y) by pairs
        h = layer_norm(fm.reshape(-1), layer.fm_norm)
        for step in layer.mlp[0]:
            h = torch.relu(linear(step, h)) if isinstance(step, torch.nn.Linear) else h
        fmb = linear(layer.mlp[1], h).reshape(n_F, D)
        together = torch.cat([fmb, layer.lcb.map.weight @ X])
        residual = X if len(together) == n else layer.residual.map.weight @ X
        X = torch.stack([layer_norm(row, layer.norm) for row in together + residual])
    h = X.reshape(-1)
    for step in model.mlp:
        h = torch.relu(linear(step, h)) if isinstance(step, torch.nn.Linear) else h
    return linear(model.head, h)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("projection", ["static", "attentive"])
@pytest.mark.parametrize("lcb_tokens", [2, 3])  # of 3 + 2 tokens the first layer's residual is a map
def test_equations(
    lcb_tokens: int, projection: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_F, k = 1 if lcb_tokens == 3 else 3, 3
    torch.manual_seed(0)
    model = Wukong(
        FIELD_DIMS,
        2,
        token_dim=5,
        num_layers=2,
        num_fmb_tokens=n_F,
        num_lcb_tokens=lcb_tokens,
        projection_rank=k,
        num_hidden=2,
        hidden_dim=7,
        projection=projection,
        num_compressed=2,
        projection_hidden_dim=6,
    ).to(dtype)
    for parameter in model.parameters():  # so that no scale is one and no shift zero
        torch.nn.init.normal_(parameter, std=0.5)
    inputs = [torch.randn(4, sum(FIELD_DIMS), dtype=dtype, requires_grad=True), *model.parameters()]
    plain = torch.stack([wukong_row(model, tokens, n_F, k) for tokens in model.tokens(inputs[0])])
    grad = torch.randn_like(plain)
    expected = [plain, *torch.autograd.grad(plain, inputs, grad)]
    for rows in (3, 4):
        monkeypatch.setattr(wukong, "ROWS_AT_A_TIME", rows)
        logits = model(inputs[0])
        for fast, slow in zip([logits, *torch.autograd.grad(logits, inputs, grad)], expected, strict=True):
            assert (fast - slow).abs().max() <= TOLERANCE[dtype] * slow.abs().max()
    assert isinstance(model.layers[0].residual, torch.nn.Identity) == (lcb_tokens == 3)


@pytest.mark.parametrize("rows", [0, 1])
def test_takes_few_rows(rows: int) -> None:
    logits = Wukong(FIELD_DIMS, 2)(torch.randn(rows, sum(FIELD_DIMS)))
    logits.sum().backward()
    assert logits.shape == (rows, 2)


@pytest.mark.parametrize("projection", ["static", "attentive"])
def test_the_cost_is_that_of_the_equations(projection: str) -> None:
    I, K, D, n_F, n_L, k, N, c, N_y = sum(FIELD_DIMS), 2, 5, 3, 3, 3, 7, 2, 6  # noqa: E741
    parameters, products = I * D + 4 * D, I * D
    for n in (4, 6):
        if projection == "static":
            parameters += n * k
            products += D * n * k
        else:
            y = c * D * N_y + N_y * n * k
            parameters += c * n + y + N_y + n * k
            products += c * n * D + y + D * n * k
        mlp = n * k * N + N * N + N * n_F * D
        token_maps = n * n_L + (0 if n == 6 else n * 6)
        parameters += mlp + 2 * N + n_F * D + token_maps + 2 * n * k + 2 * D
        products += n * k * D + mlp + token_maps * D
    head = 6 * D * N + N * N + N * K
    cost = cost_of(
        Wukong,
        FIELD_DIMS,
        K,
        token_dim=D,
        num_layers=2,
        num_fmb_tokens=n_F,
        num_lcb_tokens=n_L,
        projection_rank=k,
        hidden_dim=N,
        projection=projection,
        num_compressed=c,
        projection_hidden_dim=N_y,
    )
    assert cost == dense_cost(parameters + head + 2 * N + K, products + head)


def test_attentive_y_depends_on_the_example_and_static_y_does_not() -> None:
    for projection, depends in (("static", False), ("attentive", True)):
        layer = Wukong(FIELD_DIMS, projection=projection).layers[0].projection.double()
        a, b = torch.randn(2, 1, 16, 4, dtype=torch.float64)
        # Xᵀ Y is linear in X exactly if Y stays what it is.
        assert torch.allclose(layer(a + b), layer(a) + layer(b)) != depends


def test_fm_ranks_below_the_input_when_k_does() -> None:
    layer = Wukong(FIELD_DIMS, projection_rank=2).layers[0]
    x = torch.randn(1, 16, 4)
    assert torch.bmm(layer.projection(x), x).shape == (1, 2, 4)


def test_without_fmb_nothing_but_norms_and_the_head_bends_the_input() -> None:
    layer = Wukong(FIELD_DIMS, num_layers=1).layers[0].double()
    torch.nn.init.zeros_(layer.mlp[1].weight)
    x = torch.randn(3, 16, 4, dtype=torch.float64)
    constant = layer.mlp[1].bias.view(8, 16).t().expand(3, -1, -1)
    linear = torch.cat([constant, x @ layer.lcb.map.weight.t()], dim=2) + x @ layer.residual.map.weight.t()
    assert torch.allclose(layer(x), layer.norm(linear.transpose(1, 2)).transpose(1, 2))


def test_many_fields_become_few_tokens() -> None:
    model = Wukong((4,) * 100, max_tokens=10)
    assert model.tokens.num_tokens == 10
    assert model(torch.randn(2, 400)).shape == (2, 1)


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"projection": "learned"}, "projection is 'learned', allowed: static, attentive"),
        ({"num_layers": 0}, "num_layers is 0; it must be 1 or more"),
        ({"num_hidden": 0}, "num_hidden is 0; it must be 1 or more"),
    ],
)
def test_refuses_what_fits_no_model(hyperparameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Wukong(FIELD_DIMS, **hyperparameters)
