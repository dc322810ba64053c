"""The check of fairness: would a contestant gain on valid from a setting next to the one it is used with?

Its neighbours differ from the setting in use in one thing: the dense or the sparse rate doubled or halved,
another initialisation, or one step along one axis of its search space, the size solved again. Each is trained
as the setting in use is, with the same data, budgets and seeds. A step that cannot be made is kept in the
record with its reason. `reports.tuning.fairness` judges the runs.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.canonical import plain
from bench.data.dataset import Dataset
from bench.errors import BadInput
from bench.runs.entrants import Entrant, short_value
from bench.runs.plan import Plan, joined, plan
from bench.runs.sizing import SizedEntrant, Sizes
from bench.runs.space import INITIALISATION
from bench.runs.studies import Study, refuse_unsized
from bench.runs.study_record import Member
from bench.runs.using_tuned import settings_of, sized_as_tuned
from bench.spec import Budget, Protocol
from bench.training.protocols import changed

RATES = ("dense_lr", "sparse_lr")
FACTORS = {"÷2": 0.5, "×2": 2.0}


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A setting next to the one in use.

    Args:
        varied: the one thing that differs, such as ``dense_lr ×2``.
        reason: why it is left out; None where it is not.
    """

    entrant: Entrant
    varied: str
    reason: str | None = None


def plan_fairness(asked: Study, datasets: Sequence[Dataset], *, command: str) -> Plan:
    """Plans the runs of every entrant of `asked`, with the setting in use and with its neighbours.

    Args:
        asked: has no budget that is None, because a step changes the size unless it is solved again.
        command: checks again.

    Raises:
        BadInput: an entrant that no budget sizes, or that is used with other settings on other data; or what
            `bench.runs.plan.plan` raises.
    """
    refuse_unsized(asked, "checked")
    sizes = Sizes(asked.features)
    plans = []
    for budget in asked.budgets:
        assert budget is not None
        plans.append(_planned(asked, datasets, budget, sizes, command))
    return joined(plans)


def neighbours(
    used: Sequence[SizedEntrant], base: Protocol, datasets: Sequence[Dataset], sizes: Sizes
) -> list[Neighbour]:
    """Those that the budget can meet, and those left out; none of an entrant that is impossible.

    Args:
        used: the entrant with the setting in use, on each data set.
    """
    if any(one.reason is not None for one in used):
        return []
    entrant, found = used[0].entrant, []
    for name, (sign, factor) in itertools.product(RATES, FACTORS.items()):
        rate = getattr(changed(base, entrant.protocol), name) * factor
        found.append(Neighbour(entrant=_moved(entrant, "protocol", name, rate), varied=f"{name} {sign}"))
    for name, value in _steps(used):
        moved = _moved(entrant, "hyperparameters", name, value)
        reason = _why_not(moved, used, datasets, sizes)
        found.append(Neighbour(entrant=moved, varied=f"{name} {short_value(value)}", reason=reason))
    return found


def one_step(choices: Sequence[Any], used: Any) -> list[Any]:
    """The choices next to the value in use: the one before it and the one after.

    A number that is not among them lies between two, or beyond the first or last. Any other value that is
    not has no place among them, so that all are one step away.
    """
    places = [plain(choice) for choice in choices]
    if plain(used) in places:
        place = places.index(plain(used))
        return [*choices[max(place - 1, 0) : place], *choices[place + 1 : place + 2]]
    if not all(isinstance(value, (int, float)) for value in (*choices, used)):
        return list(choices)
    below, above = [c for c in choices if c < used], [c for c in choices if c > used]
    return ([max(below)] if below else []) + ([min(above)] if above else [])


