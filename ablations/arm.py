"""How an ablation is written: a base, and arms that are the base with one thing changed. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.contestants import Contestant, Dial
from bench.contestants.registry import CONTESTANTS
from bench.contestants.settings_file import shipped
from bench.runs.entrants import Entrant, Sized
from bench.runs.studies import BUDGETS, Study

if TYPE_CHECKING:
    from torch import nn

RANKMIXER = CONTESTANTS["rankmixer"]
TOKENMIXER_LARGE = CONTESTANTS["tokenmixer-large"]
TOKENMIXER_LARGE_MOE = CONTESTANTS["tokenmixer-large-moe"]


def arm(
    base: Contestant,
    name: str,
    label: str,
    *,
    model: str | type[nn.Module] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    dial: Dial | None = None,
    sized: Sized = "as_baseline",
) -> Entrant:
    """An arm with a model, defaults or a dial of its own. The rest, its `rev` too, is the base's.

    An arm that only has other hyper-parameters needs no contestant of its own: it is `varied`.

    Args:
        name: of its contestant, unique.
        label: what the paper calls the arm.
        model: a class, or ``package.module:Class``; mostly a subclass of the base's. None: the base's.
        hyperparameters: defaults that differ from the base's; what was tuned for the base does not change
            them.
        dial: None: the base's.
        sized: see `bench.runs.entrants.Entrant`.
    """
    values = {**base.hyperparameters, **(hyperparameters or {})}
    grown = base.dial if dial is None else dial
    contestant = dataclasses.replace(
        base,
        name=name,
        title=f"{base.title}: {label}",
        model=base.model if model is None else model,
        hyperparameters=values,
        dial=grown,
        search_space={n: c for n, c in base.search_space.items() if n in values or n in grown.proportions},
    )
    return Entrant(contestant=contestant, label=label, sized=sized)


def varied(
    base: Contestant, label: str, hyperparameters: Mapping[str, Any], *, sized: Sized = "as_baseline"
) -> Entrant:
    """An arm that is the base with other hyper-parameters."""
    return Entrant(contestant=base, label=label, hyperparameters=hyperparameters, sized=sized)


def ablation(
    name: str,
    question: str,
    base: Contestant | Entrant,
    *arms: Entrant,
    paper: str | None = None,
    observed: bool = False,
    resizable: bool = True,
) -> Study:
    """The study that compares `arms` with their base, by the settings that were tuned for the base.

    Args:
        question: one sentence.
        paper: the paper's table, such as ``rankmixer/table_2``.
        observed, resizable: see `bench.runs.studies.Study`.
    """
    first = base if isinstance(base, Entrant) else Entrant(contestant=base)
    entrants = (first, *arms)
    return Study(
        name=name,
        question=question,
        entrants=entrants,
        kind="ablation",
        budgets=BUDGETS if any(one.sized == "budget" for one in entrants) else (None,),
        tuned=shipped(),
        baseline=first.label,
        paper=paper,
        observed=observed,
        resizable=resizable,
    )
