"""What is watched of TokenMixer-Large as it grows deeper."""

from __future__ import annotations

import pytest
import torch

from ablations import ABLATIONS
from rankmixer import TokenMixerLarge
from tests.rankmixer.test_tokenmixer_large import BCE, batch, model_of


def test_the_gradient_norm_of_a_block_is_that_of_its_weights_in_the_last_step():
    model = model_of(num_layers=4)
    x_BI, y_BK = batch()
    model.loss(x_BI, y_BK, BCE).backward()
    before = [p.grad.clone() for p in model.parameters()]
    found_L = model.observe(x_BI)["gradient_norm"]
    for found, block in zip(found_L, model.blocks, strict=True):
        squares = sum((p.grad.double() ** 2).sum() for p in block.parameters())
        assert found.item() == pytest.approx(squares.sqrt().item(), rel=1e-5)
    assert all(torch.equal(p.grad, grad) for p, grad in zip(model.parameters(), before, strict=True))


def test_arms_have_the_blocks_of_their_labels_and_residuals_between_all_pairs_or_none():
    base, *arms = ABLATIONS["depth"].entrants
    assert (base.label, base.hyperparameters["num_layers"]) == ("2 blocks", 2)
    for arm in arms:
        model = TokenMixerLarge((8,) * 10, **arm.hyperparameters)
        kind, depth = arm.label.split(" · ")
        assert f"{len(model.blocks)} blocks" == depth
        joints = len(model.blocks) // 2 - 1 if kind == "residuals between blocks" else 0
        assert len(model.auxiliary_readouts) == joints
