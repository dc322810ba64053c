"""TokenMixer-Large, Table 5: what each part of it is worth. Arms differ from the base in that part alone.

The base has three blocks, since with fewer there is no residual between blocks to leave out. Without the
global token there is one token less; a shared SwiGLU has the size of one token's; an FFN of the same hidden
width has a third fewer parameters than a SwiGLU. `--sized budget` gives every arm the base's size.
"""

from __future__ import annotations

from ablations.arm import TOKENMIXER_LARGE, ablation, arm, varied
from bench.runs.entrants import Entrant

_ARMS = "ablations.arms.blocks"
_BASE = TOKENMIXER_LARGE

STUDY = ablation(
    "blocks",
    "What is each part of TokenMixer-Large worth: global token, mixing, residuals, per-token SwiGLU?",
    Entrant(contestant=_BASE, hyperparameters={"num_layers": 3}, label=_BASE.title),
    arm(_BASE, "tokenmixer-large-without-global", "no global token", model=f"{_ARMS}:WithoutGlobalToken"),
    arm(_BASE, "tokenmixer-large-without-mixing", "no mixing and reverting", model=f"{_ARMS}:WithoutMixing"),
    arm(_BASE, "tokenmixer-large-without-residual", "no residual", model=f"{_ARMS}:WithoutResidual"),
    varied(
        _BASE,
        "no residual between blocks, no auxiliary loss",
        {"inter_residual": 0, "auxiliary_weight": 0.0},
    ),
    arm(_BASE, "tokenmixer-large-shared-swiglu", "shared SwiGLU", model=f"{_ARMS}:SharedSwiGLU"),
    arm(_BASE, "tokenmixer-large-ffn", "per-token FFN", model=f"{_ARMS}:PerTokenFFNs"),
    paper="tokenmixer_large/table_5",
)
