"""Entrants with the settings that a tuning chose for them.

What an entrant sets itself, and the protocol values that were given for all, are kept.
"""

from __future__ import annotations

import dataclasses

from bench.contestants.tuned import Setting, TunedSettings, size_of
from bench.data.schema import Schema
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.sizing import SizedEntrant, Sizes
from bench.runs.studies import Study
from bench.spec import Budget


def settings_of(study: Study) -> TunedSettings | None:
    """The tuned settings of a study; None where it has none, as before the first tuning."""
    return study.tuned if study.tuned is not None and study.tuned.settings else None


def sized_as_tuned(
    study: Study,
    entrant: Entrant,
    schema: Schema,
    budget: Budget | None,
    solved_for: Budget | None,
    sizes: Sizes,
) -> SizedEntrant:
    """The entrant sized with its tuned setting, if the study has one for it.

    Tuned hyper-parameters belong to a budget: an entrant that is sized in another way has the tuned protocol
    values only, and so has one whose tuned hyper-parameters the budget or the data cannot meet, which a
    warning says.

    Raises:
        BadInput: the entrant itself sets what the budget decides.
    """
    plain = sizes.sized(entrant, schema, budget, solved_for)
    settings = settings_of(study)
    if settings is None:
        return plain
    by_budget = budget is not None and entrant.sized == "budget"
    size = size_of(budget) if by_budget and budget is not None else None
    if size is None and plain.cost is not None:
        size = plain.cost.dense_parameters
    setting = None if size is None else settings.of(entrant.contestant, size)
    if setting is None:
        return plain if plain.cost is None else _untuned(study, plain)
    trained = with_setting(entrant, Setting(protocol=setting.protocol), given=study.given)
    if not by_budget:
        return dataclasses.replace(plain, entrant=trained, tuned=True)
    try:
        tuned = sizes.sized(with_setting(entrant, setting, given=study.given), schema, budget, solved_for)
        why = tuned.reason
    except BadInput as error:
        why = str(error)
    if why is None:
        return dataclasses.replace(tuned, tuned=True)
    if plain.cost is None:
        return plain
    warning = (
        f"{entrant.label} has its default hyper-parameters, because its tuned ones cannot be used here: {why}"
    )
    return dataclasses.replace(plain, entrant=trained, tuned=True, warnings=(*plain.warnings, warning))


def with_setting(entrant: Entrant, setting: Setting, *, given: tuple[str, ...] = ()) -> Entrant:
    """The entrant with a setting in place of defaults.

    Args:
        given: names of protocol values that the setting does not change.
    """
    protocol = {name: value for name, value in setting.protocol.items() if name not in given}
    return dataclasses.replace(
        entrant,
        hyperparameters={**setting.hyperparameters, **entrant.hyperparameters},
        protocol={**protocol, **entrant.protocol},
    )


def _untuned(study: Study, plain: SizedEntrant) -> SizedEntrant:
    warning = (
        f"{plain.entrant.label} has no tuned setting; it is trained by the base protocol "
        f"'{study.protocol.name}'"
    )
    return dataclasses.replace(plain, warnings=(*plain.warnings, warning))
