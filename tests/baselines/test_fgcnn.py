"""FGCNN against its equations, and the memory of its convolutions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines import fgcnn
from baselines.fgcnn import FGCNN, Generation, _ConvolvedAndPooled
from bench.contestants.contract import InputShape
from bench.contestants.counting import activation_bytes, shapes_only
from tests.baselines.perceptron import mlp_by_hand, mlp_products
from tests.costs import cost_of, dense_cost

SIZES = {"num_conv_layers": 2, "kernel_height": 3, "num_maps": 2, "num_new_maps": 2, "hidden_dims": (4,)}


def generated(layer: Generation, image: Tensor) -> tuple[Tensor, Tensor]:
    """One row's image (C_in, T, D) through a layer, number by number."""
    C_in, T, D = image.shape
    C, height = layer.filters.out_features, layer.height
    weight = layer.filters.weight.reshape(C, C_in, height)
    maps = torch.zeros(C, T, D, dtype=image.dtype)
    for c in range(C):
        for t in range(T):
            for d in range(D):
                total = layer.filters.bias[c]
                for k in range(C_in):
                    for u in range(height):
                        row = t + u - (height - 1) // 2
                        if 0 <= row < T:
                            total = total + weight[c, k, u] * image[k, row, d]
                maps[c, t, d] = torch.tanh(total)
    h = math.ceil(T / 2)
    pooled = torch.zeros(C, h, D, dtype=image.dtype)
    for c in range(C):
        for row in range(h):
            for d in range(D):
                pooled[c, row, d] = max(maps[c, t, d] for t in (2 * row, 2 * row + 1) if t < T)
    flat = torch.stack([pooled[c, row, d] for c in range(C) for row in range(h) for d in range(D)])
    new = torch.tanh(layer.recombination.weight @ flat + layer.recombination.bias)
    return pooled, new.reshape(-1, D)


@pytest.mark.parametrize("num_fields", [1, 4, 5])
def test_logits_are_those_of_the_equations(num_fields):
    torch.manual_seed(0)
    D = 2
    model = FGCNN((D,) * num_fields, 2, **SIZES).double()
    for x in torch.randn(3, num_fields * D, dtype=torch.float64):
        image, made = x.reshape(1, num_fields, D), []
        for layer in model.layers:
            image, new = generated(layer, image)
            made.append(new)
        new = torch.cat(made)
        every = torch.cat([x.reshape(num_fields, D), new])
        pairs = [every[i] @ every[j] for i in range(len(every)) for j in range(i + 1, len(every))]
        features = torch.cat([x, new.flatten(), torch.stack(pairs)])
        torch.testing.assert_close(model(x[None])[0], mlp_by_hand(model.classifier, features))


def test_the_cost_is_that_of_the_equations():
    """Five fields: images of 3 and 2 rows, 6 + 4 new vectors of width 2."""
    T, D, C, K = 5, 2, 2, 2
    filters = 3 * C + 3 * C * C
    convolutions = T * D * 3 * C + 3 * D * 3 * C * C
    recombination = (3 * C * D) * (3 * 2 * D) + (2 * C * D) * (2 * 2 * D)
    N = T + 6 + 4
    layers = mlp_products(N * D + N * (N - 1) // 2, 4, K)
    biases = 2 * C + 3 * 2 * D + 2 * 2 * D + 4 + K
    found = cost_of(FGCNN, (D,) * T, K, **SIZES)
    expected = dense_cost(
        filters + recombination + layers + biases, convolutions + recombination + N * N * D + layers
    )
    assert found == expected


def naive(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    maps = torch.tanh(torch.nn.functional.conv2d(image, weight, bias, padding=(1, 0)))
    return torch.nn.functional.max_pool2d(maps, (2, 1), ceil_mode=True)


@pytest.mark.parametrize("height", [4, 5])
@pytest.mark.parametrize("floats", [1, 100, 1 << 20])
def test_parts_of_the_rows_give_the_numbers_and_gradients_of_all_at_once(floats, height, monkeypatch):
    monkeypatch.setitem(fgcnn.FLOATS_AT_A_TIME, "cpu", floats)
    generator = torch.Generator().manual_seed(0)
    shapes = ((7, 2, height, 3), (4, 2, 3, 1), (4,))
    given = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    ours, theirs = ([tensor.clone().requires_grad_() for tensor in given] for _ in range(2))
    out, expected = _ConvolvedAndPooled.apply(*ours), naive(*theirs)
    torch.testing.assert_close(out, expected)
    grad = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    out.backward(grad)
    expected.backward(grad)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_maps_before_pooling_are_made_for_a_few_rows_at_a_time(monkeypatch):
    monkeypatch.setitem(fgcnn.FLOATS_AT_A_TIME, "cpu", 100)
    image, weight = torch.randn(5, 2, 5, 3), torch.randn(3, 2, 3, 1)
    parts = [range(5)[rows] for rows in fgcnn._rows_at_a_time(image, weight)]
    assert parts == [range(2), range(2, 4), range(4, 5)]  # of 3 × 5 × 3 numbers a row
    monkeypatch.setitem(fgcnn.FLOATS_AT_A_TIME, "cpu", 1)
    assert len(list(fgcnn._rows_at_a_time(image, weight))) == 5


def test_backward_keeps_pooled_maps_with_a_byte_each():
    """Of one layer and row: x, C h D pooled numbers and a byte for each, what is made, the classifier's."""
    T, D, C, N = 16, 8, 32, 20
    with shapes_only():
        model = FGCNN((D,) * T, 1, num_conv_layers=1, num_maps=C, num_new_maps=1, hidden_dims=(N,))
    shape = InputShape(field_dims=(D,) * T, groups=tuple((i,) for i in range(T)), num_tasks=1)
    h = T // 2
    pooled, made, vectors = C * h * D, h * D, (T + h) * D
    classifier = T * D + made + (T + h) * (T + h - 1) // 2
    expected = 4 * (T * D + pooled + made + vectors + classifier + N) + pooled
    expected += 8 * model.products.num_pairs / 4  # which pairs, once for the four rows that are counted
    assert expected <= activation_bytes(model, shape) <= expected + 4 * 2  # the loss and its logit
    assert activation_bytes(model, shape) < 4 * 2 * pooled  # the maps before pooling alone


def test_a_filter_is_no_higher_than_its_image():
    model = FGCNN((4,) * 3, 1, num_conv_layers=3, kernel_height=9)
    assert [layer.height for layer in model.layers] == [3, 2, 1]


def test_impossible_sizes_are_refused_by_name():
    with pytest.raises(ValueError, match="num_maps is 0; it must be 1 or more"):
        FGCNN((4, 4), num_maps=0)
