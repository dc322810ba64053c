"""Tokenization: the flat embedding vector becomes T tokens of width D.

    e_input = Concat(fields, semantic group after semantic group)

    RankMixer (arXiv 2507.15551)           x_i = Proj_i(slice i of e_input) ∈ R^D,   i = 1 … T
    TokenMixer-Large (arXiv 2602.06563)    x_i = MLP_i(group i),   i = 1 … T-1;   x_G = MLP_g(e_input)

Letters: B batch, F fields, I flat input width, T tokens, D token width.

RankMixer's paper cuts `e_input` into slices of equal width, padding where T does not divide it, and does not
say whether the projection is shared. Our reading: one projection per token. By default a slice is a run of
whole fields, since a field cut in two has no meaning of its own; equal slices are the other choice. Slices
then differ in width. A slice padded with zeros to a common width meets weights that never matter or learn,
so the padding and those weights are left out: the map is the same and every parameter counts.

TokenMixer-Large takes its groups as they are. A schema may have fewer of them than one wants tokens: runs of
whole fields, cut as above, then stand for groups.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Tokenizer(nn.Module):
    """Flat fields → tokens.

    Args:
        field_dims: embedding width of every field, in the order of the input.
        groups: indices of the fields of each semantic group, in the order to concatenate them; every field
            once. None: the order of the input.
        num_tokens: T.
        token_dim: D.
        slicing: ``fields`` (runs of whole fields, as even in width as can be), ``equal`` (widths differing by
            at most 1, fields cut where they must be) or ``shuffled`` (as ``fields``, but in an order that is
            blind to the groups, always the same).

    Raises:
        ValueError: `groups` is no partition of the fields, or there is too little to fill T tokens.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        groups: Sequence[Sequence[int]] | None,
        *,
        num_tokens: int,
        token_dim: int,
        slicing: str = "fields",
    ) -> None:
        super().__init__()
        order = grouped_order(len(field_dims), groups)
        if slicing == "shuffled":
            order = shuffled(order)
        dims = [field_dims[i] for i in order]
        if slicing in ("fields", "shuffled"):
            self.slice_dims = even_runs(dims, num_tokens)
        elif slicing == "equal":
            self.slice_dims = equal_slices(sum(dims), num_tokens)
        else:
            raise ValueError(f"slicing is '{slicing}', allowed: fields, equal, shuffled")
        self.regroup = Regroup(field_dims, order)
        self.projections = nn.ModuleList(nn.Linear(dim, token_dim) for dim in self.slice_dims)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → tokens first, (T, B, D)."""
        slices = self.regroup(x_BI).split(self.slice_dims, dim=1)
        return torch.stack([project(s) for project, s in zip(self.projections, slices, strict=True)])


class GroupTokenizer(nn.Module):
    """Flat fields → a global token, then one token for each group (TokenMixer-Large).

    Args:
        field_dims: embedding width of every field, in the order of the input.
        groups: indices of the fields of each semantic group; every field once. None: each field a group.
        num_tokens: T, the global token among them; T - 1 runs of whole fields, as even in width as can be,
            then stand for the groups. None: the groups themselves.
        token_dim: D.
        num_layers: linear layers of every MLP, GELU between them.

    There is no global token where `global_mlp` is set to None.

    Raises:
        ValueError: `groups` is no partition of the fields, or there are too few fields to fill T tokens.
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        groups: Sequence[Sequence[int]] | None,
        *,
        num_tokens: int | None,
        token_dim: int,
        num_layers: int,
    ) -> None:
        super().__init__()
        order = grouped_order(len(field_dims), groups)
        if num_tokens is None:
            parts = [[i] for i in order] if groups is None else [group for group in groups if group]
            self.group_dims = [sum(field_dims[i] for i in part) for part in parts]
        elif not 2 <= num_tokens <= len(order) + 1:
            raise ValueError(
                f"num_tokens is {num_tokens}; {len(order)} whole fields and the global token "
                f"allow 2 … {len(order) + 1}"
            )
        else:
            self.group_dims = even_runs([field_dims[i] for i in order], num_tokens - 1)
        self.regroup: nn.Module = Regroup(field_dims, order)
        self.global_mlp: nn.Module | None = _token_mlp(sum(field_dims), token_dim, num_layers)
        self.group_mlps = nn.ModuleList(_token_mlp(dim, token_dim, num_layers) for dim in self.group_dims)

    @property
    def num_tokens(self) -> int:
        """T."""
        return len(self.group_mlps) + (self.global_mlp is not None)

    def forward(self, x_BI: Tensor) -> Tensor:
        """(B, I) → tokens first, the global one before all, (T, B, D)."""
        e_BI = self.regroup(x_BI)
        of_all = [] if self.global_mlp is None else [self.global_mlp(e_BI)]
        groups = zip(self.group_mlps, e_BI.split(self.group_dims, dim=1), strict=True)
        return torch.stack([*of_all, *(mlp(group_BI) for mlp, group_BI in groups)])


