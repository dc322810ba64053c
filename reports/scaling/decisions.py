"""Decision accuracy: does a small experiment choose what a large one chooses?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How often a small budget tells what the largest does.

    Args:
        budget: the small one.
        decided: pairs with a winner there.
        same: of these, with the same winner at the largest budget.
        opposite: with the other winner there.
        largest_decided: pairs with a winner at the largest budget that are compared at both.
    """

    budget: float
    decided: int
    same: int
    opposite: int
    largest_decided: int

    @property
    def share(self) -> float | None:
        """`same` of `decided`; None where nothing is decided."""
        return self.same / self.decided if self.decided else None


def decision_accuracy(verdicts: Mapping[float, Mapping[tuple[str, str], str]]) -> list[Accuracy]:
    """For every budget below the largest: which decided verdicts are those of the largest.

    A pair that the small budget decides and the largest calls a tie counts as decided and not the same. (The
    idea is DataDecide's, arXiv 2504.11393, which has no ties.)

    Args:
        verdicts: budget → (first, second) → ``better`` or ``worse`` (first against second), or anything else
            for undecided. A pair may be there in both orders.

    Raises:
        BadInput: fewer than two budgets, or orders of one pair that contradict each other.
    """
    if len(verdicts) < 2:
        raise BadInput(f"decision accuracy needs 2 budgets or more, got {len(verdicts)}")
    by_budget = {budget: _winners(of_pairs, budget) for budget, of_pairs in sorted(verdicts.items())}
    *small, largest = by_budget
    final = by_budget[largest]
    result = []
    for budget in small:
        common = {pair: winner for pair, winner in by_budget[budget].items() if pair in final}
        decided = {pair: winner for pair, winner in common.items() if winner is not None}
        same = sum(final[pair] == winner for pair, winner in decided.items())
        tied = sum(final[pair] is None for pair in decided)
        result.append(
            Accuracy(
                budget=budget,
                decided=len(decided),
                same=same,
                opposite=len(decided) - same - tied,
                largest_decided=sum(final[pair] is not None for pair in common),
            )
        )
    return result


def _winners(of_pairs: Mapping[tuple[str, str], str], budget: float) -> dict[tuple[str, str], str | None]:
    """Pair in sorted order → its winner, or None."""
    result: dict[tuple[str, str], str | None] = {}
    for (first, second), verdict in of_pairs.items():
        winner = {"better": first, "worse": second}.get(verdict)
        key = (min(first, second), max(first, second))
        if result.setdefault(key, winner) != winner:
            raise BadInput(
                f"the verdicts of {key[0]} and {key[1]} at budget {budget:g} contradict each other"
            )
    return result
