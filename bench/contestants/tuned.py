"""Settings that a tuning chose, and where they come from; `settings_file` reads and writes them.

Imports no torch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.contestants.contract import Contestant, Hyperparameters
from bench.counts import short
from bench.errors import BadInput
from bench.spec import Budget

_DIGITS = 3


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is asked for in place of defaults.

    Args:
        hyperparameters: those of the model, its initialisation among them, and proportions of its dial.
        protocol: names of protocol values, such as ``dense_lr`` → what they are.
    """

    hyperparameters: Hyperparameters = field(default_factory=dict)
    protocol: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TunedSetting(Setting):
    """The setting that a tuning chose for a contestant at one size.

    Args:
        source: of a contestant of your own, see `Contestant.source`.
        size: dense parameters.
        trial: 0 where the default was best.
        valid_auc, default_valid_auc: of this setting and of the default, confirmed with other seeds.
    """

    contestant: str
    rev: int
    source: str | None = None
    size: int
    trial: int
    valid_auc: float
    default_valid_auc: float


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What all settings of a file were chosen on.

    Args:
        datasets: name → the first 16 digits of its fingerprint.
        rows: name → of all splits.
        width, sequence_encoder, gate: as in `bench.spec.FeatureSpec`.
        protocol: the named protocol that the settings change; `protocol_values`: what else was given for all.
    """

    datasets: Mapping[str, str]
    rows: Mapping[str, int]
    width: int
    sequence_encoder: str = "mean"
    gate: str = "none"
    protocol: str
    protocol_values: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TunedSize:
    """How the settings of one size were chosen.

    Args:
        size: dense parameters.
        trials: of each contestant.
        start: the settings that trial 1 comes from, as `--start` names them; None: it is like the others.
    """

    size: int
    trials: int
    sampler: str
    sampler_seed: int
    start: str | None = None
    date: str
    commit: str
    command: str

    def as_of(self, other: TunedSize) -> bool:
        """Whether two tunings differ at most in when and by which command and commit they were made."""
        here = {"date": "", "commit": "", "command": ""}
        return dataclasses.replace(self, **here) == dataclasses.replace(other, **here)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class TunedSettings:
    """Settings of several contestants and sizes.

    Args:
        provenance: None where there are no settings.
        rate_exponent: away from the size that was tuned, the dense rate is multiplied by the ratio of the
            sizes to this power.
    """

    provenance: Provenance | None = None
    tunings: tuple[TunedSize, ...] = ()
    settings: tuple[TunedSetting, ...] = ()
    rate_exponent: float = 0.0

    def of(self, contestant: Contestant, dense_parameters: int) -> Setting | None:
        """The setting of the nearest size, by ratio; None for a contestant, or a rev of it, without one."""
        same = [one for one in self.settings if _is_of(one, contestant)]
        if not same:
            return None
        nearest = min(same, key=lambda one: abs(math.log(one.size / dense_parameters)))
        protocol = dict(nearest.protocol)
        if "dense_lr" in protocol and self.rate_exponent:
            rate = protocol["dense_lr"] * (dense_parameters / nearest.size) ** self.rate_exponent
            protocol["dense_lr"] = rounded(rate)
        return Setting(hyperparameters=nearest.hyperparameters, protocol=protocol)

    def refuse_other(self, provenance: Provenance, tuning: TunedSize) -> None:
        """Raises BadInput where settings of that tuning cannot stand beside these."""
        if self.provenance is None:
            return
        same_size = [one for one in self.tunings if one.size == tuning.size]
        if self.provenance != provenance or not all(tuning.as_of(one) for one in same_size):
            raise BadInput(f"it has settings of another tuning ({self.told()})")

    def merged(
        self, settings: Sequence[TunedSetting], provenance: Provenance, tuning: TunedSize
    ) -> TunedSettings:
        """With `settings` of one size, which replace those of the same contestants there."""
        replaced = {(one.contestant, one.size) for one in settings}
        kept = [one for one in self.settings if (one.contestant, one.size) not in replaced]
        others = [one for one in self.tunings if one.size != tuning.size]
        return dataclasses.replace(
            self,
            provenance=provenance,
            tunings=tuple(sorted((*others, tuning), key=lambda one: one.size)),
            settings=tuple(sorted((*kept, *settings), key=lambda one: (one.contestant, one.size))),
        )

    def without(self, size: int) -> TunedSettings:
        """Those of other sizes."""
        return dataclasses.replace(self, settings=tuple(one for one in self.settings if one.size != size))

    def told(self) -> str:
        """Where the settings come from, in one line."""
        assert self.provenance is not None, "settings have a provenance"
        trials = ", ".join(
            f"{one.trials} trials each at {short(one.size, billion='B')}" for one in self.tunings
        )
        on = ", ".join(self.provenance.datasets)
        return f"{trials} on {on}; {max(one.date for one in self.tunings)}"


def size_of(budget: Budget) -> int:
    """The dense parameters of a budget; of one in FLOPs, what matrices used once per example would have.

    A contestant whose matrices are used several times has fewer at that budget; attention has.
    """
    return budget.target if budget.kind == "dense_parameters" else max(budget.target // 2, 1)


def rounded(rate: float) -> float:
    """A rate with as many digits as one would type."""
    return float(f"{rate:.{_DIGITS}g}")


def _is_of(one: TunedSetting, contestant: Contestant) -> bool:
    return (one.contestant, one.rev, one.source) == (contestant.name, contestant.rev, contestant.source)
