"""What a run leaves behind: one self-contained JSON line. `results/README.md` explains every key.

A record outlives the code. Its key is the hash of the spec as it was stored; each past format has an upgrade
to the present one, and a stored line of it in the tests. Free of torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from bench.canonical import plain
from bench.contestants.cost import Cost
from bench.runs.formats import Upgrade, upgraded
from bench.spec import Spec

FORMAT = 3
Status = Literal["ok", "diverged", "oom", "killed", "failed"]
Metrics = Mapping[str, Mapping[str, Mapping[str, int | float | None]]]
"""Split, or reference → task → metric → value; None where a metric is not defined."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The record of one run.

    Args:
        key: of its files, and of the record: the hash of the spec as it was stored.
        metrics: ``valid`` and ``test``; None unless the status is ``ok``.
        references: what results on the data set are compared with, such as ``oracle``; on the test split.
        observed: what only a trained model shows, such as the ``active_parameters`` of its test rows.
        files: name of a file beside the record, such as ``predictions`` → SHA-256 of its bytes.
        error: None if the status is ``ok``.
    """

    spec: Spec
    status: Status
    cost: Cost
    metrics: Metrics | None
    references: Metrics = field(default_factory=dict)
    observed: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, int | float | None]
    error: Mapping[str, str] | None
    environment: Mapping[str, Any]
    timings: Mapping[str, str | int | float | None]
    files: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.spec.key())
        if (self.metrics is None) == (self.status == "ok"):
            raise ValueError(f"a run has metrics if and only if it is ok; this one is {self.status}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields |= {"format": FORMAT, "spec": self.spec.to_json(), "cost": dataclasses.asdict(self.cost)}
        return plain(fields)

    @staticmethod
    def from_json(data: Any) -> Run:
        """The run in a line of a store, of any format there was.

        Raises:
            ValueError: an unknown format, a key that is unknown or missing, a value of another type, or a key
                that does not belong to the spec.
        """
        fields = upgraded(data, _UPGRADES, what="record")
        known = {f.name for f in dataclasses.fields(Run)}
        if unknown := fields.keys() - known:
            raise ValueError(f"record has the unknown key {min(unknown)}")
        stored, key = fields.get("spec"), fields.get("key")
        if not isinstance(stored, Mapping):
            raise ValueError("record has no spec")
        spec = Spec.from_json(stored)
        if key not in spec.keys_there_were():
            raise ValueError(f"record key is {key} but its spec hashes to {spec.key()}")
        run = msgspec.convert({**fields, "spec": spec}, Run, from_attributes=True)
        return dataclasses.replace(run, spec=spec)


def _references_apart(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 1 had the references among the metrics."""
    metrics = fields.get("metrics")
    if not isinstance(metrics, Mapping):
        return fields
    splits = {name: value for name, value in metrics.items() if name in ("valid", "test")}
    references = {name: value for name, value in metrics.items() if name not in splits}
    return {**fields, "metrics": splits, "references": references}


def _linear_part_told(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 2 knew no contestants with a linear part."""
    cost = fields.get("cost")
    return {**fields, "cost": {"linear_parameters": 0, **cost}} if isinstance(cost, Mapping) else fields


_UPGRADES: tuple[Upgrade, ...] = (_references_apart, _linear_part_told)
"""From format 1 to 2, and so on."""
