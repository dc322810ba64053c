"""TokenMixer-Large, Table 6: what each part of its sparse experts is worth.

Without a shared expert all experts are routed, as many of them active as before. We read the ordinary sparse
MoE as one pool for all tokens in place of a pool for each: as many experts of the same width, one of them
shared, as many active for a token.
"""

from __future__ import annotations

from ablations.arm import TOKENMIXER_LARGE_MOE as BASE
from ablations.arm import ablation, arm, varied

_ARMS = "ablations.arms.experts"

STUDY = ablation(
    "experts",
    "What is each part of TokenMixer-Large's sparse experts worth, and is a pool for each token?",
    BASE,
    arm(BASE, "tokenmixer-large-moe-all-routed", "no shared expert", model=f"{_ARMS}:WithoutSharedExpert"),
    varied(BASE, "no gate scaling", {"gate_scale": 1.0}),
    varied(BASE, "no small initialisation", {"down_init": 1.0}),
    arm(BASE, "tokenmixer-large-moe-ordinary", "ordinary sparse MoE", model=f"{_ARMS}:OrdinaryMoE"),
    paper="tokenmixer_large/table_6",
)
