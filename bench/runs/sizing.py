"""Entrants sized: for each its hyper-parameters at a budget and what it costs, or why it is impossible."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bench.canonical import canonical_json
from bench.contestants import Contestant, InputShape
from bench.contestants.blame import blamed
from bench.contestants.budget import solve
from bench.contestants.contract import Hyperparameters
from bench.contestants.cost import Cost
from bench.contestants.counting import cost, on_meta, shapes_only
from bench.contestants.decided import refuse_overruled, refuse_proportions, refuse_solved
from bench.contestants.probe import probe
from bench.data.schema import Schema
from bench.errors import BadInput
from bench.machine.parallel import interrupts_afterwards
from bench.machine.unchanged import unchanged_state
from bench.runs.entrants import Entrant, features_of
from bench.spec import Budget, FeatureSpec
from bench.training.features import Features, features_on_meta
from bench.training.linear import linear_part


@dataclass(frozen=True, kw_only=True)
class SizedEntrant:
    """An entrant at one of the study's budgets.

    Args:
        budget: the study's.
        solved_for: what the hyper-parameters were solved for; None where they were given.
        hyperparameters, cost: None where the entrant is impossible.
        reason: why it is.
        tuned: whether the entrant has a tuned setting.
        warnings: what looks wrong in your own contestant, and which tuned setting could not be used.
    """

    entrant: Entrant
    budget: Budget | None
    solved_for: Budget | None = None
    hyperparameters: Hyperparameters | None = None
    cost: Cost | None = None
    reason: str | None = None
    tuned: bool = False
    warnings: tuple[str, ...] = ()


class Sizes:
    """Sizes entrants on data of any schema, those that differ only in training once.

    Args:
        features: of their study; an entrant may change some.
    """

    def __init__(self, features: FeatureSpec) -> None:
        self.features = features
        self._embedded: list[tuple[Schema, FeatureSpec, Features]] = []
        self._known: dict[str, SizedEntrant] = {}

    def sized(
        self, entrant: Entrant, schema: Schema, budget: Budget | None, solved_for: Budget | None
    ) -> SizedEntrant:
        """The entrant at a budget of its study, solved for another or none if it says so.

        Raises:
            BadInput: it sets what the budget decides, or a proportion where there is none; or its features do
                not fit the data.
        """
        place, features = self._features(schema, entrant)
        asked = (
            place,
            entrant.contestant.name,
            entrant.contestant.source,
            entrant.contestant.hyperparameters,
            entrant.hyperparameters,
            None if solved_for is None else dataclasses.asdict(solved_for),
        )
        key = canonical_json(asked)
        if key not in self._known:
            self._known[key] = _sized(entrant, solved_for, features)
        return dataclasses.replace(self._known[key], entrant=entrant, budget=budget)

    def input_shape(self, schema: Schema, entrant: Entrant) -> InputShape:
        """What the entrant's contestant is built for on data of that schema."""
        return self._features(schema, entrant)[1].input_shape()

    def _features(self, schema: Schema, entrant: Entrant) -> tuple[int, Features]:
        spec = features_of(entrant, self.features)
        for place, (known, known_spec, features) in enumerate(self._embedded):
            if known == schema and known_spec == spec:
                return place, features
        self._embedded.append((schema, spec, features_on_meta(schema, spec)))
        return len(self._embedded) - 1, self._embedded[-1][2]


@interrupts_afterwards()  # counting is called from C++, which an interrupt would abort
@unchanged_state()  # one that sets a default type or goes elsewhere does so to itself alone
def _sized(entrant: Entrant, solved_for: Budget | None, features: Features) -> SizedEntrant:
    contestant, shape = entrant.contestant, features.input_shape()
    if solved_for is not None:
        refuse_solved(contestant, entrant.hyperparameters, shape)
    else:
        refuse_proportions(contestant, entrant.hyperparameters)
    try:
        with blamed(contestant.name):
            hyperparameters = _hyperparameters(contestant, shape, solved_for, entrant.hyperparameters)
            sized = SizedEntrant(
                entrant=entrant,
                budget=None,
                solved_for=solved_for,
                hyperparameters=hyperparameters,
                cost=cost(
                    on_meta(contestant, shape, hyperparameters),
                    shape,
                    linear_parameters=_linear_parameters(contestant, features.schema),
                    **features.parameter_counts(),
                ),
                warnings=() if contestant.source is None else probe(contestant, shape, hyperparameters),
            )
    except BadInput as error:
        return SizedEntrant(entrant=entrant, budget=None, reason=str(error))
    refuse_overruled(contestant, entrant.hyperparameters, hyperparameters)
    return sized


def _linear_parameters(contestant: Contestant, schema: Schema) -> int:
    with shapes_only():
        part = linear_part(contestant, schema)
    return 0 if part is None else sum(p.numel() for p in part.parameters())


def _hyperparameters(
    contestant: Contestant, shape: InputShape, solved_for: Budget | None, given: Hyperparameters
) -> Hyperparameters:
    if solved_for is None:
        return contestant.hyperparameters_on(shape, given)
    return solve(contestant, shape, solved_for, given).hyperparameters
