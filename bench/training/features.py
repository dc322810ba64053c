"""From rows to the flat input vector: everything before the contestant, the same for all contestants.

    categorical   row of the field's embedding table; the missing and the unknown row learn like any other
    numeric       e = v · w + b for the standardised value v; a learned vector where it is missing
    sequence      masked mean of its ids' rows, or target attention (DIN, arXiv 1706.06978) towards the field
                  whose table it shares; zeros for an empty one

Letters: B batch, F fields, I flat input width, N ids in a sequence, D embedding width.

Rows of the tables start normal with standard deviation `INITIAL_STD`. The attention unit of DIN is a
two-layer perceptron over [e, t, e − t, e ⊙ t] with 36 hidden units as in its paper and PReLU; its Dice
activation is left out, for it makes an example's output depend on the batch. As in the paper the weights are
not normalised by a softmax.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bench.contestants.contract import InputShape
from bench.data.dataset import Rows
from bench.data.schema import MISSING_ID, Field, Schema
from bench.errors import BadInput, unknown_name
from bench.spec import FeatureSpec

INITIAL_STD = 0.01
ATTENTION_HIDDEN = 36


class Features(nn.Module):
    """Embeds rows: `Rows` → (B, I), fields in schema order, field i being `field_dims[i]` wide.

    Raises:
        BadInput: a width for a field that the schema does not have, or that shares the table of another.
    """

    def __init__(self, schema: Schema, spec: FeatureSpec) -> None:
        super().__init__()
        names = [f.name for f in schema.fields]
        _check_widths(schema, spec)
        self.schema = schema
        widths = {f.name: spec.widths.get(f.table or f.name, spec.width) for f in schema.fields}
        self.field_dims = tuple(widths[name] for name in names)

        tabled = [f for f in schema.fields if f.kind != "numeric"]
        self.tables = nn.ModuleDict(
            {
                str(width): Table(schema, [f for f in tabled if widths[f.name] == width], width)
                for width in sorted({widths[f.name] for f in tabled})
            }
        )
        numeric = schema.of_kind("numeric")
        self.numeric_names = tuple(f.name for f in numeric)
        self.numeric_encoder = NumericEncoder([widths[f.name] for f in numeric]) if numeric else None
        self.sequences = schema.of_kind("sequence")
        attending = [f for f in self.sequences if _attends(f, spec)]
        self.attention = nn.ModuleList(TargetAttention(widths[f.name]) for f in attending)
        self.attention_of = {f.name: i for i, f in enumerate(attending)}  # a module may not be called `items`

    def forward(self, rows: Rows) -> Tensor:
        looked_up: dict[str, Tensor] = {}
        for table in self.tables.values():
            looked_up |= table(rows)
        embedded = looked_up.copy()
        for f in self.sequences:
            e_BND = looked_up[f.name]
            present_BN = to_tensor(rows.sequences[f.name], e_BND.device) != MISSING_ID
            if f.name in self.attention_of:
                assert f.table is not None
                attention = self.attention[self.attention_of[f.name]]
                embedded[f.name] = attention(e_BND, looked_up[f.table], present_BN)
            else:
                embedded[f.name] = masked_mean(e_BND, present_BN)
        if self.numeric_encoder is not None:
            values_BF = to_tensor(rows.numeric, self.numeric_encoder.weight.device)
            embedded |= zip(self.numeric_names, self.numeric_encoder(values_BF), strict=True)
        return torch.cat([embedded[f.name] for f in self.schema.fields], dim=1)

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
        """The numeric encoder and the attention units: updated with the contestant."""
        numeric = [] if self.numeric_encoder is None else list(self.numeric_encoder.parameters())
        return [*numeric, *self.attention.parameters()]


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
    with torch.device("meta"):
        return Features(schema, spec)


class Table(nn.Module):
    """The tables of all fields of one width as one matrix, field under field, so that one look-up serves all.

    Args:
        schema: of the rows.
        fields: those of this width, categorical ones and sequences; the latter may use a table of the former.
        width: D.
    """

    def __init__(self, schema: Schema, fields: Sequence[Field], width: int) -> None:
        super().__init__()
        self.first_row: dict[str, int] = {}
        num_rows = 0
        for f in fields:
            if f.table is None:
                self.first_row[f.name] = num_rows
                num_rows += f.cardinality
        self.rows = nn.Embedding(num_rows, width, sparse=True)
        nn.init.normal_(self.rows.weight, std=INITIAL_STD)
        self.categorical = tuple(f.name for f in fields if f.kind == "categorical")
        self.sequences = {f.name: f.max_length for f in fields if f.kind == "sequence"}
        everywhere = [f.name for f in schema.of_kind("categorical")]
        offsets = [
            self.first_row[f.table or f.name]
            for kind in ("categorical", "sequence")
            for f in fields
            if f.kind == kind
            for _ in range(f.max_length if kind == "sequence" else 1)
        ]
        self.columns: Tensor
        self.offsets: Tensor
        self._constant("columns", [everywhere.index(name) for name in self.categorical])
        self._constant("offsets", offsets)

    def _constant(self, name: str, values: list[int]) -> None:
        self.register_buffer(name, torch.tensor(values, dtype=torch.int32), persistent=False)

    def forward(self, rows: Rows) -> dict[str, Tensor]:
        """Field → (B, D); sequence → (B, N, D)."""
        device = self.offsets.device
        ids_BF = to_tensor(rows.categorical, device).index_select(1, self.columns)
        ids_BN = [to_tensor(rows.sequences[name], device) for name in self.sequences]
        e_BMD = self.rows(torch.cat([ids_BF, *ids_BN], dim=1) + self.offsets)
        e_BFD, *e_BND = e_BMD.split([len(self.categorical), *self.sequences.values()], dim=1)
        return {
            **dict(zip(self.categorical, e_BFD.unbind(1), strict=True)),
            **dict(zip(self.sequences, e_BND, strict=True)),
        }


def masked_mean(e_BND: Tensor, present_BN: Tensor) -> Tensor:
    """(B, D) means over those that are present; zeros where none is."""
    share_BN = present_BN / present_BN.sum(dim=1, keepdim=True).clamp(min=1)
    return (e_BND * share_BN.to(e_BND.dtype).unsqueeze(2)).sum(dim=1)


def _attends(f: Field, spec: FeatureSpec) -> bool:
    return spec.sequence_encoder == "target" and f.table is not None


def to_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    """`array` on `device`; on the CPU the two share their memory."""
    return torch.from_numpy(array).to(device, non_blocking=True)


class NumericEncoder(nn.Module):
    """(B, F) standardised values, NaN where missing → one (B, width) per field."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.widths = widths
        columns = [i for i, width in enumerate(widths) for _ in range(width)]
        self.columns: Tensor
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.weight, self.bias, self.missing = (
            nn.Parameter(torch.empty(len(columns)).normal_(std=INITIAL_STD)) for _ in range(3)
        )

    def forward(self, v_BF: Tensor) -> tuple[Tensor, ...]:
        v_BI = v_BF.index_select(1, self.columns)
        e_BI = torch.addcmul(self.bias, v_BI.nan_to_num(), self.weight)
        return torch.where(v_BI.isnan(), self.missing, e_BI).split(self.widths, dim=1)


class TargetAttention(nn.Module):
    """Σ_n a(e_n, t) e_n over the ids present: (B, N, D) rows, (B, D) target, (B, N) mask → (B, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.unit = nn.Sequential(
            nn.Linear(4 * dim, ATTENTION_HIDDEN), nn.PReLU(), nn.Linear(ATTENTION_HIDDEN, 1)
        )

    def forward(self, e_BND: Tensor, t_BD: Tensor, mask_BN: Tensor) -> Tensor:
        t_BND = t_BD.unsqueeze(1).expand_as(e_BND)
        a_BN = self.unit(torch.cat([e_BND, t_BND, e_BND - t_BND, e_BND * t_BND], dim=2)).squeeze(2)
        return torch.einsum("bn,bnd->bd", a_BN * mask_BN, e_BND)
