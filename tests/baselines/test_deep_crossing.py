"""Deep Crossing against its equations."""

from __future__ import annotations

import torch

from baselines.deep_crossing import DeepCrossing
from tests.costs import cost_of, dense_cost


def test_logits_are_those_of_the_equations():
    torch.manual_seed(0)
    model = DeepCrossing((4, 3), 2, inner_dims=(5, 2)).double()
    for x in 2 * torch.randn(5, 7, dtype=torch.float64):
        row = x
        for unit in model.layers:
            w0, b0, w1, b1 = unit.parameters()
            inner = torch.clamp(w0 @ row + b0, min=0)
            row = torch.clamp(row + w1 @ inner + b1, min=0)
        torch.testing.assert_close(model(x[None])[0], model.head.weight @ row + model.head.bias)


def test_the_cost_is_that_of_its_matrices():
    products = 2 * 7 * 5 + 2 * 7 * 2 + 7 * 2
    parameters = products + (5 + 7) + (2 + 7) + 2
    assert cost_of(DeepCrossing, (4, 3), 2, inner_dims=(5, 2)) == dense_cost(parameters, products)


def test_units_of_zero_weights_pass_what_is_above_zero():
    model = DeepCrossing((4, 3), 1, inner_dims=(5, 5))
    with torch.no_grad():
        for unit in model.layers:
            unit.up.weight.zero_()
            unit.up.bias.zero_()
    x_BI = torch.randn(6, 7)
    torch.testing.assert_close(model(x_BI), model.head(x_BI.clamp(min=0)))
