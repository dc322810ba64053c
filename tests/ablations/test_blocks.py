"""What makes each arm of TokenMixer-Large's Tables 5, 9 and 14 that arm."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from ablations import blocks
from ablations.arms.blocks import (
    PerTokenFFNs,
    SharedSwiGLU,
    WithoutGlobalToken,
    WithoutMixing,
    WithoutResidual,
)
from ablations.arms.initialisation import SmallUpAndGate
from ablations.arms.old_operators import BehindCrossNetwork
from rankmixer import TokenMixerLarge
from tests.costs import cost_of, dense_cost
from tests.rankmixer.test_tokenmixer_large import BCE, FIELD_DIMS, GROUPS, batch

T, D, N, L, K = 4, 12, 8, 3, 2
I = sum(FIELD_DIMS)  # noqa: E741
SETTINGS = {"num_tokens": T, "token_dim": D, "hidden_dim": N, "down_init": 1.0}


def model_of(model_class: type[nn.Module], **changes) -> nn.Module:
    torch.manual_seed(0)
    return model_class(FIELD_DIMS, K, groups=GROUPS, **{**SETTINGS, **changes})


def costs(model_class: type[nn.Module], **changes) -> dict[str, int]:
    settings = {**SETTINGS, "inter_residual": 0, **changes}
    return cost_of(model_class, FIELD_DIMS, K, groups=GROUPS, **settings)


def expected_cost(products_of_blocks: int, *, inputs: int = 2 * I * D, tokens: int = T, others: int) -> dict:
    """Linear tokens, blocks, a normed readout; `others` are parameters that no product counts."""
    products = inputs + products_of_blocks + D * K
    return dense_cost(products + tokens * D + D + K + others, products)


def tokens_that_change(layer: nn.Module, x_TBD: Tensor, t: int) -> list[bool]:
    """Of the output, where token t of the input does."""
    changed = x_TBD.clone()
    changed[t] += 1
    outputs = [y[0] if isinstance(y := layer(x), tuple) else y for x in (x_TBD, changed)]
    return (outputs[0] != outputs[1]).flatten(1).any(dim=1).tolist()


def test_without_the_global_token_a_field_is_in_one_token():
    (x_BI, _), arm, base = batch(3), model_of(WithoutGlobalToken), model_of(TokenMixerLarge)
    arm.tokenizer.group_mlps.load_state_dict(base.tokenizer.group_mlps.state_dict())
    assert torch.equal(arm.tokenizer(x_BI), base.tokenizer(x_BI)[1:])
    changed_BI = x_BI.clone()
    changed_BI[:, :3] += 1
    for model, num_changed in ((arm, 1), (base, 2)):
        tokens_TBD = model.tokenizer(x_BI)
        assert (tokens_TBD != model.tokenizer(changed_BI)).flatten(1).any(dim=1).sum() == num_changed
    assert (arm.num_tokens, arm.num_heads) == (T - 1, T)
    width, hidden = (T - 1) * D // T, N * (T - 1) // T
    swiglus = L * 3 * (T * width * hidden + (T - 1) * D * N)
    found = costs(WithoutGlobalToken)
    assert found == expected_cost(swiglus, inputs=I * D, tokens=T - 1, others=L * (width + D))


def test_without_mixing_a_token_sees_itself_alone():
    x_TBD = torch.randn(T, 2, D)
    arm, base = (model_of(one).blocks[0] for one in (WithoutMixing, TokenMixerLarge))
    for t in range(T):
        assert tokens_that_change(arm, x_TBD, t) == [other == t for other in range(T)]
        assert tokens_that_change(base, x_TBD, t) == [True] * T
    assert costs(WithoutMixing) == costs(TokenMixerLarge)
    assert costs(WithoutMixing, num_heads=3) == costs(WithoutMixing)


def test_without_residuals_nothing_leaves_a_block_whose_last_matrices_are_zero():
    x_TBD = torch.randn(T, 2, D)
    for model_class, expected in ((WithoutResidual, torch.zeros_like(x_TBD)), (TokenMixerLarge, x_TBD)):
        model = model_of(model_class, inter_residual=2)
        for part in (model.blocks[0].on_mixed, model.blocks[0].on_tokens):
            nn.init.zeros_(part.layer.down.weight)
        assert torch.equal(model.blocks[0](x_TBD)[0], expected)
        assert len(model.auxiliary_readouts) == 1
    assert costs(WithoutResidual) == costs(TokenMixerLarge)


@pytest.mark.parametrize("norm", ["pre", "post", "sandwich"])
def test_without_residuals_a_sublayer_is_its_layer_and_norms(norm):
    part, x_TBD = model_of(WithoutResidual, norm=norm).blocks[0].on_tokens, torch.randn(T, 2, D)
    nn.init.normal_(part.norm.weight)
    found, _ = part(x_TBD, residual=torch.randn(T, 2, D))
    if norm == "post":
        expected = part.norm(part.layer(x_TBD))
    else:
        expected = part.output_norm(part.layer(part.norm(x_TBD)))
    assert torch.equal(found, expected)


def test_the_arm_without_residuals_between_blocks_has_no_auxiliary_loss_and_its_base_has_both():
    base, arm = (
        one for one in blocks.STUDY.entrants if one.contestant is blocks.STUDY.entrants[0].contestant
    )
    assert base.label == blocks.STUDY.baseline
    for entrant, num_heads in ((base, 1), (arm, 0)):
        model = model_of(TokenMixerLarge, **{**base.hyperparameters, **entrant.hyperparameters})
        assert len(model.auxiliary_readouts) == num_heads
        x_BI, y_BK = batch()
        assert (model.loss(x_BI, y_BK, BCE) == BCE(model(x_BI), y_BK)) == (num_heads == 0)


def test_a_shared_swiglu_makes_the_same_of_the_same_whatever_the_token():
    layer = model_of(SharedSwiGLU).blocks[0].on_tokens.layer
    x_BD = torch.randn(2, D)
    y_TBD = layer(x_BD.expand(T, 2, D))
    gate, up, down = (part.weight[0] for part in (layer.gate, layer.up, layer.down))
    expected_BD = (nn.functional.silu(x_BD @ gate) * (x_BD @ up)) @ down
    torch.testing.assert_close(y_TBD, expected_BD.expand(T, 2, D))
    base, found = costs(TokenMixerLarge), costs(SharedSwiGLU)
    assert found["dense_parameters"] == base["dense_parameters"] - L * 2 * (T - 1) * 3 * D * N
    assert found["flops_forward"] == base["flops_forward"]


def test_a_per_token_ffn_has_the_swiglus_width_and_its_small_start():
    layer = model_of(PerTokenFFNs, down_init=0.01).blocks[0].on_tokens.layer
    x_TBD = torch.randn(T, 2, D)
    nn.init.normal_(layer.up.bias)
    for t in range(T):
        hidden = nn.functional.gelu(x_TBD[t] @ layer.up.weight[t] + layer.up.bias[t])
        torch.testing.assert_close(layer(x_TBD)[t], hidden @ layer.down.weight[t] + layer.down.bias[t])
    bound = 0.01 * math.sqrt(6 / (N + D))
    assert 0.9 * bound < layer.down.weight.abs().max() <= bound
    of_ffns = L * 2 * T * 2 * D * N
    assert costs(PerTokenFFNs) == expected_cost(of_ffns, others=L * 2 * (D + T * (N + D)))


@pytest.mark.parametrize("initialisation", ["glorot", "torch"])
def test_up_and_gate_start_small_and_down_as_it_is_told(initialisation):
    layer = model_of(SmallUpAndGate, initialisation=initialisation, down_init=0.1).blocks[1].on_mixed.layer
    for linear, scale in ((layer.up, 0.01), (layer.gate, 0.01), (layer.down, 0.1)):
        fan_in, fan_out = linear.weight.shape[1:]
        bound = scale * math.sqrt(6 / (fan_in + fan_out) if initialisation == "glorot" else 1 / fan_in)
        assert 0.9 * bound < linear.weight.abs().max() <= bound
    assert costs(SmallUpAndGate) == costs(TokenMixerLarge)
    with pytest.raises(ValueError, match="num_experts is 4"):
        model_of(SmallUpAndGate, num_experts=4, active_experts=2)


def test_behind_a_dcn_tokens_are_made_of_the_crossed_input():
    tokenizer = model_of(BehindCrossNetwork).tokenizer
    x_BI, _ = batch(3)
    x0_BI = x_BI[:, [*range(13, 18), *range(13)]]  # the groups are the fields 4 0, 1 2 3
    crossed_BI = x0_BI
    for layer in tokenizer.regroup[1].layers:
        nn.init.normal_(layer.u.bias)
        crossed_BI = x0_BI * (crossed_BI @ layer.v.weight.T @ layer.u.weight.T + layer.u.bias) + crossed_BI
    runs = [crossed_BI, *crossed_BI.split((5, 7, 6), dim=1)]
    mlps = [tokenizer.global_mlp, *tokenizer.group_mlps]
    expected_TBD = torch.stack([mlp(run_BI) for mlp, run_BI in zip(mlps, runs, strict=True)])
    torch.testing.assert_close(tokenizer(x_BI), expected_TBD)
    base, rank = costs(TokenMixerLarge), 4
    found = costs(BehindCrossNetwork)
    assert found["dense_parameters"] == base["dense_parameters"] + 2 * (2 * rank * I + I)
    assert found["flops_forward"] == base["flops_forward"] + 2 * 2 * 2 * rank * I
