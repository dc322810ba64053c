"""From rows to the flat input vector: everything before a contestant, shared by all of them by construction.

    categorical   row of the field's embedding table; the missing and the unknown row learn like any other
    numeric       e = v · w + b for the standardised value v; a learned vector where it is missing
    sequence      masked mean of its ids' rows, or target attention (DIN, arXiv 1706.06978) towards the
    field whose
                  table it shares; zeros for an empty one

Letters: B batch, F fields, I flat input width, N ids in a sequence, D embedding width.

Tables of one width are one matrix, field under field, so that all their look-ups are one. Rows start normal
with standard deviation `INITIAL_STD`. The attention unit of DIN is a two-layer perceptron over [e, t, e −
t, e ⊙ t] with 36 hidden units as in its paper and PReLU; its Dice activation is left out, for it makes an
example's output depend on the batch. As in the paper the weights are not normalised by a softmax.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.contract import InputShape
from bench.dataset import Rows
from bench.errors import unknown_name
from bench.schema import MISSING_ID, Field, Schema
from bench.spec import FeatureSpec

INITIAL_STD = 0.01
ATTENTION_HIDDEN = 36


class Features(nn.Module):
    """Embeds rows: `Rows` → (B, I), fields in schema order, field i being `field_dims[i]` wide.

    Raises:
        BadInput: a width for a field that the schema does not have.
    """

    def __init__(self, schema: Schema, spec: FeatureSpec) -> None:
        super().__init__()
        names = [f.name for f in schema.fields]
        for name in spec.widths:
            if name not in names:
                raise unknown_name("field", name, names)
        self.schema = schema
        widths = {f.name: spec.widths.get(f.table or f.name, spec.width) for f in schema.fields}
        self.field_dims = tuple(widths[name] for name in names)

        categorical, numeric = schema.of_kind("categorical"), schema.of_kind("numeric")
        self.tables = nn.ModuleDict()
        self.lookups: list[tuple[str, tuple[str, ...]]] = []
        self.table_of: dict[str, tuple[str, int]] = {}
        owners = [f for f in schema.fields if f.kind != "numeric" and f.table is None]
        for width in sorted({widths[f.name] for f in owners}):
            key = str(width)
            rows = 0
            for f in owners:
                if widths[f.name] == width:
                    self.table_of[f.name] = (key, rows)
                    rows += f.cardinality
            self.tables[key] = _table(rows, width)
            columns = [i for i, f in enumerate(categorical) if widths[f.name] == width]
            if columns:
                self.lookups.append((key, tuple(categorical[i].name for i in columns)))
                self._constant(f"columns_{key}", columns)
                self._constant(f"offsets_{key}", [self.table_of[categorical[i].name][1] for i in columns])
        self.numeric_names = tuple(f.name for f in numeric)
        self.numeric_encoder = NumericEncoder([widths[f.name] for f in numeric]) if numeric else None
        self.sequences = schema.of_kind("sequence")
        self.attention = nn.ModuleDict(
            {f.name: TargetAttention(widths[f.name]) for f in self.sequences if _attends(f, spec)}
        )

    def _constant(self, name: str, values: Iterable[int]) -> None:
        self.register_buffer(name, torch.tensor(list(values), dtype=torch.int32), persistent=False)

    def forward(self, rows: Rows) -> Tensor:
        device = next(self.buffers()).device if self.lookups else next(self.parameters()).device
        embedded: dict[str, Tensor] = {}
        ids_BF = to_tensor(rows.categorical, device)
        for key, names in self.lookups:
            columns, offsets = self.get_buffer(f"columns_{key}"), self.get_buffer(f"offsets_{key}")
            of_width = ids_BF if len(columns) == ids_BF.shape[1] else ids_BF.index_select(1, columns)
            e_BFD = self.tables[key](of_width + offsets)
            embedded |= zip(names, e_BFD.unbind(1), strict=True)
        if self.numeric_encoder is not None:
            encoded = self.numeric_encoder(to_tensor(rows.numeric, device))
            embedded |= zip(self.numeric_names, encoded, strict=True)
        for f in self.sequences:
            ids_BN = to_tensor(rows.sequences[f.name], device)
            embedded[f.name] = self._sequence(f, ids_BN, embedded)
        return torch.cat([embedded[f.name] for f in self.schema.fields], dim=1)

    def _sequence(self, f: Field, ids_BN: Tensor, embedded: Mapping[str, Tensor]) -> Tensor:
        key, offset = self.table_of[f.table or f.name]
        table = self.tables[key]
        assert isinstance(table, nn.Embedding)
        if f.name in self.attention:
            assert f.table is not None
            mask_BN = ids_BN != MISSING_ID
            return self.attention[f.name](table(ids_BN + offset), embedded[f.table], mask_BN)
        return F.embedding_bag(
            ids_BN + offset, table.weight, mode="mean", sparse=True, padding_idx=offset + MISSING_ID
        )

    def input_shape(self) -> InputShape:
        """What a contestant on these features is built for."""
        return InputShape(
            field_dims=self.field_dims, groups=self.schema.groups(), num_tasks=len(self.schema.tasks)
        )

    def embedding_parameters(self) -> list[nn.Parameter]:
        """The tables: updated sparsely."""
        return list(self.tables.parameters())

    def encoder_parameters(self) -> list[nn.Parameter]:
        """The numeric encoder and the attention units: updated with the contestant."""
        encoders = (
            [self.attention] if self.numeric_encoder is None else [self.numeric_encoder, self.attention]
        )
        return [p for encoder in encoders for p in encoder.parameters()]


def _table(rows: int, width: int) -> nn.Embedding:
    table = nn.Embedding(rows, width, sparse=True)
    nn.init.normal_(table.weight, std=INITIAL_STD)
    return table


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
