"""What makes the arms of RankMixer's other studies those arms."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ablations import ABLATIONS
from ablations.arms.sparsity import EighthOfTheFFN
from bench.contestants.contract import InputShape
from rankmixer import RankMixer, SparseRankMixer
from rankmixer.tokenization import Tokenizer
from tests.ablations.test_components import model_of

SHAPE = InputShape(field_dims=(4, 8, 4, 8, 4, 8, 4, 8), groups=((0, 1, 2), (3, 4, 5), (6, 7)), num_tasks=1)


def fields_of_tokens(label: str, **given: int) -> list[set[int]]:
    """Of each token of an arm of `tokenization`, the fields that it sees."""
    (arm,) = (one for one in ABLATIONS["tokenization"].entrants if one.label == label)
    contestant = arm.contestant
    asked = contestant.hyperparameters_on(SHAPE, {**given, **arm.hyperparameters})
    tokenizer = contestant.build(SHAPE, asked).tokenizer
    assert isinstance(tokenizer, Tokenizer)
    starts = [sum(SHAPE.field_dims[:i]) for i in range(len(SHAPE.field_dims))]
    seen: list[set[int]] = []
    for t in range(len(tokenizer.projections)):
        x_BI = torch.ones(1, sum(SHAPE.field_dims), requires_grad=True)
        tokenizer(x_BI)[t].sum().backward()
        gradient = x_BI.grad[0]
        ends = [start + dim for start, dim in zip(starts, SHAPE.field_dims, strict=True)]
        seen.append({i for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if gradient[a:b].any()})
    return seen


def test_tokens_of_the_base_are_whole_fields_group_after_group():
    assert fields_of_tokens("RankMixer", num_tokens=4) == [{0, 1}, {2, 3}, {4, 5}, {6, 7}]


def test_slices_blind_to_the_groups_are_whole_fields_of_several():
    seen = fields_of_tokens("slices blind to the groups", num_tokens=4)
    assert sorted(field for token in seen for field in token) == list(range(8))
    assert seen != fields_of_tokens("RankMixer", num_tokens=4)
    group_of = {field: g for g, fields in enumerate(SHAPE.groups) for field in fields}
    assert sum(len({group_of[field] for field in token}) > 1 for token in seen) >= 2


def test_equal_slices_cut_fields():
    seen = fields_of_tokens("equal slices that cut fields", num_tokens=5, token_dim=20)
    assert len([field for token in seen for field in token]) > 8
    assert set().union(*seen) == set(range(8))


def test_a_token_for_every_field_and_a_single_one():
    assert fields_of_tokens("one token per field") == [{i} for i in range(8)]
    assert fields_of_tokens("a single token") == [set(range(8))]


def test_norms_are_where_the_arms_say():
    arms = {one.label: dict(one.hyperparameters) for one in ABLATIONS["norm"].entrants}
    norms = {
        label: [
            isinstance(part, torch.nn.LayerNorm)
            for part in (model.blocks[0].mixing_norm, model.blocks[0].ffn_norm, model.final_norm)
        ]
        for label, model in ((label, model_of(RankMixer, **given)) for label, given in arms.items())
    }
    assert norms == {
        "RankMixer": [True, True, False],
        "pre-norm": [True, True, True],
        "no LayerNorm": [False, False, False],
    }


def test_the_dense_model_of_the_active_size_has_an_eighth_of_the_hidden_units():
    ffn = model_of(EighthOfTheFFN, hidden_dim=64).blocks[0].ffn
    assert ffn.up.weight.shape[2] == ffn.down.weight.shape[1] == 8


@pytest.mark.parametrize("label", [one.label for one in ABLATIONS["sparsity"].entrants if " · " in one.label])
def test_a_sparse_arm_trains_and_serves_the_experts_that_its_label_says(label):
    (arm,) = (one for one in ABLATIONS["sparsity"].entrants if one.label == label)
    way, _, share = label.removesuffix(" active").partition(" · ")
    fraction = dict(zip(("1", "1/2", "1/4", "1/8"), (1, 0.5, 0.25, 0.125), strict=True))[share]
    torch.manual_seed(0)
    model = SparseRankMixer((8,) * 8, **{**arm.hyperparameters, "token_dim": 16, "num_tokens": 4})
    assert model.closed_form()["active_parameters"] <= sum(p.numel() for p in model.parameters())
    assert hasattr(model.blocks[0].ffn, "h_train") == (way == "DTSI + ReLU")
    assert (model.balance_weight > 0) == (way == "vanilla + balance loss")
    shares_LTE = model.eval().observe(torch.randn(64, 64))["active_share"]
    assert shares_LTE.shape == (2, 4, 8)
    if way != "DTSI + ReLU":  # there it is a target, which training approaches
        torch.testing.assert_close(shares_LTE.mean(dim=2), torch.full((2, 4), float(fraction)))
    assert model.active_fraction == fraction


def test_tokens_grow_by_the_divisors_of_the_width_within_the_fields():
    (arm, *_) = (one for one in ABLATIONS["directions"].entrants if one.label.startswith("T · "))
    shape = dataclasses.replace(SHAPE, field_dims=(8,) * 20, groups=(tuple(range(20)),))
    base = {**arm.contestant.hyperparameters, "token_dim": 48}
    found = [arm.contestant.dial.at(n, base, shape)["num_tokens"] for n in range(1, 10)]
    assert found == [1, 2, 3, 4, 6, 8, 12, 16, 16]
