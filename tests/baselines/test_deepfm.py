"""DeepFM, without its linear part, against its equations."""

from __future__ import annotations

import pytest
import torch

from baselines.deepfm import DeepFM
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost


@pytest.mark.parametrize("num_tasks", [1, 2])
def test_logits_are_those_of_the_equations(num_tasks):
    torch.manual_seed(0)
    model = DeepFM((3, 3, 3, 3), num_tasks, hidden_dims=(5, 4)).double()
    if num_tasks == 2:
        with torch.no_grad():
            model.scale_K.copy_(torch.tensor([1.5, -0.5]))
    scale = [1.0] if num_tasks == 1 else [1.5, -0.5]
    for x in 2 * torch.randn(5, 12, dtype=torch.float64):
        e = x.reshape(4, 3)
        fm = sum(e[i, d] * e[j, d] for i in range(4) for j in range(i + 1, 4) for d in range(3))
        expected = mlp_by_hand(model.deep, x) + torch.stack([s * fm for s in scale])
        torch.testing.assert_close(model(x[None])[0], expected)


def test_the_machine_takes_no_parameter_and_no_matrix_product():
    products = mlp_products(12, 5, 4, 1)
    assert cost_of(DeepFM, (3,) * 4, hidden_dims=(5, 4)) == dense_cost(products + 5 + 4 + 1, products)
    two = cost_of(DeepFM, (3,) * 4, 2, hidden_dims=(5, 4))
    assert two["dense_parameters"] == mlp_products(12, 5, 4, 2) + 5 + 4 + 2 + 2  # a factor per task


def test_tasks_start_with_the_same_machine_and_can_part():
    model = DeepFM((3, 3), 2, hidden_dims=(4,))
    assert model.scale_K.tolist() == [1, 1]
    model(torch.randn(8, 6))[:, 0].sum().backward()
    assert model.scale_K.grad[0] != 0
    assert model.scale_K.grad[1] == 0


def test_fields_of_unequal_widths_become_vectors_of_the_widest():
    model = DeepFM((2, 5, 3), 1, hidden_dims=(4,))
    assert model.vectors(torch.randn(6, 10)).shape == (6, 3, 5)
