"""Tuning: the same number of trials for every contestant, at the same quasi-random points.

A trial is an entrant at a budget, its size solved again. Trial 0 is the contestant's default by the base
protocol, so what is chosen is never worse than that on valid. A point that the budget cannot meet moves to
the nearest combination of the contestant's own space that can, so none has fewer trials. The value of a trial
is its AUC on valid, the mean over tasks and then over data sets, from one run on each. The highest of many
values is high by luck too, so the default and the best others are run again with other seeds, and the mean
over all of them decides. The store of runs is the truth: what is there is not trained again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.contestants.tuned import Setting, TunedSetting, size_of
from bench.data.dataset import Dataset
from bench.errors import BadInput
from bench.runs.plan import Plan, joined, plan
from bench.runs.record import Run
from bench.runs.sizing import Sizes
from bench.runs.space import space_of
from bench.runs.studies import Study, refuse_unsized
from bench.runs.trials import (
    CONFIRMING_SEEDS,
    FINALISTS,
    TRIAL_SEED,
    Search,
    Trial,
    label_of,
    value_of,
)
from bench.runs.using_tuned import with_setting
from bench.spec import Budget

Train = Callable[[Plan], Mapping[str, Run]]
"""Trains the runs of a plan that are missing; returns the runs of the store by key."""


class Sampler(Protocol):
    """Says what is tried next. One that learns from values has rounds of one trial."""

    def rounds(self) -> Iterator[range]:
        """The numbers of the trials that can be trained at a time."""

    def setting(self, search: Search, number: int) -> Setting:
        """What trial `number` tries; not yet moved to what the budget can meet."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What a tuning at one budget came to.

    Args:
        searches: one for every entrant of the study.
        plan: of all trials.
        failed: labels of the trials that have no value.
        chosen: the best setting of each that can take part; empty where trials have failed.
    """

    searches: Sequence[Search]
    plan: Plan
    failed: tuple[str, ...]
    chosen: tuple[TunedSetting, ...]


def tune(
    asked: Study,
    datasets: Sequence[Dataset],
    budget: Budget,
    sampler: Sampler,
    *,
    given: Sequence[str] = (),
    command: str,
    train: Train,
    finalists: int = FINALISTS,
) -> Tuning:
    """Tries settings of every entrant of `asked` until the sampler has no more rounds.

    It ends early where a trial of a round has no value, because a sampler may need it.

    Args:
        given: names of protocol values that are not searched.
        command: tunes again.
        train: told of all trials so far in each round.
        finalists: trials of each that are run again before one is chosen; 0: none.

    Raises:
        BadInput: no entrant is possible, one is not sized by the budget, or a contestant takes part twice.
    """
    names = [entrant.contestant.name for entrant in asked.entrants]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{name} takes part twice in study '{asked.name}'; each is tuned once")
    refuse_unsized(asked, "tuned")
    sizes = Sizes(asked.features)
    searches = []
    for entrant in asked.entrants:
        space = space_of(entrant, asked.protocol, given=given)
        searches.append(Search(space=space, budget=budget))
    failed: tuple[str, ...] = ()
    planned = None
    for numbers in sampler.rounds():
        for search in searches:
            _propose(search, numbers, sampler, datasets, sizes)
        planned = _planned(asked, datasets, budget, _all_trials(searches), command, sizes)
        failed = _fill_in(searches, planned, train(planned))
        if failed:
            break
    assert planned is not None
    again = [(one, trial) for one in searches if one.trials for trial in one.finalists(finalists)]
    if again and not failed:
        confirming = _planned(asked, datasets, budget, again, command, sizes, seeds=CONFIRMING_SEEDS)
        planned = joined((planned, confirming))
        failed = _confirm(again, confirming, train(planned))
    chosen = () if failed else tuple(_chosen(one, datasets, sizes) for one in searches if one.trials)
    return Tuning(searches=searches, plan=planned, failed=failed, chosen=chosen)


def _propose(
    search: Search, numbers: range, sampler: Sampler, datasets: Sequence[Dataset], sizes: Sizes
) -> None:
    """Adds the trials of a round, each moved to the nearest setting that the budget can meet."""
    for number in numbers:
        if search.reason is not None:
            return
        asked = Setting() if number == 0 else sampler.setting(search, number)
        met = next((s for s in search.space.nearest_first(asked) if _can(search, s, datasets, sizes)), None)
        if met is None and number > 0:  # the search space has none, but the default can
            default = search.trials[0].setting
            met = dataclasses.replace(asked, hyperparameters=default.hyperparameters)
        if met is None:
            search.reason = _why_not(search, datasets, sizes)
        else:
            search.trials.append(Trial(number=number, setting=met))


def _chosen(search: Search, datasets: Sequence[Dataset], sizes: Sizes) -> TunedSetting:
    """The best setting, with every value that was searched written out, for defaults may change."""
    best, own = search.best(), search.entrant
    written = search.space.setting(search.space.values(best.setting))
    if not _is_one_model(search, best.setting, written, datasets, sizes):  # the data adapts a default
        written = dataclasses.replace(written, hyperparameters=best.setting.hyperparameters)
    auc, default_auc = (
        one.value if one.confirmed is None else one.confirmed for one in (best, search.trials[0])
    )
    assert auc is not None
    assert default_auc is not None
    return TunedSetting(
        contestant=own.contestant.name,
        rev=own.contestant.rev,
        source=own.contestant.source,
        size=size_of(search.budget),
        trial=best.number,
        valid_auc=auc,
        default_valid_auc=default_auc,
        hyperparameters={**written.hyperparameters, **own.hyperparameters},
        protocol={**written.protocol, **own.protocol},
    )


def _is_one_model(
    search: Search, one: Setting, other: Setting, datasets: Sequence[Dataset], sizes: Sizes
) -> bool:
    if not _can(search, other, datasets, sizes):
        return False
    first, second = (
        [
            sizes.sized(with_setting(search.entrant, each), dataset.schema, search.budget, search.budget)
            for dataset in datasets
        ]
        for each in (one, other)
    )
    return [sized.hyperparameters for sized in first] == [sized.hyperparameters for sized in second]


def _can(search: Search, setting: Setting, datasets: Sequence[Dataset], sizes: Sizes) -> bool:
    return _reason(search, setting, datasets, sizes) is None


def _why_not(search: Search, datasets: Sequence[Dataset], sizes: Sizes) -> str:
    return _reason(search, Setting(), datasets, sizes) or ""


def _reason(search: Search, setting: Setting, datasets: Sequence[Dataset], sizes: Sizes) -> str | None:
    """Why a setting cannot be trained on all the data at the budget; None where it can."""
    entrant = with_setting(search.entrant, setting)
    try:
        sized = [sizes.sized(entrant, dataset.schema, search.budget, search.budget) for dataset in datasets]
    except BadInput as error:
        return str(error)
    return next((one.reason for one in sized if one.reason is not None), None)


def _planned(
    asked: Study,
    datasets: Sequence[Dataset],
    budget: Budget,
    trials: Sequence[tuple[Search, Trial]],
    command: str,
    sizes: Sizes,
    seeds: tuple[int, ...] = (TRIAL_SEED,),
) -> Plan:
    """The runs of trials; of one that cannot take part, the record says why."""
    entrants, numbers = [], {}
    for search, trial in trials:
        label = label_of(search, trial)
        entrants.append(dataclasses.replace(with_setting(search.entrant, trial.setting), label=label))
        numbers[label] = trial.number
    study = dataclasses.replace(
        asked,
        name=f"{asked.name}-tuning",
        question="Which setting of each contestant is best on valid?",
        kind="tuning",
        entrants=tuple(entrants),
        budgets=(budget,),
        seeds=seeds,
        tuned=None,
        beside_equal=False,
        baseline=None,
        paper=None,
    )
    planned = plan(study, datasets, command=command, sizes=sizes)
    members = [dataclasses.replace(member, trial=numbers[member.label]) for member in planned.record.members]
    return dataclasses.replace(planned, record=dataclasses.replace(planned.record, members=tuple(members)))


def _all_trials(searches: Sequence[Search]) -> list[tuple[Search, Trial]]:
    """Those of a contestant that cannot take part are its default, which says why."""
    default = Trial(number=0, setting=Setting())
    return [(search, trial) for search in searches for trial in search.trials or [default]]


def _fill_in(searches: Sequence[Search], planned: Plan, runs: Mapping[str, Run]) -> tuple[str, ...]:
    """Gives the trials their keys and values; returns the labels of those without a value."""
    keys = _keys_of(planned)
    failed = []
    for search in searches:
        for place, trial in enumerate(search.trials):
            of_trial = keys[label_of(search, trial)]
            value = value_of([runs[key] for key in of_trial])
            search.trials[place] = dataclasses.replace(trial, keys=tuple(of_trial), value=value)
            if value is None:
                failed.append(label_of(search, trial))
    return tuple(failed)


def _confirm(
    again: Sequence[tuple[Search, Trial]], planned: Plan, runs: Mapping[str, Run]
) -> tuple[str, ...]:
    """Gives the finalists their confirmed values; returns the labels of those without one."""
    keys = _keys_of(planned)
    failed = []
    for search, trial in again:
        label = label_of(search, trial)
        value = value_of([runs[key] for key in keys[label]])  # of as many runs with each seed
        if value is None or trial.value is None:
            failed.append(label)
            continue
        seeds = 1 + len(CONFIRMING_SEEDS)
        confirmed = (trial.value + len(CONFIRMING_SEEDS) * value) / seeds
        search.trials[trial.number] = dataclasses.replace(trial, confirmed=confirmed)
    return tuple(failed)


def _keys_of(planned: Plan) -> dict[str, list[str]]:
    """Label of a trial → the keys of its runs."""
    keys: dict[str, list[str]] = {}
    for member in planned.record.members:
        if member.key is not None:
            keys.setdefault(member.label, []).append(member.key)
    return keys
