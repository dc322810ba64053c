"""Fi-GNN against its equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines.fignn import FiGNN
from tests.baselines.perceptron import mlp_by_hand
from tests.costs import cost_of, dense_cost


def gru(model: FiGNN, a: Tensor, h: Tensor) -> Tensor:
    D = len(h)
    u, v = model.gru.message, model.gru.state
    of_a = [u.weight[k * D : (k + 1) * D] @ a + u.bias[k * D : (k + 1) * D] for k in range(3)]
    of_h = [v.weight[k * D : (k + 1) * D] @ h + v.bias[k * D : (k + 1) * D] for k in range(3)]
    r, z = torch.sigmoid(of_a[0] + of_h[0]), torch.sigmoid(of_a[1] + of_h[1])
    n = torch.tanh(of_a[2] + r * of_h[2])
    return (1 - z) * n + z * h


def attended(model: FiGNN, e: Tensor) -> Tensor:
    """One row's fields (T, D) after the multi-head self-attention, head by head and pair by pair."""
    T, D = e.shape
    H = model.interacting.num_heads
    of_query, of_key, of_value, of_residual = model.interacting.maps.weight.reshape(4, D, D)
    nodes = []
    for i in range(T):
        heads = []
        for head in range(H):
            rows = range(head * D // H, (head + 1) * D // H)
            q = [of_query[r] @ e[i] for r in rows]
            share = []
            for j in range(T):
                k = [of_key[r] @ e[j] for r in rows]
                share.append(torch.exp(sum(x * y for x, y in zip(q, k, strict=True)) / math.sqrt(D / H)))
            heads += [sum(share[j] * (of_value[r] @ e[j]) for j in range(T)) / sum(share) for r in rows]
        residual = [row @ e[i] for row in of_residual]
        nodes.append(torch.stack([max(h + r, 0 * h) for h, r in zip(heads, residual, strict=True)]))
    return torch.stack(nodes)


def logits_of(model: FiGNN, e: Tensor, first: Tensor) -> Tensor:
    """One row's fields and first states of the nodes (T, D), number by number where the paper has a sum."""
    T, D = e.shape
    edge = torch.zeros(T, T, dtype=e.dtype)
    w = model.edges.weight[0]
    for i in range(T):
        scores = {}
        for j in range(T):
            if j != i:
                dot = sum(w[d] * e[i, d] for d in range(D)) + sum(w[D + d] * e[j, d] for d in range(D))
                scores[j] = torch.exp(dot if dot > 0 else 0.01 * dot)
        for j, score in scores.items():
            edge[i, j] = score / sum(scores.values())
    h = first
    for layer in model.layers:
        states = []
        for i in range(T):
            received = sum(edge[i, j] * (h[j] @ layer.outgoing.weight[j]) for j in range(T))
            states.append(gru(model, received @ layer.incoming.weight[i] + layer.bias, h[i]) + first[i])
        h = torch.stack(states)
    weights = torch.sigmoid(model.attention.weight @ h.flatten())
    return sum(weights[i] * mlp_by_hand(model.scores, h[i]) for i in range(T))


@pytest.mark.parametrize("attention_heads", [0, 1, 2])
@pytest.mark.parametrize("scoring_dim", [0, 3])
def test_logits_are_those_of_the_equations(scoring_dim, attention_heads):
    torch.manual_seed(0)
    given = {"token_dim": None, "num_layers": 2, "scoring_dim": scoring_dim}
    model = FiGNN((4,) * 3, 2, initialisation="torch", attention_heads=attention_heads, **given).double()
    scores = model.scores
    if scoring_dim == 0:
        model.scores = torch.nn.Sequential(scores)
    for x in 2 * torch.randn(3, 12, dtype=torch.float64):
        e = x.reshape(3, 4)
        first = attended(model, e) if attention_heads else e
        torch.testing.assert_close(model(x[None])[0], logits_of(model, e, first))


@pytest.mark.parametrize("attention_heads", [0, 2])
def test_the_cost_is_that_of_the_equations(attention_heads):
    """Each step and node: two maps D², T messages of D; the GRU has six maps D².

    The attention has four maps D² for each node, and for each pair a score and a share of D multiply-adds.
    """
    T, D, L, S, K = 4, 6, 2, 5, 2
    step = 2 * T * D * D + T * T * D + 6 * T * D * D
    products = T * 2 * D + L * step + T * (D * S + S * K) + T * T * D
    parameters = 2 * D + L * (2 * T * D * D + D) + 6 * D * D + 6 * D + D * S + S + S * K + K + T * T * D
    if attention_heads:
        parameters += 4 * D * D
        products += T * 4 * D * D + 2 * T * T * D
    given = {"token_dim": None, "num_layers": L, "scoring_dim": S, "attention_heads": attention_heads}
    assert cost_of(FiGNN, (D,) * T, K, **given) == dense_cost(parameters, products)


def test_impossible_sizes_are_refused_by_name():
    with pytest.raises(ValueError, match="width of a node is 9; it must be a multiple of attention_heads, 2"):
        FiGNN((4, 4), token_dim=9)
    with pytest.raises(ValueError, match="attention_heads is -1; it must be 0 or more"):
        FiGNN((4, 4), attention_heads=-1)
    with pytest.raises(ValueError, match="scoring_dim is -1; it must be 0 or more"):
        FiGNN((4, 4), scoring_dim=-1)


def test_no_node_hears_itself_and_all_hear_every_other():
    torch.manual_seed(0)
    model = FiGNN((4,) * 4, 1, token_dim=None)
    edges_BTT = model._edges(torch.randn(5, 4, 4))
    assert (edges_BTT.diagonal(dim1=1, dim2=2) == 0).all()
    torch.testing.assert_close(edges_BTT.sum(dim=2), torch.ones(5, 4))
    assert (edges_BTT + torch.eye(4) > 0).all()


def test_a_single_node_gets_no_message():
    model = FiGNN((4,), 1, token_dim=None)
    assert not model._edges(torch.randn(2, 1, 4)).any()
    assert model(torch.randn(2, 4)).isfinite().all()


def test_steps_share_the_gru_and_have_maps_of_their_own():
    model = FiGNN((3,) * 4, 1, num_layers=3)
    assert len({layer.outgoing.weight.data_ptr() for layer in model.layers}) == 3
    assert sum(name.startswith("gru") for name, _ in model.named_parameters()) == 4
