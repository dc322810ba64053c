"""RankMixer, Table 2: what each part of a block is worth. Arms differ from the base in that part alone.

Without its skip connections or its LayerNorm the model keeps its size but for the norms' own parameters; with
a shared FFN it has that of one token only. `--sized budget` gives every arm the base's size.
"""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, arm, varied

_ARMS = "ablations.arms.components"

STUDY = ablation(
    "components",
    "What is each part of RankMixer's block worth?",
    RANKMIXER,
    arm(RANKMIXER, "rankmixer-without-skip", "no skip connections", model=f"{_ARMS}:WithoutSkip"),
    arm(RANKMIXER, "rankmixer-without-mixing", "no token mixing", model=f"{_ARMS}:WithoutMixing"),
    varied(RANKMIXER, "no LayerNorm", {"norm": "none"}),
    arm(RANKMIXER, "rankmixer-shared-ffn", "shared FFN", model=f"{_ARMS}:SharedFFN"),
    paper="rankmixer/table_2",
)
