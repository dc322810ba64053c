"""Turns a target and its options into a study, and opens its data sets. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contestants.lookup import contestants, named, registered
from bench.contestants.settings_file import read_settings, shipped
from bench.contestants.tuned import TunedSettings
from bench.errors import BadInput, unknown_name
from bench.runs.entrants import Entrant, Sized, told_apart
from bench.runs.own_studies import own_study
from bench.runs.studies import TUNED, Study, base_of
from bench.spec import BUDGET_KINDS, Protocol
from bench.training.protocols import PROTOCOLS, changed
from rankbench import options
from rankbench.choices import FEATURE_VALUES, PROTOCOL_VALUES, Choices
from rankbench.named import STUDIES
from rankbench.own import refuse_taken_contestants, refuse_taken_name, refuse_taken_study
from rankbench.settings import with_settings

if TYPE_CHECKING:
    from bench.data.dataset import Dataset, DatasetFacts

SYNTHETIC_SEED = 1
"""Seed of the world that studies share."""
DEVELOPMENT_SEED = 0
"""Seed of the world on which this world was designed and contestants are tuned."""
MOST_SEEDS = 1000
SIZED: dict[str, Sized] = {"base": "as_baseline", "budget": "budget"}
"""What `--sized` calls the two sizes of an arm."""


def study(target: str, choices: Choices) -> Study:
    """The study called `target`, or a study of the contestant of that name, changed by `choices`.

    Raises:
        BadInput: an unknown name, or a value that cannot be used.
    """
    asked = _named_study(target, choices)
    asked = dataclasses.replace(asked, **_simple_changes(asked, choices))
    entrants = list(_chosen(asked, choices))
    baseline = _place_of_baseline(asked, choices, entrants)
    entrants = _sized(asked, choices, entrants, baseline)
    base = entrants[baseline] if asked.kind == "ablation" and baseline is not None else None
    entrants = with_settings(entrants, base, choices.settings or [])
    apart = told_apart(entrants)
    refuse_taken_contestants(apart)
    if choices.protocol is not None and choices.protocol.endswith(".toml") and asked.tuned is not None:
        _check_settings(asked.tuned, apart, asked.protocol, choices.protocol)
    return dataclasses.replace(
        asked,
        question=asked.question if choices.contestants is None else _question(apart),
        entrants=apart,
        baseline=None if baseline is None else apart[baseline].label,
    )


def open_datasets(asked: Study, choices: Choices, *, seed: int = SYNTHETIC_SEED) -> list[Dataset]:
    """The data sets of a study. Synthetic ones, of that seed, are generated if they do not exist yet.

    Raises:
        BadInput: a data set that does not exist or is damaged, or that has too few training rows.
    """
    from bench.data.dataset import refuse_train_rows

    found = dict.fromkeys(asked.datasets)
    opened = _imported(asked, choices)
    for data in facts(asked, choices, seed=seed):  # before anything is generated
        for count in asked.train_rows:
            if count is not None:
                refuse_train_rows(count, data)
    return [
        opened[name]
        if name in opened
        else options.synthetic(name, asked.synthetic_rows, seed, choices.data_dir)
        for name in found
    ]


def facts(asked: Study, choices: Choices, *, seed: int = SYNTHETIC_SEED) -> list[DatasetFacts]:
    """Of every data set of a study; generates and writes nothing.

    Raises:
        BadInput: a data set that does not exist.
    """
    from bench.data.sources import synthetic_facts

    opened = _imported(asked, choices)
    return [
        opened[name].facts
        if name in opened
        else synthetic_facts(name, asked.synthetic_rows, seed, choices.data_dir)
        for name in dict.fromkeys(asked.datasets)
    ]


def _imported(asked: Study, choices: Choices) -> dict[str, Dataset]:
    """The data sets of a study that are not synthetic."""
    from bench.data.synthetic import FAMILIES

    names = [name for name in asked.datasets if name not in FAMILIES]
    if choices.rows is not None and names:
        raise BadInput(
            f"--rows sets the size of synthetic data ({', '.join(FAMILIES)}) only, but '{names[0]}' was "
            "imported; leave --rows out"
        )
    return {name: options.open_dataset(name, choices.data_dir) for name in names}


def _named_study(target: str, choices: Choices) -> Study:
    if target in STUDIES:
        return STUDIES[target]
    known = registered()
    if target not in known:
        if ":" not in target and not target.endswith(".py"):
            raise unknown_name("study or contestant", target, [*STUDIES, *known])
        if (own := own_study(target)) is not None:
            refuse_taken_study(own, target)
            return own
    if choices.contestants is not None:
        raise BadInput(f"--contestants applies to studies, but '{target}' is one contestant; leave it out")
    contestant = named(target)
    refuse_taken_name(contestant, target)
    return Study(
        name=contestant.name,
        question=f"How good is {contestant.title}?",
        entrants=(Entrant(contestant=contestant),),
        tuned=shipped(),
    )


def _simple_changes(asked: Study, choices: Choices) -> dict[str, Any]:
    """The parts of a study that a single option decides."""
    base, tuned = (asked.protocol, asked.tuned) if choices.protocol is None else _trained_by(choices.protocol)
    features, protocol = choices.given(*FEATURE_VALUES), choices.given(*PROTOCOL_VALUES)
    for name, value in {**features, **protocol}.items():
        if any(name in {**one.features, **one.protocol} for one in asked.entrants):
            raise BadInput(
                f"--{name.replace('_', '-')} is {value}, but the entrants of '{asked.name}' differ in it; "
                "leave it out"
            )
    study_gives = {} if tuned is None else {name: getattr(asked.protocol, name) for name in asked.given}
    parts: dict[str, Any] = {
        "features": dataclasses.replace(asked.features, **features),
        "protocol": changed(base, {**study_gives, **protocol}),
        "tuned": tuned,
        "given": tuple(dict.fromkeys((*asked.given, *choices.protocol_given()))),
    }
    if choices.seeds is not None:
        if not 1 <= choices.seeds <= MOST_SEEDS:
            raise BadInput(f"--seeds is {choices.seeds}; it must be from 1 to {MOST_SEEDS}")
        parts["seeds"] = tuple(range(choices.seeds))
    if choices.budget is not None:
        parts["budgets"] = options.parse_budgets(choices.budget, choices.budget_kind or _budget_kind(asked))
    elif choices.budget_kind is not None:
        raise BadInput(
            f"--budget-kind is '{choices.budget_kind}' without --budget; give a size, such as --budget 100k"
        )
    if choices.data is not None:
        parts["datasets"] = tuple(choices.data.split(","))
    if choices.rows is not None:
        parts["synthetic_rows"] = options.parse_count("--rows", choices.rows)
    if choices.train_rows is not None:
        parts["train_rows"] = options.parse_train_rows(choices.train_rows)
    return parts


def _budget_kind(asked: Study) -> str:
    """What the study's own budgets count; dense parameters if it has none."""
    return next((one.kind for one in asked.budgets if one is not None), BUDGET_KINDS[0])


