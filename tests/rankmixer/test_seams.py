"""What a paper ablates is one piece of a block: an argument of a constructor, or a subclass of ten lines."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.arms.components import SharedFFN, WithoutSkip
from ablations.arms.routing import BySelfAttention
from bench.contestants.budget import solve
from bench.contestants.contract import Contestant, InputShape
from bench.contestants.counting import measure, on_meta
from bench.contestants.registry import CONTESTANTS
from bench.spec import Budget
from rankmixer import RankMixer, SparseRankMixer, TokenMixerLarge
from rankmixer.rankmixer import Block

SHAPE = InputShape(field_dims=(8,) * 10, groups=tuple((i,) for i in range(10)), num_tasks=2)
T, D, N, L = 5, 20, 30, 2
SIZES = {"num_layers": L, "num_tokens": T, "token_dim": D, "hidden_dim": N}


def contestant_of(model: type[nn.Module]) -> Contestant:
    like = CONTESTANTS["rankmixer"]
    return Contestant(
        name="arm",
        title="Arm",
        model=model,
        hyperparameters=like.hyperparameters,
        dial=like.dial,
        trim=like.trim,
    )


def costs(model: type[nn.Module], **changes: object) -> tuple[int, int]:
    """Dense parameters and multiply-adds of the matrix products of one example."""
    hyperparameters = {**CONTESTANTS["rankmixer"].hyperparameters, **SIZES, **changes}
    built = on_meta(contestant_of(model), SHAPE, hyperparameters)
    return measure(built, SHAPE, "dense_parameters"), measure(built, SHAPE, "flops_forward") // 2


def test_a_subclass_is_counted_and_not_taken_for_the_model_it_is_made_of():
    parameters, products = costs(RankMixer)
    attention = 4 * D * D
    assert costs(BySelfAttention) == (
        parameters + L * (attention + 4 * D),
        products + L * (T * attention + 2 * T * T * D),
    )
    ffn = 2 * D * N + N + D
    assert costs(SharedFFN) == (parameters - L * (T - 1) * ffn, products)
    assert costs(WithoutSkip) == (parameters, products)
    assert costs(RankMixer, norm="none") == (parameters - L * 2 * 2 * D, products)


def test_a_subclass_is_sized_by_what_it_costs_itself():
    budget = Budget(kind="dense_parameters", target=100_000)
    solution = solve(contestant_of(BySelfAttention), SHAPE, budget)
    model = contestant_of(BySelfAttention).build(SHAPE, solution.hyperparameters)
    size = sum(p.numel() for p in model.parameters())
    assert size == solution.reached
    assert abs(size / 100_000 - 1) <= 0.02
    plain = solve(contestant_of(RankMixer), SHAPE, budget)
    assert solution.hyperparameters != plain.hyperparameters


@pytest.mark.parametrize("model_class", [BySelfAttention, WithoutSkip, SharedFFN])
def test_a_subclass_trains(model_class):
    torch.manual_seed(0)
    model = model_class(SHAPE.field_dims, **SIZES)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        x_BI = torch.randn(256, 80)
        y_BK = x_BI[:, :8].sum(dim=1, keepdim=True).gt(0).float()
        losses.append(F.binary_cross_entropy_with_logits(model(x_BI), y_BK))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.2


class Doubling(nn.Module):
    def forward(self, x_TBD: Tensor) -> Tensor:
        return 2 * x_TBD


@pytest.mark.parametrize(
    ("norm", "skip", "expected"),
    [
        ("post", True, lambda x, n, m: n(3 * m(3 * x))),
        ("post", False, lambda x, n, m: n(2 * m(2 * x))),
        ("pre", True, lambda x, n, m: (s := x + 2 * m(x)) + 2 * n(s)),
        ("pre", False, lambda x, n, m: 2 * n(2 * m(x))),
        ("none", True, lambda x, n, m: 9 * x),
        ("none", False, lambda x, n, m: 4 * x),
    ],
)
def test_a_block_puts_norms_and_residuals_around_any_two_layers(norm, skip, expected):
    block = Block(Doubling(), Doubling(), 6, norm=norm, skip=skip)
    for part in (block.mixing_norm, block.ffn_norm):
        if norm != "none":
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    x_TBD = torch.randn(3, 4, 6)
    torch.testing.assert_close(block(x_TBD), expected(x_TBD, block.ffn_norm, block.mixing_norm))


# Of commit 81f3163, before blocks had pieces: the same seed starts with the same weights in the same order.
LARGE = {"num_tokens": 6, "num_heads": 5, "down_init": 1.0}
STARTS = {
    "rankmixer": (RankMixer, {}, 2106.3879156789612),
    "rankmixer, pre": (RankMixer, {"norm": "pre"}, 2913.7852842067186),
    "sparse, relu": (SparseRankMixer, {"num_experts": 4}, 1236.2529451048133),
    "sparse, top k": (SparseRankMixer, {"num_experts": 4, "routing": "top_k"}, 971.8384330835396),
    "large": (TokenMixerLarge, LARGE, 2779.5037132414845),
    "large, sparse": (TokenMixerLarge, {**LARGE, "num_experts": 4, "active_experts": 2}, 2927.8185598723903),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_seed_means_the_weights_it_meant_before(name):
    model_class, changes, before = STARTS[name]
    torch.manual_seed(3)
    model = model_class(SHAPE.field_dims, 2, initialisation="torch", **{**SIZES, **changes})
    assert checksum(model) == pytest.approx(before, rel=1e-9)


def checksum(model: nn.Module) -> float:
    """Weighted by the order of the parameters and of the numbers in them."""
    total = 0.0
    for index, p in enumerate(model.parameters(), start=1):
        ramp = torch.linspace(1, 2, p.numel(), dtype=torch.float64)
        total += index * (p.detach().double().flatten() * ramp).sum().item()
    return total
