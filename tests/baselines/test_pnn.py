"""PNN, inner and outer, against its equations."""

from __future__ import annotations

import pytest
import torch

from baselines.pnn import PNN
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost


@pytest.mark.parametrize("product", ["inner", "outer"])
def test_logits_are_those_of_the_equations(product):
    torch.manual_seed(0)
    model = PNN((3, 3, 3, 3), 2, product=product, hidden_dims=(5, 4)).double()
    for x in torch.randn(4, 12, dtype=torch.float64):
        e = x.reshape(4, 3)
        if product == "inner":
            p = [sum(e[i, d] * e[j, d] for d in range(3)) for i in range(4) for j in range(i + 1, 4)]
        else:
            f = [sum(e[i, d] for i in range(4)) for d in range(3)]
            p = [f[a] * f[b] for a in range(3) for b in range(3)]
        torch.testing.assert_close(model(x[None])[0], mlp_by_hand(model.mlp, torch.cat([x, torch.stack(p)])))


@pytest.mark.parametrize(("product", "num_products", "pairs"), [("inner", 6, 16 * 3), ("outer", 9, 0)])
def test_the_cost_is_that_of_the_equations(product, num_products, pairs):
    """All T² inner products are made, of D multiply-adds each; half of them are used."""
    layers = mlp_products(12 + num_products, 5, 4, 2)
    expected = dense_cost(layers + 5 + 4 + 2, layers + pairs)
    assert cost_of(PNN, (3,) * 4, 2, product=product, hidden_dims=(5, 4)) == expected


def test_beyond_the_most_tokens_neighbours_share_a_vector_and_stay_in_the_mlp():
    model = PNN((3,) * 6, 1, max_tokens=3, hidden_dims=(5,))
    assert model.mlp[0][0].in_features == 18 + 3
    assert model.vectors(torch.randn(2, 18)).shape == (2, 3, 3)


def test_a_single_field_has_no_inner_product():
    assert PNN((4,), 1, hidden_dims=(5,)).mlp[0][0].in_features == 4


def test_an_unknown_product_is_refused():
    with pytest.raises(ValueError, match="product is 'both', allowed: inner, outer"):
        PNN((4,), product="both")
