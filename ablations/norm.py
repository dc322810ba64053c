"""RankMixer, equation 1: where a block's LayerNorms belong. The paper's follow the sums."""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, varied

STUDY = ablation(
    "norm",
    "Is LayerNorm better behind the sums, before the layers or left out?",
    RANKMIXER,
    varied(RANKMIXER, "pre-norm", {"norm": "pre"}),
    varied(RANKMIXER, "no LayerNorm", {"norm": "none"}),
)
