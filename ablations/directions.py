"""RankMixer, section 4.5: tokens T, width D, layers L and expansion k, each grown alone from one base.

The paper finds that quality follows the number of parameters whichever grows, and that D uses the hardware
best. Each direction meets 2, 4 and 8 times the base's dense parameters. T and L grow by whole steps, between
which the hidden width closes the gap. T divides D, and no token is without a field, so T has a largest value,
beyond which the hidden width alone grows: 8 times need 48 fields.

All have one dense rate: of 0.0005, 0.001, 0.002, 0.003 and 0.0045 that at which the median of the thirteen
models loses least against its own best, by valid AUC on the development world (one seed). At 0.001 it loses
0.04 points, and the one that loses most 0.44. At 0.003, 23 layers came to an AUC of 0.58.
"""

from __future__ import annotations

import dataclasses

from ablations.arm import RANKMIXER, ablation, arm
from bench.contestants import Dial, InputShape
from bench.contestants.contract import Hyperparameters
from bench.runs.entrants import Entrant
from bench.training.protocols import PROTOCOLS, changed

_TIMES = (2, 4, 8)
_BASE = {"num_layers": 2, "num_tokens": 4, "token_dim": 48, "hidden_dim": 48}


def _more_tokens(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The divisors of D, up to the number of fields."""
    D = hyperparameters["token_dim"]
    possible = [T for T in range(1, len(shape.field_dims) + 1) if D % T == 0]
    return {"num_tokens": possible[min(size, len(possible)) - 1]}


def _wider(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """D and the hidden width, which stay equal."""
    D = size * hyperparameters["num_tokens"]
    return {"token_dim": D, "hidden_dim": D}


_DIALS = {
    "T": Dial(name="num_tokens", settings=_more_tokens),
    "D": Dial(name="token_dim", settings=_wider),
    "L": Dial(name="num_layers"),
    "k": Dial(name="hidden_dim"),
}


def _label(line: str, times: int) -> str:
    return f"{line} · {times} × base size"


def _grown(letter: str, times: int) -> Entrant:
    name = f"rankmixer-more-{_DIALS[letter].name.replace('_', '-')}"
    grown = arm(
        RANKMIXER,
        name,
        _label(letter, times),
        hyperparameters=_BASE,  # where what grows, and the hidden width that closes the gap, start
        dial=_DIALS[letter],
        sized="baseline",
    )
    title = f"{RANKMIXER.title}, {letter} grown"
    return dataclasses.replace(
        grown, contestant=dataclasses.replace(grown.contestant, title=title), share=float(times)
    )


STUDY = dataclasses.replace(
    ablation(
        "directions",
        "Does it matter which of T, D, L and k grows?",
        Entrant(
            contestant=RANKMIXER,
            label=_label(RANKMIXER.title, 1),
            hyperparameters=_BASE,
            sized="given",
        ),
        *(_grown(letter, times) for letter in _DIALS for times in _TIMES),
        resizable=False,
    ),
    protocol=changed(PROTOCOLS["short"], {"dense_lr": 0.001}),
    given=("dense_lr",),
)
