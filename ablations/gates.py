"""TokenMixer-Large's scale α of the routed experts, with a half or a quarter of the experts active.

The base is dense. Arms cut its SwiGLUs into twelve experts, of which six or three are active, the shared one
among them: three is the fewest with which gates that sum to 1 learn. What is left of a hidden width that
twelve does not divide goes to the shared expert, so a little more than the label says is active. The paper
takes one over the sparsity: α = 2 at 1:2 and α = 4 at 1:4.
"""

from __future__ import annotations

from ablations.arm import TOKENMIXER_LARGE, ablation, varied
from bench.runs.entrants import Entrant

_EXPERTS = 12


def _sparse(sparsity: int, gate_scale: float) -> Entrant:
    experts = {"num_experts": _EXPERTS, "active_experts": _EXPERTS // sparsity, "router_softmax": "chosen"}
    label = f"1:{sparsity}, α = {gate_scale:g}"
    return varied(TOKENMIXER_LARGE, label, {**experts, "gate_scale": gate_scale})


STUDY = ablation(
    "gates",
    "Do sparse experts reach the dense model where their gates are scaled by one over the sparsity?",
    TOKENMIXER_LARGE,
    *(_sparse(sparsity, scale) for sparsity in (2, 4) for scale in (1.0, float(sparsity))),
    paper="tokenmixer_large/gate_scaling",
)
