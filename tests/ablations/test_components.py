"""What makes each arm of RankMixer's Table 2 that arm, and that token mixing is what crosses tokens."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.arms.components import SharedFFN, WithoutMixing, WithoutSkip
from bench.metrics import auc
from rankmixer import RankMixer
from rankmixer.mixing import mix

T, D, N, L = 4, 16, 24, 2
FIELD_DIMS = (8,) * T


def model_of(model_class: type[RankMixer], **changes) -> RankMixer:
    torch.manual_seed(0)
    given = {"num_layers": L, "num_tokens": T, "token_dim": D, "hidden_dim": N, **changes}
    return model_class(FIELD_DIMS, **given).double().eval()


def tokens(rows: int = 3) -> Tensor:
    return torch.randn(T, rows, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def others_reached(block: nn.Module) -> Tensor:
    """(T, T): whether output token i depends on input token j."""
    jacobian = torch.autograd.functional.jacobian(
        lambda x_TD: block(x_TD.unsqueeze(1)).squeeze(1), tokens(1)[:, 0]
    )
    return jacobian.abs().amax(dim=(1, 3)) > 1e-12


def test_with_mixing_every_token_reaches_every_other_and_without_none():
    assert others_reached(model_of(RankMixer).blocks[0]).all()
    without = model_of(WithoutMixing)
    assert torch.equal(others_reached(nn.Sequential(*without.blocks)), torch.eye(T, dtype=torch.bool))


def test_without_skips_a_block_is_its_layers_and_norms_alone():
    block = model_of(WithoutSkip).blocks[0]
    x_TBD = tokens()
    s_TBD = F.layer_norm(mix(x_TBD, T), (D,))
    torch.testing.assert_close(block(x_TBD), F.layer_norm(block.ffn(s_TBD), (D,)))
    for norm in ("pre", "none"):
        plain = model_of(WithoutSkip, norm=norm).blocks[0]
        nn.init.zeros_(plain.ffn.down.weight)
        assert not plain(x_TBD).any()  # a residual would pass the tokens on


def test_without_layer_norm_a_block_does_not_fix_the_scale_of_its_tokens():
    plain, normed = model_of(RankMixer, norm="none").blocks[0], model_of(RankMixer).blocks[0]
    assert not [m for m in plain.modules() if isinstance(m, nn.LayerNorm)]
    x_TBD = tokens()
    assert (100 * x_TBD).std() < 1.5 * plain(100 * x_TBD).std()
    torch.testing.assert_close(normed(100 * x_TBD).std(dim=2), torch.ones(T, 3).double(), rtol=0.05, atol=0)


def test_a_shared_ffn_treats_equal_tokens_alike_and_own_ones_do_not():
    alike_TBD = tokens()[:1].expand(T, -1, -1)
    shared, own = model_of(SharedFFN).blocks[0].ffn, model_of(RankMixer).blocks[0].ffn
    y_TBD = shared(alike_TBD)
    torch.testing.assert_close(y_TBD, y_TBD[:1].expand(T, -1, -1))
    assert not torch.allclose(own(alike_TBD)[0], own(alike_TBD)[1])
    up, down = shared.up, shared.down
    by_hand = F.gelu(tokens() @ up.weight[0] + up.bias[0]) @ down.weight[0] + down.bias[0]
    torch.testing.assert_close(shared(tokens()), by_hand)


def auc_on_products(model_class: type[RankMixer]) -> tuple[float, float]:
    """AUC on the product of two tokens' fields and on a square within one: two tasks of one training."""

    def rows(count: int, seed: int) -> tuple[Tensor, Tensor]:
        x_BI = torch.randn(count, 16, generator=torch.Generator().manual_seed(seed))
        return x_BI, torch.stack([x_BI[:, 0] * x_BI[:, 8], x_BI[:, 1] ** 2 - 1], dim=1)

    torch.manual_seed(0)
    model = model_class((8, 8), 2, num_layers=2, num_tokens=2, token_dim=16, hidden_dim=64)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(200):
        x_BI, truth_B2 = rows(256, step + 1)
        loss = F.binary_cross_entropy_with_logits(model(x_BI), truth_B2.gt(0).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x_BI, truth_B2 = rows(4096, 0)
    with torch.no_grad():
        logits_B2 = model(x_BI)
    return tuple(auc(truth_B2[:, k].gt(0).numpy(), logits_B2[:, k].numpy()) for k in (0, 1))


def test_without_mixing_products_of_two_tokens_stay_at_chance():
    product, square = auc_on_products(RankMixer)
    assert product > 0.9
    assert square > 0.9
    product, square = auc_on_products(WithoutMixing)
    assert product == pytest.approx(0.5, abs=0.03)
    assert square > 0.9
