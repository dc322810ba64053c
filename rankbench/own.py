"""What is asked of your own studies and contestants beside those of rankbench. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bench.contestants import Contestant
from bench.contestants.lookup import registered
from bench.errors import BadInput, unknown_name
from bench.runs.entrants import Entrant
from bench.runs.studies import Study
from rankbench.named import ARMS, STUDIES

PAPERS = tuple(dict.fromkeys(study.paper for study in STUDIES.values() if study.paper is not None))
"""The items of the papers beside which results are shown."""
_MADE_OF_ONE = ("-tuning", "-fairness")
"""What `tune` and `fairness` append to the name of a study."""


def refuse_taken_study(own: Study, target: str) -> None:
    """Refuses a study of your own that a report would mix up with another, or set beside nothing.

    Args:
        target: as it was asked for.

    Raises:
        BadInput: a study or contestant of rankbench has its name, or there is no such item of a paper.
    """
    if (holder := _holder(own.name)) is not None:
        raise _taken(f"study '{target}'", own.name, holder)
    if own.paper is not None and own.paper not in PAPERS:
        raise unknown_name(f"paper of study '{target}':", str(own.paper), PAPERS)


def refuse_taken_contestants(entrants: Iterable[Entrant]) -> None:
    """Raises BadInput where a contestant of your own has the name of the arm of an ablation of rankbench."""
    for one in entrants:
        name = one.contestant.name
        if name in ARMS and dataclasses.replace(one.contestant, source=None) != ARMS[name]:
            raise _taken(f"the contestant of '{one.label}'", name, "an arm of rankbench")


def refuse_taken_name(contestant: Contestant, target: str) -> None:
    """Raises BadInput where a contestant that is asked for alone has the name of a study of rankbench."""
    if contestant.name in STUDIES:
        raise _taken(f"contestant '{target}'", contestant.name, "a study of rankbench")


def _holder(name: str) -> str | None:
    """Who has that name for a study already; None if nobody has."""
    made = next((suffix for suffix in _MADE_OF_ONE if name.endswith(suffix)), "")
    stem = name.removesuffix(made)
    if stem in STUDIES or stem in registered():
        what = "study" if stem in STUDIES else "contestant"
        return f"the {made.removeprefix('-')} of {stem}" if made else f"a {what} of rankbench"
    return None


def _taken(what: str, name: str, holder: str) -> BadInput:
    return BadInput(f"{what} has the name '{name}', which is taken by {holder}; choose another name")
