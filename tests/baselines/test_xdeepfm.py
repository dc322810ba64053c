"""xDeepFM, without its linear part, against its equations; and the memory of its CIN."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from baselines import xdeepfm
from baselines.xdeepfm import XDeepFM, _Compressed
from bench.contestants.contract import InputShape
from bench.contestants.counting import activation_bytes, shapes_only
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost

SIZES = {"num_cin_layers": 2, "num_maps": 3, "hidden_dims": (5,)}


def test_logits_are_those_of_the_equations():
    torch.manual_seed(0)
    T, D, H = 4, 2, 3
    model = XDeepFM((D,) * T, 2, **SIZES).double()
    for x in torch.randn(4, T * D, dtype=torch.float64):
        x0 = x.reshape(T, D)
        maps, pooled = x0, []
        for layer in model.cin:
            weight = layer.weight.reshape(H, len(maps), T)
            maps = torch.stack(
                [
                    sum(weight[h, i, j] * maps[i] * x0[j] for i in range(len(maps)) for j in range(T))
                    for h in range(H)
                ]
            )
            pooled += [sum(maps[h]) for h in range(H)]
        expected = model.cin_head.weight @ torch.stack(pooled) + mlp_by_hand(model.deep, x)
        torch.testing.assert_close(model(x[None])[0], expected)


def test_the_cost_is_that_of_the_equations():
    """A layer has H maps of its H_{k−1} T outer products, for each of D columns."""
    T, D, H, K = 4, 2, 3, 2
    cin, deep = H * T * T + H * H * T, mlp_products(T * D, 5, K)
    products = D * cin + 2 * H * K + deep
    expected = dense_cost(cin + 2 * H * K + deep + 5 + K, products)
    assert cost_of(XDeepFM, (D,) * T, K, **SIZES) == expected


def naive(x_NG: torch.Tensor, x0_NT: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (x_NG.unsqueeze(2) * x0_NT.unsqueeze(1)).flatten(1) @ weight.t()


@pytest.mark.parametrize("floats", [1, 100, 1 << 20])
def test_parts_of_the_rows_give_the_numbers_and_gradients_of_all_at_once(floats, monkeypatch):
    monkeypatch.setitem(xdeepfm.FLOATS_AT_A_TIME, "cpu", floats)
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(*s, generator=generator, dtype=torch.float64) for s in ((11, 3), (11, 5), (4, 15))]
    ours, theirs = ([tensor.clone().requires_grad_() for tensor in given] for _ in range(2))
    grad = torch.randn(11, 4, generator=generator, dtype=torch.float64)
    out, expected = _Compressed.apply(*ours), naive(*theirs)
    torch.testing.assert_close(out, expected)
    out.backward(grad)
    expected.backward(grad)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_no_more_outer_products_are_alive_than_are_allowed(monkeypatch):
    monkeypatch.setitem(xdeepfm.FLOATS_AT_A_TIME, "cpu", 200)
    parts = list(xdeepfm._outer_products(torch.randn(63, 6), torch.randn(63, 8)))
    assert max(outer.numel() for _, outer in parts) == 192  # 4 rows of 6 × 8
    assert [row for rows, _ in parts for row in range(63)[rows]] == list(range(63))


PEAK = """
from bench.machine.allocator import keep_buffers
from bench.machine.paging import peak_rss_bytes

keep_buffers()  # as training does
import torch
from baselines.xdeepfm import XDeepFM

torch.set_num_threads(1)
for num_maps in (160, 200, 240):
    model = XDeepFM((8,) * 49, 1, num_cin_layers=2, num_maps=num_maps, hidden_dims=(8,))
    step = lambda rows: model(torch.randn(rows, 392, requires_grad=True)).sum().backward()
    step(4)
    before = peak_rss_bytes()
    step(128)
    print(peak_rss_bytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="elsewhere a peak has the parent in it")
def test_a_step_holds_little_more_than_the_maps_and_a_gradient():
    """Of 128 rows: 2 MB of maps, as much of their gradients, and up to 11 MB of the larger weight's.

    Several widths, since it depends on chance which of them would leave the memory of its parts in pieces.
    """
    found = subprocess.run([sys.executable, "-c", PEAK], check=True, capture_output=True, text=True)
    assert max(map(int, found.stdout.split())) < 64e6


def test_backward_keeps_the_maps_and_no_outer_product():
    """Of one row: x and its vectors turned, the first layer's maps, the sums over D, the MLP's units."""
    T, D, H, N = 20, 8, 30, 16
    sizes = {"num_cin_layers": 2, "num_maps": H, "hidden_dims": (N,)}
    with shapes_only():
        model = XDeepFM((D,) * T, 1, **sizes)
    shape = InputShape(field_dims=(D,) * T, groups=tuple((i,) for i in range(T)), num_tasks=1)
    floats = activation_bytes(model, shape) / 4
    loss_and_its_logit = 2
    assert floats <= 2 * T * D + D * H + 2 * H + N + loss_and_its_logit
    assert floats >= T * D + D * H + 2 * H + N
    assert floats < H * T * D / 3  # what one layer's outer products would be


def test_every_pair_of_fields_meets_in_the_first_layer():
    torch.manual_seed(0)
    model = XDeepFM((2,) * 4, 1, **SIZES)
    x_BI = torch.randn(1, 8)
    gradient = torch.autograd.functional.hessian(lambda x: model.cin_head(_pooled(model, x)).sum(), x_BI)
    of_fields = gradient.view(4, 2, 4, 2).abs().amax(dim=(1, 3))
    assert (of_fields > 0).all()


def _pooled(model: XDeepFM, x_BI: torch.Tensor) -> torch.Tensor:
    x0_NT = model.vectors(x_BI).transpose(1, 2).flatten(0, 1)
    first = naive(x0_NT, x0_NT, model.cin[0].weight)
    return torch.cat([first.sum(0), naive(first, x0_NT, model.cin[1].weight).sum(0)])
