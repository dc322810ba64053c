"""What a tuning tries next: quasi-random points, the same for all; what optuna suggests; or a grid of rates.

Imports optuna only where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bench.contestants.tuned import Setting
from bench.errors import unknown_name
from bench.runs.space import RATES, points
from bench.runs.tuning import Sampler, Search

SAMPLERS = ("qmc", "tpe")
STARTUP = 10
"""Trials at quasi-random points before `tpe` learns from values, the default among them."""


@dataclass(frozen=True)
class Quasirandom:
    """The points of `bench.runs.space.points`, in one round."""

    trials: int
    seed: int

    def rounds(self) -> Iterator[range]:
        yield range(self.trials)

    def setting(self, search: Search, number: int) -> Setting:
        return search.space.at(self._points[number - 1])

    @cached_property
    def _points(self) -> list[list[float]]:
        return points(self.trials - 1, self.seed)


@dataclass(frozen=True)
class Grid:
    """The default, then the dense rates of `RATES` with all else at its default, in one round."""

    base: float

    def rounds(self) -> Iterator[range]:
        yield range(1 + len(self.rates))

    def setting(self, search: Search, number: int) -> Setting:
        return Setting(protocol={"dense_lr": self.rates[number - 1]})

    @cached_property
    def rates(self) -> list[float]:
        return [rate for rate in RATES if rate != self.base]


def sampler_called(name: str, trials: int, seed: int) -> Sampler:
    """The sampler of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in SAMPLERS:
        raise unknown_name("sampler", name, SAMPLERS)
    return Quasirandom(trials, seed)
