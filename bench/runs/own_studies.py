"""Your own studies: a `Study` in a file, or in a module that can be imported from the current folder.

    folder/my_question.py:STUDY
    package.module:STUDY

Imports torch, because the contestants of such a study are checked against their models.
"""

from __future__ import annotations

import dataclasses

from bench.contestants.contract import Contestant
from bench.contestants.lookup import checked, import_own, place_of_ones_own
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput, unknown_name
from bench.runs.entrants import Entrant
from bench.runs.studies import Study


def own_study(name: str) -> Study | None:
    """The study called `name`, see above; None where it names something else, such as a contestant.

    A contestant that is not in the registry is checked against its model, and has its `source`.

    Raises:
        BadInput: a file or module that cannot be imported, a name that is not there, or an entrant that
            cannot be used.
    """
    module_name, attribute = place_of_ones_own(name, "study or contestant") or ("", None)
    if attribute is None:
        return None
    what = f"'{name}'"
    module = import_own(module_name, what)
    if not hasattr(module, attribute):
        known = [n for n, value in vars(module).items() if isinstance(value, (Study, Contestant))]
        raise unknown_name(f"study or contestant in {name.removesuffix(f':{attribute}')}:", attribute, known)
    found = getattr(module, attribute)
    if isinstance(found, Contestant):
        return None
    if not isinstance(found, Study):
        raise BadInput(
            f"{what} is a {type(found).__name__}; it must be a bench.runs.studies.Study or a "
            "bench.contestants.Contestant"
        )
    entrants = (_checked(one, f"study {what}, {one.label}", module_name) for one in found.entrants)
    return dataclasses.replace(found, entrants=tuple(entrants))


def _checked(entrant: Entrant, what: str, module_name: str) -> Entrant:
    contestant = entrant.contestant
    if CONTESTANTS.get(contestant.name) is contestant:
        return entrant
    return dataclasses.replace(entrant, contestant=checked(contestant, what, module_name))
