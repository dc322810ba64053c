"""The contract of a contestant: what a model must have to be compared, and how you describe it.

The model is a plain `nn.Module` that knows nothing of the harness. It must have:

    model = Class(field_dims, num_tasks, **hyper-parameters)
        `field_dims` holds the embedding width of each field, in schema order. `num_tasks` is the number of
        labels. If the constructor also has a parameter `groups`, it gets the indices of the fields of each
        semantic group. The constructor names every hyper-parameter; it takes no *args and no **kwargs.
    model(x_BI) -> logits (B, K)
        `x_BI` holds the embeddings of all fields of each row, one after the other. The model returns one
        logit per row and task, without a sigmoid. Each logit depends on its own row only.

It may have:

    model.loss(x_BI, y_BK, criterion) -> scalar
        Its own training loss. The default is criterion(model(x_BI), y_BK).
    model.closed_form() -> {"active_parameters": …, "flops_forward": …, "flops_train": …}
        Any of these three numbers, per example, that the harness cannot count, for example because each row
        chooses its experts. All others are counted, by running the model on the meta device, which has shapes
        but no values. Dense parameters are always counted. A subclass does not inherit the closed form.
    model.active_parameters(x_BI) -> scalar
        The mean number of parameters that a row of `x_BI` uses, if it depends on the row. The closed form
        then gives the planned number, and this method the measured one.
    model.observe(x_BI) -> {name: tensor}
        Values to watch during training, such as how often each expert is used. Where a study asks for it, the
        harness calls this at every point of the training curve, in eval mode and without gradients, always
        with the same valid rows, and stores the values beside the run. The parameters still have the
        gradients of the last step. It must change nothing that training depends on.

A `Contestant` (below) describes the model: its name, its hyper-parameters with their defaults, and the one
that grows with the budget. `examples/my_model.py` is a complete example.

Letters: B batch, I flat input width (the sum of `field_dims`), K tasks. Imports no torch until a model is
built.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.contestants.blame import described, out_of_memory
from bench.errors import BadInput, hint_of

if TYPE_CHECKING:
    from torch import Tensor, nn

Hyperparameters = Mapping[str, Any]
COMBINATIONS = 12
"""Of the choices in a registered contestant's search space: equal, so that none is searched more finely."""


