"""DLRM-MLP against its equations."""

from __future__ import annotations

import torch

from baselines.dlrm_mlp import DLRMMLP
from tests.costs import cost_of, dense_cost


def test_logits_are_those_of_the_equations():
    torch.manual_seed(0)
    model = DLRMMLP((4, 3, 2), 2, hidden_dims=(5, 6)).double()
    weights = list(model.parameters())
    assert [tuple(w.shape) for w in weights] == [(5, 9), (5,), (6, 5), (6,), (2, 6), (2,)]
    w1, b1, w2, b2, w, b = weights
    for x in 3 * torch.randn(6, 9, dtype=torch.float64):
        h1 = torch.clamp(w1 @ x + b1, min=0)
        h2 = torch.clamp(w2 @ h1 + b2, min=0)
        torch.testing.assert_close(model(x.unsqueeze(0))[0], w @ h2 + b)


def test_without_hidden_layers_it_is_logistic_regression():
    model = DLRMMLP((4, 3), 1, hidden_dims=())
    x_BI = torch.randn(3, 7)
    torch.testing.assert_close(model(x_BI), x_BI @ model.head.weight.T + model.head.bias)


def test_the_cost_is_that_of_its_matrices():
    products = 9 * 5 + 5 * 6 + 6 * 2
    assert cost_of(DLRMMLP, (4, 3, 2), 2, hidden_dims=(5, 6)) == dense_cost(products + 5 + 6 + 2, products)
