"""All tables of one width as one matrix: one look-up serves all fields, one sparse gradient comes back.

    x_s = mean of row(id) over the ids of slot s;  zeros for a slot of none

A categorical field is a slot of one id, a sequence a slot of those that are present. A sequence that is
attended to has a slot for each of its places. A numeric field is an empty slot, for `Placed` to fill. So the
look-up is `embedding_bag`, and so is its gradient: a row of a table gets the sum of the gradients of the
slots that it is in, each divided by the number of its ids. The rows of single ids and their gradients are
never in memory.

Letters: B batch, S slots, M ids of a row, D width.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from bench.data.dataset import Rows
from bench.data.schema import MISSING_ID, Field, Schema
from bench.errors import BadInput

INITIAL_STD = 0.01
MOST_ROWS = 2**31 - 1
"""Of all tables of one width: their rows are numbered in 32 bits."""


class Table(nn.Module):
    """Rows → (B, S, D): a slot for each field that is not attended to, in their order, then the attended.

    Args:
        schema: of the rows.
        fields: those of this width, in the order of their slots; a sequence may use the table of another.
        width: D.
        attended: names of the sequences that are attended to.

    Raises:
        BadInput: more than `MOST_ROWS` rows.
    """

    def __init__(
        self, schema: Schema, fields: Sequence[Field], width: int, attended: Collection[str]
    ) -> None:
        super().__init__()
        self.first_row: dict[str, int] = {}
        num_rows = 0
        for f in fields:
            if f.table is None and f.kind != "numeric":
                self.first_row[f.name] = num_rows
                num_rows += f.cardinality
        if num_rows > MOST_ROWS:
            raise BadInput(
                f"the embedding tables of width {width} have {num_rows} rows in all; at most {MOST_ROWS} can "
                "be told apart"
            )
        self.rows = nn.Embedding(num_rows, width, sparse=True)
        nn.init.normal_(self.rows.weight, std=INITIAL_STD)

        everywhere = [f.name for f in schema.of_kind("categorical")]
        categorical = [f for f in fields if f.kind == "categorical"]
        sequences = [f for f in fields if f.kind == "sequence"]
        self.columns = np.array([everywhere.index(f.name) for f in categorical], np.intp)
        self.sequences = tuple(f.name for f in sequences)
        self.attended = tuple(f for f in fields if f.name in attended)
        self.num_pooled = len(fields) - len(self.attended)
        self.slots: dict[str, slice] = {}
        num_slots = 0
        for f in sorted(fields, key=lambda f: f.name in attended):
            of_field = f.max_length if f.name in attended else 1
            self.slots[f.name] = slice(num_slots, num_slots + of_field)
            num_slots += of_field
        self.num_slots = num_slots
        ids = [(f, i) for f in (*categorical, *sequences) for i in range(max(1, f.max_length))]
        offsets = [self.first_row[f.table or f.name] for f, _ in ids]
        slots = [self.slots[f.name].start + (i if f.name in attended else 0) for f, i in ids]
        self.offsets, self.slot_of_id = np.array(offsets, np.int32), np.array(slots, np.int32)
        # Ids are read by kind, categorical first; `embedding_bag` wants them by slot.
        self.by_slot = None if slots == sorted(slots) else np.argsort(slots, kind="stable")

    def forward(self, rows: Rows) -> Tensor:
        device = self.rows.weight.device
        prepared = (None if a is None else to_tensor(a, device) for a in self._prepared(rows))
        x: Tensor = _SlotMeans.apply(self.rows.weight, *prepared)
        return x.view(len(rows), self.num_slots, -1)

    def _prepared(self, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """What `_SlotMeans` takes: the rows of the matrix, slot after slot, without those of padding."""
        columns = [rows.categorical.take(self.columns, axis=1)] if len(self.columns) else []
        ids_BM = np.concatenate([*columns, *(rows.sequences[name] for name in self.sequences)], axis=1)
        present_BM = ids_BM != MISSING_ID
        present_BM[:, : len(self.columns)] = True  # the missing value of a categorical field learns
        ids_BM += self.offsets
        slots_BM = np.add.outer(np.arange(len(rows), dtype=np.int32) * self.num_slots, self.slot_of_id)
        if self.by_slot is not None:
            ids_BM, present_BM, slots_BM = (
                a.take(self.by_slot, axis=1) for a in (ids_BM, present_BM, slots_BM)
            )
        places = np.flatnonzero(present_BM)
        ids, slots = ids_BM.ravel().take(places), slots_BM.ravel().take(places)
        lengths = np.bincount(slots, minlength=len(rows) * self.num_slots)
        starts = (lengths.cumsum() - lengths).astype(np.int32)
        shares = 1 / np.maximum(lengths, 1, dtype=np.float32) if self.sequences else None
        return ids, slots, starts, shares


class _SlotMeans(torch.autograd.Function):
    """(rows, D) table → (slots, D) means, zeros for a slot of none.

    Args:
        ids: slot after slot.
        slots: of each id, its slot.
        starts: of each slot, its first id.
        shares: of each slot, 1 / the number of its ids; None: no slot has more than one.
    """

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, ids: Tensor, slots: Tensor, starts: Tensor, shares: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(ids, slots, shares)
        ctx.shape = table.shape
        # Of a table that has no gradient, the look-up is one kernel. Its own mean takes twice as long.
        sums = F.embedding_bag(ids, table.detach(), starts, mode="sum")
        return sums if shares is None else sums.mul_(shares.unsqueeze(1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        ids, slots, shares = ctx.saved_tensors
        of_id = gradient.contiguous() if shares is None else gradient * shares.unsqueeze(1)
        rows, sums = summed(ids, slots, of_id)
        of_table = torch.sparse_coo_tensor(rows.unsqueeze(0), sums, ctx.shape, check_invariants=False)
        return of_table, None, None, None, None


def to_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    """`array` on `device`; on the CPU the two share their memory."""
    return torch.from_numpy(array).to(device, non_blocking=True)


class Placed(torch.autograd.Function):
    """(B, S, D), some slots of which are empty, and (B, N, D) → the first, the second in those N slots."""

    @staticmethod
    def forward(ctx: Any, x_BSD: Tensor, e_BND: Tensor, slots: Tensor) -> Tensor:
        ctx.mark_dirty(x_BSD)
        ctx.save_for_backward(slots)
        return x_BSD.index_copy_(1, slots, e_BND)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (slots,) = ctx.saved_tensors
        return gradient, gradient.index_select(1, slots), None  # what an empty slot gets goes nowhere


def summed(rows: Tensor, sources: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """(the distinct `rows`, ascending; the sum of ``values[sources]`` of each), added up in their order.

    Args:
        rows, sources: int32, of equal length.
        values: (sources, D), contiguous.
    """
    if rows.device.type == "cpu":
        distinct, starts, in_order = (torch.from_numpy(a) for a in _grouped(rows.numpy(), sources.numpy()))
    else:
        ascending, order = rows.sort(stable=True)
        distinct, counts = torch.unique_consecutive(ascending, return_counts=True)
        starts, in_order = (counts.cumsum(0) - counts).to(sources.dtype), sources[order]
    return distinct.long(), F.embedding_bag(in_order, values, starts, mode="sum")


def _grouped(rows: np.ndarray, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the distinct `rows`, ascending; where each begins in the third; `sources` in that order)."""
    # NumPy sorts 16 bits by counting, several times as fast as it or torch sorts 32: first the low ones.
    order = rows.astype(np.uint16).argsort(kind="stable")
    if len(rows) and rows.max() >> 16:
        order = order.take((rows >> 16).astype(np.uint16).take(order).argsort(kind="stable"))
    ascending = rows.take(order)
    starts = np.flatnonzero(np.diff(ascending, prepend=-1)).astype(np.int32)
    return ascending.take(starts), starts, sources.take(order)
