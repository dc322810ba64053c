"""The budget solver: finds hyper-parameters for a size with a contestant's dial, and then its trim.

The dial finds the largest size whose cost is within the target, with the trim that the dial sets. Around that
size, the trim is then changed to meet the target. Of the settings within tolerance, the solver prefers a
small error and a small change of the trim: an error of the whole tolerance weighs as much as twice or half
the trim. A trim of a quarter or less of what the dial had is taken only if nothing else meets the target: a
layer that narrow chokes the model, and one or two ReLU units may learn nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.canonical import canonical_json
from bench.contestants.contract import Contestant, Hyperparameters, InputShape
from bench.contestants.counting import measure, on_meta
from bench.contestants.operators import Operators
from bench.errors import BadInput
from bench.spec import BUDGET_TOLERANCE, Budget

_CHOKED = 0.25
_NEIGHBOURS = (0, 1, -1, 2, -2, 3)
_WIDEST_TRIM = 64
_FIRST_SIZE, _LARGEST_SIZE = 32, 1 << 24


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Hyper-parameters, and the size they reach in units of the budget."""

    hyperparameters: Hyperparameters
    reached: int
    trim_ratio: float

    def error(self, budget: Budget) -> float:
        """Relative error, signed."""
        return self.reached / budget.target - 1

    def bend(self) -> float:
        """How far the trim is from where the dial had it, in doublings or halvings."""
        return abs(math.log2(self.trim_ratio))


def solve(
    contestant: Contestant, shape: InputShape, budget: Budget, fixed: Hyperparameters | None = None
) -> Solution:
    """The hyper-parameters with which `contestant` meets `budget` within `BUDGET_TOLERANCE`.

    Args:
        fixed: hyper-parameters that replace the contestant's defaults; dial and trim are solved for.

    Raises:
        BadInput: no setting meets the budget; the message gives the nearest size.
    """
    base = contestant.hyperparameters_on(shape, fixed)
    known: dict[str, int] = {}
    operators = Operators()

    def reached(hyperparameters: Hyperparameters) -> int:
        key = canonical_json(hyperparameters)
        if key not in known:
            known[key] = measure(on_meta(contestant, shape, hyperparameters), shape, budget.kind, operators)
        return known[key]

    def at(size: int) -> Hyperparameters:
        return contestant.dial.at(size, base, shape)

    below = _largest(lambda size: reached(at(size)), budget.target, _LARGEST_SIZE, _FIRST_SIZE)
    candidates: list[Solution] = []
    bent = {True: 0.0, False: 0.0}  # what the last setting above and below the target changes the shape
    for step in _NEIGHBOURS:
        # The further from the target, the more the trim must change: nothing beyond can still be the best.
        most = min((_most_bend(found, budget) for found in candidates), default=math.inf)
        if below + step < 1 or bent[step > 0] > most:
            continue
        found = _trimmed(contestant.trim, at(below + step), reached, budget.target, most)
        candidates += [] if found is None else [found]
        bent[step > 0] = math.inf if found is None else found.bend()
    best = min(candidates, key=lambda found: _preference(found, budget))
    if abs(best.error(budget)) <= BUDGET_TOLERANCE:
        return best
    smallest = (
        " is the smallest possible" if below == 0 and best.error(budget) > 0 else " is the nearest possible"
    )
    raise BadInput(
        f"{contestant.name} cannot reach {budget.target:,} {budget.kind.replace('_', ' ')} "
        f"within {BUDGET_TOLERANCE:.0%} on {len(shape.field_dims)} fields of {sum(shape.field_dims)} "
        f"columns: {best.reached:,}{smallest} ({_setting(contestant, best.hyperparameters)})"
    )


def _preference(found: Solution, budget: Budget) -> tuple[float, bool, float]:
    error = abs(found.error(budget))
    beyond = error if error > BUDGET_TOLERANCE else 0.0
    return (beyond, found.trim_ratio <= _CHOKED, error / BUDGET_TOLERANCE + found.bend())


def _most_bend(found: Solution, budget: Budget) -> float:
    """The change of the trim from which on no other setting can be preferred to `found`."""
    beyond, choked, preference = _preference(found, budget)
    return math.inf if beyond or choked else preference


def _trimmed(
    name: str | None,
    tied: Hyperparameters,
    reached: Callable[[Hyperparameters], int],
    target: int,
    most: float,
) -> Solution | None:
    """`tied` with its trim, called `name`, moved as near to `target` as it goes.

    None: it would have to move by `most` doublings or halvings, or by more.
    """
    if name is None:
        return Solution(hyperparameters=tied, reached=reached(tied), trim_ratio=1.0)
    start = tied[name][-1] if isinstance(tied[name], tuple) else tied[name]
    widest = _WIDEST_TRIM * start

    def at(value: int) -> Hyperparameters:
        return {**tied, name: (*tied[name][:-1], value) if isinstance(tied[name], tuple) else value}

    if most < math.inf:
        grows = reached(tied) <= target
        bound = math.ceil(start * 2**most) if grows else math.floor(start / 2**most)
        if 1 <= bound <= widest and (reached(at(bound)) <= target) == grows:
            return None
    below = _largest(lambda value: reached(at(value)), target, widest, start)
    solutions = [
        Solution(hyperparameters=at(value), reached=reached(at(value)), trim_ratio=value / start)
        for value in (below, below + 1)
        if 1 <= value <= widest
    ]
    return min(solutions, key=lambda found: abs(found.reached - target))


def _largest(cost: Callable[[int], int], target: int, limit: int, guess: int) -> int:
    """The largest of 1 … limit whose cost is up to `target`, cost never falling; 0 if there is none.

    A cost is dear, so few are asked for: from `guess` by halves or doubles to a size on either side, then by
    interpolation between the two, which hits where costs are linear, and by halves where that goes slowly.
    """
    low, high = 0, limit + 1
    below = above = slow = 0
    size = guess
    while high - low > 1:
        width, reached = high - low, cost(size)
        if reached <= target:
            low, below = size, reached
        else:
            high, above = size, reached
        slow = slow + 1 if 2 * (high - low) > width else 0
        if low == 0:
            size = high // 2
        elif high > limit:
            size = min(2 * low, limit)
        elif slow == 2:
            size, slow = (low + high) // 2, 0
        else:
            size = low + (target - below) * (high - low) // (above - below)
            size = min(max(size, low + 1), high - 1)
    return low


def _setting(contestant: Contestant, hyperparameters: Hyperparameters) -> str:
    names = {contestant.dial.name, contestant.trim}
    return ", ".join(f"{name} {value}" for name, value in hyperparameters.items() if name in names)
