"""TokenMixer-Large's scale α of the routed experts, with a half or a quarter of the experts active.

The base is dense. Arms cut its SwiGLUs into twelve experts of one width, of which six or three are active,
the shared one among them: three is the fewest with which gates that sum to 1 learn. So a half or a quarter of
the hidden width is active, whatever the size. The paper takes one over the sparsity: α = 2 at 1:2 and α = 4
at 1:4.

There are 4 tokens, whatever was tuned: fewer tokens have wider SwiGLUs, whose width twelve whole experts
change less. What remains: together the experts are up to six units wider or narrower than the base's SwiGLU,
and the routers come on top. On the studies' data the hidden width is 7 % off at 30 thousand dense parameters,
2 % or less from 100 thousand on, and 26 % at 10 thousand; the arms have 9, 4 and 17 % more parameters.
"""

from __future__ import annotations

from ablations.arm import TOKENMIXER_LARGE, ablation, arm, varied
from bench.runs.entrants import Entrant

_EXPERTS = 12
_SPARSE = arm(
    TOKENMIXER_LARGE,
    "tokenmixer-large-equal-experts",
    "experts of one width",
    model="ablations.arms.gates:EqualExperts",
).contestant


def _sparse(sparsity: int, gate_scale: float) -> Entrant:
    experts = {"num_experts": _EXPERTS, "active_experts": _EXPERTS // sparsity, "router_softmax": "chosen"}
    return varied(_SPARSE, f"1:{sparsity}, α = {gate_scale:g}", {**experts, "gate_scale": gate_scale})


STUDY = ablation(
    "gates",
    "Do sparse experts reach the dense model where their gates are scaled by one over the sparsity?",
    Entrant(contestant=TOKENMIXER_LARGE, hyperparameters={"num_tokens": 4}, label=TOKENMIXER_LARGE.title),
    *(_sparse(sparsity, scale) for sparsity in (2, 4) for scale in (1.0, float(sparsity))),
    paper="tokenmixer_large/gate_scaling",
)
