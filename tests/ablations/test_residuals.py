"""What makes each arm of TokenMixer-Large's Table 3 that arm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablations.arms import residuals
from rankmixer import RankMixer
from rankmixer.mixing import mix
from tests.costs import cost_of

FIELD_DIMS = (8,) * 6
T, D, N, L = 4, 12, 10, 2
SETTINGS = {"num_tokens": T, "token_dim": D, "hidden_dim": N, "num_layers": L}
SWITCHES = {"WithoutOriginalToken": (0, 1), "WithoutStandard": (1, 0), "WithoutBoth": (0, 0)}


def block_of(name: str, **changes) -> nn.Module:
    torch.manual_seed(0)
    return getattr(residuals, name)(FIELD_DIMS, **{**SETTINGS, **changes}).blocks[0]


@pytest.mark.parametrize("kind", ["RankMixer", "GroupTransformer"])
@pytest.mark.parametrize("norm", ["post", "none"])
@pytest.mark.parametrize(("switches", "residual"), [*SWITCHES.items(), ("", (1, 1))])
def test_a_block_adds_the_residuals_that_its_arm_has(kind, norm, switches, residual):
    if not switches and kind == "RankMixer":
        kind = "Switched"
    block, x_TBD = block_of(kind + switches, norm=norm), torch.randn(T, 3, D)
    original, standard = residual
    mixing = block.mixing.layer if original else block.mixing
    ffn = block.ffn.layer if standard else block.ffn
    mixed_TBD = mixing(x_TBD) if kind == "GroupTransformer" else mix(x_TBD, T)
    s_TBD = block.mixing_norm(mixed_TBD + original * x_TBD)
    torch.testing.assert_close(block(x_TBD), block.ffn_norm(ffn(s_TBD) + standard * s_TBD))


def test_with_both_residuals_it_is_rankmixer():
    x_BI, models = torch.randn(5, 48), []
    for model_class in (RankMixer, residuals.Switched):
        torch.manual_seed(0)
        models.append(model_class(FIELD_DIMS, **SETTINGS))
    torch.testing.assert_close(models[0](x_BI), models[1](x_BI))


def test_norms_before_the_layers_are_refused():
    with pytest.raises(ValueError, match="norm is 'pre'"):
        block_of("RankMixerWithoutBoth", norm="pre")


def test_a_group_transformer_costs_what_attention_costs_beside_rankmixer():
    base, found = (cost_of(one, FIELD_DIMS, **SETTINGS) for one in (RankMixer, residuals.GroupTransformer))
    assert found["dense_parameters"] == base["dense_parameters"] + L * 4 * (D * D + D)
    attention = T * 4 * D * D + 2 * T * T * D
    assert found["flops_forward"] == base["flops_forward"] + 2 * L * attention
    for name in (*(f"RankMixer{one}" for one in SWITCHES), "Switched"):
        assert cost_of(getattr(residuals, name), FIELD_DIMS, **SETTINGS) == base
