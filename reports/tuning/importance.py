"""Which hyper-parameters decide whether a trial is among the best: PED-ANOVA, by optuna.

Watanabe, Bansal and Hutter 2023 (arXiv 2304.10255): how far the values of the best trials are from those of
all trials, one hyper-parameter at a time. optuna is imported only where there is something to compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.canonical import canonical_json
from reports.tuning.trials import Search

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

BEST_SHARE = 0.25
"""Of the trials, those that count as good: the method wants five or more of them, of 24 or so."""
FEWEST_TRIALS = 20
"""With fewer, the best quarter is too small to say anything."""


def importance(search: Search) -> dict[str, float]:
    """Hyper-parameter or protocol value → its share of the importance, all together 1; empty where there are
    too few trials, or all values are equal.

    The default is left out: it is no draw from the space.
    """
    found = [(trial.setting, value) for trial, value in search.valued if trial.number != 0]
    names = sorted({name for setting, _ in found for name in setting})
    found = [(setting, value) for setting, value in found if all(name in setting for name in names)]
    if len(found) < FEWEST_TRIALS or not names or len({value for _, value in found}) == 1:
        return {}
    import optuna

    settings = [{name: _readable(setting[name]) for name in names} for setting, _ in found]
    axes = {name: _axis([setting[name] for setting in settings]) for name in names}
    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every study that is made
    try:
        study = optuna.create_study(direction="maximize")
        study.add_trials(
            [
                optuna.trial.create_trial(params=setting, distributions=axes, value=value)
                for setting, (_, value) in zip(settings, found, strict=True)
            ]
        )
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    finally:
        optuna.logging.set_verbosity(said)
    return {name: shares[name] for name in names}


def _readable(value: Any) -> Any:
    """As optuna takes it: of lists and other nested values, the text."""
    return value if isinstance(value, (bool, int, float, str)) else canonical_json(value)


def _axis(values: Sequence[Any]) -> BaseDistribution:
    """Numbers of which most are different are drawn from a range, others chosen from a list."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    is_range = 2 * len(distinct) > len(values) and not any(isinstance(value, str) for value in distinct)
    if is_range:
        return FloatDistribution(distinct[0], distinct[-1], log=distinct[0] > 0)
    return CategoricalDistribution(distinct)
