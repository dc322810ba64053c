"""Trials as optuna knows them: studies rebuilt from what was tried, suggestions, and a storage for others.

optuna is never the truth: a study is made from trials whenever one is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.canonical import canonical_json
from bench.contestants.tuned import Setting, rounded
from bench.errors import BadInput
from bench.runs.space import Axis, Space
from bench.runs.trials import Search, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_RUNS = "runs"
"""What the runs of a trial are called among its attributes: they tell whether it is there already."""


def suggested(search: Search, number: int, seed: int) -> Setting:
    """What TPE tries as trial `number`, from the values of those before it. The same trials give the same."""
    import numpy as np
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    of_trial = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=of_trial, n_startup_trials=1)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials([as_optuna(search.space, trial) for trial in search.trials])
    params = study.ask(_distributions(search.space)).params
    return search.space.setting({name: _value(search.space, name, params[name]) for name in params})


def as_optuna(space: Space, trial: Trial) -> FrozenTrial:
    """A trial that has a value, with every value of its setting written out."""
    import optuna

    values = space.values(trial.setting)
    return optuna.trial.create_trial(
        params={name: _param(value) for name, value in values.items()},
        distributions=_distributions(space),
        value=trial.value,
        user_attrs={"trial": trial.number, _RUNS: list(trial.keys)},
    )


def open_storage(url: str) -> BaseStorage:
    """The storage at a URL, such as ``sqlite:///trials.db``.

    Raises:
        BadInput: optuna cannot open it.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.storages.get_storage(url)
    except Exception as error:  # of whichever database driver
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f"--storage is '{url}', which optuna cannot open: {reason}; give a URL such as sqlite:///trials.db"
        ) from error


def put(storage: BaseStorage, name: str, search: Search) -> None:
    """Adds the trials that have a value and are not there yet to the study called `name`.

    Raises:
        BadInput: that study has another search space.
    """
    import optuna

    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    there = [trial.user_attrs.get(_RUNS) for trial in study.get_trials(deepcopy=False)]
    for trial in search.trials:
        if trial.value is None or list(trial.keys) in there:
            continue
        try:
            study.add_trial(as_optuna(search.space, trial))
        except ValueError as error:
            raise BadInput(
                f"study '{name}' of the storage has another search space ({error}); give another --storage"
            ) from error


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    """Of every axis, wide enough for the default."""
    defaults = space.values(Setting())
    axes = {**space.protocol, **space.own}
    return {name: _distribution(axis, defaults[name]) for name, axis in axes.items()}


def _distribution(axis: Axis, default: Any) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not axis.choices:
        return FloatDistribution(min(axis.low, default), max(axis.high, default), log=True)
    return CategoricalDistribution([_param(choice) for choice in _with(axis.choices, default)])


def _with(choices: tuple[Any, ...], default: Any) -> tuple[Any, ...]:
    return choices if default in choices else (*choices, default)


def _param(value: Any) -> Any:
    """A value as optuna stores it: lists as text."""
    return canonical_json(value) if isinstance(value, (list, tuple)) else value


def _value(space: Space, name: str, param: Any) -> Any:
    """The inverse of `_param`; rates as one would type them."""
    axis = {**space.protocol, **space.own}[name]
    if not axis.choices:
        return rounded(param)
    choices = _with(axis.choices, space.values(Setting())[name])
    return next(choice for choice in choices if _param(choice) == param)
