"""From rows to the flat input vector: everything before the contestant, the same for all contestants.

    categorical   row of the field's embedding table; the missing and the unknown row learn like any other
    numeric       e = v · w + b for the standardised value v; a learned vector where it is missing
    sequence      masked mean of its ids' rows; or, of one that shares the table of a field, attention towards
                  that field: DIN's (`target_attention`) or HSTU's (`hstu`); zeros for an empty one
    all of it     times a gate made from the fields of the user, where one is asked for (`gate`)

Letters: B batch, F fields, I flat input width, N ids in a sequence, D embedding width.

Rows of the tables start normal with standard deviation `INITIAL_STD`.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bench.contestants.contract import InputShape
from bench.contestants.counting import shapes_only
from bench.data.dataset import Rows
from bench.data.schema import MISSING_ID, Field, Schema
from bench.errors import BadInput, unknown_name
from bench.spec import FeatureSpec
from bench.training.gate import UserGate
from bench.training.hstu import HSTU
from bench.training.tables import INITIAL_STD, Placed, Table, to_tensor
from bench.training.target_attention import TargetAttention

_NUMERIC, _ATTENDED = "numeric", "attended: "


class Features(nn.Module):
    """Embeds rows: `Rows` → (B, I), fields in schema order, field i being `field_dims[i]` wide.

    Raises:
        BadInput: a width for a field that the schema does not have, or that shares the table of another; more
            rows than a `Table` can have; a gate without fields of the user; a sequence encoder other than the
            mean without a sequence that it can read.
    """

    def __init__(self, schema: Schema, spec: FeatureSpec) -> None:
        super().__init__()
        names = [f.name for f in schema.fields]
        _check_widths(schema, spec)
        self.schema = schema
        widths = {f.name: spec.widths.get(f.table or f.name, spec.width) for f in schema.fields}
        self.field_dims = tuple(widths[name] for name in names)

        numeric = schema.of_kind("numeric")
        attending = _attending(schema, spec)
        self.attention_of = {f.name: i for i, f in enumerate(attending)}  # a module may not be called `items`
        of_tables = sorted({widths[f.name] for f in schema.fields if f.kind != "numeric"})
        of_numeric = {widths[f.name] for f in numeric}
        # Numeric fields that are all as wide as a table are written between its fields, which saves a copy.
        self.place = str(*of_numeric) if len(of_numeric) == 1 and of_numeric <= set(of_tables) else None
        sources = {f.name: str(widths[f.name]) for f in schema.fields}
        sources |= {f.name: self.place or _NUMERIC for f in numeric}
        tables = {
            str(width): Table(
                schema,
                [f for f in schema.fields if sources[f.name] == str(width)],
                width,
                attended=self.attention_of,
            )
            for width in of_tables
        }
        self.tables = nn.ModuleDict(tables)
        self.numeric_encoder = NumericEncoder([widths[f.name] for f in numeric]) if numeric else None
        self.attention = nn.ModuleList(_attention(f, widths[f.name], spec) for f in attending)
        self.gate = UserGate(schema, self.field_dims) if spec.gate == "lhuc" else None
        self.numeric_slots: Tensor
        slots = [tables[self.place].slots[f.name].start for f in numeric] if self.place else []
        self.register_buffer("numeric_slots", torch.tensor(slots, dtype=torch.int64), persistent=False)
        # Neighbours from one source, which is a table, the numeric encoder or an attention, are one piece.
        sources |= {f.name: _ATTENDED + f.name for f in attending}
        self.pieces = [
            (source, sum(widths[f.name] for f in neighbours))
            for source, neighbours in groupby(schema.fields, lambda f: sources[f.name])
        ]

    def forward(self, rows: Rows) -> Tensor:
        x_BI = self._embedded(rows)
        if self.gate is not None:
            x_BI = self.gate(x_BI)
        return x_BI

    def _embedded(self, rows: Rows) -> Tensor:
        found: dict[str, Tensor] = {}
        if self.numeric_encoder is not None:
            values_BF = to_tensor(rows.numeric, self.numeric_slots.device)
            found[_NUMERIC] = self.numeric_encoder(values_BF)
        for width, table in self.tables.items():
            assert isinstance(table, Table)
            x_BSD: Tensor = table(rows)
            if width == self.place:
                e_BND = found.pop(_NUMERIC).view(len(rows), -1, x_BSD.shape[2])
                x_BSD = Placed.apply(x_BSD, e_BND, self.numeric_slots)
            found[width] = x_BSD[:, : table.num_pooled].flatten(1)
            found |= {_ATTENDED + f.name: self._attended(f, table, x_BSD, rows) for f in table.attended}
        if len(self.pieces) == 1:
            return found[self.pieces[0][0]]
        parts = {
            source: iter(x.split([width for of, width in self.pieces if of == source], dim=1))
            for source, x in found.items()
        }
        return torch.cat([next(parts[source]) for source, _ in self.pieces], dim=1)

    def _attended(self, f: Field, table: Table, x_BSD: Tensor, rows: Rows) -> Tensor:
        assert f.table is not None
        t_BD, e_BND = x_BSD[:, table.slots[f.table].start], x_BSD[:, table.slots[f.name]]
        present_BN = to_tensor(rows.sequences[f.name], x_BSD.device) != MISSING_ID
        attended: Tensor = self.attention[self.attention_of[f.name]](e_BND, t_BD, present_BN)
        return attended

    def input_shape(self) -> InputShape:
        """What a contestant on these features is built for."""
        return InputShape(
            field_dims=self.field_dims, groups=self.schema.groups(), num_tasks=len(self.schema.tasks)
        )

    def parameter_counts(self) -> dict[str, int]:
        """``embedding_parameters`` and ``encoder_parameters`` of a `Cost`."""
        return {
            "embedding_parameters": sum(p.numel() for p in self.embedding_parameters()),
            "encoder_parameters": sum(p.numel() for p in self.encoder_parameters()),
        }

    def embedding_parameters(self) -> list[nn.Parameter]:
        """The tables: updated sparsely."""
        return list(self.tables.parameters())

    def encoder_parameters(self) -> list[nn.Parameter]:
        """The numeric encoder, the attention units and the gate: updated with the contestant."""
        encoders = (self.numeric_encoder, self.attention, self.gate)
        return [p for encoder in encoders if encoder is not None for p in encoder.parameters()]


def _check_widths(schema: Schema, spec: FeatureSpec) -> None:
    by_name = {f.name: f for f in schema.fields}
    for name in spec.widths:
        if name not in by_name:
            raise unknown_name("field", name, by_name)
        if (table := by_name[name].table) is not None:
            raise BadInput(
                f"field '{name}' has its own width ({spec.widths[name]}), but shares the table of "
                f"'{table}'; set the width of '{table}' instead"
            )


def features_on_meta(schema: Schema, spec: FeatureSpec) -> Features:
    """The features without memory.

    Raises:
        BadInput: as `Features`.
    """
    with shapes_only():
        return Features(schema, spec)


def _attending(schema: Schema, spec: FeatureSpec) -> list[Field]:
    """The sequences that the encoder reads: those that share the table of a field, their candidate."""
    if spec.sequence_encoder == "mean":
        return []
    sequences = schema.of_kind("sequence")
    found = [f for f in sequences if f.table is not None]
    if not found:
        names = ", ".join(f.name for f in sequences)
        there = f"its sequences ({names}) share the table of no field" if names else "it has no sequences"
        raise BadInput(
            f"the sequence encoder {spec.sequence_encoder} reads the sequences that share the table of "
            f"another field, but the data has none: {there}; use --sequence-encoder mean, or name that field "
            "as the table of the sequence in the schema"
        )
    return found


def _attention(f: Field, width: int, spec: FeatureSpec) -> nn.Module:
    return HSTU(width, f.max_length) if spec.sequence_encoder == "hstu" else TargetAttention(width)


class NumericEncoder(nn.Module):
    """(B, F) standardised values, NaN where missing → (B, I), field after field."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        columns = [i for i, width in enumerate(widths) for _ in range(width)]
        self.columns: Tensor
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.weight, self.bias, self.missing = (
            nn.Parameter(torch.empty(len(columns)).normal_(std=INITIAL_STD)) for _ in range(3)
        )

    def forward(self, v_BF: Tensor) -> Tensor:
        v_BI = v_BF.index_select(1, self.columns)
        x_BI: Tensor = _Encoded.apply(v_BI, self.weight, self.bias, self.missing)
        return x_BI


class _Encoded(torch.autograd.Function):
    """v · w + b, or the vector of what is missing."""

    @staticmethod
    def forward(ctx: Any, v_BI: Tensor, weight: Tensor, bias: Tensor, missing: Tensor) -> Tensor:
        absent_BI = v_BI.isnan()
        v_BI = v_BI.nan_to_num()
        ctx.save_for_backward(v_BI, absent_BI)
        return torch.where(absent_BI, missing, torch.addcmul(bias, v_BI, weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        v_BI, absent_BI = ctx.saved_tensors
        of_present = gradient.masked_fill(absent_BI, 0)
        of_missing = (gradient - of_present).sum(dim=0)
        return None, (of_present * v_BI).sum(dim=0), of_present.sum(dim=0), of_missing
