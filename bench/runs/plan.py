"""From a study to its runs: every entrant sized, and what is impossible named, before anything is trained."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.data.dataset import Dataset, DatasetFacts, refuse_train_rows
from bench.data.schema import Schema
from bench.errors import BadInput
from bench.runs.arms import sized_as_arm
from bench.runs.entrants import Entrant, features_of
from bench.runs.execute import Planned
from bench.runs.sizing import SizedEntrant, Sizes
from bench.runs.studies import Study
from bench.runs.study_record import FEATURES_PREFIX, Member, StudyRecord
from bench.runs.using_tuned import settings_of, sized_as_tuned
from bench.spec import Budget, ContestantRef, DatasetRef, Spec
from bench.training.protocols import changed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All runs of a study.

    Args:
        runs: one list a data set, in the study's order: all entrants, budgets and numbers of training rows
            of one seed, then the next; after them those of the equal protocol. None is there twice.
        record: what is kept of the study.
        warnings: what looks wrong in your own contestants, and where there is no tuned setting.
    """

    runs: Sequence[tuple[Dataset, Sequence[Planned]]]
    record: StudyRecord = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def impossible(self) -> tuple[Member, ...]:
        """The entrants that have no run."""
        return tuple(member for member in self.record.members if member.reason is not None)


def joined(plans: Sequence[Plan]) -> Plan:
    """The runs of several plans on the same data sets, as one study: the first, with the members of all."""
    return Plan(
        runs=[
            (on_data[0][0], [run for _, runs in on_data for run in runs])
            for on_data in zip(*(one.runs for one in plans), strict=True)
        ],
        record=functools.reduce(StudyRecord.with_members_of, (one.record for one in plans)),
        warnings=tuple(dict.fromkeys(warning for one in plans for warning in one.warnings)),
    )


def size(study: Study, schema: Schema) -> list[SizedEntrant]:
    """Every entrant at every budget, on data of that schema; one that is impossible says why.

    Raises:
        BadInput: an entrant sets what the budget decides.
    """
    return _all_sized(study, schema, Sizes(study.features))


@dataclass(frozen=True, kw_only=True)
class OnData:
    """A study on one data set.

    Args:
        runs: as in `Plan`.
        members, equal: of the study's record.
        sized: every entrant at every budget.
    """

    runs: tuple[Planned, ...]
    members: tuple[Member, ...]
    equal: tuple[Member, ...]
    sized: tuple[SizedEntrant, ...]


def on_data(study: Study, data: DatasetFacts, sizes: Sizes) -> OnData:
    """Every run of the study on that data.

    Raises:
        BadInput: the data has too few training rows, or an entrant sets what the budget decides.
    """
    runs, members, sized = _on(study, data, sizes)
    equal: list[Member] = []
    if study.beside_equal and settings_of(study) is not None:
        of_equal, equal, _ = _on(dataclasses.replace(study, tuned=None), data, sizes)
        runs = [*runs, *of_equal]
    return OnData(
        runs=tuple({run.spec.key(): run for run in runs}.values()),
        members=tuple(members),
        equal=tuple(equal),
        sized=tuple(sized),
    )


def plan(study: Study, datasets: Sequence[Dataset], *, command: str, sizes: Sizes | None = None) -> Plan:
    """Every run of the study on those data sets, and what is kept of the study.

    Args:
        command: runs the study again.
        sizes: what an earlier plan with the same features has sized already.

    Raises:
        BadInput: no entrant, or no arm of an ablation, is possible; one sets what the budget decides; there
            are too few training rows; or a value has a type that a store cannot give back.
    """
    sizes = sizes or Sizes(study.features)
    settings = settings_of(study)
    found = [on_data(study, dataset.facts, sizes) for dataset in datasets]
    members = [member for of_data in found for member in of_data.members]
    sized = [s for of_data in found for s in of_data.sized]
    wanted = [m for m in members if study.kind != "ablation" or m.label != study.baseline]
    if all(member.key is None for member in wanted):
        who = "arm" if any(member.key for member in members) else "contestant"
        reasons = dict.fromkeys(member.reason for member in members if member.reason)
        raise BadInput(f"no {who} can take part in study '{study.name}': {'; '.join(reasons)}")
    record = StudyRecord(
        name=study.name,
        kind=study.kind,
        question=study.question,
        command=command,
        baseline=study.baseline,
        paper=study.paper,
        members=tuple(members),
        equal=tuple(member for of_data in found for member in of_data.equal),
        tuned=settings.told() if settings is not None and any(s.tuned for s in sized) else None,
        untuned=tuple(dict.fromkeys(s.entrant.label for s in sized if not s.tuned and s.cost is not None))
        if any(s.tuned for s in sized)
        else (),
        observed=study.observed,
    )
    _refuse_unreadable(record)
    warnings = dict.fromkeys(warning for s in sized for warning in s.warnings)
    runs = [(dataset, of_data.runs) for dataset, of_data in zip(datasets, found, strict=True)]
    return Plan(runs=runs, record=record, warnings=tuple(warnings))


