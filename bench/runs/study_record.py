"""The record of a study: which runs belong to it, and which entrants could not take part.

With it, a report judges each study by itself. Imports no torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from bench.canonical import digest, plain
from bench.spec import Budget, DatasetRef

FORMAT = 1
Kind = Literal["comparison", "ablation", "ladder", "tuning"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One run of a study, or why there is none.

    Args:
        label: of the entrant.
        contestant: its contestant's name; `title`: as tables print it.
        budget: the study's; an entrant of another size is compared with those that meet it.
        seed: None where the entrant is impossible.
        key: of the run; None where the entrant is impossible.
        reason: why it is impossible; None where it is not.
    """

    label: str
    contestant: str
    title: str
    dataset: DatasetRef
    budget: Budget | None
    seed: int | None = None
    key: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A study that was asked: a line of `studies.jsonl`.

    Args:
        name, kind, question, baseline, paper: as in `bench.runs.studies.Study`.
        command: runs it again; studies of one name are told apart by it.
        members: every run of it, and every entrant that is impossible.
    """

    name: str
    kind: Kind
    question: str
    command: str
    baseline: str | None
    paper: str | None
    members: tuple[Member, ...]

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that two records share where they say the same."""
        return digest(dataclasses.asdict(self))[:32]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return plain({**dataclasses.asdict(self), "format": FORMAT})

    @staticmethod
    def from_json(data: Any) -> StudyRecord:
        """Raises ValueError for an unknown format, an unknown or missing key, a value of another type."""
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            got = data.get("format") if isinstance(data, Mapping) else type(data).__name__
            raise ValueError(f"study format is {got}, this version reads {FORMAT}")
        study = msgspec.convert({k: v for k, v in data.items() if k != "format"}, StudyRecord)
        if study.to_json() != data:
            raise ValueError("study has unknown keys")
        return study
