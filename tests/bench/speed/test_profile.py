"""The profile of a step: every operator has one kind, and the shares of all kinds are the whole step."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bench.speed.profile import KINDS, kind_of, own_times, profile, watched
from bench.training.optimizers import RowAdagrad


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("aten::addmm", "products"),
        ("aten::bmm", "products"),
        ("aten::baddbmm_", "products"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "products"),
        ("aten::gelu_backward", "elementwise"),
        ("aten::mul_", "elementwise"),
        ("aten::sum", "elementwise"),
        ("aten::native_layer_norm_backward", "normalisation"),
        ("aten::_fused_rms_norm", "normalisation"),
        ("aten::_softmax_backward_data", "softmax"),
        ("aten::copy_", "copies"),
        ("aten::cat", "copies"),
        ("aten::embedding", "embedding"),
        ("aten::embedding_sparse_backward", "embedding"),
        ("aten::index_add_", "embedding"),
        ("aten::transpose", "python and dispatch"),
        ("aten::t", "python and dispatch"),
        ("aten::matmul", "python and dispatch"),
        ("aten::layer_norm", "normalisation"),
        ("AddmmBackward0", "python and dispatch"),
        ("autograd::engine::evaluate_function: MmBackward0", "python and dispatch"),
    ],
)
def test_every_operator_has_one_kind(operator: str, kind: str) -> None:
    assert kind_of(operator) == kind


class Step:
    """A training step with a table, a norm and products."""

    def __init__(self) -> None:
        self.table = nn.Embedding(100, 64, sparse=True)
        self.net = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 1))
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Adam(self.net.parameters()),
            RowAdagrad(self.table.parameters(), lr=0.1, initial_accumulator=0.0),
        )
        self.ids = torch.randint(0, 100, (512,))

    def __call__(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.net(self.table(self.ids)).mean().backward()
        for optimizer in self.optimizers:
            optimizer.step()


def test_the_shares_are_the_whole_step() -> None:
    found = profile(Step(), loader_seconds=1e-4, seconds=0.0)
    assert tuple(found.shares) == KINDS
    assert sum(found.shares.values()) == pytest.approx(1)
    has = {kind for kind, share in found.shares.items() if share > 0}
    assert has >= {"products", "elementwise", "normalisation", "embedding", "dense optimizer", "loader"}
    assert found.shares["softmax"] == 0


def event(name: str, own: float, *children: SimpleNamespace) -> SimpleNamespace:
    made = SimpleNamespace(name=name, self_cpu_time_total=own, cpu_parent=None, cpu_children=list(children))
    for child in children:
        child.cpu_parent = made
    return made


def test_what_an_optimizer_calls_is_the_optimizers() -> None:
    product, gradient = event("aten::mm", 8.0), event("MmBackward0", 1.0, event("aten::mm", 16.0))
    dense = event("Optimizer.step#Adam.step", 2.0, event("aten::mul_", 4.0, event("aten::copy_", 0.5)))
    tables = event("Optimizer.step#RowAdagrad.step", 32.0, event("aten::sqrt_", 64.0))
    roots = [product, gradient, dense, tables]
    every = [*roots, *(child for root in roots for child in root.cpu_children)]
    every += [*dense.cpu_children[0].cpu_children]
    spent = own_times(every)
    assert {kind: us for kind, us in spent.items() if us} == {
        "products": 24.0,
        "python and dispatch": 1.0,
        "dense optimizer": 6.5,
        "embedding": 96.0,
    }


def test_the_update_of_each_is_that_of_its_optimizer() -> None:
    step = Step()
    step()  # state is made in the first
    for optimizer, kind in zip(step.optimizers, ("dense optimizer", "embedding"), strict=True):
        _, events = watched(optimizer.step, seconds=0.0)
        spent = own_times(events)
        assert spent[kind] > 0
        assert sum(spent.values()) == pytest.approx(
            spent[kind] + spent["python and dispatch"]
        )  # what is left lies outside of the optimizer


def test_own_times_are_those_of_the_outermost_operators() -> None:
    _, events = watched(Step(), seconds=0.0)
    whole = sum(event.cpu_time_total for event in events if event.cpu_parent is None)
    assert sum(own_times(events).values()) == pytest.approx(whole)
