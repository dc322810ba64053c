"""TokenMixer-Large, Table 14: with what standard deviation the matrices of a SwiGLU start.

1 is that of the initialisation, 0.01 a hundredth of it. The base here has 1 for all three; the model itself
has 0.01 for the last one.
"""

from __future__ import annotations

import dataclasses

from ablations.arm import TOKENMIXER_LARGE, ablation, arm, varied
from bench.runs.entrants import Entrant

_SMALL = arm(
    TOKENMIXER_LARGE,
    "tokenmixer-large-small-up-and-gate",
    "up 0.01, gate 0.01, down 1",
    model="ablations.arms.initialisation:SmallUpAndGate",
)

STUDY = ablation(
    "initialisation",
    "Which matrices of TokenMixer-Large's SwiGLU should start small?",
    Entrant(contestant=TOKENMIXER_LARGE, hyperparameters={"down_init": 1.0}, label="up 1, gate 1, down 1"),
    varied(TOKENMIXER_LARGE, "up 1, gate 1, down 0.01", {"down_init": 0.01}),
    varied(TOKENMIXER_LARGE, "up 1, gate 1, down 0.1", {"down_init": 0.1}),
    dataclasses.replace(_SMALL, label="all 0.01", hyperparameters={"down_init": 0.01}),
    _SMALL,
    paper="tokenmixer_large/table_14",
)
