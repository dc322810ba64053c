"""Operators on meta, remembered: what comes out and what is counted is as without remembering."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.contestants.contract import Contestant, Dial, training_loss
from bench.contestants.counting import on_meta
from bench.contestants.operators import Operators
from bench.contestants.registry import CONTESTANTS
from tests.bench.contestants.test_contestants import EVEN


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_what_is_counted_twice_is_what_torch_counts(contestant):
    model = on_meta(contestant, EVEN, contestant.hyperparameters_on(EVEN)).train()
    operators = Operators()
    counts = []
    for _ in range(2):
        before = operators.flops
        with operators:
            step(model)
        counts.append(operators.flops - before)
    with FlopCounterMode(display=False) as counter:
        step(model)
    assert counts == [counter.get_total_flops()] * 2


def step(model):
    x_BI = torch.empty(4, sum(EVEN.field_dims), device="meta", requires_grad=True)
    y_BK = torch.empty(4, EVEN.num_tasks, device="meta")
    training_loss(model, x_BI, y_BK, F.binary_cross_entropy_with_logits).backward()


def test_parts_are_counted_where_autograd_is_not_there_to_take_apart():
    linear = torch.nn.Linear(5, 7, device="meta")
    with Operators() as operators, torch.inference_mode():
        linear(torch.empty(3, 5, device="meta"))
    assert operators.flops == 2 * 3 * 5 * 7


@pytest.mark.parametrize(
    "operator",
    [
        lambda x: x.t() * 2.0,
        lambda x: x * True,
        lambda x: x > 1,
        lambda x: x.to(torch.float64),
        lambda x: F.layer_norm(x, (6,)),
        lambda x: torch.cat([x, x], dim=1),
    ],
)
def test_what_comes_out_again_is_new_and_of_the_same_form(operator):
    x = torch.empty(4, 6, device="meta")
    expected = operator(x)
    with Operators():
        first, second = operator(x), operator(x)
    for out in (first, second):
        assert (out.shape, out.stride(), out.dtype) == (expected.shape, expected.stride(), expected.dtype)
    assert first.untyped_storage()._cdata != second.untyped_storage()._cdata


def test_equal_numbers_of_other_types_are_other_calls():
    x = torch.empty(2, dtype=torch.int64, device="meta")
    with Operators():
        dtypes = [(x * one).dtype for one in (1, 1.0, True, 1)]
    assert dtypes == [torch.int64, torch.float32, torch.int64, torch.int64]


def test_what_has_values_is_calculated_every_time():
    x = torch.ones(2)
    with Operators():
        first = x + 1
        x.fill_(5)
        second = x + 1
    assert (first.tolist(), second.tolist()) == ([2, 2], [6, 6])


class WithATable(torch.nn.Module):
    """Fills a table of its own on the CPU, whatever the device."""

    def __init__(self, field_dims, num_tasks):
        super().__init__()
        sizes = torch.empty(1, device="cpu").fill_(3)
        self.linear = torch.nn.Linear(sum(field_dims), int(sizes.item()))


def test_only_tensors_without_values_get_no_first_values():
    contestant = Contestant(name="c", title="C", model=WithATable, hyperparameters={}, dial=Dial(name="c"))
    state = torch.get_rng_state()
    model = on_meta(contestant, EVEN, {})
    assert model.linear.out_features == 3
    assert model.linear.weight.is_meta
    assert torch.equal(torch.get_rng_state(), state)
