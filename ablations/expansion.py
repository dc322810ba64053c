"""RankMixer, equation 6: the hidden width k D of a token's FFN, at one budget. The paper never gives k.

There are 4 tokens, whatever was tuned: D, a multiple of them, then moves in steps so small that every k is
met to about a tenth.
"""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, varied
from bench.runs.entrants import Entrant


def _label(expansion: int) -> str:
    return f"hidden layer · {expansion} × D"


STUDY = ablation(
    "expansion",
    "At one budget, is it better to have wide tokens or a wide hidden layer in their FFNs?",
    Entrant(contestant=RANKMIXER, hyperparameters={"expansion": 1, "num_tokens": 4}, label=_label(1)),
    *(varied(RANKMIXER, _label(k), {"expansion": k}, sized="budget") for k in (2, 4, 8)),
)