def _token_mlp(in_dim: int, token_dim: int, num_layers: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(in_dim, token_dim)]
    for _ in range(num_layers - 1):
        layers += [nn.GELU(), nn.Linear(token_dim, token_dim)]
    return nn.Sequential(*layers)


class Regroup(nn.Module):
    """Columns of the flat input put into the order of the fields given: (B, I) → (B, I)."""

    def __init__(self, field_dims: Sequence[int], order: Sequence[int]) -> None:
        super().__init__()
        starts = [sum(field_dims[:i]) for i in range(len(field_dims))]
        columns = [column for i in order for column in range(starts[i], starts[i] + field_dims[i])]
        self.in_order = columns == list(range(len(columns)))
        self.columns: Tensor
        self.register_buffer("columns", torch.tensor(columns), persistent=False)

    def forward(self, x_BI: Tensor) -> Tensor:
        return x_BI if self.in_order else x_BI.index_select(1, self.columns)


def grouped_order(num_fields: int, groups: Sequence[Sequence[int]] | None) -> list[int]:
    """Field indices, group after group.

    Raises:
        ValueError: `groups` does not hold every index from 0 to `num_fields` - 1 exactly once.
    """
    if groups is None:
        return list(range(num_fields))
    order = [index for group in groups for index in group]
    if sorted(order) != list(range(num_fields)):
        raise ValueError(
            f"groups are {[list(g) for g in groups]}; they must hold 0 … {num_fields - 1} once each"
        )
    return order


def shuffled(order: Sequence[int]) -> list[int]:
    """The same indices, sorted by a hash, so that each place is unlike the one that it had."""
    return sorted(order, key=lambda index: hashlib.sha256(str(index).encode()).digest())


def equal_slices(width: int, count: int) -> list[int]:
    """Widths of `count` slices of `width` columns, the wider ones first, differing by at most 1."""
    if not 1 <= count <= width:
        raise ValueError(f"num_tokens is {count}; an input of width {width} allows 1 … {width}")
    return [width // count + (i < width % count) for i in range(count)]


def even_runs(dims: Sequence[int], count: int) -> list[int]:
    """Widths of `count` runs of consecutive whole fields, as even as can be.

    Their squared deviations from the mean width add up to the least possible; of several such cuts, the one
    whose first runs are the wider.
    """
    if not 1 <= count <= len(dims):
        raise ValueError(f"num_tokens is {count}; {len(dims)} whole fields allow 1 … {len(dims)}")
    return list(_even_runs(tuple(dims), count))


@functools.lru_cache(maxsize=256)  # a model is built many times over the same fields
def _even_runs(dims: tuple[int, ...], count: int) -> tuple[int, ...]:
    """By dynamic programming: the best cut of the fields from each one on, into one run, two runs and so on.

    The mean width does not depend on the cut, so the sum of squared widths is what must be least. The best
    first run never ends later for fields that begin earlier, so the search from the right need not go on
    beyond the end found before.
    """
    F = len(dims)
    ends = [0, *itertools.accumulate(dims)]
    least = [(ends[F] - ends[i]) ** 2 for i in range(F)]  # of the fields from i on, in one run
    first_ends = []
    for runs in range(2, count + 1):
        best, first_end = least.copy(), [F] * F
        end = F - runs + 1
        for i in range(F - runs, -1, -1):
            squares = [(ends[j] - ends[i]) ** 2 + least[j] for j in range(i + 1, end + 1)]
            best[i] = min(squares)
            end = first_end[i] = i + len(squares) - squares[::-1].index(best[i])  # the last of the least
        least = best
        first_ends.append(first_end)
    widths, start = [], 0
    for first_end in reversed(first_ends):
        widths.append(ends[first_end[start]] - ends[start])
        start = first_end[start]
    return (*widths, ends[F] - ends[start])
