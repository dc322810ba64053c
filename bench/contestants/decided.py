"""What a budget decides of a contestant, and refusals of settings that it would overrule."""

from __future__ import annotations

from typing import Any

from bench.canonical import plain
from bench.contestants.contract import Contestant, Hyperparameters, InputShape
from bench.errors import BadInput

_BEYOND_ANY_CAP = 1 << 20


def decided_by_budget(
    contestant: Contestant, shape: InputShape, settings: Hyperparameters | None = None
) -> set[str]:
    """The hyper-parameters that a budget decides, whatever is given for them.

    They are the trim, the dial, and what the dial sets. One that only bounds what the dial sets, as
    `max_tokens` of some models, is not among them.

    Args:
        settings: in place of the contestant's defaults.
    """
    base = contestant.hyperparameters_on(shape, settings)
    small, large = (contestant.dial.at(size, base, shape) for size in (1, _BEYOND_ANY_CAP))
    moved = {name for name in small if small[name] != large[name]}
    overruled = {name for name in moved if large[name] != base.get(name)}
    overruled |= {name for name in large if name in (settings or {}) and large[name] != base[name]}
    named = (contestant.dial.name, contestant.trim)
    return overruled | {name for name in named if name is not None and name in base}


def refuse_solved(contestant: Contestant, settings: Hyperparameters, shape: InputShape) -> None:
    """Refuses `settings` that a budget would overrule. Proportions pass: the budget keeps them.

    Raises:
        BadInput: names the first, and the way to set it.
    """
    decided = decided_by_budget(contestant, shape, settings)
    for name, value in settings.items():
        if name in decided:
            raise BadInput(_overruled(contestant, name, value, ""))


def refuse_proportions(contestant: Contestant, settings: Hyperparameters) -> None:
    """Refuses proportions among `settings`, which only a budget turns into hyper-parameters.

    Raises:
        BadInput: names the first, and what it would decide.
    """
    for name, value in settings.items():
        if name in contestant.dial.proportions:
            raise BadInput(
                f"--set {name}={_shown(value)}: {name} of {contestant.name} is a proportion, which only a "
                f"budget can keep; give --budget, or set {contestant.dial.name} itself"
            )


def refuse_overruled(contestant: Contestant, settings: Hyperparameters, solved: Hyperparameters) -> None:
    """Refuses `settings` that the solution for a budget, `solved`, did not keep.

    This is the exact check, after solving. It finds a bound that this budget does not reach, such as
    `max_tokens` above what a small model has, for then the setting changes nothing.

    Raises:
        BadInput: names the first, what the budget makes of it, and the way to set it.
    """
    for name, value in settings.items():
        if name not in contestant.dial.proportions and plain(solved[name]) != plain(value):
            raise BadInput(_overruled(contestant, name, value, f" ({_shown(solved[name])} here)"))


def _overruled(contestant: Contestant, name: str, value: Any, solved: str) -> str:
    return (
        f"--set {name}={_shown(value)}: the budget decides {name} of {contestant.name}{solved}; "
        f"to set it by hand give --budget none"
    )


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
