"""What makes each arm of TokenMixer-Large's Table 6, and of the study of α, that arm."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from ablations import ABLATIONS
from ablations.arms.experts import OrdinaryMoE, WithoutSharedExpert
from ablations.arms.gates import EqualExperts
from bench.runs.plan import size
from bench.spec import Budget
from rankmixer import TokenMixerLarge
from tests.ablations.test_sizing import schema
from tests.costs import cost_of
from tests.rankmixer.test_tokenmixer_large import BCE, FIELD_DIMS, GROUPS, batch, swish

T, D, N, L, E, k = 4, 12, 21, 3, 5, 3
WIDTH, SHARED = N // E, N - (E - 1) * (N // E)
SETTINGS = {
    "num_tokens": T,
    "token_dim": D,
    "hidden_dim": N,
    "down_init": 1.0,
    "num_experts": E,
    "active_experts": k,
}


def model_of(model_class: type[nn.Module], **changes) -> nn.Module:
    torch.manual_seed(0)
    return model_class(FIELD_DIMS, 2, groups=GROUPS, **{**SETTINGS, **changes})


def costs(model_class: type[nn.Module]) -> dict[str, int]:
    return cost_of(model_class, FIELD_DIMS, 2, groups=GROUPS, **SETTINGS, inter_residual=0)


def routed(pool: nn.Module, router_DE: Tensor, experts: int, x: Tensor, softmax: str, active: int) -> Tensor:
    """α Σ_i g_i Expert_i(x) of one token of one row, `experts` being the pool's index of the token."""
    score = x @ router_DE
    best = score.argsort(descending=True)[:active]
    over = score if softmax == "all" else score[best]
    total = torch.zeros_like(x)
    for i in best:
        gate, up, down = (w[experts, i] for w in (pool.gate_TEND, pool.up_TEND, pool.down_TEND))
        total = total + score[i].exp() / over.exp().sum() * ((swish(gate @ x) * (up @ x)) @ down)
    return E / k * total


@pytest.mark.parametrize("softmax", ["all", "chosen"])
def test_without_a_shared_expert_all_are_routed_and_as_many_active(softmax):
    pool = model_of(WithoutSharedExpert, router_softmax=softmax).blocks[0].on_tokens.layer
    assert pool.gate_TEND.shape == (T, E, WIDTH, D)
    x_TBD = torch.randn(T, 3, D)
    found, score_TBE = pool(x_TBD)
    assert score_TBE.shape == (T, 3, E)
    for t in range(T):
        for row in range(3):
            expected = routed(pool, pool.router.weight[t], t, x_TBD[t, row], softmax, k)
            torch.testing.assert_close(found[t, row], expected, rtol=1e-4, atol=1e-6)


def test_without_a_shared_expert_the_routed_ones_have_its_share_of_the_cost():
    base, found = costs(TokenMixerLarge), costs(WithoutSharedExpert)
    router, expert, shared = D, 3 * D * WIDTH, 3 * D * SHARED
    more = L * 2 * T * (router + expert - shared)
    assert found["dense_parameters"] == base["dense_parameters"] + more
    assert found["active_parameters"] == base["active_parameters"] + more
    assert found["flops_forward"] == base["flops_forward"] + 2 * more
    with pytest.raises(ValueError, match=r"balance_weight is 0\.1"):
        model_of(WithoutSharedExpert, balance_weight=0.1)


@pytest.mark.parametrize("softmax", ["all", "chosen"])
def test_an_ordinary_moe_has_one_pool_for_all_tokens(softmax):
    pool = model_of(OrdinaryMoE, router_softmax=softmax).blocks[0].on_tokens.layer
    assert pool.gate_TEND.shape == (1, T * E - 1, WIDTH, D)
    x_TBD = torch.randn(T, 3, D)
    found, score_1RE = pool(x_TBD)
    assert score_1RE.shape == (1, T * 3, T * E - 1)
    shared = pool.shared_expert
    for t in range(T):
        for row in range(3):
            x = x_TBD[t, row]
            gate, up, down = (part.weight[0] for part in (shared.gate, shared.up, shared.down))
            expected = (swish(x @ gate) * (x @ up)) @ down
            expected = expected + routed(pool, pool.router.weight[0], 0, x, softmax, k - 1)
            torch.testing.assert_close(found[t, row], expected, rtol=1e-4, atol=1e-6)


def test_an_ordinary_moe_has_as_many_experts_and_as_much_work_but_for_a_wider_router():
    base, found = costs(TokenMixerLarge), costs(OrdinaryMoE)
    expert, shared = 3 * D * WIDTH, 3 * D * SHARED
    own_routers, router = T * D * (E - 1), D * (T * E - 1)
    assert found["dense_parameters"] == base["dense_parameters"] + L * 2 * (
        router - own_routers + (T - 1) * (expert - shared)
    )
    idle = T * E - 1 - T * (k - 1)
    assert found["active_parameters"] == found["dense_parameters"] - L * 2 * idle * expert
    assert found["flops_forward"] == base["flops_forward"] + 2 * L * 2 * (T * router - own_routers)


def test_the_balance_loss_of_an_ordinary_moe_is_that_of_its_pools():
    x_BI, y_BK = batch()
    plain, balanced = (model_of(OrdinaryMoE, balance_weight=weight) for weight in (0.0, 0.5))
    assert 0.4 < balanced.loss(x_BI, y_BK, BCE) - plain.loss(x_BI, y_BK, BCE) < 2.0


@pytest.mark.parametrize("num_fields", [10, 49])
@pytest.mark.parametrize("budget", [30_000, 100_000, 1_000_000])
def test_an_arm_of_the_gates_has_the_sparsity_and_scale_of_its_label_at_every_size(budget, num_fields):
    asked = ABLATIONS["gates"]
    asked = dataclasses.replace(asked, budgets=(Budget(kind="dense_parameters", target=budget),))
    base, *arms = size(asked, schema(num_fields))
    dense = base.hyperparameters["hidden_dim"]
    labels = []
    for arm in arms:
        model = EqualExperts((8,) * num_fields, **arm.hyperparameters)
        for layer in (model.blocks[0].on_mixed.layer, model.blocks[0].on_tokens.layer):
            routed = layer.gate_TEND.shape[2]
            shared = layer.shared_expert.gate.weight.shape[2]
            whole, active = shared + 11 * routed, shared + layer.num_routed * routed
            assert whole == pytest.approx(dense, rel=0.1)
            share = whole / active
            assert share == pytest.approx(round(share), rel=1e-9)
            labels.append(f"1:{round(share)}, α = {layer.gate_scale:g}")
    assert list(dict.fromkeys(labels)) == [arm.entrant.label for arm in arms]


def test_equal_experts_cost_what_their_multiple_of_the_width_does():
    settings = {**SETTINGS, "hidden_dim": 4 * E + 1}
    found, same = (
        cost_of(one, FIELD_DIMS, 2, groups=GROUPS, **{**settings, "hidden_dim": hidden})
        for one, hidden in ((EqualExperts, 4 * E + 1), (TokenMixerLarge, 4 * E))
    )
    assert found == same
    narrow = model_of(EqualExperts, hidden_dim=2).blocks[0].on_tokens.layer
    assert narrow.gate_TEND.shape[2] == 1
