"""DLRM with its dot interaction, and OnlineBase, against their equations."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.dlrm import DLRM
from baselines.online_base import OnlineBase
from baselines.products import DotInteraction
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost

SIZES = {"bottom_dims": (6,), "top_dims": (5, 4)}


def dot_by_hand(dot: DotInteraction, x: Tensor, width: int) -> Tensor:
    z0 = mlp_by_hand(dot.bottom, x)
    vectors = [z0, *x.split(width)]
    products = []
    for i in range(len(vectors)):
        for j in range(i + 1, len(vectors)):
            products.append(sum(vectors[i][d] * vectors[j][d] for d in range(width)))
    return torch.cat([z0, torch.stack(products)])


def test_logits_of_dlrm_are_those_of_the_equations():
    torch.manual_seed(1)
    model = DLRM((3, 3, 3), 2, **SIZES).double()
    for x in torch.randn(5, 9, dtype=torch.float64):
        r = dot_by_hand(model.dot, x, 3)
        assert len(r) == 3 + 6
        torch.testing.assert_close(model(x[None])[0], mlp_by_hand(model.top, r))


def test_logits_of_online_base_are_those_of_the_equations():
    torch.manual_seed(1)
    model = OnlineBase((3, 3, 3), 2, num_cross_layers=2, **SIZES).double()
    for x0 in torch.randn(5, 9, dtype=torch.float64):
        x = x0
        for layer in model.cross_layers:
            product = sum(x[i] * layer.w.weight[0, i] for i in range(9))
            x = x0 * product + layer.bias + x
        r = torch.cat([dot_by_hand(model.dot, x0, 3), x])
        torch.testing.assert_close(model(x0[None])[0], mlp_by_hand(model.top, r))


def test_the_costs_are_those_of_the_equations():
    """Bottom and top MLP, and all products of n = 4 vectors of width 3, each twice."""
    bottom, dot, top = mlp_products(9, 6, 3), 16 * 3, mlp_products(9, 5, 4, 2)
    biases = 6 + 3 + 5 + 4 + 2
    assert cost_of(DLRM, (3,) * 3, 2, **SIZES) == dense_cost(bottom + top + biases, bottom + dot + top)
    crossed, wider = 2 * 9, mlp_products(9 + 9, 5, 4, 2)
    found = cost_of(OnlineBase, (3,) * 3, 2, num_cross_layers=2, **SIZES)
    parameters = bottom + wider + biases + crossed + 2 * 9
    assert found == dense_cost(parameters, bottom + dot + wider + crossed)


def test_an_embedding_reaches_the_top_of_dlrm_by_its_products_alone():
    model = DLRM((3, 3, 3), 1, **SIZES)
    x_BI = torch.randn(4, 9)
    with torch.no_grad():
        for parameter in model.dot.bottom.parameters():
            parameter.zero_()
        x_BI[:, :6] = 0  # the third field is left, and has nothing to be multiplied with
        first = model(x_BI)
        x_BI[:, 6:] += 1
        assert torch.equal(model(x_BI), first)
        x_BI[:, :3] = 1
        assert not torch.equal(model(x_BI), first)
