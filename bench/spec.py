"""Everything that decides a run's numbers, frozen and hashed to a key. It has no paths, devices or times.

A field that was added after the first records were written is marked ``later``. At its default it is not part
of the hash, so that a spec keeps the key that it had before the field existed. Imports no torch.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.canonical import digest, plain
from bench.errors import BadInput

SEQUENCE_ENCODERS = ("mean", "target", "hstu")
GATES = ("none", "lhuc")
BUDGET_KINDS = ("dense_parameters", "flops_forward")
BUDGET_TOLERANCE = 0.02
"""Largest relative error of a size that meets its budget."""
DENSE_OPTIMIZERS = ("rmsprop", "adam", "adamw", "adagrad")
LARGEST_WIDTH = 4096
_VERSION = 4
"""How often a field was added to what stored records have. The n-th has the metadata ``{"later": n}``."""


@dataclass(frozen=True, kw_only=True)
class DatasetRef:
    """Which data.

    Args:
        fingerprint: covers schema and content, all rows of it.
        train_rows: how many of the training rows are used, the last ones in time; None: all of them.
    """

    name: str
    rev: int
    fingerprint: str
    train_rows: int | None = field(default=None, metadata={"later": 3})

    def __post_init__(self) -> None:
        if self.train_rows is not None and self.train_rows < 1:
            raise BadInput(f"training rows are {self.train_rows}; there must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How rows become the flat input vector; the same for every contestant of most comparisons.

    Args:
        width: embedding width of every field not named in `widths`.
        widths: field name → width, where it differs.
        sequence_encoder: ``mean`` (masked mean), or for sequences that share a table with a field ``target``
            (DIN target attention) or ``hstu``, and masked mean for the others.
        gate: ``none``, or ``lhuc``: the vector is multiplied by amplitudes made from the user's fields.
    """

    width: int = 16
    widths: Mapping[str, int] = field(default_factory=dict)
    sequence_encoder: str = "mean"
    gate: str = field(default="none", metadata={"later": 4})

    def __post_init__(self) -> None:
        for name, width in {"every field": self.width, **self.widths}.items():
            if not 1 <= width <= LARGEST_WIDTH:
                raise BadInput(
                    f"embedding width of {name} is {width}; "
                    f"it must be a whole number from 1 to {LARGEST_WIDTH}"
                )
        _one_of("sequence encoder", self.sequence_encoder, SEQUENCE_ENCODERS)
        _one_of("gate", self.gate, GATES)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How every contestant of a comparison is trained.

    Args:
        name: as `bench.training.protocols` knows it, or another name for one with overrides.
        batch_size: rows per step.
        epochs: most passes over the training rows.
        patience: passes without a better valid AUC before stopping; matters only with several epochs.
        dense_optimizer: for the contestant and the shared encoders, one of `DENSE_OPTIMIZERS`.
        dense_lr: its learning rate.
        dense_decay: its decoupled (adamw) or L2 (others) weight decay.
        sparse_lr: learning rate of the Adagrad that updates the embedding rows of each batch.
        sparse_initial_accumulator: its starting sum of squares; 0 is PyTorch's.
        cooldown: share of the steps, the last ones of all passes, in which both learning rates fall in a
            straight line towards 0; 0: they are constant.
        gradient_clip: largest global norm of the dense gradient; None: no clipping.
    """

    name: str
    batch_size: int = 4096
    epochs: int = 1
    patience: int = 1
    dense_optimizer: str = "rmsprop"
    dense_lr: float = 0.01
    dense_decay: float = 0.0
    sparse_lr: float = 0.05
    sparse_initial_accumulator: float = 0.0
    cooldown: float = field(default=0.0, metadata={"later": 1})
    gradient_clip: float | None = None

    def __post_init__(self) -> None:
        _one_of("dense optimizer", self.dense_optimizer, DENSE_OPTIMIZERS)
        for name in ("batch_size", "epochs", "patience"):
            if not 1 <= getattr(self, name) < 2**31:
                raise BadInput(
                    f"protocol '{self.name}': {name} is {getattr(self, name)}; it must be from 1 to 2^31 − 1"
                )
        for name in ("dense_lr", "sparse_lr", "gradient_clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BadInput(f"protocol '{self.name}': {name} is {value}; it must be a number above 0")
        for name in ("dense_decay", "sparse_initial_accumulator"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(
                    f"protocol '{self.name}': {name} is {getattr(self, name)}; it must be a number from 0"
                )
        if not 0 <= self.cooldown <= 1:
            raise BadInput(f"protocol '{self.name}': cooldown is {self.cooldown}; it must be from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A size to be met within 2 %: dense parameters, or forward FLOPs per example."""

    kind: str
    target: int

    def __post_init__(self) -> None:
        _one_of("budget kind", self.kind, BUDGET_KINDS)
        if self.target < 1:
            raise BadInput(f"budget is {self.target}; it must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class ContestantRef:
    """Which model.

    Args:
        name: as the registry or a plug-in calls it.
        rev: raised by hand when its numerics change.
        hyperparameters: every one of them, defaults written out.
        source: SHA-256 of the source of your own contestant: an edited file is another contestant. None
            for those of the project, whose `rev` says the same.
    """

    name: str
    rev: int
    hyperparameters: Mapping[str, Any]
    source: str | None = field(default=None, metadata={"later": 2})


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One run before it is run. Equal specs have equal keys, and the same bits on the same machine.

    Args:
        budget: the size the hyper-parameters were solved for, or None where they were given.
        seed: fixes initialisation and batch order; 0 is a seed.
    """

    dataset: DatasetRef
    features: FeatureSpec
    contestant: ContestantRef
    protocol: Protocol
    budget: Budget | None
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, every default written out; `from_json` is the inverse."""
        return plain(dataclasses.asdict(self))

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Spec:
        """Raises ValueError for a key that is unknown or missing, or a value of another type or range."""
        spec = msgspec.convert(data, Spec)
        unknown = _paths(data) - _paths(spec.to_json())
        if unknown:
            raise ValueError(f"spec has the unknown key {min(unknown)}")
        return spec

    def key(self) -> str:
        """Identity of the run: the first 32 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return self._key

    @functools.cached_property
    def _key(self) -> str:
        return _key_of(self, 0)

    def keys_there_were(self) -> tuple[str, ...]:
        """The key, and those that versions gave it which wrote out the later fields that they knew."""
        return tuple(_key_of(self, version) for version in range(_VERSION + 1))


def _key_of(spec: Spec, version: int) -> str:
    return digest(_hashed_fields(spec, version))[:32]


def _hashed_fields(value: Any, version: int) -> dict[str, Any]:
    """`value`, a dataclass, as a mapping without fields later than `version` that are at their default."""
    kept = {}
    for one in dataclasses.fields(value):
        of_field = getattr(value, one.name)
        if one.metadata.get("later", 0) <= version or of_field != one.default:
            kept[one.name] = (
                _hashed_fields(of_field, version) if dataclasses.is_dataclass(of_field) else of_field
            )
    return kept


def _paths(value: Any, before: str = "") -> set[str]:
    """The keys of nested mappings, such as ``protocol.epochs``."""
    if not isinstance(value, Mapping):
        return set()
    return {before + key for key in value}.union(
        *(_paths(item, f"{before}{key}.") for key, item in value.items())
    )


def _one_of(what: str, got: str, allowed: tuple[str, ...]) -> None:
    if got not in allowed:
        raise BadInput(f"{what} is '{got}', allowed: {', '.join(allowed)}")
