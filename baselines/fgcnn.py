"""FGCNN: Feature Generation by Convolutional Neural Network for CTR Prediction (arXiv 1904.04447, WWW 2019).

    S^0     = the fields' vectors, an image of T rows and D columns
    C^k     = tanh(conv(S^{k−1})), the C filters kernel_height × 1, rows padded so that their number stays
    S^k     = the larger of each two neighbouring rows of C^k              h_k = ⌈h_{k−1} / 2⌉ rows
    R^k     = tanh(W_R vec(S^k) + b_R), read as h_k R vectors of width D   W_R ∈ R^{h_k R D × h_k C D}
    E       = the fields' vectors and those of R^1 … R^L
    logits  = W MLP([x ; vec(R^1) … vec(R^L) ; all ⟨E_i, E_j⟩, i < j]) + b

Letters: B batch, I flat input width, T vectors, D their width, C filters (maps), R new maps, L convolutional
layers, h rows of an image, K tasks. The new features are what the paper adds; the classifier behind them is
the one it uses, IPNN. As tanh rises, the larger of two is taken before it, at half the work.

A batch's maps before pooling are B × C × h × D numbers. They are made for a few rows of the batch at a time
and forgotten: kept for backward are the pooled maps, and of each pair which row was the larger.

Where we differ: the paper gives the convolutions an embedding table of their own; here all contestants have
one table of the same width, which serves both parts. Its batch normalization is left out, as rows would see
each other. Beyond `max_tokens` fields neighbours share a row of the image, as W_R grows with T² (the
classifier still reads all of x); fields of unequal widths are mapped to the widest
(see `products.FieldVectors`). A filter is never higher than its image.

Neither the paper nor its authors say how weights start. A filter is a linear map of a window here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from baselines.initialisation import initialise, require_known
from baselines.mlp import mlp_with_head
from baselines.products import FieldVectors, PairProducts
from baselines.tokens import require_positive

FLOATS_AT_A_TIME = {"cpu": 1 << 18, "other": 1 << 26}
"""Of the maps before pooling: on a CPU what its second-level cache holds, elsewhere what keeps it busy."""


class FGCNN(nn.Module):
    """Convolutions that make new features, and an MLP over all and their inner products.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        num_tasks: K.
        max_tokens: the most rows of the image; up to as many fields, every field is one.
        num_conv_layers: L.
        kernel_height: rows of a filter.
        num_maps: C, in every layer; the paper has 38 to 44.
        num_new_maps: R.
        hidden_dims: widths of the MLP.
        initialisation: ``glorot`` or ``torch``, see `initialisation`; the paper does not say.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        num_tasks: int = 1,
        *,
        max_tokens: int = 64,
        num_conv_layers: int = 2,
        kernel_height: int = 9,
        num_maps: int = 8,
        num_new_maps: int = 1,
        hidden_dims: Sequence[int] = (256, 256),
        initialisation: str = "glorot",
    ) -> None:
        super().__init__()
        sizes = {"num_conv_layers": num_conv_layers, "kernel_height": kernel_height}
        require_positive({**sizes, "num_maps": num_maps, "num_new_maps": num_new_maps})
        require_known(initialisation)
        self.vectors = FieldVectors(field_dims, max_tokens=max_tokens)
        self.layers = nn.ModuleList()
        rows, in_maps, num_new = self.vectors.num_tokens, 1, 0
        for _ in range(num_conv_layers):
            layer = Generation(rows, self.vectors.dim, in_maps, num_maps, num_new_maps, kernel_height)
            self.layers.append(layer)
            rows, in_maps = layer.out_rows, num_maps
            num_new += rows * num_new_maps
        self.products = PairProducts(self.vectors.num_tokens + num_new)
        in_dim = sum(field_dims) + num_new * self.vectors.dim + self.products.num_pairs
        self.classifier = mlp_with_head(in_dim, hidden_dims, num_tasks)
        initialise(self, initialisation)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → logits (B, K)."""
        vectors_BTD = self.vectors(x_BI)
        image_BCTD, made = vectors_BTD.unsqueeze(1), []
        for layer in self.layers:
            image_BCTD, new_BTD = layer(image_BCTD)
            made.append(new_BTD)
        new_BTD = torch.cat(made, dim=1)
        pairs_BP = self.products(torch.cat([vectors_BTD, new_BTD], dim=1).transpose(1, 2))
        logits_BK: Tensor = self.classifier(torch.cat([x_BI, new_BTD.flatten(1), pairs_BP], dim=1))
        return logits_BK


class Generation(nn.Module):
    """Convolution, pooling, recombination: (B, C_in, T, D) → ((B, C, ⌈T/2⌉, D), (B, ⌈T/2⌉ R, D))."""

    def __init__(
        self, rows: int, dim: int, in_maps: int, num_maps: int, num_new_maps: int, kernel_height: int
    ) -> None:
        super().__init__()
        self.dim, self.out_rows, self.height = dim, -(-rows // 2), min(kernel_height, rows)
        self.filters = nn.Linear(in_maps * self.height, num_maps)
        self.recombination = nn.Linear(num_maps * self.out_rows * dim, num_new_maps * self.out_rows * dim)

    def forward(self, image_BCTD: Tensor) -> tuple[Tensor, Tensor]:
        weight = self.filters.weight.view(-1, image_BCTD.shape[1], self.height, 1)
        pooled_BCTD: Tensor = _ConvolvedAndPooled.apply(image_BCTD, weight, self.filters.bias)
        new_BN = torch.tanh(self.recombination(pooled_BCTD.flatten(1)))
        return pooled_BCTD, new_BN.unflatten(1, (-1, self.dim))


class _ConvolvedAndPooled(torch.autograd.Function):
    """tanh of the larger of each two rows of the convolution: (B, C_in, T, D) → (B, C, ⌈T/2⌉, D)."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        B, _, height, D = image.shape
        pooled = image.new_empty(B, len(weight), -(-height // 2), D)
        second = torch.empty_like(pooled, dtype=torch.bool)
        for rows in _rows_at_a_time(image, weight):
            maps = F.conv2d(_padded(image[rows], weight), weight, bias)
            maps = F.pad(maps, (0, 0, 0, height % 2), value=-torch.inf)
            above, below = maps.unflatten(2, (-1, 2)).unbind(3)
            second[rows] = below > above
            pooled[rows] = torch.tanh(torch.maximum(above, below))
        ctx.save_for_backward(image, weight, pooled, second)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        image, weight, pooled, second = ctx.saved_tensors
        above, height = (weight.shape[2] - 1) // 2, image.shape[2]
        of_image, of_weight = torch.empty_like(image), torch.zeros_like(weight)
        of_bias = weight.new_zeros(len(weight))
        for rows in _rows_at_a_time(image, weight):
            of_larger, is_second = grad[rows] * (1 - pooled[rows].square()), second[rows]
            of_pair = torch.stack([of_larger * ~is_second, of_larger * is_second], dim=3)
            of_maps = of_pair.flatten(2, 3)[:, :, :height]
            of_padded, of_part_weight, of_part_bias = torch.ops.aten.convolution_backward(
                of_maps,
                _padded(image[rows], weight),
                weight,
                [len(weight)],
                *([1, 1], [0, 0], [1, 1]),  # stride, padding and dilation
                *(False, [0, 0], 1),  # not transposed, one group
                [True, True, True],
            )
            of_image[rows] = of_padded[:, :, above : above + height]
            of_weight += of_part_weight
            of_bias += of_part_bias
        return of_image, of_weight, of_bias


def _padded(image: Tensor, weight: Tensor) -> Tensor:
    """With as many rows of zeros that the convolution keeps their number; of an odd number one more below."""
    height = weight.shape[2]
    return F.pad(image, (0, 0, (height - 1) // 2, height // 2))


def _rows_at_a_time(image: Tensor, weight: Tensor) -> Iterator[slice]:
    """All rows of the batch, part by part, each of as few as make no more maps than are allowed."""
    floats = FLOATS_AT_A_TIME["cpu" if image.device.type == "cpu" else "other"]
    num_rows = max(1, floats // (len(weight) * image.shape[2] * image.shape[3]))
    return (slice(start, start + num_rows) for start in range(0, len(image), num_rows))
