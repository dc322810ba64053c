"""What TokenMixer-Large refuses, and how it starts and learns."""

from __future__ import annotations

import math

import pytest
import torch

from rankmixer import TokenMixerLarge
from tests.rankmixer.test_tokenmixer_large import BCE, MOE, batch, model_of


@pytest.mark.parametrize("moe", [{}, MOE], ids=str)
def test_down_matrices_start_small_and_the_others_do_not(moe):
    model = model_of(down_init=0.01, token_dim=48, hidden_dim=36, **moe)
    bound = math.sqrt(6 / (48 + 36 // moe.get("num_experts", 1)))
    for block in model.blocks:
        layer = block.on_tokens.layer
        shared = layer.shared_expert if moe else layer
        assert shared.down.weight.abs().max().item() == pytest.approx(0.01 * bound, rel=0.05)
        assert shared.gate.weight.abs().max().item() == pytest.approx(bound, rel=0.05)
        if moe:
            largest = layer.down_TEND.abs().max().item()
            assert largest == pytest.approx(0.01 * bound, rel=0.05)


def test_auxiliary_heads_learn_below_and_serve_nothing():
    model = model_of(num_layers=3)
    model.loss(*batch(), BCE).backward()
    assert model.auxiliary_readouts[0].head.weight.grad.any()
    before = model(batch()[0])
    with torch.no_grad():
        model.auxiliary_readouts[0].head.weight.zero_()
    assert torch.equal(model(batch()[0]), before)
    assert not model_of(num_layers=3, inter_residual=0).auxiliary_readouts
    assert not model_of(num_layers=3, auxiliary_weight=0.0).auxiliary_readouts
    assert not model_of(num_layers=2).auxiliary_readouts  # the last block gets no residual


@pytest.mark.parametrize("changes", [{}, MOE], ids=str)
def test_loss_falls_on_a_teacher(changes):
    torch.manual_seed(0)
    model = TokenMixerLarge((4,) * 8, num_layers=2, num_tokens=4, token_dim=16, hidden_dim=16, **changes)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(150):
        x_BI = torch.randn(256, 32)
        y_BK = (x_BI[:, :8] * x_BI[:, 8:16]).sum(dim=1, keepdim=True).gt(0).float()
        loss = model.loss(x_BI, y_BK, BCE)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < 0.6 < 0.68 < losses[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_dim": 10}, "token_dim is 10; it must be a multiple of num_heads, 4"),
        ({"num_tokens": 7}, "num_tokens is 7; 5 whole fields and the global token allow 2 … 6"),
        ({"norm": "none"}, "norm is 'none', allowed: pre, post, sandwich"),
        ({"residual": "both"}, "residual is 'both', allowed: input, reverted"),
        ({"output": "last"}, "output is 'last', allowed: mean, global"),
        ({"router_softmax": "top"}, "router_softmax is 'top', allowed: all, chosen"),
        ({"num_experts": 4}, "active_experts is 1; 4 experts, .* allow 2 … 4"),
        ({"balance_weight": 0.1}, "balance_weight is 0.1; with a single expert it must be 0"),
        ({**MOE, "router_softmax": "chosen"}, "active_experts is 2; .* allow 3 … 4"),
    ],
)
def test_impossible_hyperparameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        model_of(**changes)
