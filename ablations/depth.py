"""Whether TokenMixer-Large learns with many blocks, as its residuals between blocks are there to make it.

Arms have more blocks of the base's widths, and so are larger than the base; `--sized budget` gives them the
base's size. With two blocks there is no residual between blocks, as none ends behind the last. Without them
there are no auxiliary losses either. There are four tokens, with which 16 blocks still fit into 100 thousand
parameters and meet them. What is watched is the norm of the gradient of each block's weights.
"""

from __future__ import annotations

from ablations.arm import TOKENMIXER_LARGE, ablation, varied
from bench.runs.entrants import Entrant

_KINDS: dict[str, dict[str, float]] = {
    "residuals between blocks": {},
    "none between blocks": {"inter_residual": 0, "auxiliary_weight": 0.0},
}


def _with(num_layers: int) -> dict[str, float]:
    return {"num_layers": num_layers, "num_tokens": 4}


STUDY = ablation(
    "depth",
    "Does TokenMixer-Large gain from up to 16 blocks, with and without residuals between them?",
    Entrant(contestant=TOKENMIXER_LARGE, hyperparameters=_with(2), label="2 blocks"),
    *(
        varied(TOKENMIXER_LARGE, f"{kind} · {depth} blocks", {**_with(depth), **changes})
        for kind, changes in _KINDS.items()
        for depth in (4, 8, 16)
    ),
    observed=True,
)
