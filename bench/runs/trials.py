"""Trials of a tuning: settings that were tried, and what they gave on valid. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from bench.contestants.tuned import Setting
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.record import Run
from bench.runs.space import Space
from bench.runs.store import SETTLED
from bench.spec import Budget

TRIAL_SEED = 1000
"""Of every run of a trial. Those of studies are smaller, so what is chosen is tested with fresh ones."""
CONFIRMING_SEEDS = (TRIAL_SEED + 1, TRIAL_SEED + 2)
FINALISTS = 4
"""Trials of a contestant that are run again, the default among them."""
DIVERGED_AUC = 0.5


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting that was tried.

    Args:
        number: from 0, the default.
        setting: empty for the default.
        keys: of its runs, one for each data set.
        value: its AUC; None where a run failed for another reason than divergence.
        confirmed: of a finalist, the mean of `value` and those of `CONFIRMING_SEEDS`; else None.
    """

    number: int
    setting: Setting
    keys: tuple[str, ...] = ()
    value: float | None = None
    confirmed: float | None = None


@dataclass(kw_only=True)
class Search:
    """The trials of one contestant at one budget.

    Args:
        reason: why it cannot take part; it then has no trials.
    """

    space: Space
    budget: Budget
    trials: list[Trial] = field(default_factory=list)
    reason: str | None = None

    @property
    def entrant(self) -> Entrant:
        return self.space.entrant

    def best(self) -> Trial:
        """Of the highest confirmed value, or value where nothing is confirmed; of several, the first."""
        confirmed = [trial for trial in self.trials if trial.confirmed is not None]
        if confirmed:
            return max(confirmed, key=lambda trial: trial.confirmed or 0.0)
        return max((trial for trial in self.trials if trial.value is not None), key=lambda t: t.value or 0.0)

    def finalists(self, count: int) -> list[Trial]:
        """The default and the best others by value, so many in all, by number; none where it stands alone."""
        others = sorted(self.trials[1:], key=lambda trial: -(trial.value or 0.0))[: max(count - 1, 0)]
        return sorted((self.trials[0], *others), key=lambda trial: trial.number) if others else []


def label_of(search: Search, trial: Trial) -> str:
    """What a trial is called in the record of its study."""
    return f"{search.entrant.label} · trial {trial.number}"


def value_of(runs: Sequence[Run]) -> float | None:
    """The value of a trial from its runs, one for each data set; None unless all are settled."""
    if any(run.status not in SETTLED for run in runs):
        return None
    return fmean(valid_auc(run) if run.status == "ok" else DIVERGED_AUC for run in runs)


def valid_auc(run: Run) -> float:
    """The mean over the tasks that have one.

    Raises:
        BadInput: none has.
    """
    assert run.metrics is not None, "an ok run has metrics"
    known = [auc for metrics in run.metrics["valid"].values() if (auc := metrics["auc"]) is not None]
    if not known:
        raise BadInput(
            f"the valid split of {run.spec.dataset.name} has one class only in every task, so no AUC "
            "says which setting is better"
        )
    return fmean(known)
