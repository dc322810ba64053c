"""DCN V2 against its equations, one row and one expert at a time, in every form it has."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from baselines.dcnv2 import DCNv2
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (4, 1, 3)
WIDTH = sum(FIELD_DIMS)
FULL = {"rank": None}
LOW_RANK = {"rank": 3}
MIXTURE = {"rank": 3, "num_experts": 2}
OWN_GATES = {**MIXTURE, "shared_gates": False, "activation": "relu"}


def model_of(**changes) -> DCNv2:
    torch.manual_seed(0)
    settings = {"num_cross_layers": 2, "hidden_dims": (5,)}
    return DCNv2(FIELD_DIMS, 2, **{**settings, **changes}).double()


def cross(model: DCNv2, layer: torch.nn.Module, x0: Tensor, x: Tensor) -> Tensor:
    if model.rank is None:
        return x0 * (layer.linear.weight @ x + layer.linear.bias) + x
    if model.num_experts == 1:
        return x0 * (layer.u.weight @ (layer.v.weight @ x) + layer.u.bias) + x
    R, g = model.rank, layer.activation
    gate = torch.exp(layer.gates.weight @ x)
    gate = gate / gate.sum()
    out = x
    for e in range(model.num_experts):
        v_RI = layer.v.weight[e * R : (e + 1) * R]
        inner = g(g(v_RI @ x) @ layer.c_ERR[e])
        out = out + gate[e] * (x0 * (inner @ layer.u_ERI[e] + layer.bias))
    return out


@pytest.mark.parametrize("structure", ["parallel", "stacked"])
@pytest.mark.parametrize("form", [FULL, LOW_RANK, MIXTURE, OWN_GATES])
def test_logits_are_those_of_the_equations(form, structure):
    model = model_of(**form, structure=structure)
    x_BI = 2 * torch.randn(4, WIDTH, dtype=torch.float64)
    for x0, logits in zip(x_BI, model(x_BI), strict=True):
        x = x0
        for layer in model.cross_layers:
            x = cross(model, layer, x0, x)
        hidden = model.mlp[0]

        def deep(inner: Tensor, hidden: torch.nn.Linear = hidden) -> Tensor:
            return torch.clamp(hidden.weight @ inner + hidden.bias, min=0)

        last = torch.cat([x, deep(x0)]) if structure == "parallel" else deep(x)
        torch.testing.assert_close(logits, model.head.weight @ last + model.head.bias)


@pytest.mark.parametrize("structure", ["parallel", "stacked"])
@pytest.mark.parametrize("form", [FULL, LOW_RANK, MIXTURE, OWN_GATES])
def test_the_cost_is_that_of_the_equations(form, structure):
    I, R, E, L, N, K = WIDTH, 3, 2, 2, 5, 2  # noqa: E741
    cross = I * I if form is FULL else 2 * I * R if form is LOW_RANK else E * (2 * I * R + R * R)
    gates = E * I if "num_experts" in form else 0
    head = (I + N if structure == "parallel" else N) * K
    products = L * (cross + gates) + I * N + head
    shared_gates = (L - 1) * gates if form is MIXTURE else 0
    expected = dense_cost(products - shared_gates + L * I + N + K, products)
    assert cost_of(
        DCNv2, FIELD_DIMS, K, num_cross_layers=L, hidden_dims=(N,), structure=structure, **form
    ) == (expected)


def test_low_rank_matrices_of_full_rank_are_full_matrices():
    low, full = model_of(rank=WIDTH), model_of(rank=None)
    state = full.state_dict()
    with torch.no_grad():
        for i, layer in enumerate(low.cross_layers):
            state[f"cross_layers.{i}.linear.weight"] = layer.u.weight @ layer.v.weight
            state[f"cross_layers.{i}.linear.bias"] = layer.u.bias
        state |= {name: value for name, value in low.state_dict().items() if "cross" not in name}
    full.load_state_dict(state)
    x_BI = torch.randn(6, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(low(x_BI), full(x_BI))


def test_gates_are_one_module_unless_each_layer_has_its_own():
    shared, own = model_of(**MIXTURE), model_of(**OWN_GATES)
    assert shared.cross_layers[0].gates is shared.cross_layers[1].gates
    assert own.cross_layers[0].gates is not own.cross_layers[1].gates


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_experts": 2}, "num_experts is 2 without a rank"),
        ({"activation": "gelu"}, "activation is 'gelu', allowed: tanh, relu"),
        ({"structure": "beside"}, "structure is 'beside', allowed: parallel, stacked"),
    ],
)
def test_impossible_hyperparameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        model_of(**changes)
