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

    The setting is that of the nearest tuned size in dense parameters. Where the budget is in FLOPs, the size
    is the one that the entrant has at it. Tuned hyper-parameters belong to a budget: an entrant that is sized
    in another way has the tuned protocol values only, and so has one whose tuned hyper-parameters the budget
    or the data cannot meet, which a warning says.

    Raises:
        BadInput: the entrant itself sets what the budget decides.
    """
    settings = settings_of(study)
    by = budget if entrant.sized == "budget" else None
    why = None
    if settings is not None and by is not None and (setting := settings.of(entrant.contestant, size_of(by))):

        def sized_with(setting: Setting) -> SizedEntrant | str:
            """Or why it cannot be."""
            try:
                with_it = with_setting(entrant, setting, given=study.given)
                found = sizes.sized(with_it, schema, budget, solved_for)
            except BadInput as error:
                return str(error)
            return found.reason or dataclasses.replace(found, tuned=True)

        found = sized_with(setting)
        if isinstance(found, SizedEntrant):
            nearest = settings.of(entrant.contestant, _size(found, by))
            again = found if nearest in (None, setting) else sized_with(nearest)
            return again if isinstance(again, SizedEntrant) else found
        why = found
    plain = sizes.sized(entrant, schema, budget, solved_for)
    if settings is None or plain.cost is None:
        return plain
    chosen = settings.of(entrant.contestant, _size(plain, by))
    if chosen is None:
        return _untuned(study, plain)
    trained = with_setting(entrant, Setting(protocol=chosen.protocol), given=study.given)
    if why is None:
        return dataclasses.replace(plain, entrant=trained, tuned=True)
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


def _size(sized: SizedEntrant, by: Budget | None) -> int:
    """Dense parameters: those of the budget, else those that the entrant has."""
    if by is not None and by.kind == "dense_parameters":
        return by.target
    assert sized.cost is not None, "one that is possible"
    return sized.cost.dense_parameters


def _untuned(study: Study, plain: SizedEntrant) -> SizedEntrant:
    warning = (
        f"{plain.entrant.label} has no tuned setting; it is trained by the base protocol "
        f"'{study.protocol.name}'"
    )
    return dataclasses.replace(plain, warnings=(*plain.warnings, warning))
