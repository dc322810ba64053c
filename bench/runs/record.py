"""What a run leaves behind: one self-contained JSON line. `results/README.md` explains every key.

Free of torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.canonical import plain
from bench.contestants.cost import Cost
from bench.spec import Spec

FORMAT = 1
STATUSES = ("ok", "diverged", "oom", "failed")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The record of one run. Metrics are None unless the status is ``ok``; `error` is None if it is."""

    spec: Spec
    status: str
    cost: Cost
    metrics: Mapping[str, Any] | None
    training: Mapping[str, Any]
    error: Mapping[str, str] | None
    environment: Mapping[str, Any]
    timings: Mapping[str, Any]

    def __post_init__(self) -> None:
        assert self.status in STATUSES, self.status

    @property
    def key(self) -> str:
        return self.spec.key()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields |= {
            "format": FORMAT,
            "key": self.key,
            "spec": self.spec.to_json(),
            "cost": dataclasses.asdict(self.cost),
        }
        return plain(fields)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Run:
        """Raises ValueError for another format or a key that does not belong to the spec."""
        fields = dict(data)
        if (got := fields.pop("format", None)) != FORMAT:
            raise ValueError(f"record format is {got}, this version reads {FORMAT}")
        key = fields.pop("key")
        run = Run(**{**fields, "spec": Spec.from_json(fields["spec"]), "cost": Cost(**fields["cost"])})
        if run.key != key:
            raise ValueError(f"record key is {key} but its spec hashes to {run.key}")
        return run
