"""Token layers that several baselines share: fields to tokens, a map over tokens, a map per token.

Letters: B batch, F fields, I flat input width, T tokens, D token width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn


class FieldTokens(nn.Module):
    """Flat fields → tokens of one width: (B, I) → (B, T, D), T = `num_tokens` = min(F, `max_tokens`).

    token_t = W_t [the fields of run t] + b_t

    Every field is a token, through a linear map of its own, so that fields may differ in width and D need
    not be theirs. Beyond `max_tokens` fields, neighbours in the order of the input share a token and its
    map, in runs whose numbers of fields differ by at most 1: what costs T² stays bounded.

    Raises:
        ValueError: `max_tokens` or `token_dim` is below 1.
    """

    def __init__(self, field_dims: Sequence[int], *, max_tokens: int, token_dim: int) -> None:
        super().__init__()
        require_positive({"max_tokens": max_tokens, "token_dim": token_dim})
        F, T = len(field_dims), min(len(field_dims), max_tokens)
        self.num_tokens = T
        run_dims = [sum(field_dims[t * F // T : (t + 1) * F // T]) for t in range(T)]
        # Runs of equal width go through one batched product.
        widths = sorted(set(run_dims))
        order = sorted(range(T), key=lambda t: run_dims[t])
        starts = [sum(run_dims[:t]) for t in range(T)]
        columns = [starts[t] + c for t in order for c in range(run_dims[t])]
        counts = [run_dims.count(width) for width in widths]
        self.projections = nn.ModuleList(
            PerTokenLinear(count, width, token_dim) for count, width in zip(counts, widths, strict=True)
        )
        self.block_dims = [count * width for count, width in zip(counts, widths, strict=True)]
        self.columns: Tensor
        self.positions: Tensor
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.register_buffer("positions", torch.tensor([order.index(t) for t in range(T)]), persistent=False)

    def forward(self, x_BI: Tensor) -> Tensor:
        if len(self.block_dims) == 1:
            return self._project(0, x_BI).transpose(0, 1)
        blocks = x_BI.index_select(1, self.columns).split(self.block_dims, dim=1)
        tokens_TBD = torch.cat([self._project(i, block) for i, block in enumerate(blocks)])
        return tokens_TBD.index_select(0, self.positions).transpose(0, 1)

    def _project(self, index: int, block_BI: Tensor) -> Tensor:
        projection = self.projections[index]
        assert isinstance(projection, PerTokenLinear)
        count, width, _ = projection.weight.shape
        return projection(block_BI.unflatten(1, (count, width)).transpose(0, 1))


class TokenMap(nn.Module):
    """W X, a linear map over the tokens that every column shares: (B, m, D) → (B, l, D), W ∈ R^{l×m}."""

    def __init__(self, in_tokens: int, out_tokens: int) -> None:
        super().__init__()
        self.map = nn.Linear(in_tokens, out_tokens, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.map(x_BTD.transpose(1, 2)).transpose(1, 2)

    def tokens_last(self, x_DT: Tensor) -> Tensor:
        """The same map with tokens innermost, which takes no copies: (…, m) → (…, l)."""
        mapped: Tensor = self.map(x_DT)
        return mapped


class PerTokenLinear(nn.Module):
    """T linear maps, one per token: (T, B, in) → (T, B, out).

    Each starts as `torch.nn.Linear` does, uniform within ±1/√in with the fan of one token's matrix.
    """

    def __init__(self, num_tokens: int, in_dim: int, out_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)
        self.weight = nn.Parameter(torch.empty(num_tokens, in_dim, out_dim).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(num_tokens, 1, out_dim).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x_TBI: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(x_TBI, self.weight)
        return torch.baddbmm(self.bias, x_TBI, self.weight)

    def rows_last(self, x_TIB: Tensor) -> Tensor:
        """The same maps with rows innermost, faster where `out` is narrow: (T, in, B) → (T, out, B)."""
        weight_TOI = self.weight.transpose(1, 2)
        if self.bias is None:
            return torch.bmm(weight_TOI, x_TIB)
        return torch.baddbmm(self.bias.transpose(1, 2), weight_TOI, x_TIB)


def by_rows(function: Callable[[Tensor], Tensor], x_BI: Tensor, rows: int) -> Tensor:
    """`function` of so many rows at a time; of all at once where that is no more, or off the CPU."""
    if x_BI.device.type != "cpu" or torch.compiler.is_compiling() or x_BI.shape[0] <= rows:
        return function(x_BI)
    return torch.cat([function(part) for part in x_BI.split(rows)])


def swap_pairs(weight: Tensor, dim: int, inner: int) -> Tensor:
    """A weight whose `dim` runs over pairs, the second of `inner` innermost: with the first innermost."""
    return weight.unflatten(dim, (-1, inner)).transpose(dim, dim + 1).flatten(dim, dim + 1)


def require_positive(sizes: Mapping[str, int]) -> None:
    """Raises ValueError for the first of `sizes`, by name, that is below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be 1 or more")
