"""Arms of an ablation: the baseline as it was sized and tuned, with what the arm itself changes.

An arm changes what it sets as an entrant, and where its contestant has another default than the baseline's.
The rest, the protocol too, is the baseline's.
"""

from __future__ import annotations

import dataclasses

from bench.contestants import Contestant
from bench.contestants.contract import Hyperparameters
from bench.contestants.decided import decided_by_budget
from bench.data.schema import Schema
from bench.errors import BadInput
from bench.runs.entrants import Entrant, takes
from bench.runs.sizing import SizedEntrant, Sizes
from bench.spec import Budget


def sized_as_arm(
    entrant: Entrant,
    asked: Entrant,
    baseline: SizedEntrant,
    schema: Schema,
    solved_for: Budget | None,
    sizes: Sizes,
) -> SizedEntrant:
    """The arm, sized as it says.

    An arm that is solved for a size starts from what was set and tuned for the baseline. Where what was tuned
    does not fit the size or the data, it has its own defaults in place of that, which a warning says.

    Args:
        asked: the baseline without what was tuned for it.

    Raises:
        BadInput: the arm itself sets what the budget decides.
    """
    budget = baseline.budget
    trained = dataclasses.replace(
        entrant,
        protocol={**baseline.entrant.protocol, **entrant.protocol},
        features={**baseline.entrant.features, **entrant.features},
    )
    tuned, untuned = (
        _with(trained, _unchanged(one.hyperparameters, entrant.contestant, baseline))
        for one in (baseline.entrant, asked)
    )
    arm = tuned
    if entrant.sized == "as_baseline":
        sized = sizes.sized(_like(trained, baseline), schema, budget, None)
    elif entrant.sized == "given":
        arm, sized = trained, sizes.sized(trained, schema, budget, None)
    else:
        arm = _without_decided(tuned, entrant, schema, solved_for, sizes)
        sized = _solved(arm, schema, budget, solved_for, sizes)
        untuned = _without_decided(untuned, entrant, schema, solved_for, sizes)
        if sized.cost is None and arm != untuned:
            why, arm = sized.reason, untuned
            sized = _solved(arm, schema, budget, solved_for, sizes)
            if sized.cost is not None:
                warning = (
                    f"{entrant.label} has its default hyper-parameters, because those tuned for the baseline "
                    f"cannot be used here: {why}"
                )
                sized = dataclasses.replace(sized, warnings=(*sized.warnings, warning))
    return dataclasses.replace(sized, entrant=arm, tuned=baseline.tuned)


def _like(entrant: Entrant, baseline: SizedEntrant) -> Entrant:
    """The arm with the baseline's solved hyper-parameters in place of its contestant's defaults."""
    assert baseline.hyperparameters is not None
    contestant = entrant.contestant
    unchanged = _unchanged(baseline.hyperparameters, contestant, baseline)
    defaults = {**contestant.hyperparameters, **unchanged}
    return dataclasses.replace(entrant, contestant=dataclasses.replace(contestant, hyperparameters=defaults))


def _unchanged(values: Hyperparameters, contestant: Contestant, baseline: SizedEntrant) -> Hyperparameters:
    """Those of `values` that an arm of that contestant has too, and by default as the baseline has them."""
    base = baseline.entrant.contestant
    return {name: value for name, value in values.items() if takes(contestant, base, name)}


def _without_decided(
    arm: Entrant, entrant: Entrant, schema: Schema, solved_for: Budget | None, sizes: Sizes
) -> Entrant:
    """`arm` without what it has from the baseline and a budget decides, as where it grows in another way."""
    if solved_for is None:
        return arm
    decided = decided_by_budget(arm.contestant, sizes.input_shape(schema, arm), arm.hyperparameters)
    kept = {
        name: value
        for name, value in arm.hyperparameters.items()
        if name in entrant.hyperparameters or name not in decided
    }
    return dataclasses.replace(arm, hyperparameters=kept)


def _solved(
    arm: Entrant, schema: Schema, budget: Budget | None, solved_for: Budget | None, sizes: Sizes
) -> SizedEntrant:
    """The arm at a size; impossible where the size would overrule what it has from the baseline."""
    try:
        return sizes.sized(arm, schema, budget, solved_for)
    except BadInput as error:
        return SizedEntrant(entrant=arm, budget=budget, reason=str(error))


def _with(entrant: Entrant, hyperparameters: Hyperparameters) -> Entrant:
    return dataclasses.replace(entrant, hyperparameters={**hyperparameters, **entrant.hyperparameters})
