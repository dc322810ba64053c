"""The studies of a report: those of the stores, and groups of the runs that belong to no study.

A study names its runs, so a study never ranks the runs of another. `reports.records.implied` groups
the runs that belong to none.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from bench.errors import unknown_name
from bench.runs.study_record import Member, StudyRecord
from reports.records.comparison import (
    Comparison,
    Data,
    Entry,
    Study,
    budget_text,
    by_seed,
    comparison_of,
    told_apart_data,
)
from reports.records.implied import implied_studies
from reports.records.paper import stands_beside
from reports.tuning.fairness import Check, Checked, Variant
from reports.tuning.trials import Search, Trial, Tuning, valid_aucs


def studies(
    frame: pd.DataFrame,
    records: Sequence[StudyRecord],
    titles: Mapping[str, str],
    *,
    decided: Mapping[str, Collection[str]],
    chosen: str | None = None,
) -> list[Study]:
    """Every study, the newest first, then the implied ones; or those of `chosen` only.

    Args:
        frame: all runs.
        records: the studies, the oldest first.
        titles: contestant name → its printed title; without one the name is printed.
        decided: contestant name → the hyper-parameters that a budget decides, which no label names.
        chosen: the name of one study or several, or the title or command of one.

    Raises:
        BadInput: there is no such study.
    """
    newest_first = list(reversed(records))
    titled = [
        (record, title)
        for record, title in zip(newest_first, titles_of(newest_first), strict=True)
        if chosen in (None, record.name, record.command, title)
    ]
    if chosen is not None and not titled:
        raise unknown_name("study of the store", chosen, titles_of(newest_first))
    found = [_recorded(record, frame, title) for record, title in titled]
    if chosen is None:
        known = {key for record in records for key in record.run_keys()}
        found += implied_studies(frame, frame[~frame["spec_key"].isin(known)], titles, decided)
    return found


def titles_of(records: Sequence[StudyRecord]) -> list[str]:
    """The name of each study and, where several have it, what not all of their commands have; no two alike.

    That is the file or module of a study of your own, and options. Where this does not tell studies apart,
    the whole command does.
    """
    asked = [_asked(record) for record in records]
    titles = []
    for record, parts in zip(records, asked, strict=True):
        of_name = [other for r, other in zip(records, asked, strict=True) if r.name == record.name]
        own = [part for part in parts if not all(part in other for other in of_name)]
        titles.append(" ".join([record.name, *own]))
    count = Counter(titles)
    return [
        title if count[title] == 1 else f"{record.name}: {record.command}"
        for record, title in zip(records, titles, strict=True)
    ]


def _asked(record: StudyRecord) -> list[str]:
    """What the command asks for, unless it is the study by its name, and its options in their order."""
    asked_for, *options = record.command.split(" --")
    target = asked_for.split(maxsplit=2)[2:]  # after the words rankbench run
    told = [] if target == [record.name] else target
    return [*told, *(f"--{option}".rstrip() for option in options)]


def _recorded(record: StudyRecord, frame: pd.DataFrame, title: str) -> Study:
    runs = frame.set_index("spec_key", drop=False)
    is_tuning, is_check = record.kind == "tuning", record.kind == "fairness"
    return Study(
        title=title,
        kind=record.kind,
        question=record.question,
        command=record.command,
        comparisons=() if is_tuning or is_check else _comparisons(record, record.members, runs),
        notes=(),
        implied=False,
        equal=_comparisons(record, record.equal, runs),
        tuned=record.tuned,
        untuned=record.untuned,
        tunings=_tunings(record.members, runs) if is_tuning else (),
        checks=_checks(record.members, runs) if is_check else (),
        paper=record.paper,
        observed=record.observed,
    )


def _comparisons(
    record: StudyRecord, of_record: Sequence[Member], runs: pd.DataFrame
) -> tuple[Comparison, ...]:
    data = told_apart_data({_data(member) for member in of_record})
    places = dict.fromkeys((_data(member), _budget(member)) for member in of_record)
    comparisons = []
    for dataset, budget in sorted(places, key=lambda place: (_by_train_rows(place[0]), place[1])):
        members = [m for m in of_record if (_data(m), _budget(m)) == (dataset, budget)]
        entries = [
            _entry([m for m in members if m.label == label], label, runs)
            for label in dict.fromkeys(member.label for member in members)
        ]
        labels = {entry.label for entry in entries}
        comparisons.append(
            comparison_of(
                entries,
                dataset,
                budget,
                data=data[dataset],
                baseline=record.baseline if record.baseline in labels else None,
                paper=record.paper if stands_beside(record.paper, dataset[0]) else None,
            )
        )
    return tuple(comparisons)


def _tunings(of_record: Sequence[Member], runs: pd.DataFrame) -> tuple[Tuning, ...]:
    data = told_apart_data({_data(member) for member in of_record})
    areas = valid_aucs(runs)
    found: dict[tuple[str, int], dict[str, dict[int | None, list[Member]]]] = {}
    for member in of_record:
        of_budget = found.setdefault(_budget(member), {})
        of_label = of_budget.setdefault(member.label.removesuffix(f" · trial {member.trial}"), {})
        of_label.setdefault(member.trial, []).append(member)
    return tuple(
        Tuning(
            budget=budget_text(*budget),
            data=tuple(data[dataset] for dataset in sorted(data, key=_by_train_rows)),
            searches=tuple(
                Search(
                    label=label,
                    trials=tuple(
                        _trial(number, members, data, areas, runs)
                        for number, members in sorted((n, m) for n, m in trials.items() if n is not None)
                        if any(member.key for member in members)
                    ),
                    reason=_reason([member for members in trials.values() for member in members]),
                )
                for label, trials in labels.items()
            ),
        )
        for budget, labels in sorted(found.items())
    )


def _trial(
    number: int,
    members: Sequence[Member],
    data: Mapping[Data, str],
    areas: Mapping[str, float],
    runs: pd.DataFrame,
) -> Trial:
    """A trial has one run on each data set with the first seed; a finalist has others."""
    keys = [member.key for member in members if member.key in runs.index]
    first = min((member.seed for member in members if member.seed is not None), default=None)
    named = {data[_data(member)]: member for member in members if member.seed == first}
    values = {name: areas.get(member.key or "") for name, member in sorted(named.items())}
    return Trial(
        number=number,
        setting=members[0].setting,
        protocol=json.loads(str(runs.at[keys[0], "protocol"])) if keys else {},
        values=values,
        again=tuple(areas.get(member.key or "") for member in members if member.seed != first),
        diverged=tuple(
            name
            for name, member in sorted(named.items())
            if member.key in keys and runs.at[member.key, "status"] == "diverged"
        ),
        keys=tuple(key for key in keys if key),
        without={
            name: _entry([named[name]], named[name].label, runs)
            for name, value in values.items()
            if value is None
        },
    )


def _checks(of_record: Sequence[Member], runs: pd.DataFrame) -> tuple[Check, ...]:
    data = told_apart_data({_data(member) for member in of_record})
    areas = valid_aucs(runs[runs["status"] == "ok"])
    found: dict[tuple[str, int], dict[str, dict[str | None, list[Member]]]] = {}
    for member in of_record:
        of_budget = found.setdefault(_budget(member), {})
        of_budget.setdefault(_checked(member), {}).setdefault(member.varied, []).append(member)
    return tuple(
        Check(
            budget=budget_text(*budget),
            data=tuple(data[dataset] for dataset in sorted(data, key=_by_train_rows)),
            contestants=tuple(
                Checked(
                    label=label,
                    used=_variant(variants[None], data, areas, runs),
                    neighbours=tuple(
                        _variant(members, data, areas, runs)
                        for varied, members in variants.items()
                        if varied is not None
                    ),
                )
                for label, variants in labels.items()
            ),
        )
        for budget, labels in sorted(found.items())
    )


def _checked(member: Member) -> str:
    """The label of the contestant of which a member is the setting in use or a neighbour."""
    if member.varied is None:
        return member.label
    return member.label.rpartition(f" · {member.varied.partition(' ')[0]} ")[0]


def _variant(
    members: Sequence[Member],
    data: Mapping[Data, str],
    areas: Mapping[str, float],
    runs: pd.DataFrame,
) -> Variant:
    keys: dict[int, list[str]] = {}
    for member in members:
        if member.key is not None and member.seed is not None:
            keys.setdefault(member.seed, []).append(member.key)
    ran = [key for of_seed in keys.values() for key in of_seed if key in runs.index]
    return Variant(
        varied=members[0].varied or "",
        setting=members[0].setting,
        dense_lr=json.loads(str(runs.at[ran[0], "protocol"]))["dense_lr"] if ran else math.nan,
        values={
            seed: statistics.fmean(areas[key] for key in of_seed)
            for seed, of_seed in sorted(keys.items())
            if all(key in areas for key in of_seed)
        },
        entries={
            data[dataset]: _entry([m for m in members if _data(m) == dataset], members[0].label, runs)
            for dataset in sorted({_data(member) for member in members})
        },
    )


def _entry(members: Sequence[Member], label: str, runs: pd.DataFrame) -> Entry:
    keys = [member.key for member in members if member.key in runs.index]
    return Entry(
        label=label,
        contestant=members[0].contestant,
        runs=by_seed(runs.loc[keys]),
        planned=tuple(sorted({m.seed for m in members if m.key is not None and m.seed is not None})),
        reason=_reason(members),
        setting=members[0].setting,
        sized=members[0].sized,
    )


def _reason(members: Sequence[Member]) -> str:
    return "; ".join(dict.fromkeys(member.reason for member in members if member.reason))


def _data(member: Member) -> Data:
    dataset = member.dataset
    return dataset.name, dataset.rev, dataset.fingerprint, dataset.train_rows or 0


def _by_train_rows(data: Data) -> tuple[str, int, str, float]:
    """Sorts numbers of training rows from the smallest to all."""
    return (*data[:3], data[3] or math.inf)


def _budget(member: Member) -> tuple[str, int]:
    return (member.budget.kind, member.budget.target) if member.budget else ("", 0)
