"""RankMixer, Figure 4: which tokens activate how many experts in training. The runs are those of Figure 3."""

from __future__ import annotations

from ablations.arm import ablation
from ablations.sparsity import BASE, sparse

STUDY = ablation(
    "activation",
    "Do tokens differ in how many of their experts they activate?",
    BASE,
    *(sparse("DTSI + ReLU", share) for share in ("1/2", "1/4", "1/8")),
    paper="rankmixer/figure_4",
    observed=True,
    resizable=False,
)
