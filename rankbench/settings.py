"""`--set`: hyper-parameters of the entrants of a study. Imports no torch for the registry's contestants.

What an entrant sets itself, as its label says, cannot be set. In an ablation the base is set, and its arms
take it from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from bench.contestants import Contestant
from bench.contestants.values import read_values
from bench.errors import BadInput, unknown_name
from bench.runs.entrants import Entrant, lacking_of, takes


def by_contestant(option: str, settings: Sequence[str], entrants: Sequence[Entrant]) -> dict[str, list[str]]:
    """Contestant → the settings that `option` gives it, such as ``num_layers=3``.

    Raises:
        BadInput: a setting names no contestant that takes part.
    """
    of: dict[str, list[str]] = {}
    names = list(dict.fromkeys(one.contestant.name for one in entrants))
    for setting in settings:
        name, dot, _ = setting.partition("=")[0].partition(".")
        if dot and name in names:
            of.setdefault(name, []).append(setting.removeprefix(f"{name}."))
        elif dot:
            raise unknown_name(f"contestant of {option} {setting}:", name, names)
        elif len(entrants) == 1:
            of.setdefault(names[0], []).append(setting)
        else:
            raise BadInput(
                f"{option} {setting} names no contestant, but {len(entrants)} take part; write "
                f"{option} CONTESTANT.{setting} (one of {', '.join(names)})"
            )
    return of


def with_settings(
    entrants: Sequence[Entrant], base: Entrant | None, settings: Sequence[str]
) -> list[Entrant]:
    """The entrants with the hyper-parameters that `--set` gives them.

    Args:
        base: of an ablation, one of `entrants`; None in any other study.

    Raises:
        BadInput: an entrant sets one itself; an arm would differ from its base in one that is not its
            question; or as `by_contestant` and `read_values`.
    """
    of_contestant = by_contestant("--set", settings, entrants)
    found = []
    for one in entrants:
        values = read_values(one.contestant, of_contestant.get(one.contestant.name, []))
        if base is not None and base.contestant.name in of_contestant and one is not base:
            of_base = read_values(base.contestant, of_contestant[base.contestant.name])
            _refuse_of_arm(one, base, of_base)
            if one.contestant.name == base.contestant.name and one.sized != "given":
                values = {}  # it has them from the base
        for name in values:
            if base is not None and one.contestant.name != base.contestant.name:
                _refuse_apart_from_base(one, base, name)
            if name in one.hyperparameters and not _named_by_its_contestant(one):
                raise _set_itself(one, name)
        found.append(_set(one, values) if values else one)
    return found


def _set(one: Entrant, values: dict[str, Any]) -> Entrant:
    return dataclasses.replace(
        one,
        hyperparameters={**one.hyperparameters, **values},
        label="" if _named_by_its_contestant(one) else one.label,
    )


def _refuse_of_arm(arm: Entrant, base: Entrant, values: dict[str, Any]) -> None:
    """Raises BadInput where the arm cannot take from its base what `--set` gives that."""
    for name in values:
        if _sets(arm, base.contestant, name):
            raise _set_itself(arm, name)
        apart = arm.sized == "given" and arm.contestant.name != base.contestant.name
        if apart and takes(arm.contestant, base.contestant, name):
            raise BadInput(
                f"--set gives {name} to {base.contestant.name}, but '{arm.label}', which is sized as given, "
                "does not take it from there; leave it out"
            )


def _refuse_apart_from_base(arm: Entrant, base: Entrant, name: str) -> None:
    """Raises BadInput where `--set` would make an arm differ from its base in what is not its question."""
    if _sets(arm, base.contestant, name):
        raise _set_itself(arm, name)
    if takes(arm.contestant, base.contestant, name):
        raise BadInput(
            f"--set gives {name} to the arm '{arm.label}', but not to its base '{base.label}'; give it to "
            f"the base, as {base.contestant.name}.{name}, and its arms have it too"
        )


def _sets(arm: Entrant, base: Contestant, name: str) -> bool:
    """Whether the arm itself says what `name` is: as an entrant, or as a default in place of the base's."""
    made_of_base = not lacking_of(base, arm.contestant)
    return name in arm.hyperparameters or (made_of_base and not takes(arm.contestant, base, name))


def _named_by_its_contestant(one: Entrant) -> bool:
    """Whether its label is that of its contestant and what differs from its defaults, and so says all."""
    return one.label in (dataclasses.replace(one, label="").label, one.contestant.title)


def _set_itself(one: Entrant, name: str) -> BadInput:
    return BadInput(
        f"--set gives {name}, but '{one.label}' sets {name} itself and would no longer be what it is called; "
        "leave it out, or ask a question of your own with --study"
    )
