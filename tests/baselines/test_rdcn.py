"""RDCN against its equations, written as loops, and in the cases that reduce it to simpler nets."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines.cross import LowRankCross
from baselines.rdcn import RDCN, AttentionCross
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (4, 1, 3)
WIDTH = sum(FIELD_DIMS)


def cross_by_loops(layer: AttentionCross, x0: Tensor, x: Tensor, *, temperature: float) -> Tensor:
    """One row through the layer, one number at a time."""
    R, T = layer.rank, layer.num_tokens
    W = R // T
    V, V_v, V_q, V_k = (layer.down.weight[part * R : (part + 1) * R] for part in range(4))
    U, U_a, b = layer.up.weight[:, :R], layer.up.weight[:, R:], layer.up.bias
    plain, v, q, k = V @ x, V_v @ x, V_q @ x, V_k @ x
    attended = torch.zeros(R, dtype=x.dtype)
    for i in range(T):
        exponentials = [
            torch.exp(sum(q[i * W + w] * k[j * W + w] for w in range(W)) / (temperature * math.sqrt(W)))
            for j in range(T)
        ]
        for w in range(W):
            attended[i * W + w] = sum(
                exponentials[j] / sum(exponentials) * v[j * W + w] for j in range(T)
            ) + (v[i * W + w] if layer.inner_skip else 0)
    out = torch.empty_like(x)
    for d in range(len(x)):
        out[d] = x0[d] * (U[d] @ plain + U_a[d] @ attended + b[d]) + x[d]
    return out


@pytest.mark.parametrize(("rank", "num_score_tokens"), [(6, 3), (4, 4), (5, 1)])
@pytest.mark.parametrize("inner_skip", [True, False])
def test_logits_are_those_of_the_equations(rank: int, num_score_tokens: int, inner_skip: bool) -> None:
    torch.manual_seed(0)
    model = RDCN(
        FIELD_DIMS,
        2,
        rank=rank,
        num_score_tokens=num_score_tokens,
        temperature=0.3,
        inner_skip=inner_skip,
        num_hidden_layers=1,
        hidden_dim=5,
        initialisation="torch",  # whose scores the plain exponentials below can hold
    ).double()
    x_BI = 2 * torch.randn(4, WIDTH, dtype=torch.float64)
    expected = []
    for x0 in x_BI:
        x = x0
        for layer in model.cross_layers:
            x = cross_by_loops(layer, x0, x, temperature=0.3)
        hidden = torch.relu(model.mlp[0].weight @ x0 + model.mlp[0].bias)
        expected.append(model.head.weight @ torch.cat([x, hidden]) + model.head.bias)
    torch.testing.assert_close(model(x_BI), torch.stack(expected))


def test_identity_scores_leave_the_plain_low_rank_cross_net() -> None:
    """One token attends to itself alone: A is the identity."""
    torch.manual_seed(0)
    attention = AttentionCross(WIDTH, 4, 1, temperature=1.0, inner_skip=False)
    plain = LowRankCross(WIDTH, 4)
    with torch.no_grad():
        plain.v.weight.copy_(attention.down.weight[4:8])  # V_v
        plain.u.weight.copy_(attention.up.weight[:, 4:])  # U_a
        plain.u.bias.copy_(attention.up.bias)
        attention.up.weight[:, :4] = 0  # U, the parallel net
    x0_BI, x_BI = torch.randn(2, 5, WIDTH).unbind()
    torch.testing.assert_close(attention(x0_BI, x_BI), plain(x0_BI, x_BI))


def test_the_inner_skip_brings_the_values_past_the_scores() -> None:
    """With one token it doubles them."""
    torch.manual_seed(0)
    with_skip = AttentionCross(WIDTH, 4, 1, temperature=1.0, inner_skip=True)
    without = AttentionCross(WIDTH, 4, 1, temperature=1.0, inner_skip=False)
    without.load_state_dict(with_skip.state_dict())
    x0_BI, x_BI = torch.randn(2, 5, WIDTH).unbind()
    assert not torch.allclose(with_skip(x0_BI, x_BI), without(x0_BI, x_BI))
    with torch.no_grad():
        without.up.weight[:, 4:] *= 2
    torch.testing.assert_close(with_skip(x0_BI, x_BI), without(x0_BI, x_BI))


def test_temperature_evens_the_scores_out() -> None:
    """Hot: queries no longer matter and every token gets the mean of the values; cold: they do."""
    torch.manual_seed(0)
    x0_BI, x_BI = torch.randn(2, 5, WIDTH, dtype=torch.float64).unbind()
    outputs = {}
    for temperature in (1e9, 0.1):
        layer = AttentionCross(WIDTH, 6, 3, temperature=temperature, inner_skip=False).double()
        before = layer(x0_BI, x_BI)
        if temperature == 1e9:
            v_B3W = (x_BI @ layer.down.weight[6:12].t()).view(5, 3, 2)
            mean_BR = v_B3W.mean(dim=1, keepdim=True).expand(5, 3, 2).reshape(5, 6)
            plain_BR = x_BI @ layer.down.weight[:6].t()
            torch.testing.assert_close(before, x0_BI * layer.up(torch.cat([plain_BR, mean_BR], dim=1)) + x_BI)
        with torch.no_grad():
            layer.down.weight[12:18] *= -1  # V_q
        outputs[temperature] = (before, layer(x0_BI, x_BI))
    torch.testing.assert_close(*outputs[1e9])
    assert (outputs[0.1][0] - outputs[0.1][1]).abs().max() > 1e-3


def test_a_zero_field_crosses_nothing() -> None:
    """x_0 multiplies what a layer adds: where it is zero, x passes unchanged."""
    torch.manual_seed(0)
    layer = AttentionCross(WIDTH, 6, 3, temperature=1.0, inner_skip=True)
    x0_BI, x_BI = torch.randn(2, 5, WIDTH).unbind()
    x0_BI[:, 2:4] = 0
    out_BI = layer(x0_BI, x_BI)
    torch.testing.assert_close(out_BI[:, 2:4], x_BI[:, 2:4])
    assert (out_BI[:, 4:] != x_BI[:, 4:]).any()


def test_the_cost_is_that_of_the_equations() -> None:
    """A cross layer has six maps between I and R, and scores and their use, T² products of width W each."""
    I, R, T, N, K = WIDTH, 6, 3, 5, 2  # noqa: E741
    rest = I * N + N * N + (I + N) * K
    products = 3 * (6 * I * R + 2 * T * R) + rest
    parameters = 3 * (6 * I * R + I) + rest + 2 * N + K
    cost = cost_of(RDCN, FIELD_DIMS, K, num_cross_layers=3, rank=R, num_score_tokens=T, hidden_dim=N)
    assert cost == dense_cost(parameters, products)


def test_it_learns_a_product_of_two_fields() -> None:
    torch.manual_seed(0)
    x_BI = torch.randn(128, WIDTH)
    y_BK = (x_BI[:, :1] * x_BI[:, 6:7] > 0).float()
    model = RDCN(FIELD_DIMS, rank=8, num_score_tokens=4, hidden_dim=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x_BI), y_BK)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2  # chance: 0.69


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"rank": 10, "num_score_tokens": 4}, "num_score_tokens is 4; it must divide rank, 10"),
        ({"num_score_tokens": 0}, "num_score_tokens is 0; it must be 1 or more"),
        ({"temperature": 0.0}, "temperature is 0.0; it must be above 0"),
        ({"temperature": math.nan}, "temperature is nan; it must be above 0"),
    ],
)
def test_impossible_hyperparameters_are_refused(hyperparameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RDCN(FIELD_DIMS, **hyperparameters)