@dataclass(frozen=True, kw_only=True)
class InputShape:
    """What a contestant is built for: field widths and groups in schema order, and the number of tasks."""

    field_dims: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    num_tasks: int


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The paper of a contestant; `arxiv` is None if the model has no paper of its own."""

    title: str
    year: int
    arxiv: str | None


@dataclass(frozen=True, kw_only=True)
class Dial:
    """How a contestant grows: a whole number from 1, the size, which the budget solver chooses.

    Args:
        name: the hyper-parameter that grows with the size; tables show it.
        settings: (size, hyper-parameters, input shape) → the hyper-parameters that the size decides. Dense
            parameters and FLOPs must not fall as the size grows. None: the hyper-parameter `name` is the
            size.
        proportions: what `settings` keeps while it grows a model, such as the number of hidden layers or the
            expansion of an FFN, with their defaults: whole numbers from 1 or numbers above 0. They are no
            arguments of the model; `settings` finds them among the hyper-parameters.
    """

    name: str
    settings: Callable[[int, Hyperparameters, InputShape], Hyperparameters] | None = None
    proportions: Hyperparameters = field(default_factory=dict)

    def at(self, size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
        """`hyperparameters`, with the values that `size` decides, and without the proportions."""
        base = {**self.proportions, **hyperparameters}
        decided = {self.name: size} if self.settings is None else self.settings(size, base, shape)
        return {name: value for name, value in {**base, **decided}.items() if name not in self.proportions}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A model that takes part in comparisons, with what the harness must know about it.

    Args:
        name: its name on the command line and in records.
        title: its name in tables.
        model: the class, or ``package.module:Class``; see the contract above.
        rev: increase it when a change of the model changes its results.
        hyperparameters: all parameters of the constructor except `field_dims`, `num_tasks` and `groups`, with
            their defaults.
        adapt: (hyper-parameters, input shape) → the defaults that must change for this data, such as fewer
            tokens for few fields. Values that a user gives are never changed. None: the defaults fit all
            data.
        dial: the hyper-parameter that grows with the budget; see `Dial`.
        trim: the hyper-parameter that makes the size exact after the dial; of a list of widths, the last one.
            None: the dial alone decides the size.
        search_space: hyper-parameter, or proportion of the dial → its choices in tuning, in order. Every
            registered contestant has as many combinations, `COMBINATIONS`.
        linear: whether the harness adds a linear part over raw ids to the model's logits, in training and
            when it serves; see `bench.training.linear`. Its weights are counted beside the embeddings, in no
            budget. A `loss` of the model asks its criterion for logits without it, and the criterion adds it.
        initialisations: the values of the hyper-parameter `initialisation`, the default first; empty where
            the model has no such choice.
        initialisation_is_open: neither the paper nor code of its authors says how weights start, so tuning
            may choose.
        paper: where the model comes from.
        source: SHA-256 of the source code of a contestant outside of the registry, so that an edited file is
            a new contestant. `bench.contestants.lookup` sets it. None for those of the registry, which have
            `rev`.
    """

    name: str
    title: str
    model: str | type[nn.Module]
    rev: int = 1
    hyperparameters: Hyperparameters
    adapt: Callable[[Hyperparameters, InputShape], Hyperparameters] | None = None
    dial: Dial
    trim: str | None = None
    search_space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    linear: bool = False
    initialisations: tuple[str, ...] = ()
    initialisation_is_open: bool = False
    paper: Paper | None = None
    source: str | None = None

    def load(self) -> type[nn.Module]:
        """The model class (imports torch)."""
        return load_object(self.model) if isinstance(self.model, str) else self.model

    def hyperparameters_on(self, shape: InputShape, given: Hyperparameters | None = None) -> Hyperparameters:
        """All hyper-parameters: the `given` values, and for the others the defaults, adapted to the data.

        Proportions of the dial are among them if they are given.
        """
        asked = {**self.hyperparameters, **(given or {})}
        adapted = {} if self.adapt is None else self.adapt(asked, shape)
        return {**asked, **adapted, **(given or {})}

    def build(self, shape: InputShape, hyperparameters: Hyperparameters) -> nn.Module:
        """A fresh model.

        Raises:
            BadInput: the model has no such hyper-parameter, or its constructor raises an error. Errors of too
                little memory are raised unchanged.
        """
        model_class = self.load()
        parameters = inspect.signature(model_class).parameters
        known = parameters.keys() - {"field_dims", "num_tasks", "groups"}
        for name in hyperparameters:
            if name not in known:
                raise BadInput(f"{self.name} has no hyper-parameter '{name}'{hint_of(name, known)}")
        groups = {"groups": shape.groups} if "groups" in parameters else {}
        try:
            return model_class(shape.field_dims, shape.num_tasks, **groups, **hyperparameters)
        except ValueError as error:
            raise BadInput(f"{self.name}: {error}") from error
        except (Exception, SystemExit) as error:
            if out_of_memory(error):
                raise
            raise BadInput(f"{self.name}: its constructor {described(error)}") from error


def training_loss(
    model: nn.Module, x_BI: Tensor, y_BK: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """The model's own `loss` if it has one, else `criterion` of its logits."""
    own = getattr(model, "loss", None)
    if own is not None:
        return own(x_BI, y_BK, criterion)
    return criterion(model(x_BI), y_BK)


def load_object(path: str) -> Any:
    """What `package.module:NAME` names.

    Raises:
        ImportError, AttributeError: there is no such thing.
    """
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
