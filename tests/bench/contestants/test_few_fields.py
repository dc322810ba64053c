"""Data of few fields: every contestant is available, with fewer tokens where tokens are made of fields."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from bench.contestants.budget import solve
from bench.contestants.contract import training_loss
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.spec import BUDGET_TOLERANCE, Budget
from tests.bench.contestants.test_contestants import attempt, each, fields_of, inputs, labels, small


@each
@pytest.mark.parametrize("num_fields", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("width", [1, 8])
def test_few_fields_are_enough(contestant, num_fields, width):
    shape = fields_of(num_fields, width)
    as_it_is = contestant.hyperparameters_on(shape)
    assert contestant.build(shape, as_it_is).eval()(inputs(shape, 3)).shape == (3, 2)
    for target in (30_000, 100_000, 1_000_000):
        solution, refusal = attempt(contestant, shape, Budget(kind="dense_parameters", target=target))
        assert solution is not None, refusal
        assert abs(solution.reached / target - 1) <= BUDGET_TOLERANCE
    torch.manual_seed(0)
    model = contestant.build(shape, small(contestant, shape)).train()
    loss = training_loss(model, inputs(shape), labels(shape), F.binary_cross_entropy_with_logits)
    loss.backward()
    assert loss.isfinite()


@pytest.mark.parametrize(
    ("name", "num_fields", "expected"),
    [
        ("rankmixer", 2, {"num_tokens": 2, "token_dim": 64}),
        ("rankmixer", 3, {"num_tokens": 3, "token_dim": 63}),
        ("rankmixer-moe", 7, {"num_tokens": 7, "token_dim": 63}),
        ("rankmixer", 8, {"num_tokens": 8, "token_dim": 64}),
        ("tokenmixer-large", 2, {"num_tokens": 3, "token_dim": 63}),
        ("tokenmixer-large-moe", 7, {"num_tokens": 8, "token_dim": 64}),
    ],
)
def test_tokens_follow_the_fields(name, num_fields, expected):
    contestant = CONTESTANTS[name]
    adapted = contestant.hyperparameters_on(fields_of(num_fields, 8))
    assert adapted == {**contestant.hyperparameters, **expected}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rankmixer", "rankmixer: num_tokens is 4; 3 whole fields allow 1 … 3"),
        ("tokenmixer-large", "num_tokens is 5; 3 whole fields and the global token allow 2 … 4"),
    ],
)
def test_tokens_that_a_user_gives_are_refused_and_not_adapted(name, message):
    given = {"num_tokens": 4 if name == "rankmixer" else 5}
    with pytest.raises(BadInput, match=message):
        solve(CONTESTANTS[name], fields_of(3, 8), Budget(kind="dense_parameters", target=100_000), given)


def test_cut_fields_fill_more_tokens_than_there_are_fields():
    adapted = CONTESTANTS["rankmixer"].hyperparameters_on(fields_of(1, 8), {"slicing": "equal"})
    assert adapted["num_tokens"] == 8
