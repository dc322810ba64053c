"""What `rankbench tune` prints: trials and the best of each, or what each loses at one rate for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.runs.entrants import short_value
from rankbench.console import answer, count, table

if TYPE_CHECKING:
    from bench.runs.trials import Search
    from bench.spec import Budget


def for_machines(budget: Budget, searches: Sequence[Search]) -> dict[str, Any]:
    """Every trial of a tuning."""
    return {
        "budget": dataclasses.asdict(budget),
        "contestants": [
            {
                "contestant": one.entrant.contestant.name,
                "label": one.entrant.label,
                "reason": one.reason,
                "trials": [
                    {
                        "trial": trial.number,
                        "valid_auc": trial.value,
                        "confirmed_valid_auc": trial.confirmed,
                        "hyperparameters": dict(trial.setting.hyperparameters),
                        "protocol": dict(trial.setting.protocol),
                    }
                    for trial in one.trials
                ],
            }
            for one in searches
        ],
    }


def print_trials(budget: Budget, searches: Sequence[Search]) -> None:
    """A row for each contestant: its default, its best trial and what it gained."""
    rows = [_cells(one) for one in searches if one.trials]
    table(
        f"{_size(budget)}: AUC on valid, mean of tasks and data sets",
        ["contestant", "trials", "default", "best", "gain, points", "trial", "setting"],
        rows,
    )
    for one in searches:
        if one.reason is not None:
            answer(f"{one.entrant.label}: {one.reason}")


def print_losses(budget: Budget, searches: Sequence[Search], base: float) -> None:
    """What each contestant loses at every rate, in points of AUC on valid, and the best rate for all.

    Args:
        base: the rate of the default.
    """
    from reports.tuning.tables import least_loss

    losses: dict[float, dict[str, float]] = {}
    for one in searches:
        for trial in one.trials:
            assert trial.value is not None
            rate = trial.setting.protocol.get("dense_lr", base)
            losses.setdefault(rate, {})[one.entrant.label] = (one.best().value or 0.0) - trial.value
    rates = sorted(losses)
    medians = {rate: median(losses[rate].values()) for rate in rates}
    rows = [
        [label, *(f"{100 * losses[rate][label]:.2f}" for rate in rates)]
        for label in (one.entrant.label for one in searches if one.trials)
    ]
    table(
        f"{_size(budget)}: points of AUC on valid that each loses at one dense_lr for all",
        ["contestant", *(f"{rate:g}" for rate in rates)],
        [*rows, ["median", *(f"{100 * medians[rate]:.2f}" for rate in rates)]],
    )
    chosen = least_loss(losses)
    said = f"the median contestant loses least at dense_lr {chosen:g}: {100 * medians[chosen]:.2f} points"
    answer(said if chosen == base else f"{said}; at {base:g}, the rate now, {100 * medians[base]:.2f} points")


def _size(budget: Budget) -> str:
    return f"{count(budget.target)} {budget.kind.replace('_', ' ')}"


def _cells(one: Search) -> list[str]:
    known = [trial for trial in one.trials if trial.value is not None]
    if one.trials[0].value is None:
        return [one.entrant.label, str(len(known)), "", "", "", "", ""]
    best = one.best()
    default, highest = (t.value if t.confirmed is None else t.confirmed for t in (one.trials[0], best))
    assert default is not None
    assert highest is not None
    return [
        one.entrant.label,
        str(len(known)),
        f"{default:.4f}",
        f"{highest:.4f}",
        f"{100 * (highest - default):+.2f}",
        str(best.number),
        _said({**best.setting.hyperparameters, **best.setting.protocol}),
    ]


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {short_value(value)}" for name, value in values.items()) or "as by default"
