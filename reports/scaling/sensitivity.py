"""How much a fit owes to one size or one seed: the fit again without each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.scaling.ladder import FEWEST_SIZES
from reports.scaling.laws import ANCHORED
from reports.scaling.selection import Fit, fit_ladder

SIZE, SEED = "size", "seed"


@dataclass(frozen=True, kw_only=True)
class Without:
    """A fit without some runs.

    Args:
        what: `SIZE` or `SEED`.
        left_out: the size or the seed.
        form: of the law that the rest supports.
        gain_per_doubling: of that law over the range of the whole ladder, in units of the metric; above 0 is
            better.
        exponent, asymptote: of its best power law; None where none is fitted.
    """

    what: str
    left_out: str
    form: str
    gain_per_doubling: float
    exponent: float | None
    asymptote: float | None


def leave_one_out(one: Fit) -> list[Without]:
    """Without each size, where three others remain, and without each seed, where each size keeps a run."""
    points = one.ladder
    result = []
    if points.sizes.size > FEWEST_SIZES:
        for place, size in enumerate(points.sizes):
            result.append(_without(one, points.place != place, SIZE, f"{size:.6g}"))
    for seed in sorted(set(points.seed), key=str):
        keep = np.array([other != seed for other in points.seed])
        if len(set(points.place[keep])) == points.sizes.size:
            result.append(_without(one, keep, SEED, str(seed)))
    return result


def _without(one: Fit, keep: np.ndarray, what: str, left_out: str) -> Without:
    points = one.ladder
    rest = points.kept(keep)
    anchored = ANCHORED in one.candidates
    found = fit_ladder(rest, asymptote=one.candidates[ANCHORED].law.asymptote if anchored else None)
    ends = points.sizes[[0, -1]]
    first, last = found.law.value(ends)
    return Without(
        what=what,
        left_out=left_out,
        form=found.law.form,
        gain_per_doubling=points.metric.sign * float(last - first) / math.log2(ends[1] / ends[0]),
        exponent=found.exponent.value if found.exponent else None,
        asymptote=found.asymptote.value if found.asymptote else None,
    )
