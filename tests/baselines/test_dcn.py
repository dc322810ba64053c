"""DCN against its equations."""

from __future__ import annotations

import torch

from baselines.cross import VectorCross
from baselines.dcn import DCN
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost


def test_logits_are_those_of_the_equations():
    torch.manual_seed(0)
    model = DCN((4, 3), 2, num_cross_layers=3, hidden_dims=(5,), initialisation="torch").double()
    for x0 in torch.randn(5, 7, dtype=torch.float64):
        x = x0
        for layer in model.cross_layers:
            product = sum(x[i] * layer.w.weight[0, i] for i in range(7))
            x = torch.stack([x0[i] * product + layer.bias[i] + x[i] for i in range(7)])
        last = torch.cat([x, mlp_by_hand(model.mlp, x0)])
        torch.testing.assert_close(model(x0[None])[0], model.head.weight @ last + model.head.bias)


def test_a_cross_layer_has_two_vectors():
    I, N, K, L = 7, 5, 2, 3  # noqa: E741
    products = L * I + mlp_products(I, N) + (I + N) * K
    parameters = L * 2 * I + I * N + N + (I + N) * K + K
    assert cost_of(DCN, (4, 3), K, num_cross_layers=L, hidden_dims=(N,)) == dense_cost(parameters, products)


def test_a_zero_field_crosses_nothing():
    torch.manual_seed(0)
    layer = VectorCross(7)
    with torch.no_grad():
        layer.bias.zero_()
    x0_BI, x_BI = torch.randn(2, 5, 7).unbind()
    x0_BI[:, 2:4] = 0
    out_BI = layer(x0_BI, x_BI)
    torch.testing.assert_close(out_BI[:, 2:4], x_BI[:, 2:4])
    assert (out_BI[:, 4:] != x_BI[:, 4:]).any()
