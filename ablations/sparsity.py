"""RankMixer, Figure 3: what is lost when fewer of the experts are active, at one total size.

Three ways to choose the experts of a token are compared with two dense models: one of the total size, which
is the base, and the base with an eighth of its hidden width, the size that is active at the lowest share. The
paper does not give the number of experts; here each token has 8. Whatever was tuned, there are two layers, as
in the paper, and 8 tokens: of more tokens with 8 experts each, one more hidden unit would be too large a step
to meet the size.
"""

from __future__ import annotations

from typing import Any

from ablations.arm import RANKMIXER, ablation, arm, varied
from bench.contestants.registry import CONTESTANTS
from bench.runs.entrants import Entrant

_MOE = CONTESTANTS["rankmixer-moe"]
_WAYS: dict[str, dict[str, Any]] = {
    "DTSI + ReLU": {"routing": "relu"},
    "vanilla + balance loss": {"routing": "top_k", "balance_weight": 0.01},
    "vanilla": {"routing": "top_k"},
}
_SHARES = {"1": 1.0, "1/2": 0.5, "1/4": 0.25, "1/8": 0.125}

BASE = Entrant(
    contestant=RANKMIXER, hyperparameters={"num_layers": 2, "num_tokens": 8}, label=RANKMIXER.title
)


def sparse(way: str, share: str) -> Entrant:
    """RankMixer-MoE with so many of its experts active, of the base's total size."""
    hyperparameters = {**_WAYS[way], "active_fraction": _SHARES[share]}
    return varied(_MOE, f"{way} · {share} active", hyperparameters, sized="baseline")


STUDY = ablation(
    "sparsity",
    "How much is lost when fewer experts are active, and does DTSI with ReLU lose less?",
    BASE,
    *(sparse(way, share) for way in _WAYS for share in _SHARES),
    arm(
        RANKMIXER,
        "rankmixer-eighth-of-the-ffn",
        "dense of the active size",
        model="ablations.arms.sparsity:EighthOfTheFFN",
    ),
    paper="rankmixer/figure_3",
    observed=True,
    resizable=False,
)
