"""One dense rate for all: where the median contestant loses least against its own best. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class EqualRate:
    """A rate for all, and what it costs them.

    Args:
        rate: the one whose median loss is least; of equal ones, the lowest.
        losses: contestant → rate → its best AUC on the grid, minus that at the rate.
        medians: rate → the median loss.
    """

    rate: float
    losses: Mapping[str, Mapping[float, float]]
    medians: Mapping[float, float]


def equal_rate(aucs: Mapping[str, Mapping[float, float]]) -> EqualRate:
    """The rate for all, from contestant → rate → AUC; all contestants have the same rates."""
    losses = {
        name: {rate: max(of_one.values()) - auc for rate, auc in sorted(of_one.items())}
        for name, of_one in aucs.items()
    }
    rates = sorted(next(iter(losses.values())))
    medians = {rate: median(of_one[rate] for of_one in losses.values()) for rate in rates}
    return EqualRate(rate=min(rates, key=lambda rate: medians[rate]), losses=losses, medians=medians)
