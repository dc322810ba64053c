"""From a study to its runs: every entrant sized, and what is impossible named, before anything is trained."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.data.dataset import Dataset
from bench.data.schema import Schema
from bench.errors import BadInput
from bench.runs.arms import sized_as_arm
from bench.runs.entrants import Entrant
from bench.runs.execute import Planned
from bench.runs.sizing import SizedEntrant, Sizes
from bench.runs.studies import Study
from bench.runs.study_record import Member, StudyRecord
from bench.runs.using_tuned import settings_of, sized_as_tuned
from bench.spec import Budget, ContestantRef, DatasetRef, Spec
from bench.training.protocols import changed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All runs of a study.

    Args:
        runs: one list a data set, in the study's order: all entrants and budgets of one seed, then the next;
            after them those of the equal protocol. None is there twice.
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


def plan(study: Study, datasets: Sequence[Dataset], *, command: str, sizes: Sizes | None = None) -> Plan:
    """Every run of the study on those data sets, and what is kept of the study.

    Args:
        command: runs the study again.
        sizes: what an earlier plan with the same features has sized already.

    Raises:
        BadInput: no entrant is possible, or one sets what the budget decides.
    """
    sizes = sizes or Sizes(study.features)
    settings = settings_of(study)
    plain = dataclasses.replace(study, tuned=None) if study.beside_equal and settings is not None else None
    members: list[Member] = []
    equal: list[Member] = []
    runs = []
    sized: list[SizedEntrant] = []
    for dataset in datasets:
        of_dataset, of_members, of_sized = _on(study, dataset, sizes)
        members += of_members
        sized += of_sized
        if plain is not None:
            of_equal, equal_members, _ = _on(plain, dataset, sizes)
            of_dataset += of_equal
            equal += equal_members
        runs.append((dataset, list({run.spec.key(): run for run in of_dataset}.values())))
    if not any(of_dataset for _, of_dataset in runs):
        reasons = dict.fromkeys(member.reason for member in members if member.reason)
        raise BadInput(f"no contestant can take part in study '{study.name}': {'; '.join(reasons)}")
    record = StudyRecord(
        name=study.name,
        kind=study.kind,
        question=study.question,
        command=command,
        baseline=study.baseline,
        paper=study.paper,
        members=tuple(members),
        equal=tuple(equal),
        tuned=settings.told() if settings is not None and any(s.tuned for s in sized) else None,
        untuned=tuple(dict.fromkeys(s.entrant.label for s in sized if not s.tuned and s.cost is not None))
        if any(s.tuned for s in sized)
        else (),
        observed=study.observed,
    )
    warnings = dict.fromkeys(warning for s in sized for warning in s.warnings)
    return Plan(runs=runs, record=record, warnings=tuple(warnings))


def _on(
    study: Study, dataset: Dataset, sizes: Sizes
) -> tuple[list[Planned], list[Member], list[SizedEntrant]]:
    """The runs of a study on one data set, seed by seed, with its members there and the sizes of all."""
    sized = _all_sized(study, dataset.schema, sizes)
    of_entrant = [[_planned(study, dataset, s, seed) for seed in study.seeds if s.cost] for s in sized]
    seed_by_seed = zip(*(of_one for of_one in of_entrant if of_one), strict=True)
    members = [m for s, of_one in zip(sized, of_entrant, strict=True) for m in _members(dataset, s, of_one)]
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
        else _sized_beside(study, one, baseline, budget, schema, sizes)
        for one in study.entrants
    ]


def _sized_beside(
    study: Study,
    entrant: Entrant,
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
    if baseline is not None and study.kind == "ablation":
        return sized_as_arm(entrant, baseline, schema, solved_for, sizes)
    return sized_as_tuned(study, entrant, schema, budget, solved_for, sizes)


def _planned(study: Study, dataset: Dataset, sized: SizedEntrant, seed: int) -> Planned:
    contestant = sized.entrant.contestant
    assert sized.hyperparameters is not None
    assert sized.cost is not None
    return Planned(
        contestant=contestant,
        cost=sized.cost,
        spec=Spec(
            dataset=_reference(dataset),
            features=study.features,
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


def _members(dataset: Dataset, sized: SizedEntrant, runs: Sequence[Planned]) -> list[Member]:
    of_all = Member(
        label=sized.entrant.label,
        contestant=sized.entrant.contestant.name,
        title=sized.entrant.contestant.title,
        dataset=_reference(dataset),
        budget=sized.budget,
        reason=sized.reason,
        setting={**sized.entrant.hyperparameters, **sized.entrant.protocol},
        sized=sized.entrant.sized,
    )
    if sized.reason is not None:
        return [of_all]
    return [dataclasses.replace(of_all, seed=run.spec.seed, key=run.spec.key()) for run in runs]


def _reference(dataset: Dataset) -> DatasetRef:
    return DatasetRef(name=dataset.name, rev=dataset.rev, fingerprint=dataset.fingerprint)