def _planned(asked: Study, datasets: Sequence[Dataset], budget: Budget, sizes: Sizes, command: str) -> Plan:
    every_used = [_in_use(asked, entrant, datasets, budget, sizes) for entrant in asked.entrants]
    of_entrant = {
        used[0].entrant.label: neighbours(used, asked.protocol, datasets, sizes) for used in every_used
    }
    varied = {one.entrant.label: one.varied for found in of_entrant.values() for one in found}
    study = dataclasses.replace(
        asked,
        name=f"{asked.name}-fairness",
        question="Would any contestant gain from a setting next to the one it is used with?",
        kind="fairness",
        entrants=tuple(
            entrant
            for used in every_used
            for entrant in (
                used[0].entrant,
                *(n.entrant for n in of_entrant[used[0].entrant.label] if n.reason is None),
            )
        ),
        budgets=(budget,),
        tuned=None,  # the entrants have their settings
        beside_equal=False,
        baseline=None,
        paper=None,
    )
    planned = plan(study, datasets, command=command, sizes=sizes)
    members = [dataclasses.replace(m, varied=varied.get(m.label)) for m in planned.record.members]
    members += [
        _left_out(member, one)
        for member in planned.record.members
        if member.label in of_entrant and member.seed == asked.seeds[0]  # one of each data set
        for one in of_entrant[member.label]
        if one.reason is not None
    ]
    record = dataclasses.replace(planned.record, members=tuple(members))
    settings = settings_of(asked)
    if settings is not None and any(used[0].tuned for used in every_used):
        untuned = [u[0].entrant.label for u in every_used if u[0].cost is not None and not u[0].tuned]
        record = dataclasses.replace(record, tuned=settings.told(), untuned=tuple(untuned))
    warnings = [
        *(warning for used in every_used for one in used for warning in one.warnings),
        *planned.warnings,
    ]
    return dataclasses.replace(planned, record=record, warnings=tuple(dict.fromkeys(warnings)))


def _in_use(
    asked: Study, entrant: Entrant, datasets: Sequence[Dataset], budget: Budget, sizes: Sizes
) -> list[SizedEntrant]:
    """The entrant with its tuned setting where it has one, on each data set."""
    found = [sized_as_tuned(asked, entrant, d.schema, budget, budget, sizes) for d in datasets]
    for one, dataset in zip(found, datasets, strict=True):
        if one.entrant != found[0].entrant:
            raise BadInput(
                f"{entrant.label} is used with other settings on {dataset.name} than on {datasets[0].name}; "
                "check one of them at a time, with --data"
            )
    return found


def _left_out(used: Member, one: Neighbour) -> Member:
    return dataclasses.replace(
        used,
        label=one.entrant.label,
        seed=None,
        key=None,
        reason=one.reason,
        setting={**one.entrant.hyperparameters, **one.entrant.protocol},
        varied=one.varied,
    )


def _moved(used: Entrant, what: Literal["hyperparameters", "protocol"], name: str, value: Any) -> Entrant:
    """The entrant with one value changed, which its label says."""
    changes: dict[str, Any] = {what: {**getattr(used, what), name: value}}
    return dataclasses.replace(used, label=f"{used.label} · {name} {short_value(value)}", **changes)


def _steps(used: Sequence[SizedEntrant]) -> Iterator[tuple[str, Any]]:
    """(name, value) of every other initialisation and of every step of the contestant's own space."""
    contestant = used[0].entrant.contestant
    for value in contestant.initialisations:
        if value != _value(used[0], INITIALISATION):
            yield INITIALISATION, value
    for name, choices in contestant.search_space.items():
        if name == INITIALISATION:
            continue
        nearest = [one_step(choices, _value(sized, name)) for sized in used]
        yield from ((name, value) for value in choices if any(value in of_one for of_one in nearest))


def _value(sized: SizedEntrant, name: str) -> Any:
    """Of a hyper-parameter, as it was adapted to the data, or of a proportion."""
    assert sized.hyperparameters is not None
    asked = {**sized.entrant.contestant.dial.proportions, **sized.entrant.hyperparameters}
    return sized.hyperparameters.get(name, asked.get(name))


def _why_not(
    entrant: Entrant, used: Sequence[SizedEntrant], datasets: Sequence[Dataset], sizes: Sizes
) -> str | None:
    """Why a neighbour cannot be trained on all the data, or need not be; None where it is trained."""
    budget = used[0].budget
    try:
        found = [sizes.sized(entrant, dataset.schema, budget, budget) for dataset in datasets]
    except BadInput as error:
        return str(error)
    if reason := next((one.reason for one in found if one.reason is not None), None):
        return reason
    if all(
        plain(one.hyperparameters) == plain(other.hyperparameters)
        for one, other in zip(found, used, strict=True)
    ):
        return "it gives the same model as the setting in use"
    return None
