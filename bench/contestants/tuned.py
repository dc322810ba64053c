"""Settings that a tuning chose, and the files that keep them with where they come from. Imports no torch.

`tuned.toml` beside this module ships: it is what protocol ``tuned`` uses. `rankbench tune --write FILE.toml`
writes such a file, and `--protocol FILE.toml` uses it:

    format = 1
    rate_exponent = 0.0                     # may be left out

    [provenance]                            # of all settings alike
    trials = 24
    sampler = "qmc"
    sampler_seed = 0
    datasets = { trees-160000-0 = "first 16 digits of its fingerprint" }
    rows = { trees-160000-0 = 160000 }
    width = 8                               # of the embeddings
    sequence_encoder = "mean"
    protocol = "short"                      # what the settings change
    protocol_values = {}                    # and what was given for it on the command line
    date = "2026-11-28"
    commit = "0123456789ab"
    command = "rankbench tune compare"

    [[settings]]                            # one for each contestant and size
    contestant = "rankmixer"
    rev = 4                                 # of another one, the setting is not used
    size = 100000                           # dense parameters
    trial = 7                               # 0: the default was best
    valid_auc = 0.7512                      # mean over three seeds, tasks and data sets
    default_valid_auc = 0.7480
    hyperparameters = { num_layers = 2 }    # proportions and initialisation too
    protocol = { dense_lr = 0.00312 }
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench.contestants.contract import Contestant, Hyperparameters
from bench.counts import short
from bench.errors import BadInput
from bench.spec import Budget

FORMAT = 1
FILE = Path(__file__).with_name("tuned.toml")
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
    """Where settings come from.

    Args:
        datasets: name → the first 16 digits of its fingerprint.
        rows: name → of all splits.
        width, sequence_encoder: as in `bench.spec.FeatureSpec`.
        protocol: the named protocol that the settings change; `protocol_values`: what else was given for all.
    """

    trials: int
    sampler: str
    sampler_seed: int
    datasets: Mapping[str, str]
    rows: Mapping[str, int]
    width: int
    sequence_encoder: str = "mean"
    protocol: str
    protocol_values: Mapping[str, int | float] = field(default_factory=dict)
    date: str
    commit: str
    command: str

    def as_of(self, other: Provenance) -> bool:
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

    def merged(self, settings: Sequence[TunedSetting], provenance: Provenance) -> TunedSettings:
        """With `settings`, which replace those of the same contestants and sizes."""
        replaced = {(one.contestant, one.size) for one in settings}
        kept = [one for one in self.settings if (one.contestant, one.size) not in replaced]
        together = sorted((*kept, *settings), key=lambda one: (one.contestant, one.size))
        return dataclasses.replace(self, provenance=provenance, settings=tuple(together))

    def told(self) -> str:
        """Where the settings come from, in one line."""
        assert self.provenance is not None, "settings have a provenance"
        sizes = ", ".join(short(size, billion="B") for size in sorted({one.size for one in self.settings}))
        on = ", ".join(self.provenance.datasets)
        return f"{self.provenance.trials} trials each on {on} at {sizes}; {self.provenance.date}"


def size_of(budget: Budget) -> int:
    """The dense parameters of a budget; of one in FLOPs, what matrices used once per example would have."""
    return budget.target if budget.kind == "dense_parameters" else max(budget.target // 2, 1)


def rounded(rate: float) -> float:
    """A rate with as many digits as one would type."""
    return float(f"{rate:.{_DIGITS}g}")


@functools.cache
def shipped() -> TunedSettings:
    """The settings of this project."""
    return read_settings(FILE)


def read_settings(path: Path) -> TunedSettings:
    """The settings in a file.

    Raises:
        BadInput: it cannot be read; the message says what is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"settings file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"settings file {path} is not TOML: {error}") from error
    found = data.pop("format", None)
    if found != FORMAT:
        raise BadInput(f"settings file {path}: format is {found}, this version reads {FORMAT}")
    try:
        settings = msgspec.convert(data, TunedSettings)
    except msgspec.ValidationError as error:
        raise BadInput(f"settings file {path}: {error}") from error
    _check(settings, data, path)
    return dataclasses.replace(settings, settings=tuple(map(_with_tuples, settings.settings)))


def write_settings(settings: TunedSettings, path: Path) -> None:
    """Writes the settings to `path`; `read_settings` gives them back."""
    path.write_text(_toml(settings), encoding="utf-8")


def _is_of(one: TunedSetting, contestant: Contestant) -> bool:
    return (one.contestant, one.rev, one.source) == (contestant.name, contestant.rev, contestant.source)


def _with_tuples(one: TunedSetting) -> TunedSetting:
    """Lists of widths as contestants have them."""
    own = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in one.hyperparameters.items()
    }
    return dataclasses.replace(one, hyperparameters=own)


def _check(settings: TunedSettings, data: Mapping[str, Any], path: Path) -> None:
    known: dict[type, set[str]] = {
        cls: {f.name for f in dataclasses.fields(cls)} for cls in (TunedSettings, Provenance, TunedSetting)
    }
    tables = [(TunedSettings, data), (Provenance, data.get("provenance", {}))]
    for cls, table in [*tables, *((TunedSetting, one) for one in data.get("settings", []))]:
        if unknown := table.keys() - known[cls]:
            raise BadInput(f"settings file {path} has the unknown key '{min(unknown)}'")
    if settings.settings and settings.provenance is None:
        raise BadInput(f"settings file {path} has settings but no [provenance]")
    for (name, size), times in Counter((one.contestant, one.size) for one in settings.settings).items():
        if size < 1:
            raise BadInput(f"settings file {path}: size of {name} is {size}; it must be 1 or more")
        if times > 1:
            raise BadInput(f"settings file {path} has {name} at size {size} twice; give each size once")


def _toml(settings: TunedSettings) -> str:
    lines = [f"format = {FORMAT}"]
    if settings.rate_exponent:
        lines.append(f"rate_exponent = {_value(settings.rate_exponent)}")
    if settings.provenance is not None:
        lines += ["", "[provenance]", *_lines(settings.provenance)]
    for one in settings.settings:
        lines += ["", "[[settings]]", *_lines(one)]
    return "\n".join(lines) + "\n"


def _lines(table: Provenance | TunedSetting) -> list[str]:
    fields = {f.name: getattr(table, f.name) for f in dataclasses.fields(table)}
    own = [name for name in fields if name not in ("hyperparameters", "protocol")]
    own += [name for name in ("hyperparameters", "protocol") if name in fields]
    return [f"{name} = {_value(fields[name])}" for name in own if fields[name] is not None]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    assert isinstance(value, str), f"TOML has no {value!r}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)
