"""The deep side of Wide & Deep against its equations."""

from __future__ import annotations

import torch

from baselines.wide_deep import WideDeep
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost


def test_logits_are_those_of_the_equations():
    torch.manual_seed(0)
    model = WideDeep((4, 3, 2), 2, hidden_dims=(5, 6)).double()
    assert [tuple(w.shape) for w in model.parameters()] == [(5, 9), (5,), (6, 5), (6,), (2, 6), (2,)]
    for x in 3 * torch.randn(6, 9, dtype=torch.float64):
        torch.testing.assert_close(model(x[None])[0], mlp_by_hand(model.deep, x))


def test_the_cost_is_that_of_its_matrices():
    products = mlp_products(9, 5, 6, 2)
    assert cost_of(WideDeep, (4, 3, 2), 2, hidden_dims=(5, 6)) == dense_cost(products + 5 + 6 + 2, products)
