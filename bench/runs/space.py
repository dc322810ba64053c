"""What a tuning searches: the protocol, the initialisation where it is open, and the contestant's own space.

A point of the unit cube is a setting of every contestant: the first coordinates are the protocol's, the next
is the initialisation's, and the contestant's own axes follow in the order of its `search_space`. So the same
points serve all. Imports neither torch nor optuna.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.contestants import Contestant
from bench.contestants.tuned import Setting, rounded
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.spec import Protocol

DIMENSIONS = 10
INITIALISATION = "initialisation"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One value that is searched.

    Args:
        choices: in order; empty: any number from `low` to `high`, uniform in its logarithm.
    """

    choices: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan

    def at(self, coordinate: float) -> Any:
        """The value at a coordinate from 0 up to, but not including, 1."""
        if self.choices:
            return self.choices[int(coordinate * len(self.choices))]
        return rounded(self.low * (self.high / self.low) ** coordinate)

    def within(self, value: Any, default: Any) -> Any:
        """The value if it can be tried, else the nearest end of the range, or the default."""
        if self.choices:
            return value if value in self.choices else default
        return min(max(value, self.low), self.high)


PROTOCOL_AXES: Mapping[str, Axis] = {
    "dense_lr": Axis(low=3e-4, high=3e-2),
    "sparse_lr": Axis(low=1e-2, high=3e-1),
    "dense_decay": Axis(choices=(0.0, 1e-6, 1e-5, 1e-4)),
    "batch_size": Axis(choices=(128, 256, 512)),
}
RATES = (3e-4, 5.5e-4, 1e-3, 1.8e-3, 3e-3, 5.5e-3, 1e-2, 1.8e-2, 3e-2)
"""Dense rates at which one protocol for all is compared with each contestant's best."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """What is searched for one contestant.

    Args:
        entrant: as it takes part without tuning; what it sets itself is not searched.
        base: the protocol that trials change.
        protocol, own: name → axis; `own` are hyper-parameters and proportions.
        coordinates: name → which coordinate of a point is its.
    """

    entrant: Entrant
    base: Protocol
    protocol: Mapping[str, Axis]
    own: Mapping[str, Axis]
    coordinates: Mapping[str, int]

    def at(self, point: Sequence[float]) -> Setting:
        """The setting at a point of the unit cube of `DIMENSIONS` dimensions."""
        protocol, own = (
            {name: axis.at(point[self.coordinates[name]]) for name, axis in axes.items()}
            for axes in (self.protocol, self.own)
        )
        return Setting(hyperparameters=own, protocol=protocol)

    def values(self, setting: Setting) -> dict[str, Any]:
        """The value on every axis, that of the default where the setting has none."""
        contestant = self.entrant.contestant
        defaults = {**contestant.dial.proportions, **contestant.hyperparameters}
        own = {name: setting.hyperparameters.get(name, defaults[name]) for name in self.own}
        return {name: setting.protocol.get(name, getattr(self.base, name)) for name in self.protocol} | own

    def setting(self, values: Mapping[str, Any]) -> Setting:
        """The inverse of `values`, every value written out."""
        return Setting(
            hyperparameters={name: values[name] for name in self.own},
            protocol={name: values[name] for name in self.protocol},
        )

    def within(self, setting: Setting) -> Setting:
        """What is searched of a setting from elsewhere: a number beyond a range is its end, a value that is
        not among the choices the default."""
        defaults, values = self.values(Setting()), self.values(setting)
        axes = {**self.protocol, **self.own}
        return self.setting({name: axis.within(values[name], defaults[name]) for name, axis in axes.items()})

    def nearest_first(self, setting: Setting) -> Iterator[Setting]:
        """The setting, then those with other values of the contestant's own space, the nearest first.

        How near is how many steps it is along the lists of choices; of those equally near, the one of the
        earlier choices comes first. Protocol and initialisation stay.
        """
        axes = {name: axis.choices for name, axis in self.own.items() if name != INITIALISATION}
        values = self.values(setting)
        here = [_index(choices, values[name]) for name, choices in axes.items()]

        def steps(place: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
            return sum(abs(i - j) for i, j in zip(place, here, strict=True)), place

        yield setting
        for place in sorted(itertools.product(*(range(len(c)) for c in axes.values())), key=steps):
            moved = {name: axes[name][i] for name, i in zip(axes, place, strict=True)}
            yield Setting(
                hyperparameters={**self.setting(values).hyperparameters, **moved}, protocol=setting.protocol
            )


def space_of(entrant: Entrant, base: Protocol, *, given: Collection[str] = ()) -> Space:
    """What is searched for an entrant.

    Args:
        given: protocol values that are the same for all, so that they are not searched.

    Raises:
        BadInput: the contestant's own space has more axes than a point has coordinates for.
    """
    contestant = entrant.contestant
    coordinates = {name: i for i, name in enumerate((*PROTOCOL_AXES, INITIALISATION, *_own_axes(contestant)))}
    if len(coordinates) > DIMENSIONS:
        most = DIMENSIONS - len(PROTOCOL_AXES) - 1
        raise BadInput(
            f"the search space of {contestant.name} has {len(coordinates) - DIMENSIONS + most} axes; "
            f"it may have {most}"
        )
    own = {INITIALISATION: contestant.initialisations} if contestant.initialisation_is_open else {}
    own |= _own_axes(contestant)
    fixed = {*given, *entrant.protocol}
    return Space(
        entrant=entrant,
        base=base,
        protocol={name: axis for name, axis in PROTOCOL_AXES.items() if name not in fixed},
        own={name: Axis(choices=c) for name, c in own.items() if name not in entrant.hyperparameters},
        coordinates=coordinates,
    )


def points(count: int, seed: int) -> list[list[float]]:
    """The first points of a scrambled Sobol sequence; more of them begin with the same ones."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(DIMENSIONS, scramble=True, rng=seed)
    return sequence.random_base2(max(count - 1, 0).bit_length())[:count].tolist()


def _own_axes(contestant: Contestant) -> dict[str, tuple[Any, ...]]:
    return {name: choices for name, choices in contestant.search_space.items() if name != INITIALISATION}


def _index(choices: tuple[Any, ...], value: Any) -> int:
    """Where a value is in the list; a default that is not in it counts as the first."""
    return choices.index(value) if value in choices else 0
