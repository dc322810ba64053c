"""DHEN against its equations, written as loops over rows and tokens, and what each part does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from baselines import DHEN, dhen
from baselines.dhen import AttentionModule, DCNModule, FMModule, LinearModule
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (3, 4, 2, 4, 1, 2)
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}


def linear(module: torch.nn.Module, vector: Tensor) -> Tensor:
    return module.weight @ vector + (0 if module.bias is None else module.bias)


def layer_norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + norm.eps) * norm.weight + norm.bias


def attention(module: AttentionModule, X: Tensor) -> Tensor:
    m, D = X.shape
    d = D // module.num_heads
    q, k, v = ([linear(module.qkv, x)[part * D : (part + 1) * D] for x in X] for part in range(3))
    rows = []
    for i in range(m):
        heads = []
        for h in range(module.num_heads):
            own = slice(h * d, (h + 1) * d)
            scores = torch.stack([q[i][own] @ k[j][own] for j in range(m)]) / d**0.5
            a = scores.exp() / scores.exp().sum()
            heads.append(sum(a[j] * v[j][own] for j in range(m)))
        s = layer_norm(X[i] + linear(module.out, torch.cat(heads)), module.attention_norm)
        ffn = linear(module.ffn[1], torch.relu(linear(module.ffn[0][0], s)))
        rows.append(layer_norm(s + ffn, module.ffn_norm))
    return module.map.map.weight @ torch.stack(rows)


def dcn(module: DCNModule, X: Tensor) -> Tensor:
    x = X.reshape(-1)
    W = module.u.weight @ module.v.weight
    return (module.map.weight @ (x * (W @ x + module.u.bias))).reshape(-1, X.shape[1])


def fm(module: FMModule, X: Tensor) -> Tensor:
    pairs = torch.stack([X[a] @ X[b] for a in range(len(X)) for b in range(a + 1, len(X))])
    return linear(module.mlp[1], torch.relu(linear(module.mlp[0][0], pairs))).reshape(-1, X.shape[1])


def interaction(module: torch.nn.Module, X: Tensor) -> Tensor:
    if isinstance(module, LinearModule):
        return module.map.map.weight @ X
    if isinstance(module, AttentionModule):
        return attention(module, X)
    return dcn(module, X) if isinstance(module, DCNModule) else fm(module, X)


def dhen_row(model: DHEN, X: Tensor, ensemble: str) -> Tensor:
    """Equations of the paper for one example, from the tokens of its fields."""
    for layer in model.layers:
        outputs = [interaction(module, X) for module in layer.interactions]
        if ensemble == "concat":
            together = torch.cat(outputs)
        else:
            weights = layer.weights if ensemble == "weighted" else [1.0] * len(outputs)
            together = sum(w * output for w, output in zip(weights, outputs, strict=True))
        shortcut = X if len(X) == len(together) else layer.shortcut.map.weight @ X
        X = torch.stack([layer_norm(row, layer.norm) for row in together + shortcut])
    return linear(model.head, X.reshape(-1))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("ensemble", ["concat", "sum", "weighted"])
def test_equations(ensemble: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = DHEN(FIELD_DIMS, 2, token_dim=4, ensemble=ensemble, cross_rank=3, fm_hidden_dim=5).to(dtype)
    for parameter in model.parameters():  # so that no scale is one and no shift zero
        torch.nn.init.normal_(parameter, std=0.5)
    inputs = [torch.randn(4, sum(FIELD_DIMS), dtype=dtype, requires_grad=True), *model.parameters()]
    plain = torch.stack([dhen_row(model, tokens, ensemble) for tokens in model.tokens(inputs[0])])
    grad = torch.randn_like(plain)
    expected = [plain, *torch.autograd.grad(plain, inputs, grad)]
    for rows in (3, 4):
        monkeypatch.setattr(dhen, "ROWS_AT_A_TIME", rows)
        logits = model(inputs[0])
        for fast, slow in zip([logits, *torch.autograd.grad(logits, inputs, grad)], expected, strict=True):
            assert (fast - slow).abs().max() <= TOLERANCE[dtype] * slow.abs().max()


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("ensemble", ["concat", "sum", "weighted"])
def test_takes_few_rows(ensemble: str, rows: int) -> None:
    logits = DHEN(FIELD_DIMS, 2, ensemble=ensemble)(torch.randn(rows, sum(FIELD_DIMS)))
    logits.sum().backward()
    assert logits.shape == (rows, 2)


@pytest.mark.parametrize("ensemble", ["concat", "sum", "weighted"])
def test_the_cost_is_that_of_the_equations(ensemble: str) -> None:
    I, T, D, r, h, ffn, K = sum(FIELD_DIMS), 6, 4, 3, 5, 7, 2  # noqa: E741
    parameters, products = I * D + T * D, I * D
    for m, l in ((6, 2), (8, 2)) if ensemble == "concat" else ((6, 6), (6, 6)):  # noqa: E741
        out = 4 * l if ensemble == "concat" else l
        pairs = m * (m - 1) // 2
        encoder, cross, fm = 4 * D * D + 2 * D * ffn, 2 * m * D * r, pairs * h + h * l * D
        shortcut = 0 if out == m else m * out
        parameters += encoder + (4 * D + ffn + D + 4 * D) + m * l  # attention: biases and two norms
        products += m * encoder + 2 * m * m * D + m * l * D
        parameters += m * l  # linear
        products += m * l * D
        parameters += cross + m * D + m * D * l * D  # dcn
        products += cross + m * D * l * D
        parameters += fm + h + l * D
        products += m * m * D + fm  # all pairs, both orders
        parameters += shortcut + (4 if ensemble == "weighted" else 0) + 2 * D
        products += shortcut * D
    parameters, products = parameters + out * D * K + K, products + out * D * K
    cost = cost_of(
        DHEN,
        FIELD_DIMS,
        K,
        token_dim=D,
        ensemble=ensemble,
        attention_hidden_dim=ffn,
        cross_rank=r,
        fm_hidden_dim=h,
    )
    assert cost == dense_cost(parameters, products)


def test_shortcut_is_the_identity_where_the_modules_divide_the_tokens() -> None:
    shortcuts = [layer.shortcut for layer in DHEN(FIELD_DIMS).layers]  # 6 tokens, 4 modules of 2 each
    assert [isinstance(s, torch.nn.Identity) for s in shortcuts] == [False, True]
    shortcuts = [layer.shortcut for layer in DHEN(FIELD_DIMS, interactions=("attention", "linear")).layers]
    assert [isinstance(s, torch.nn.Identity) for s in shortcuts] == [True, True]


def test_weighted_starts_as_the_sum_and_can_silence_a_module() -> None:
    torch.manual_seed(0)
    plain = DHEN(FIELD_DIMS, num_layers=1, ensemble="sum")
    weighted = DHEN(FIELD_DIMS, num_layers=1, ensemble="weighted")
    weighted.load_state_dict(plain.state_dict(), strict=False)
    x = torch.randn(3, sum(FIELD_DIMS))
    assert torch.allclose(weighted(x), plain(x), atol=1e-6)
    with torch.no_grad():
        weighted.layers[0].weights[2] = 0
        before = weighted(x)
        weighted.layers[0].interactions[2].map.weight.add_(1)
    assert torch.equal(weighted(x), before)


def test_interactions_are_the_named_ones_in_their_order() -> None:
    layer = DHEN(FIELD_DIMS, interactions=("fm", "linear", "dcn")).layers[0]
    assert [type(module) for module in layer.interactions] == [FMModule, LinearModule, DCNModule]


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        (
            {"interactions": ("linear", "conv")},
            "interactions hold 'conv', allowed: attention, linear, dcn, fm",
        ),
        ({"interactions": ()}, "number of interactions is 0; it must be 1 or more"),
        ({"ensemble": "mean"}, "ensemble is 'mean', allowed: concat, sum, weighted"),
        ({"token_dim": 5}, "token_dim is 5; it must be a multiple of num_heads, 2"),
        ({"max_tokens": 1}, "interaction 'fm' has 1 token; it needs 2 or more"),
    ],
)
def test_refuses_what_fits_no_model(hyperparameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DHEN(FIELD_DIMS, **hyperparameters)
