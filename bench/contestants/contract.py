"""The contract of a contestant: what the harness must know of a model to size, build and name it.

The model is a plain `nn.Module` that knows nothing of the harness. It must have:

    model = Class(field_dims, num_tasks, **hyper-parameters)
        field_dims: the embedding width of every field. A class that takes `groups` is given the fields of
        each semantic group too.
    model(x_BI) -> logits (B, K)
        What is served: one logit per row and task, for the embedded fields side by side.

It may have:

    model.loss(x_BI, y_BK, criterion) -> scalar
        Its own training objective. Without it, training minimises criterion(model(x_BI), y_BK).
    model.closed_form() -> {"active_parameters": …, "flops_forward": …, "flops_train": …}
        Any of these three, per example, that the harness cannot count, such as the work of experts which each
        row chooses for itself. The rest is counted, the parameters always. Counting runs the model on the
        meta device, which has shapes and no numbers. A subclass does not inherit it: it is counted unless it
        defines its own.
    model.active_parameters(x_BI) -> scalar
        The mean number of its parameters that serve a row of `x_BI`. For a model in which that depends on the
        row: the closed form then gives the target, and this what was achieved.
    model.observations() -> {name: tensor}
        What it shows of itself while it trains, such as how often each expert works. It is asked at every
        point of the training curve, and kept beside the run.

Letters: B batch, I flat input width (the sum of `field_dims`), K tasks. Free of torch until a model is built.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.contestants.blame import described, out_of_memory
from bench.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

Hyperparameters = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class InputShape:
    """What a contestant is built for: field widths and groups in schema order, and the number of tasks."""

    field_dims: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    num_tasks: int


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Where a contestant comes from; `arxiv` is None for what has no paper of its own."""

    title: str
    year: int
    arxiv: str | None


@dataclass(frozen=True, kw_only=True)
class Dial:
    """How a contestant grows: one whole number, from 1, that a budget is solved for.

    Args:
        name: the hyper-parameter that grows with it, for people.
        settings: (size, hyper-parameters, input shape) → the hyper-parameters that this size decides; dense
            parameters and FLOPs must not fall with size. None: the hyper-parameter `name` is the size itself.
    """

    name: str
    settings: Callable[[int, Hyperparameters, InputShape], Hyperparameters] | None = None

    def at(self, size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
        """`hyperparameters` with those exchanged that `size` decides."""
        decided = {self.name: size} if self.settings is None else self.settings(size, hyperparameters, shape)
        return {**hyperparameters, **decided}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One registered model.

    Args:
        name: as the command line and the records call it.
        title: as the tables print it.
        model: the class, or ``package.module:Class``, under the contract above.
        rev: raised by hand when its numerics change.
        hyperparameters: every one of the constructor's, but `groups`, with its default here.
        adapt: (hyper-parameters, input shape) → those whose defaults do not fit this data, with what does; on
            few fields, fewer tokens. Values that a user gives are never adapted. None: the defaults fit all.
        dial: see `Dial`.
        trim: the hyper-parameter that closes what the dial leaves of a budget; of a list of widths, the last.
            None: the dial alone must do.
        search_space: hyper-parameter → its choices in tuning, 6 points in all, the same for every
            contestant. Of a list of widths that the budget decides, only the length is searched.
        paper: where it comes from.
        source: SHA-256 of the source of one that is not of the registry: an edited file is a new contestant.
            `bench.contestants.lookup` sets it. None for those of the registry, which have `rev`.
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
    paper: Paper | None = None
    source: str | None = None

    def load(self) -> type[nn.Module]:
        """The model class (imports torch)."""
        return load_object(self.model) if isinstance(self.model, str) else self.model

    def hyperparameters_on(self, shape: InputShape, given: Hyperparameters | None = None) -> Hyperparameters:
        """All of them: those `given`, else the defaults, adapted to the data."""
        asked = {**self.hyperparameters, **(given or {})}
        adapted = {} if self.adapt is None else self.adapt(asked, shape)
        return {**asked, **adapted, **(given or {})}

    def build(self, shape: InputShape, hyperparameters: Hyperparameters) -> nn.Module:
        """A fresh model.

        Raises:
            BadInput: hyper-parameters that the model does not have or that fit no model; whatever else the
                constructor raises, but for too little memory.
        """
        model_class = self.load()
        known = inspect.signature(model_class).parameters.keys() - {"field_dims", "num_tasks", "groups"}
        for name in hyperparameters:
            if name not in known:
                raise unknown_name(f"hyper-parameter of {self.name}", name, known)
        groups = {"groups": shape.groups} if "groups" in inspect.signature(model_class).parameters else {}
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
    """The model's own `loss` where it has one, else `criterion` of its logits."""
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
