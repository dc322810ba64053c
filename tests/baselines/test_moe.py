"""The mixture of experts against its equations, written as loops, and its two ways of top-k gating."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from baselines.moe import MoE, load_imbalance
from tests.costs import cost_of

FIELD_DIMS = (4, 1, 3)
WIDTH = sum(FIELD_DIMS)


def small_moe(**hyperparameters: float | int | None) -> MoE:
    torch.manual_seed(0)
    sizes = {"num_experts": 4, "num_expert_layers": 3, "expert_dim": 6, "output_dim": 5}
    return MoE(FIELD_DIMS, 2, **{**sizes, **hyperparameters}).double()


def batch(rows: int = 9) -> Tensor:
    return torch.randn(rows, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def logits_by_loops(model: MoE, x: Tensor, top_k: int) -> Tensor:
    """One row: every expert in turn, weighted by its probability if it is among the `top_k` largest."""
    probabilities = torch.softmax(model.gate.weight @ x, dim=0)
    chosen = sorted(range(model.num_experts), key=lambda e: -probabilities[e].item())[:top_k]
    mixture = torch.zeros(model.expert_dims[-1], dtype=x.dtype)
    for expert in chosen:
        h = x
        for layer in model.experts.layers:
            h = torch.relu(layer.weight_EOI[expert] @ h + layer.bias_EO[expert])
        mixture += probabilities[expert] * h
    return model.head.weight @ mixture + model.head.bias


@pytest.mark.parametrize("top_k", [None, 1, 2, 4])
@pytest.mark.parametrize("training", [True, False])
def test_logits_are_those_of_the_equations(top_k: int | None, training: bool) -> None:
    model = small_moe(top_k=top_k).train(training)
    expected = torch.stack([logits_by_loops(model, x, top_k or 4) for x in batch()])
    torch.testing.assert_close(model(batch()), expected)


@pytest.mark.parametrize("num_expert_layers", [1, 2])
def test_grouping_rows_by_expert_has_the_gradients_of_masking(num_expert_layers: int) -> None:
    model = small_moe(top_k=2, num_expert_layers=num_expert_layers)
    gradients = [
        torch.autograd.grad(model.train(training)(batch()).square().sum(), list(model.parameters()))
        for training in (True, False)
    ]
    for masked, grouped in zip(*gradients, strict=True):
        torch.testing.assert_close(masked, grouped)


@pytest.mark.parametrize("training", [True, False])
def test_experts_not_chosen_do_not_matter(training: bool) -> None:
    model = small_moe(top_k=2).train(training)
    x_BI = batch()
    chosen_BS = torch.softmax(model.gate(x_BI), dim=1).topk(2, dim=1).indices
    before = model(x_BI)
    with torch.no_grad():
        model.experts.layers[0].bias_EO[3] += 1
    changed_B = (model(x_BI) != before).any(dim=1)
    assert changed_B.tolist() == (chosen_BS == 3).any(dim=1).tolist()
    assert changed_B.any()
    assert not changed_B.all()


@pytest.mark.parametrize("top_k", [None, 1, 3])
def test_the_cost_is_k_experts_served_and_all_trained(top_k: int | None) -> None:
    I, E, N, O, K, k = WIDTH, 4, 6, 5, 2, top_k or 4  # noqa: E741
    gate_and_head, expert = I * E + O * K, I * N + N * N + N * O
    with_biases = expert + 2 * N + O
    assert cost_of(MoE, FIELD_DIMS, K, num_expert_layers=3, expert_dim=N, output_dim=O, top_k=top_k) == {
        "dense_parameters": gate_and_head + K + E * with_biases,
        "active_parameters": gate_and_head + K + k * with_biases,
        "flops_forward": 2 * (gate_and_head + k * expert),
        "flops_train": 3 * 2 * (gate_and_head + E * expert),
    }
    # On real data, as the grouping depends on it: k experts a row, whichever they are.
    with FlopCounterMode(display=False) as counter:
        small_moe(top_k=top_k).eval()(batch(rows=8))
    assert counter.get_total_flops() == 8 * 2 * (gate_and_head + k * expert)


def test_load_imbalance_by_hand() -> None:
    even_BE = torch.tensor(
        [[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7]]
    )
    assert load_imbalance(even_BE, 1).item() == pytest.approx(1)
    skewed_BE = torch.tensor([[0.7, 0.1, 0.1, 0.1]]).repeat(5, 1)
    assert load_imbalance(skewed_BE, 1).item() == pytest.approx(4 * 0.7)
    # the two choices of a row count a half each: F = (1/2, 1/2, 0, 0)
    assert load_imbalance(torch.tensor([[0.6, 0.3, 0.1, 0.0]]), 2).item() == pytest.approx(4 * 0.45)


def test_the_balance_term_joins_the_loss_of_top_k_gating_only() -> None:
    x_BI, y_BK = batch(), torch.zeros(9, 2, dtype=torch.float64)
    for top_k in (None, 2):
        model = small_moe(top_k=top_k, balance_weight=0.5)
        p_BE = torch.softmax(model.gate(x_BI), dim=1)
        extra = 0.0 if top_k is None else 0.5 * load_imbalance(p_BE, 2)
        expected = F.mse_loss(model(x_BI), y_BK) + extra
        torch.testing.assert_close(model.loss(x_BI, y_BK, F.mse_loss), expected)


def test_the_balance_term_spreads_the_rows() -> None:
    """From a gate that sends every row to one expert, its gradient alone brings the others into use."""
    model = small_moe(top_k=1, balance_weight=1.0)
    x_BI = batch(rows=64)
    x_BI[:, 0] = 1.0
    with torch.no_grad():
        model.gate.weight[2, 0] = 6.0
    optimizer = torch.optim.SGD(model.gate.parameters(), lr=0.5)

    def busiest() -> float:
        counts = torch.bincount(model.gate(x_BI).argmax(dim=1), minlength=4)
        return counts.max().item() / len(x_BI)

    assert busiest() > 0.9
    for _ in range(30):
        optimizer.zero_grad()
        model.loss(x_BI, torch.zeros(64, 2, dtype=x_BI.dtype), lambda logits, y: 0 * logits.sum()).backward()
        optimizer.step()
    assert busiest() < 0.5


@pytest.mark.parametrize("top_k", [None, 1])
def test_it_learns_different_rules_for_different_rows(top_k: int | None) -> None:
    torch.manual_seed(0)
    x_BI = torch.randn(128, WIDTH)
    y_BK = torch.where(x_BI[:, :1] > 0, x_BI[:, 1:2] > 0, x_BI[:, 2:3] < 0).float()
    model = MoE(FIELD_DIMS, num_experts=4, expert_dim=16, output_dim=8, top_k=top_k)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        model.loss(x_BI, y_BK, F.binary_cross_entropy_with_logits).backward()
        optimizer.step()
    assert F.binary_cross_entropy_with_logits(model.eval()(x_BI), y_BK).item() < 0.25  # chance: 0.69


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"top_k": 5}, "top_k is 5; 4 experts allow 1 … 4"),
        ({"top_k": 0}, "top_k is 0; 4 experts allow 1 … 4"),
        ({"num_experts": 0}, "num_experts is 0; it must be 1 or more"),
        ({"num_expert_layers": 0}, "num_expert_layers is 0; it must be 1 or more"),
    ],
)
def test_impossible_hyperparameters_are_refused(hyperparameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_moe(**hyperparameters)
