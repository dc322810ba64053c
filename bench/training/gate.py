"""LHUC: a gate made from the user's fields in front of any contestant.

    u = the user's fields, embedded;  g = 2 · sigmoid(W₂ ReLU(W₁ u + b₁) + b₂);  x ← g ⊙ x

LHUC (Swietojanski, Li, Renals 2016, arXiv 1601.02828) re-scales every hidden unit of a network by an
amplitude 2 · sigmoid(r) in (0, 2), with a vector r learned for each speaker. Rankers make r from fields of
the user by a small network: PEPNet (arXiv 2302.01115) calls it a gate neural unit, and its EPNet gates the
embeddings. TokenMixer-Large's paper (arXiv 2602.06563) names LHUC among the operators of older rankers.

Our reading: the gate multiplies the flat input, element by element as LHUC does, the user's own fields
too; its hidden width is 32; W₂ and b₂ start at zero, so that all amplitudes start at 1, as LHUC's do. PEPNet
also feeds the gate the input that it multiplies, without a gradient; ours has the user's fields only.

Letters: B batch, I flat input width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.data.schema import Schema
from bench.errors import BadInput

HIDDEN = 32
GROUP = "user"


class UserGate(nn.Module):
    """(B, I) embedded fields in schema order → (B, I), each element times its amplitude.

    Raises:
        BadInput: the schema has no fields of the user.
    """

    def __init__(self, schema: Schema, field_dims: Sequence[int]) -> None:
        super().__init__()
        of_columns = [
            f.group for f, width in zip(schema.fields, field_dims, strict=True) for _ in range(width)
        ]
        columns = [i for i, group in enumerate(of_columns) if group == GROUP]
        if not columns:
            raise BadInput(
                f"the gate lhuc is made from fields of group '{GROUP}', but the data has none (its groups: "
                f"{', '.join(dict.fromkeys(of_columns))}); use --gate none, or set the group of the user's "
                "fields in the schema file and import again"
            )
        self.columns: Tensor
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.unit = nn.Sequential(
            nn.Linear(len(columns), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(of_columns))
        )
        for parameter in self.unit[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x_BI: Tensor) -> Tensor:
        amplitude_BI: Tensor = 2 * self.unit(x_BI.index_select(1, self.columns)).sigmoid()
        return amplitude_BI * x_BI
