"""Checks what a contestant says about its model against the model's constructor. Imports no torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from bench.canonical import plain
from bench.contestants.contract import Contestant
from bench.errors import BadInput, hint_of

_GIVEN_BY_THE_HARNESS = ("field_dims", "num_tasks", "groups")


def check_defaults(contestant: Contestant) -> None:
    """Checks that the model takes every hyper-parameter that the contestant names, and needs no other.

    Raises:
        BadInput: names the first hyper-parameter that does not fit.
    """
    model = contestant.load()
    if not callable(model):
        raise BadInput(f"the model of {contestant.name} is {model!r}; it must be a class of torch.nn.Module")
    if not isinstance(contestant.linear, bool):
        raise BadInput(f"linear of {contestant.name} is {contestant.linear!r}; it must be True or False")
    parameters = inspect.signature(model).parameters
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            stars = "**" if parameter.kind is parameter.VAR_KEYWORD else "*"
            raise BadInput(
                f"the model of {contestant.name} takes {stars}{parameter.name}; its constructor must name "
                "every hyper-parameter, so that a misspelt one is found"
            )
    positional = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if positional[:2] != ["field_dims", "num_tasks"]:
        raise BadInput(
            f"the model of {contestant.name} takes ({', '.join(parameters)}); "
            "the first two arguments of its constructor must be field_dims and num_tasks"
        )
    own = [name for name in parameters if name not in _GIVEN_BY_THE_HARNESS]
    for name in contestant.dial.proportions:
        if name in parameters:
            raise BadInput(
                f"{contestant.name}: '{name}' is a proportion of the dial and an argument of "
                f"{_constructor(model)}; it must be one of the two"
            )
    for what, name in _named(contestant):
        if name not in own:
            raise BadInput(
                f"{contestant.name}: {what} has '{name}', but {_constructor(model)} has no such "
                f"argument{hint_of(name, own, listed='it has')}"
            )
    for name in own:
        if parameters[name].default is inspect.Parameter.empty and name not in contestant.hyperparameters:
            raise BadInput(
                f"the model of {contestant.name} needs '{name}', which has no default; "
                f"add a default to the hyperparameters of its Contestant"
            )
    for what, name in _named(contestant):
        if name not in contestant.hyperparameters:
            raise BadInput(
                f"the {what} of {contestant.name} is '{name}', which is not among the hyperparameters of its "
                f"Contestant ({', '.join(contestant.hyperparameters) or 'none'}); add it with its default"
            )
    for name, value in contestant.hyperparameters.items():
        try:
            plain(value)
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"hyper-parameter '{name}' of {contestant.name} cannot be written to a record: {error}"
            ) from error


def _constructor(model: Callable[..., object]) -> str:
    return f"{model.__name__}.__init__" if inspect.isclass(model) else getattr(model, "__name__", str(model))


def _named(contestant: Contestant) -> Iterator[tuple[str, str]]:
    """(what of the contestant, hyper-parameter that it names)"""
    yield from (("hyperparameters", name) for name in contestant.hyperparameters)
    yield "dial", contestant.dial.name
    if contestant.trim is not None:
        yield "trim", contestant.trim
    proportions = contestant.dial.proportions
    yield from (("search_space", name) for name in contestant.search_space if name not in proportions)