def _trained_by(name: str) -> tuple[Protocol, TunedSettings | None]:
    """The base protocol and the tuned settings that `--protocol` says.

    Raises:
        BadInput: there is no such protocol, or a file of settings is wrong.
    """
    if name == TUNED:
        return base_of(shipped()), shipped()
    if name.endswith(".toml"):
        return base_of(settings := read_settings(Path(name))), settings
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, [*PROTOCOLS, TUNED])
    return PROTOCOLS[name], None


def _check_settings(settings: TunedSettings, entrants: Iterable[Entrant], base: Protocol, path: str) -> None:
    """Raises BadInput if the settings file of a user names something that does not exist."""
    known = {**registered(), **{one.contestant.name: one.contestant for one in entrants}}
    for one in settings.settings:
        where = f"settings file {path}, {one.contestant} at size {one.size}"
        if one.contestant not in known:
            raise BadInput(f"{where}: {unknown_name('contestant', one.contestant, known)}")
        contestant = known[one.contestant]
        names = {**contestant.hyperparameters, **contestant.dial.proportions}
        for name in one.hyperparameters:
            if name not in names:
                raise BadInput(f"{where}: {unknown_name('hyper-parameter', name, names)}")
        try:
            changed(base, one.protocol)
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error


def _chosen(asked: Study, choices: Choices) -> tuple[Entrant, ...]:
    """The study's own entrants, or those of `--contestants`; with a leading +, both."""
    if choices.contestants is None:
        return asked.entrants
    own: dict[str, list[Entrant]] = {}
    for one in asked.entrants:
        own.setdefault(one.contestant.name, []).append(one)
    found = [
        entrant
        for contestant in contestants(choices.contestants.removeprefix("+").split(","))
        for entrant in own.get(contestant.name, [Entrant(contestant=contestant)])
    ]
    if not choices.contestants.startswith("+"):
        return tuple(found)
    return (*asked.entrants, *(one for one in found if one.contestant.name not in own))


def _question(entrants: Sequence[Entrant]) -> str:
    """The question of a study whose entrants were chosen on the command line."""
    titles = list(dict.fromkeys(one.contestant.title for one in entrants))
    if len(titles) == 1:
        return f"How good is {titles[0]}?"
    return f"Who is ahead: {', '.join(titles[:-1])} or {titles[-1]}?"


def _place_of_baseline(asked: Study, choices: Choices, entrants: list[Entrant]) -> int | None:
    """The index of the baseline: that of `--baseline`, else the study's own if it takes part."""
    wanted = choices.baseline
    if wanted == "none":
        return None
    for place, one in enumerate(entrants):
        if one.label == asked.baseline if wanted is None else wanted in (one.contestant.name, one.label):
            return place
    if wanted is not None:
        known = [name for one in entrants for name in (one.contestant.name, one.label)]
        raise unknown_name("baseline", wanted, known)
    return None


def _sized(asked: Study, choices: Choices, entrants: list[Entrant], baseline: int | None) -> list[Entrant]:
    """The entrants, every arm with the size that `--sized` says."""
    if choices.sized is None:
        return entrants
    if choices.sized not in SIZED:
        raise BadInput(f"--sized is '{choices.sized}', allowed: {', '.join(SIZED)}")
    if asked.kind != "ablation":
        raise BadInput(f"--sized applies to ablations, but '{asked.name}' is a {asked.kind}; leave it out")
    if not asked.resizable:
        raise BadInput(f"the sizes of its arms are what '{asked.name}' asks for; leave --sized out")
    if choices.sized == "budget" and None in asked.budgets:
        raise BadInput("--sized is 'budget', but there is none to meet; give --budget, such as 100k")
    return [
        one if place == baseline else dataclasses.replace(one, sized=SIZED[choices.sized])
        for place, one in enumerate(entrants)
    ]
