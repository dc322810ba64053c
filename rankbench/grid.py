"""`--grid`: a study whose entrants take every combination of the values given. Imports no torch."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.contestants.values import read_value
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.studies import Study
from rankbench.choices import Choices
from rankbench.options import parse_count
from rankbench.settings import by_contestant

BATCH_SIZE = "batch_size"
_COMMAS_OUTSIDE_BRACKETS = re.compile(r",(?![^(\[]*[)\]])")


def gridded(asked: Study, grid: Sequence[str], choices: Choices) -> Study:
    """`asked` with an entrant for every point of the grid, labelled by its values.

    Each of `grid` is ``name=value,value``: a hyper-parameter, named as `--set` names it, or ``batch_size``,
    which is that of all. A value that is a list is in brackets, as (64,32).

    Raises:
        BadInput: a name or value that cannot be used, or one that another option decides; or an ablation.
    """
    if not grid:
        return asked
    if asked.kind == "ablation":
        raise BadInput(
            f"--grid changes entrants one by one, but the arms of '{asked.name}' follow their base; give a "
            "contestant or a comparison"
        )
    axes = [_axis(one) for one in grid]
    names = [name for name, _ in axes]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"--grid gives {name} twice; give it once")
    batch_sizes = [_batch_size(text) for name, texts in axes if name == BATCH_SIZE for text in texts]
    _refuse_twice(BATCH_SIZE, batch_sizes)
    if batch_sizes and choices.batch_size is not None:
        raise BadInput("--grid and --batch-size both give batch_size; leave one of them out")
    settings = [one for one, (name, _) in zip(grid, axes, strict=True) if name != BATCH_SIZE]
    of = by_contestant("--grid", settings, asked.entrants)
    protocols: list[Mapping[str, Any]] = [{BATCH_SIZE: size} for size in batch_sizes] or [{}]
    entrants = []
    for one in asked.entrants:
        read = [_values(one, *_axis(setting)) for setting in of.get(one.contestant.name, [])]
        for hyperparameters in _combinations(read):
            entrants += [
                dataclasses.replace(
                    one,
                    hyperparameters={**one.hyperparameters, **hyperparameters},
                    protocol={**one.protocol, **protocol},
                    label="" if hyperparameters or protocol else one.label,
                )
                for protocol in protocols
            ]
    return dataclasses.replace(asked, entrants=tuple(entrants), baseline=None)


def in_words_of_grid(error: BadInput, grid: Sequence[str]) -> BadInput:
    """`error`, which speaks of `--set`, where it is about a name of the grid."""
    message = str(error)
    named = message.removeprefix("--set ").partition("=")[0]
    if message.startswith("--set ") and named in {_axis(one)[0].rpartition(".")[2] for one in grid}:
        return BadInput(f"--grid {message.removeprefix('--set ')}")
    return error


def _axis(one: str) -> tuple[str, list[str]]:
    name, equals, values = one.partition("=")
    texts = [text.strip() for text in _COMMAS_OUTSIDE_BRACKETS.split(values)]
    if not equals or not name.strip() or not all(texts):
        raise BadInput(f"--grid is '{one}'; it must be name=value,value, such as token_dim=64,128")
    return name.strip(), texts


def _batch_size(text: str) -> int:
    return parse_count("--grid batch_size", text)


def _values(entrant: Entrant, name: str, texts: list[str]) -> tuple[str, list[Any]]:
    if name in entrant.hyperparameters:
        raise BadInput(
            f"--grid gives {name} of {entrant.contestant.name}, which is set already; give it once"
        )
    try:
        values = [read_value(entrant.contestant, name, text) for text in texts]
    except BadInput as error:
        raise in_words_of_grid(error, [f"{name}=?"]) from None
    _refuse_twice(name, values)
    return name, values


def _refuse_twice(name: str, values: list[Any]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise BadInput(f"--grid {name} has {value} twice; give each value once")


def _combinations(axes: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """The cross product; of no axis, one point without values."""
    names = [name for name, _ in axes]
    return [dict(zip(names, point, strict=True)) for point in itertools.product(*(v for _, v in axes))]
