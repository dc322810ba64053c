"""TokenMixer-Large, Table 3: what residuals are worth where tokens are mixed and where they attend.

The paper's Group Transformer is not described. We read it as RankMixer with self-attention between the tokens
of its groups in place of the mixing, and the two residuals so: the original-token residual adds what entered
the mixing to what it made, the standard one goes around the FFN. Arms of the transformer are as the base;
RankMixer and TokenMixer-Large have as many parameters as the base. TokenMixer-Large, another model, cannot
have the base's hyper-parameters, so `--sized base` is refused here.
"""

from __future__ import annotations

from ablations.arm import RANKMIXER, TOKENMIXER_LARGE, ablation, arm
from bench.runs.entrants import Entrant, Sized

_TRANSFORMER = "Group Transformer"
_SWITCHED = {
    "no original-token residual": "WithoutOriginalToken",
    "no standard residual": "WithoutStandard",
    "neither residual": "WithoutBoth",
}


def _entrant(title: str, model: str, *, sized: Sized) -> Entrant:
    name = title.lower().replace(", ", "-").replace(" ", "-")
    return arm(RANKMIXER, name, title, model=f"ablations.arms.residuals:{model}", sized=sized)


def _switched(title: str, model: str, *, sized: Sized) -> tuple[Entrant, ...]:
    return tuple(
        _entrant(f"{title}, {label}", f"{model}{suffix}", sized=sized) for label, suffix in _SWITCHED.items()
    )


STUDY = ablation(
    "residuals",
    "What are the residuals worth in RankMixer, in a Group Transformer and in TokenMixer-Large?",
    _entrant(_TRANSFORMER, "GroupTransformer", sized="budget"),
    *_switched(_TRANSFORMER, "GroupTransformer", sized="as_baseline"),
    Entrant(contestant=RANKMIXER, sized="baseline", label=RANKMIXER.title),
    *_switched(RANKMIXER.title, "RankMixer", sized="baseline"),
    Entrant(contestant=TOKENMIXER_LARGE, sized="baseline", label=TOKENMIXER_LARGE.title),
    paper="tokenmixer_large/table_3",
)
