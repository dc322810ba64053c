"""The linear part over raw ids: one weight for every id of every field and task, added to the logits.

    logit_k += Σ w_f[id]_k                     over the categorical fields f
             + Σ mean of w_f[id]_k             over the sequences f, of the ids present; 0 for an empty one
             + Σ w_f,k · v, or u_f,k if v is missing    over the numeric fields f, v standardised

The contestants of papers with such a term ask for it with `Contestant.linear`: Wide&Deep (arXiv 1606.07792),
DeepFM (1703.04247), xDeepFM (1803.05170). It is the same for all of them. A sequence has weights of its own
even where it shares an embedding table: that an item is shown and that it was seen are two features of a
linear model. Wide&Deep's crossed features are chosen by hand for its data, so there are none here; it also
trains this part by FTRL, where ours is trained as the embedding tables are. All weights start at zero, so
that a contestant starts from its own logits. The bias is left to the contestant.

Letters: B batch, K tasks, N numeric fields.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from bench.contestants.contract import Contestant
from bench.data.dataset import Rows
from bench.data.schema import Schema
from bench.training.tables import Table, to_tensor


class LinearPart(nn.Module):
    """`Rows` → (B, K), to be added to the logits.

    Raises:
        BadInput: more ids than a `Table` can have.
    """

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        num_tasks = len(schema.tasks)
        with_ids = [dataclasses.replace(f, table=None) for f in schema.fields if f.kind != "numeric"]
        self.table = Table(schema, with_ids, num_tasks, attended=()) if with_ids else None
        if self.table is not None:
            nn.init.zeros_(self.table.rows.weight)
        numeric = len(schema.of_kind("numeric"))
        self.numeric = nn.Parameter(torch.zeros(2 * numeric, num_tasks)) if numeric else None

    def forward(self, rows: Rows) -> Tensor:
        parts: list[Tensor] = []
        if self.table is not None:
            parts.append(self.table(rows).sum(dim=1))
        if self.numeric is not None:
            v_BN = to_tensor(rows.numeric, self.numeric.device)
            absent_BN = v_BN.isnan()
            parts.append(torch.cat([v_BN.nan_to_num(), absent_BN.to(v_BN.dtype)], dim=1) @ self.numeric)
        return torch.stack(parts).sum(dim=0)


def linear_part(contestant: Contestant, schema: Schema) -> LinearPart | None:
    """The linear part of a contestant on data of that schema; None if it has none."""
    return LinearPart(schema) if contestant.linear else None
