"""HSTU against its equations written loop by loop, its cost, and what it may and may not look at."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bench.contestants.counting import shapes_only
from bench.contestants.operators import Operators
from bench.training.hstu import HSTU, NUM_LAYERS, HSTULayer, tokens, widths_like_din
from bench.training.target_attention import TargetAttention

B, N, D = 5, 6, 4
M = N + 1


def encoder(seed: int = 0, dim: int = D, length: int = N) -> HSTU:
    """With weights large enough that every term counts."""
    torch.manual_seed(seed)
    built = HSTU(dim, length)
    for parameter in built.parameters():
        nn.init.normal_(parameter, std=0.5)
    return built


def inputs(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    lengths = torch.tensor([N, 3, 1, 0, 5])
    return torch.randn(B, N, D), torch.randn(B, D), torch.arange(N) < lengths.unsqueeze(1)


def silu(x: float) -> float:
    return x / (1 + math.exp(-x))


def normed(x: list[float]) -> list[float]:
    mean = sum(x) / len(x)
    variance = sum((v - mean) ** 2 for v in x) / len(x)
    return [(v - mean) / math.sqrt(variance + 1e-6) for v in x]


def times(matrix: list[list[float]], x: list[float]) -> list[float]:
    return [sum(w * v for w, v in zip(row, x, strict=True)) for row in matrix]


def by_hand(built: HSTU, ids: list[list[float]], target: list[float], length: int) -> list[float]:
    """Equations 1 to 3, token by token, for the ids of one row; all of its tokens in every layer."""
    if not ids:
        return [0.0] * len(target)
    x = [*ids, target]
    for layer in built.layers:
        q_of = layer.of_queries.weight[: layer.query_dim].tolist()
        u_of = layer.of_queries.weight[layer.query_dim :].tolist()
        k_of = layer.of_keys.weight[: layer.query_dim].tolist()
        v_of = layer.of_keys.weight[layer.query_dim :].tolist()
        n = [normed(token) for token in x]
        q, u, k, v = ([[silu(z) for z in times(of, token)] for token in n] for of in (q_of, u_of, k_of, v_of))
        after = []
        for i in range(len(x)):
            summed = [0.0] * layer.value_dim
            for j in range(i + 1):
                score = sum(a * b for a, b in zip(q[i], k[j], strict=True)) + float(
                    layer.bias[i - j].detach()
                )
                for d in range(layer.value_dim):
                    summed[d] += silu(score) / (length + 1) * v[j][d]
            gated = [a * b for a, b in zip(normed(summed), u[i], strict=True)]
            y = times(layer.output.weight.tolist(), gated)
            after.append([a + b + c for a, b, c in zip(x[i], y, layer.output.bias.tolist(), strict=True)])
        x = after
    return x[-1]


def test_it_is_its_equations():
    built = encoder()
    e_BND, t_BD, present_BN = inputs()
    rows = zip(e_BND, t_BD, present_BN, strict=True)
    expected = [by_hand(built, e[present].tolist(), t.tolist(), N) for e, t, present in rows]
    torch.testing.assert_close(built(e_BND, t_BD, present_BN), torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_an_empty_history_gives_zeros():
    e_BND, t_BD, present_BN = inputs()
    out_BD = encoder()(e_BND, t_BD, present_BN)
    assert not out_BD[3].any()
    assert out_BD[[0, 1, 2, 4]].all()


def test_padding_does_not_matter_wherever_it_is_and_whatever_it_holds():
    built = encoder()
    e_BND, t_BD, present_BN = inputs()
    expected = built(e_BND, t_BD, present_BN)
    garbage = torch.where(present_BN.unsqueeze(2), e_BND, torch.full_like(e_BND, 100.0))
    torch.testing.assert_close(built(garbage, t_BD, present_BN), expected)
    moved, places = e_BND.clone(), present_BN.clone()  # the three ids of the second row with padding between
    moved[1, [1, 3, 5]], places[1] = e_BND[1, :3], torch.tensor([False, True] * 3)
    torch.testing.assert_close(built(moved, t_BD, places), expected)


def test_rows_do_not_depend_on_each_other():
    built = encoder()
    e_BND, t_BD, present_BN = inputs()
    alone = [built(*(x[i : i + 1] for x in (e_BND, t_BD, present_BN))) for i in range(B)]
    torch.testing.assert_close(torch.cat(alone), built(e_BND, t_BD, present_BN))


def test_no_token_sees_a_later_one():
    built = encoder()
    x_BMD, present_BM = torch.randn(2, M, D), torch.ones(2, M, dtype=torch.bool)

    def stack(x: torch.Tensor) -> torch.Tensor:
        for layer in built.layers:
            x = layer(x, present_BM)
        return x

    before = stack(x_BMD)
    for changed in range(M):
        moved = x_BMD.clone()
        moved[:, changed] = torch.randn(2, D)
        differs = (stack(moved) != before).any(dim=2).all(dim=0).tolist()
        assert differs == [False] * changed + [True] * (M - changed)


def test_the_order_of_a_history_matters():
    e_BND, t_BD, present_BN = inputs()
    built = encoder()
    out_BD, turned_BD = (built(e, t_BD, present_BN) for e in (e_BND, e_BND.flip(1)))
    assert (out_BD[0] - turned_BD[0]).abs().max() > 1e-3


def test_the_last_query_alone_is_the_last_of_all():
    layer = encoder().layers[0]
    x_BMD, present_BM = tokens(*inputs())
    torch.testing.assert_close(layer(x_BMD, present_BM, num_queries=1), layer(x_BMD, present_BM)[:, -1:])


def test_gradients_reach_every_parameter_the_ids_and_the_target():
    built = encoder()
    e_BND, t_BD, present_BN = inputs()
    e_BND.requires_grad_()
    t_BD.requires_grad_()
    (built(e_BND, t_BD, present_BN) * torch.randn(B, D)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in built.parameters())
    assert e_BND.grad[present_BN].any(dim=1).all()
    assert not e_BND.grad[~present_BN].any()
    assert t_BD.grad.any(dim=1).tolist() == [True, True, True, False, True]


def test_of_zeros_only_gradients_are_finite():
    """As of rows that are padding altogether, whose norm has no slope of its own."""
    built = HSTU(D, N)
    e_BND = torch.zeros(B, N, D, requires_grad=True)
    built(e_BND, torch.zeros(B, D), torch.ones(B, N, dtype=torch.bool)).sum().backward()
    assert all(p.grad.isfinite().all() for p in (*built.parameters(), e_BND))


@pytest.mark.parametrize(("dim", "length"), [(8, 16), (16, 50)])
def test_flops_that_are_counted_are_those_of_the_formula(dim, length):
    """Two per multiply-add: all tokens in the first layer; in the last one all as keys, and one query."""
    query, value = widths_like_din(dim, length)
    count = length + 1
    projected = 2 * count * dim * (2 * query + 2 * value)
    attended = 2 * count**2 * (query + value)
    first = projected + attended + 2 * count * value * dim
    last = projected // 2 + projected // 2 // count + attended // count + 2 * value * dim
    batch = 4
    with shapes_only():
        built = HSTU(dim, length)
        e_BND, t_BD = torch.empty(batch, length, dim), torch.empty(batch, dim)
        present_BN = torch.empty(batch, length, dtype=torch.bool)
    operators = Operators()
    with operators, torch.no_grad():
        built(e_BND, t_BD, present_BN)
    assert operators.flops == batch * (first + last)


@pytest.mark.parametrize("dim", [4, 8, 10, 16, 64, 128])
@pytest.mark.parametrize("length", [4, 16, 50, 200])
def test_it_has_the_parameters_of_dins_unit_within_two_percent(dim, length):
    own, din = (
        sum(p.numel() for p in built.parameters()) for built in (HSTU(dim, length), TargetAttention(dim))
    )
    assert din == (4 * dim * 36 + 36) + 1 + (36 + 1)
    query, value = widths_like_din(dim, length)
    assert own == NUM_LAYERS * (dim * (2 * query + 2 * value) + value * dim + dim + length + 1)
    assert abs(own / din - 1) < 0.02
    assert abs(query - value) <= 2


def test_a_history_too_long_for_that_has_the_narrowest_widths():
    assert widths_like_din(8, 5000) == (1, 2)
    assert widths_like_din(1, 1000) == (1, 2)


def test_a_layer_starts_close_to_what_it_gets():
    torch.manual_seed(0)
    layer = HSTULayer(8, 17, 14, 15)
    x_BMD = 0.01 * torch.randn(64, 17, 8)
    change = layer(x_BMD, torch.ones(64, 17, dtype=torch.bool)) - x_BMD - layer.output.bias
    assert 0.1 < change.std() / x_BMD.std() < 10
