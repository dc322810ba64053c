"""Token mixing: what goes where, and back."""

from __future__ import annotations

import pytest
import torch

from rankmixer.mixing import mix, revert


@pytest.mark.parametrize(("T", "H", "D"), [(4, 4, 12), (3, 5, 10), (6, 2, 4), (1, 3, 6)])
def test_output_token_h_is_slice_h_of_every_token_in_order(T, H, D):
    x_TBD = torch.randn(T, 2, D)
    mixed_HBW = mix(x_TBD, H)
    width = D // H
    for h in range(H):
        expected = torch.cat([x_TBD[t, :, h * width : (h + 1) * width] for t in range(T)], dim=1)
        assert torch.equal(mixed_HBW[h], expected)


def test_every_mixed_token_sees_every_token_so_mixing_is_no_identity():
    x_TBD = torch.randn(4, 2, 8)
    before = mix(x_TBD, 4)
    assert not torch.equal(before, x_TBD)
    for t in range(4):
        changed = x_TBD.clone()
        changed[t] += 1
        assert (mix(changed, 4) != before).any(dim=2).all()


@pytest.mark.parametrize(("T", "H", "D"), [(4, 4, 12), (3, 5, 10), (6, 2, 4)])
def test_reverting_gives_the_tokens_back(T, H, D):
    x_TBD = torch.randn(T, 3, D)
    assert torch.equal(revert(mix(x_TBD, H), T), x_TBD)
