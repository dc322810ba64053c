"""The grouped product against one product a group, and sums over chosen experts against sums over all."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rankmixer.grouped import grouped_linear, sum_of_chosen
from rankmixer.routing import balance_loss, relu_gates, top_k_gates

COUNTS = (3, 0, 4, 1)


def operands(in_dim: int = 5, out_dim: int = 7) -> tuple[torch.Tensor, ...]:
    rows = torch.randn(sum(COUNTS), in_dim, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(len(COUNTS), in_dim, out_dim, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(len(COUNTS), out_dim, dtype=torch.float64, requires_grad=True)
    return rows, weight, bias


@pytest.mark.parametrize("with_bias", [True, False])
def test_rows_meet_the_weights_of_their_group(with_bias):
    rows, weight, bias = operands()
    out = grouped_linear(rows, weight, bias if with_bias else None, torch.tensor(COUNTS))
    group = [g for g, count in enumerate(COUNTS) for _ in range(count)]
    for r, g in enumerate(group):
        expected = rows[r] @ weight[g] + (bias[g] if with_bias else 0)
        torch.testing.assert_close(out[r], expected)


@pytest.mark.parametrize("with_bias", [True, False])
def test_gradients_are_those_of_the_numbers(with_bias):
    rows, weight, bias = operands(2, 3)

    def product(*given):
        return grouped_linear(given[0], given[1], given[2] if with_bias else None, torch.tensor(COUNTS))

    inputs = (rows, weight, bias) if with_bias else (rows, weight)
    assert torch.autograd.gradcheck(product, inputs)


def test_the_counter_sees_two_flops_a_multiply_add_forward_and_twice_that_backward():
    rows, weight, bias = operands()
    with FlopCounterMode(display=False) as forward:
        out = grouped_linear(rows, weight, bias, torch.tensor(COUNTS))
    with FlopCounterMode(display=False) as backward:
        out.sum().backward()
    assert forward.get_total_flops() == 2 * sum(COUNTS) * 5 * 7
    assert backward.get_total_flops() == 2 * forward.get_total_flops()


def test_no_rows_at_all_is_no_error():
    out = grouped_linear(torch.zeros(0, 5), torch.zeros(4, 5, 7), None, torch.zeros(4, dtype=torch.long))
    assert out.shape == (0, 7)


def scores(T: int = 3, B: int = 6, E: int = 4) -> torch.Tensor:
    return torch.randn(T, B, E, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("gates", [relu_gates(scores()), top_k_gates(scores(), 2)], ids=["relu", "top_k"])
def test_chosen_experts_are_summed_with_their_gates_and_no_other_is_computed(gates):
    x_TBD = torch.randn(3, 6, 5)
    weight = torch.randn(12, 5, 5)
    seen = []

    def experts(rows_RD, counts_G):
        seen.append(len(rows_RD))
        return grouped_linear(rows_RD, weight, None, counts_G)

    out = sum_of_chosen(x_TBD, gates, experts)
    for t in range(3):
        for b in range(6):
            chosen = [e for e in range(4) if gates.chosen[t, b, e]]
            expected = sum(
                (gates.weight[t, b, e] * (x_TBD[t, b] @ weight[4 * t + e]) for e in chosen), 0 * x_TBD[t, b]
            )
            torch.testing.assert_close(out[t, b], expected)
    assert seen == [int(gates.chosen.sum())]


def test_top_k_takes_the_softmax_before_or_after_choosing():
    score_TBE = torch.tensor([[[1.0, 3.0, 2.0]]])
    everyone, chosen = top_k_gates(score_TBE, 2), top_k_gates(score_TBE, 2, softmax="chosen")
    assert everyone.chosen.tolist() == chosen.chosen.tolist() == [[[False, True, True]]]
    torch.testing.assert_close(everyone.weight, score_TBE.softmax(dim=2))
    torch.testing.assert_close(chosen.weight[0, 0, 1:], torch.tensor([3.0, 2.0]).softmax(dim=0))


def test_balance_loss_is_one_for_an_even_load_and_more_for_a_lopsided_one():
    even = torch.eye(4).expand(2, 4, 4) * 20
    assert balance_loss(top_k_gates(even, 1)).item() == pytest.approx(1)
    lopsided = torch.tensor([20.0, 0, 0, 0]).expand(2, 4, 4)
    assert balance_loss(top_k_gates(lopsided, 1)).item() == pytest.approx(4, rel=1e-3)
    of_two = torch.tensor([0.5, 0.3, 0.2, 0.0]).log().expand(2, 4, 4)
    assert balance_loss(top_k_gates(of_two, 2)).item() == pytest.approx(4 * (0.5 * 0.5 + 0.5 * 0.3))
