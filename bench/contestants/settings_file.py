"""Files of settings that a tuning chose. Imports no torch.

`tuned.toml` beside this module ships: it is what protocol ``tuned`` uses. `rankbench tune --write FILE.toml`
writes such a file, and `--protocol FILE.toml` uses it:

    format = 1
    rate_exponent = 0.0                     # may be left out

    [provenance]                            # of all settings alike
    datasets = { trees-160000-0 = "first 16 digits of its fingerprint" }
    rows = { trees-160000-0 = 160000 }
    width = 8                               # of the embeddings
    sequence_encoder = "mean"
    gate = "none"                           # may be left out
    protocol = "short"                      # what the settings change
    protocol_values = {}                    # and what was given for it on the command line

    [[tunings]]                             # one for each size
    size = 100000
    trials = 24
    sampler = "qmc"
    sampler_seed = 0
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
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.contestants.tuned import Provenance, TunedSetting, TunedSettings, TunedSize
from bench.errors import BadInput

FORMAT = 1
FILE = Path(__file__).with_name("tuned.toml")


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


def _with_tuples(one: TunedSetting) -> TunedSetting:
    """Lists of widths as contestants have them."""
    own = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in one.hyperparameters.items()
    }
    return dataclasses.replace(one, hyperparameters=own)


def _check(settings: TunedSettings, data: Mapping[str, Any], path: Path) -> None:
    known: dict[type, set[str]] = {
        cls: {f.name for f in dataclasses.fields(cls)}
        for cls in (TunedSettings, Provenance, TunedSize, TunedSetting)
    }
    tables = [(TunedSettings, data), (Provenance, data.get("provenance", {}))]
    tables += [(TunedSize, one) for one in data.get("tunings", [])]
    tables += [(TunedSetting, one) for one in data.get("settings", [])]
    for cls, table in tables:
        if unknown := table.keys() - known[cls]:
            raise BadInput(f"settings file {path} has the unknown key '{min(unknown)}'")
    if settings.settings and settings.provenance is None:
        raise BadInput(f"settings file {path} has settings but no [provenance]")
    told = Counter(one.size for one in settings.tunings)
    for size, times in told.items():
        if times > 1:
            raise BadInput(f"settings file {path} has two [[tunings]] of size {size}; give each size once")
    if untold := {one.size for one in settings.settings} - told.keys():
        raise BadInput(f"settings file {path} has settings of size {min(untold)}, but no [[tunings]] of it")
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
    for tuning in settings.tunings:
        lines += ["", "[[tunings]]", *_lines(tuning)]
    for one in settings.settings:
        lines += ["", "[[settings]]", *_lines(one)]
    return "\n".join(lines) + "\n"


def _lines(table: Provenance | TunedSize | TunedSetting) -> list[str]:
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