def _refuse_unreadable(record: StudyRecord) -> None:
    """Raises BadInput where a store would hold `record` in a line that nothing can read again."""
    try:
        StudyRecord.from_json(record.to_json())
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"study '{record.name}' cannot be kept, because a value has the wrong type: {error}"
        ) from error


def _on(
    study: Study, data: DatasetFacts, sizes: Sizes
) -> tuple[list[Planned], list[Member], list[SizedEntrant]]:
    """The runs of a study on one data set, seed by seed, with its members there and the sizes of all."""
    sized = _all_sized(study, data.schema, sizes)
    asked = [(s, reference) for reference in _references(study, data) for s in sized]
    of_each = [[_planned(study, data, ref, s, seed) for seed in study.seeds if s.cost] for s, ref in asked]
    seed_by_seed = zip(*(of_one for of_one in of_each if of_one), strict=True)
    members = [m for (s, ref), runs in zip(asked, of_each, strict=True) for m in _members(ref, s, runs)]
    return [run for of_seed in seed_by_seed for run in of_seed], members, sized


def _all_sized(study: Study, schema: Schema, sizes: Sizes) -> list[SizedEntrant]:
    return [sized for budget in study.budgets for sized in _sized_at(study, budget, schema, sizes)]


def _sized_at(study: Study, budget: Budget | None, schema: Schema, sizes: Sizes) -> list[SizedEntrant]:
    first = next((one for one in study.entrants if one.label == study.baseline), None)
    baseline = None
    if first is not None:
        solved_for = budget if first.sized == "budget" else None
        baseline = sized_as_tuned(study, first, schema, budget, solved_for, sizes)
    return [
        baseline
        if one is first and baseline is not None
        else _sized_beside(study, one, first, baseline, budget, schema, sizes)
        for one in study.entrants
    ]


def _sized_beside(
    study: Study,
    entrant: Entrant,
    asked: Entrant | None,
    baseline: SizedEntrant | None,
    budget: Budget | None,
    schema: Schema,
    sizes: Sizes,
) -> SizedEntrant:
    solved_for = budget if entrant.sized == "budget" else None
    if entrant.sized in ("baseline", "as_baseline"):
        if baseline is None or baseline.cost is None:
            reason = (
                f"{entrant.label} has the size of the baseline '{study.baseline}', which cannot take part"
            )
            return SizedEntrant(entrant=entrant, budget=budget, reason=reason)
        if entrant.sized == "baseline":
            target = round(entrant.share * baseline.cost.dense_parameters)
            solved_for = Budget(kind="dense_parameters", target=target)
    if asked is not None and baseline is not None and study.kind == "ablation":
        return sized_as_arm(entrant, asked, baseline, schema, solved_for, sizes)
    return sized_as_tuned(study, entrant, schema, budget, solved_for, sizes)


def _planned(
    study: Study, data: DatasetFacts, reference: DatasetRef, sized: SizedEntrant, seed: int
) -> Planned:
    contestant = sized.entrant.contestant
    assert sized.hyperparameters is not None
    assert sized.cost is not None
    return Planned(
        contestant=contestant,
        cost=sized.cost,
        train_rows=data.rows["train"] if reference.train_rows is None else reference.train_rows,
        observed=study.observed and hasattr(contestant.load(), "observe"),
        spec=Spec(
            dataset=reference,
            features=features_of(sized.entrant, study.features),
            contestant=ContestantRef(
                name=contestant.name,
                rev=contestant.rev,
                hyperparameters=sized.hyperparameters,
                source=contestant.source,
            ),
            protocol=changed(study.protocol, sized.entrant.protocol),
            budget=sized.solved_for,
            seed=seed,
        ),
    )


def _members(reference: DatasetRef, sized: SizedEntrant, runs: Sequence[Planned]) -> list[Member]:
    of_all = Member(
        label=sized.entrant.label,
        contestant=sized.entrant.contestant.name,
        title=sized.entrant.contestant.title,
        dataset=reference,
        budget=sized.budget,
        reason=sized.reason,
        setting=_setting(sized.entrant),
        sized=sized.entrant.sized,
    )
    if sized.reason is not None:
        return [of_all]
    return [dataclasses.replace(of_all, seed=run.spec.seed, key=run.spec.key()) for run in runs]


def _setting(entrant: Entrant) -> dict[str, Any]:
    features = {f"{FEATURES_PREFIX}{name}": value for name, value in entrant.features.items()}
    return {**features, **entrant.hyperparameters, **entrant.protocol}


def _references(study: Study, data: DatasetFacts) -> list[DatasetRef]:
    """The data with each of the study's numbers of training rows; that of all is None however it is asked."""
    whole = DatasetRef(name=data.name, rev=data.rev, fingerprint=data.fingerprint)
    counts: dict[int | None, None] = {}
    for count in study.train_rows:
        if count is not None:
            refuse_train_rows(count, data)
        counts[None if count == data.rows["train"] else count] = None
    return [dataclasses.replace(whole, train_rows=count) for count in counts]
