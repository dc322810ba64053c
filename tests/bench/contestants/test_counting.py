"""What is counted, what a closed form says instead, and what costs nothing."""

from __future__ import annotations

import pytest
import torch

from bench.contestants.contract import Contestant, Dial
from bench.contestants.counting import cost, measure, on_meta
from tests.bench.contestants.test_contestants import EVEN, Tiny


class Constant(torch.nn.Module):
    """Without a parameter and without an input."""

    def __init__(self, field_dims, num_tasks=1):
        super().__init__()
        self.num_tasks = num_tasks

    def forward(self, x_BI):
        return x_BI.new_zeros(len(x_BI), self.num_tasks)


class BiasOnly(Constant):
    def __init__(self, field_dims, num_tasks=1):
        super().__init__(field_dims, num_tasks)
        self.bias = torch.nn.Parameter(torch.zeros(num_tasks))

    def forward(self, x_BI):
        return super().forward(x_BI) + self.bias


@pytest.mark.parametrize(("model_class", "parameters"), [(Constant, 0), (BiasOnly, 2)])
def test_what_multiplies_nothing_costs_nothing(model_class, parameters):
    contestant = Contestant(name="c", title="C", model=model_class, hyperparameters={}, dial=Dial(name="c"))
    of_it = cost(
        on_meta(contestant, EVEN, {}), EVEN, embedding_parameters=5, linear_parameters=0, encoder_parameters=0
    )
    assert (of_it.dense_parameters, of_it.active_parameters) == (parameters, parameters)
    assert (of_it.flops_forward, of_it.flops_train) == (0, 0)


class Served(Tiny):
    """Its closed form says what it serves; the rest is counted."""

    def closed_form(self):
        return {"flops_forward": 7}


class Inherits(Served):
    pass


class Wrong(Tiny):
    def closed_form(self):
        return {"flops": 7}


def test_a_closed_form_belongs_to_its_class_and_says_what_it_must():
    with torch.device("meta"):
        served, inherits, wrong = (model_class((8,) * 10, 2) for model_class in (Served, Inherits, Wrong))
    products = 80 * 4 + 4 * 2
    assert measure(served, EVEN, "flops_forward") == 7
    assert measure(served, EVEN, "flops_train") == 3 * 2 * products
    assert measure(served, EVEN, "dense_parameters") == products + 4 + 2
    assert measure(inherits, EVEN, "flops_forward") == 2 * products
    with pytest.raises(ValueError, match="closed_form of Wrong gives flops, allowed: active_parameters"):
        measure(wrong, EVEN, "flops_forward")
