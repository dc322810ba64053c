"""What a tuning tries next: quasi-random points, the same for all; what optuna suggests; or a grid of rates.

Imports optuna only where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bench.contestants.tuned import Setting, TunedSettings, size_of
from bench.runs.space import RATES, points
from bench.runs.trials import Search
from bench.runs.tuning import Sampler


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


@dataclass(frozen=True)
class Tpe:
    """Half of the trials at quasi-random points in one round, then what TPE suggests, trial by trial."""

    trials: int
    seed: int

    def rounds(self) -> Iterator[range]:
        yield range(self._startup)
        yield from (range(number, number + 1) for number in range(self._startup, self.trials))

    def setting(self, search: Search, number: int) -> Setting:
        if number < self._startup:
            return Quasirandom(self._startup, self.seed).setting(search, number)
        from bench.runs.optuna_study import suggested

        return suggested(search, number, self.seed)

    @property
    def _startup(self) -> int:
        return (self.trials + 1) // 2


@dataclass(frozen=True)
class Started:
    """Another sampler, but for trial 1: what `start` has for the contestant at the nearest other size.

    The size itself is left out, so that a tuning does not start from what it chose when it ran before.
    """

    sampler: Sampler
    start: TunedSettings

    def rounds(self) -> Iterator[range]:
        return self.sampler.rounds()

    def setting(self, search: Search, number: int) -> Setting:
        size = size_of(search.budget)
        found = self.start.without(size).of(search.entrant.contestant, size) if number == 1 else None
        return self.sampler.setting(search, number) if found is None else search.space.within(found)


def sampler_called(name: str, trials: int, seed: int, start: TunedSettings | None = None) -> Sampler:
    """The sampler of that name, ``qmc`` or ``tpe``; with `start`, trial 1 is from there."""
    found = Tpe(trials, seed) if name == "tpe" else Quasirandom(trials, seed)
    return found if start is None else Started(found, start)
