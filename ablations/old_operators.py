"""TokenMixer-Large, Table 9: what a DCN in front of the model still adds as the model grows.

The paper does not describe its DCN. Ours is two cross layers of DCN V2 of rank 4, the same at every size of
the model. Its tokens are made of what leaves these layers.
"""

from __future__ import annotations

import dataclasses

from ablations.arm import TOKENMIXER_LARGE, ablation, arm
from bench.spec import Budget

_SIZES = (30_000, 100_000, 300_000)

STUDY = dataclasses.replace(
    ablation(
        "old-operators",
        "Does a DCN in front of TokenMixer-Large add less as the model grows?",
        TOKENMIXER_LARGE,
        arm(
            TOKENMIXER_LARGE,
            "tokenmixer-large-behind-dcn",
            "DCN in front",
            model="ablations.arms.old_operators:BehindCrossNetwork",
        ),
        paper="tokenmixer_large/table_9",
    ),
    budgets=tuple(Budget(kind="dense_parameters", target=size) for size in _SIZES),
)
