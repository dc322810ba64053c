"""The budget solver: hyper-parameters for a size, by a contestant's dial and then its trim, never by hand.

The dial finds the size whose cost is nearest below the target, its trim tied to it. Around that size the
trim is then moved to close the rest. Of the settings within tolerance the one wins that is nearest to the
target with the least change of the model's shape, that is of the trim from where the dial had it: an error
of the whole tolerance weighs as much as twice or half the trim.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.canonical import canonical_json
from bench.contestants.contract import Contestant, Hyperparameters, InputShape
from bench.contestants.counting import closed_form, on_meta
from bench.errors import BadInput
from bench.spec import Budget

TOLERANCE = 0.02
_NEIGHBOURS = (0, 1, -1, 2, -2, 3)
_WIDEST_TRIM = 64
_LARGEST_SIZE = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Hyper-parameters, and the size they reach in units of the budget."""

    hyperparameters: Hyperparameters
    reached: int
    trim_ratio: float

    def error(self, budget: Budget) -> float:
        """Relative error, signed."""
        return self.reached / budget.target - 1


def solve(
    contestant: Contestant, shape: InputShape, budget: Budget, fixed: Hyperparameters | None = None
) -> Solution:
    """The hyper-parameters with which `contestant` meets `budget` within `TOLERANCE`.

    Args:
        fixed: hyper-parameters in place of the contestant's defaults; dial and trim are solved for.

    Raises:
        BadInput: no setting meets the budget; the message says how near one can come.
    """
    base = {**contestant.hyperparameters, **(fixed or {})}

    known: dict[str, int] = {}

    def reached(hyperparameters: Hyperparameters) -> int:
        key = canonical_json(hyperparameters)
        if key not in known:
            known[key] = closed_form(on_meta(contestant, shape, hyperparameters), shape)[budget.kind]
        return known[key]

    def at(size: int) -> Hyperparameters:
        return contestant.dial.at(size, base, shape)

    below = _largest(lambda size: reached(at(size)) <= budget.target, _LARGEST_SIZE)
    candidates = [
        _trimmed(contestant.trim, at(below + step), reached, budget.target)
        for step in _NEIGHBOURS
        if below + step >= 1
    ]
    best = min(candidates, key=lambda found: _preference(found, budget))
    if abs(best.error(budget)) <= TOLERANCE:
        return best
    smallest = (
        " is the smallest it can be" if below == 0 and best.error(budget) > 0 else " is the nearest it can be"
    )
    raise BadInput(
        f"{contestant.name} cannot have {budget.target:,} {budget.kind.replace('_', ' ')} "
        f"within {TOLERANCE:.0%} on {len(shape.field_dims)} fields of {sum(shape.field_dims)} columns: "
        f"{best.reached:,}{smallest} ({_setting(contestant, best.hyperparameters)})"
    )


def _preference(found: Solution, budget: Budget) -> tuple[float, float]:
    error = abs(found.error(budget))
    beyond = error if error > TOLERANCE else 0.0
    return (beyond, error / TOLERANCE + abs(math.log2(found.trim_ratio)))


def _trimmed(
    name: str | None, tied: Hyperparameters, reached: Callable[[Hyperparameters], int], target: int
) -> Solution:
    """`tied` with its trim, called `name`, moved as near to `target` as it goes."""
    if name is None:
        return Solution(hyperparameters=tied, reached=reached(tied), trim_ratio=1.0)
    start = tied[name][-1] if isinstance(tied[name], tuple) else tied[name]

    def at(value: int) -> Hyperparameters:
        return {**tied, name: (*tied[name][:-1], value) if isinstance(tied[name], tuple) else value}

    below = _largest(lambda value: reached(at(value)) <= target, _WIDEST_TRIM * start)
    solutions = [
        Solution(hyperparameters=at(value), reached=reached(at(value)), trim_ratio=value / start)
        for value in (below, below + 1)
        if 1 <= value <= _WIDEST_TRIM * start
    ]
    return min(solutions, key=lambda found: abs(found.reached - target))


def _largest(holds: Callable[[int], bool], limit: int) -> int:
    """The largest of 1 … limit for which `holds` is true, it being true up to some number; 0 if for none."""
    high = 1
    while high <= limit and holds(high):
        high *= 2
    low = high // 2
    return low + bisect.bisect_left(range(low + 1, min(high, limit + 1)), True, key=lambda n: not holds(n))


def _setting(contestant: Contestant, hyperparameters: Hyperparameters) -> str:
    names = {contestant.dial.name, contestant.trim}
    return ", ".join(f"{name} {value}" for name, value in hyperparameters.items() if name in names)
