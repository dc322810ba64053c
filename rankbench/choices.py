"""The options by which `run`, `show`, `tune`, `fairness` and `speed` change a study, declared once.

Each field of `Choices` becomes an option of all these commands: `takes_choices` adds them to a command.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import shlex
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from bench.errors import BadInput
from bench.spec import BUDGET_KINDS
from rankbench import options

PROTOCOL_VALUES = (
    "batch_size",
    "epochs",
    "patience",
    "dense_lr",
    "sparse_lr",
    "cooldown",
    "gradient_clip",
)
"""The options that change a single value of the protocol."""
FEATURE_VALUES = ("width", "sequence_encoder", "gate")
"""The options that change a single value of the features."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """What the command line changes in a study. None keeps the study's own choice."""

    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Data sets, separated by commas: rules, trees, network (synthetic), or imported ones; "
            "default of most studies: trees.",
        ),
    ] = None
    rows: Annotated[
        str | None, typer.Option("--rows", help="Number of rows of the synthetic data, such as 600k.")
    ] = None
    train_rows: Annotated[
        str | None,
        typer.Option(
            "--train-rows",
            help="Numbers of training rows, such as 20k,40k,80k,all: the last ones in time. Valid and test "
            "stay the same.",
        ),
    ] = None
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            help="Sizes to match, such as 100k or 30k,100k,1M; 'none': keep each contestant's own "
            "hyper-parameters, no matching.",
        ),
    ] = None
    budget_kind: Annotated[
        str | None,
        typer.Option(
            "--budget-kind",
            help=f"What --budget counts: {' or '.join(BUDGET_KINDS)}; "
            "default: what those of the study count.",
        ),
    ] = None
    contestants: Annotated[
        str | None,
        typer.Option(
            "--contestants",
            help="Contestants, separated by commas: names from 'list models', or your own as "
            "package.module:NAME or path/to/file.py:NAME. With + in front they are added to the study's: "
            "+my_model.py:FM.",
        ),
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A hyper-parameter: num_layers=3 for a single contestant, rankmixer.num_layers=3 in a "
            "study. Can be repeated.",
        ),
    ] = None
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="Contestant that the others are compared with, or 'none'."),
    ] = None
    sized: Annotated[
        str | None,
        typer.Option(
            "--sized",
            help="How the arms of an ablation get their size: 'base' (the hyper-parameters of the base, but "
            "for what the arm changes) or 'budget' (solved for the budget).",
        ),
    ] = None
    seeds: Annotated[int | None, typer.Option("--seeds", help="How many seeds; they are 0, 1, 2, …")] = None
    width: Annotated[int | None, typer.Option("--width", help="Embedding width of every field.")] = None
    sequence_encoder: Annotated[
        str | None,
        typer.Option(
            "--sequence-encoder",
            help="How a sequence is encoded: mean, target (DIN attention) or hstu (HSTU attention).",
        ),
    ] = None
    gate: Annotated[
        str | None,
        typer.Option("--gate", help="Gate before every contestant: none, or lhuc (from the user's fields)."),
    ] = None
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help="Training protocol, see 'list protocols'; 'tuned', the default of studies, has a setting "
            "for each contestant, any other one for all. Or FILE.toml: settings of 'tune --write'.",
        ),
    ] = None
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Rows per training step.")] = None
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Maximum number of passes over the training rows.")
    ] = None
    patience: Annotated[
        int | None,
        typer.Option("--patience", help="Passes without a better validation AUC before training stops."),
    ] = None
    dense_lr: Annotated[
        float | None, typer.Option("--dense-lr", help="Learning rate of everything except embedding tables.")
    ] = None
    sparse_lr: Annotated[
        float | None, typer.Option("--sparse-lr", help="Learning rate of the embedding tables.")
    ] = None
    cooldown: Annotated[
        float | None,
        typer.Option(
            "--cooldown",
            help="Last share of the steps (0 to 1) over which the learning rates fall to 0.",
        ),
    ] = None
    gradient_clip: Annotated[
        float | None,
        typer.Option("--gradient-clip", help="Maximum norm of the dense gradient; larger ones are scaled."),
    ] = None
    data_dir: options.DataDir = options.DEFAULT_DATA

    def given(self, *names: str) -> dict[str, Any]:
        """The values of `names` that the user gave."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def protocol_given(self) -> tuple[str, ...]:
        """Names of the protocol values that the user gave."""
        return tuple(self.given(*PROTOCOL_VALUES))

    def command(self, target: str, *, verb: str = "run") -> str:
        """The command that asks for the same study again, wherever the data is."""
        words = ["rankbench", verb, target]
        for field in dataclasses.fields(self):
            if field.name == "data_dir":
                continue
            value = getattr(self, field.name)
            for one in value if isinstance(value, list) else [value]:
                if one is not None and one != field.default:
                    words += [_option(field.name), str(one)]
        return shlex.join(words)


def takes_choices(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """`command` with an option for every field of `Choices` in place of its parameter `choices`.

    Its argument `target` can be given by `--study` too.
    """
    signature = inspect.signature(command, eval_str=True)
    fields = dataclasses.fields(Choices)
    default = signature.parameters["target"].default

    @functools.wraps(command)
    def expanded(*_: Any, **given: Any) -> int | None:
        choices = Choices(**{field.name: given.pop(field.name) for field in fields})
        given["target"] = _target(given["target"], given.pop("study"), default)
        return command(choices=choices, **given)

    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name == "target":
            parameters += [
                parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=None),
                inspect.Parameter(
                    "study", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=options.OwnStudy
                ),
            ]
            continue
        if parameter.name != "choices":
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=_annotations()[field.name],
            )
            for field in fields
        ]
    expanded.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def _target(target: str | None, study: str | None, default: Any) -> str:
    if target is not None and study is not None:
        raise BadInput(f"--study is '{study}', but '{target}' is given too; give one of the two")
    found = target or study or default
    if found is inspect.Parameter.empty:
        raise BadInput("neither a study nor a contestant is given; 'rankbench list' shows them")
    return found


def _option(field: str) -> str:
    """How the command line spells a field, such as ``--set``."""
    _, option = typing.get_args(_annotations()[field])
    return option.default or f"--{field.replace('_', '-')}"


@functools.cache
def _annotations() -> dict[str, Any]:
    return typing.get_type_hints(Choices, include_extras=True)
