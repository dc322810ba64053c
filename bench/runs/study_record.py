"""The record of a study: which runs belong to it, and which entrants could not take part.

With it, a report judges each study by itself. Each past format has an upgrade to the present one, and a
stored line of it in the tests. Imports no torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec

from bench.canonical import digest, plain
from bench.runs.formats import Upgrade, upgraded
from bench.spec import Budget, DatasetRef

FORMAT = 4
Kind = Literal["comparison", "ablation", "ladder", "tuning", "fairness", "lineage"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEATURES_PREFIX = "features."
"""Before the names of values of the features in a setting: a hyper-parameter may be called the same."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One run of a study, or why there is none.

    Args:
        label: of the entrant.
        contestant: its contestant's name; `title`: as tables print it.
        dataset: with the number of training rows, where they are not all.
        budget: the study's; an entrant of another size is compared with those that meet it.
        seed: None where the entrant is impossible.
        key: of the run; None where the entrant is impossible.
        reason: why it is impossible; None where it is not.
        setting: hyper-parameters, proportions and protocol values that were asked for in place of the
            contestant's and the protocol's own, such as ``dense_lr`` → 0.003, and values of the features in
            place of the study's, such as ``features.sequence_encoder``; in plain JSON types.
        sized: as in `bench.runs.entrants.Entrant`; None where an old record does not say.
        trial: its number in a tuning, 0 for the default setting; None elsewhere.
        varied: in a check of fairness, what differs from the setting in use, such as ``dense_lr ×2``; None
            for the setting in use, and elsewhere.
    """

    label: str
    contestant: str
    title: str
    dataset: DatasetRef
    budget: Budget | None
    seed: int | None = None
    key: str | None = None
    reason: str | None = None
    setting: Mapping[str, Any] = field(default_factory=dict)
    sized: str | None = None
    trial: int | None = None
    varied: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "setting", plain(self.setting))


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A study that was asked: a line of `studies.jsonl`.

    Args:
        name, kind, question, baseline, paper: as in `bench.runs.studies.Study`.
        command: runs it again; studies of one name are told apart by it.
        members: every run of it, and every entrant that is impossible.
        equal: the same entrants with their own defaults, by one protocol for all; empty where there are none.
        tuned: where the settings of the members come from, in one line; None: from no tuning. In an ablation
            they are the baseline's settings, of every member.
        untuned: labels of the members that have no tuned setting, where others have one.
        observed: whether what the models show of themselves during training is kept beside the runs.
    """

    name: str
    kind: Kind
    question: str
    command: str
    baseline: str | None
    paper: str | None
    members: tuple[Member, ...]
    equal: tuple[Member, ...] = ()
    tuned: str | None = None
    untuned: tuple[str, ...] = ()
    observed: bool = False

    def run_keys(self) -> set[str]:
        """Of all its runs."""
        return {member.key for member in (*self.members, *self.equal) if member.key is not None}

    def with_members_of(self, other: StudyRecord) -> StudyRecord:
        """This study, with the runs of both."""
        return dataclasses.replace(
            self,
            members=(*self.members, *other.members),
            equal=(*self.equal, *other.equal),
            tuned=self.tuned or other.tuned,
            untuned=tuple(dict.fromkeys((*self.untuned, *other.untuned))),
        )

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that two records share where they say the same."""
        return digest(dataclasses.asdict(self))[:32]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return plain({**dataclasses.asdict(self), "format": FORMAT})

    @staticmethod
    def from_json(data: Any) -> StudyRecord:
        """The study in a line of a store, of any format there was.

        Raises:
            ValueError: an unknown format, an unknown or missing key, a value of another type.
        """
        fields = upgraded(data, _UPGRADES, what="study")
        study = msgspec.convert(fields, StudyRecord)
        if study.to_json() != {**fields, "format": FORMAT}:
            raise ValueError("study has unknown keys")
        return study


def _settings_told(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 1 knew neither settings nor tunings."""
    told = _with_later(fields, "members", {"setting": {}, "trial": None, "varied": None})
    return {**told, "equal": [], "tuned": None, "untuned": []}


def _sizes_told(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 2 did not say how members were sized, nor whether they were observed."""
    later = {"sized": None}
    return {**_with_later(_with_later(fields, "members", later), "equal", later), "observed": False}


def _train_rows_told(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 3 knew no data sets of which not all training rows are used."""
    told = dict(fields)
    for name in ("members", "equal"):
        if isinstance(members := fields.get(name), list):
            told[name] = [_with_all_train_rows(one) for one in members]
    return told


def _with_all_train_rows(member: Any) -> Any:
    if not isinstance(member, Mapping) or not isinstance(dataset := member.get("dataset"), Mapping):
        return member
    return {**member, "dataset": {**dataset, "train_rows": None}}


def _with_later(fields: dict[str, Any], name: str, later: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` with what every member in the list called `name` did not have yet."""
    members = fields.get(name)
    if not isinstance(members, list):
        return fields
    return {**fields, name: [{**one, **later} if isinstance(one, Mapping) else one for one in members]}


_UPGRADES: tuple[Upgrade, ...] = (_settings_told, _sizes_told, _train_rows_told)
"""From format 1 to 2, and so on."""
