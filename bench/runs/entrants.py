"""Who takes part in a study: a contestant with what differs for it. Free of torch.

What `--set` changes, an arm of an ablation and a trial of a tuning are all entrants.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bench.canonical import plain
from bench.contestants import Contestant
from bench.errors import BadInput, unknown_name
from bench.spec import FeatureSpec

Sized = Literal["budget", "baseline", "as_baseline", "given"]
SIZED: tuple[Sized, ...] = get_args(Sized)

_NO_CHARACTERS_OF_A_LINE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, surrogates, and separators of lines and paragraphs."""
_FEATURES = tuple(one.name for one in dataclasses.fields(FeatureSpec))
_TOLD: Mapping[Sized, list[str]] = {
    "budget": [],
    "baseline": ["size of the baseline"],
    "as_baseline": ["hyper-parameters of the baseline"],
    "given": ["size as given"],
}


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One that takes part.

    Args:
        contestant: the model.
        hyperparameters: in place of the contestant's defaults.
        protocol: names of protocol values, such as ``dense_lr`` → what they are for this entrant.
        features: names of values of the features, such as ``sequence_encoder`` → what they are for this
            entrant. Only where the features are what a study asks about.
        sized: ``budget``: its dial and trim are solved for the study's budget, and the hyper-parameters are
            as given where the study has none; ``baseline``: solved for the dense parameters that the study's
            baseline has; ``as_baseline``: with the hyper-parameters of the baseline at that budget, but for
            what this entrant itself changes, and not solved, so only a model that has all of these;
            ``given``: as given, whatever the budget.
        share: of the baseline's dense parameters that are the target, where `sized` is ``baseline``.
        label: a line of text, unique in a study; empty: the contestant's title and what differs from its
            defaults.

    Raises:
        BadInput: a label or the contestant's title is no line of text, or a value is not allowed.
    """

    contestant: Contestant
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    sized: Sized = "budget"
    share: float = 1.0
    label: str = ""

    def __post_init__(self) -> None:
        if self.sized not in SIZED:
            raise BadInput(f"an entrant has sized = '{self.sized}', allowed: {', '.join(SIZED)}")
        for name in self.features:
            if name not in _FEATURES:
                raise unknown_name("value of the features", name, _FEATURES)
        refuse_unlike_line(f"the title of contestant '{self.contestant.name}'", self.contestant.title)
        if self.label == "":
            object.__setattr__(self, "label", self._own_label())
        refuse_unlike_line(f"the label of an entrant of {self.contestant.name}", self.label)

    def _own_label(self) -> str:
        told = [
            f"{name} {short_value(value)}"
            for name, value in {**self.features, **self.hyperparameters, **self.protocol}.items()
        ]
        told += _TOLD[self.sized]
        return self.contestant.title + (f" ({', '.join(told)})" if told else "")


def refuse_unlike_line(what: str, text: object) -> None:
    """Raises BadInput where `text`, which tables print in a line, is anything else than a line of text."""
    if (
        not isinstance(text, str)
        or not text.strip()
        or any(unicodedata.category(character) in _NO_CHARACTERS_OF_A_LINE for character in text)
    ):
        raise BadInput(f"{what} is {text!r}; it must be one line of text, and not empty")


def features_of(entrant: Entrant, shared: FeatureSpec) -> FeatureSpec:
    """The features of an entrant: those of its study, but for what it changes.

    Raises:
        BadInput: a value that is not allowed.
    """
    return dataclasses.replace(shared, **entrant.features)


def lacking_of(base: Contestant, other: Contestant) -> list[str]:
    """The hyper-parameters of `base` that `other` does not have.

    An arm that is made of the base has them all, whatever its model does with them; another model has not.
    """
    return [name for name in base.hyperparameters if name not in other.hyperparameters]


def takes(arm: Contestant, base: Contestant, name: str) -> bool:
    """Whether an arm takes that hyper-parameter or proportion from its base.

    It has it too, and by default as the base has it; another default is what makes it an arm.
    """
    own, of_base = ({**one.hyperparameters, **one.dial.proportions} for one in (arm, base))
    return name in own and name in of_base and plain(own[name]) == plain(of_base[name])


def told_apart(entrants: Iterable[Entrant]) -> tuple[Entrant, ...]:
    """The entrants, those of equal labels with the names of their contestants added.

    Raises:
        BadInput: two entrants that are the same in everything a label can say.
    """
    entrants = tuple(entrants)
    labels = [one.label for one in entrants]
    apart = tuple(
        dataclasses.replace(one, label=f"{one.label} [{one.contestant.name}]")
        if labels.count(one.label) > 1
        else one
        for one in entrants
    )
    refuse_equal_labels(apart)
    return apart


def refuse_equal_labels(entrants: Iterable[Entrant]) -> None:
    """Raises BadInput where two entrants share a label."""
    seen = set()
    for one in entrants:
        if one.label in seen:
            raise BadInput(f"two entrants are called '{one.label}'; give one of them another label")
        seen.add(one.label)


def refuse_unlike_namesakes(entrants: Iterable[Entrant]) -> None:
    """Raises BadInput where two contestants share a name, by which their runs are told apart."""
    known: dict[str, Contestant] = {}
    for one in entrants:
        if known.setdefault(one.contestant.name, one.contestant) != one.contestant:
            raise BadInput(
                f"two contestants are called '{one.contestant.name}', one of them that of '{one.label}'; "
                "give one of them another name"
            )


def short_value(value: Any) -> str:
    """A hyper-parameter as a label says it: lists as 64-32, numbers in their shortest form."""
    if isinstance(value, (tuple, list)):
        return "-".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
