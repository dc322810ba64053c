"""RankMixer, Table 3: how tokens reach the FFNs. Each arm has another way in place of token mixing.

The paper holds parameters and FLOPs equal for the first two, and so do these arms by their own hidden widths;
self-attention costs more than mixing, which is free.
"""

from __future__ import annotations

from ablations.arm import RANKMIXER, ablation, arm

_ARMS = "ablations.arms.routing"

STUDY = ablation(
    "routing",
    "Is token mixing the better way to bring tokens to the FFNs?",
    RANKMIXER,
    arm(RANKMIXER, "rankmixer-all-concat", "All-Concat-MLP", model=f"{_ARMS}:AllConcat"),
    arm(RANKMIXER, "rankmixer-all-share", "All-Share", model=f"{_ARMS}:AllShare"),
    arm(RANKMIXER, "rankmixer-self-attention", "Self-Attention", model=f"{_ARMS}:BySelfAttention"),
    paper="rankmixer/table_3",
)
