"""The tables of a tuning study."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from reports.tuning.importance import BEST_SHARE
from reports.tuning.trials import DIVERGED, PROTOCOL_VALUES, Search, Trial, Tuning, expected_best_of
from reports.writing.notation import MISSING, fixed, setting_text, setting_value
from reports.writing.sections import Cell, Table, words

SHOWN_TRIALS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""After how many trials the table of the expected best has a column; the last one is all of them."""


def losses(tuning: Tuning) -> dict[float, dict[str, float]]:
    """Of a grid: dense rate → label → what the contestant loses there against its own best, in AUC."""
    found: dict[float, dict[str, float]] = {}
    for search in tuning.searches:
        best = max((value for _, value in search.valued), default=0.0)
        for trial, value in search.valued:
            found.setdefault(trial.protocol["dense_lr"], {})[search.label] = best - value
    return dict(sorted(found.items()))


def least_loss(found: Mapping[float, Mapping[str, float]]) -> float:
    """The dense rate at which the median contestant loses least, of those that have a value of every one."""
    everyone = {label for of_rate in found.values() for label in of_rate}
    whole = {rate: of_rate for rate, of_rate in found.items() if len(of_rate) == len(everyone)} or found
    return min(whole, key=lambda rate: (statistics.median(whole[rate].values()), rate))


def best_table(tuning: Tuning) -> Table:
    protocol = [name for name in tuning.varied if name in PROTOCOL_VALUES]
    rows = []
    for search in sorted(tuning.searches, key=lambda each: _highest_first(each)):
        if (best := search.best) is None:
            continue
        gain = MISSING if search.gain is None else area_points(search.gain)
        rows.append(
            (
                *words(search.label, _own_text(best)),
                Cell(text=str(len(search.trials)), aside=_trials_aside(search)),
                *words(fixed(search.default, 4), fixed(search.highest, 4), gain),
                *words(*(setting_value(best.protocol[name]) for name in protocol)),
            )
        )
    numbers = ("Trials", "Valid AUC, default", "Valid AUC, best", "Gain, points")
    return Table(
        name="best",
        header=("Contestant", "Best hyper-parameters of its own", *numbers, *protocol),
        rows=tuple(rows),
        num_text_columns=2,
        notes=(*_value_notes(tuning), _OPTIMISTIC),
        wrapped=True,
    )


_OPTIMISTIC = (
    "The best of many values on valid promises too much. What a setting is worth shows with fresh seeds on "
    "the test split, in the comparison by tuned settings."
)


def _value_notes(tuning: Tuning) -> tuple[str, ...]:
    pooled = "the mean over data sets and tasks" if len(tuning.data) > 1 else "the mean over tasks"
    trials = [trial for search in tuning.searches for trial in search.trials]
    note = f"Valid AUC is {pooled}, one seed each."
    finalists = [trial for trial in trials if trial.again]
    if finalists:
        seeds = 1 + len(finalists[0].again) // len(tuning.data)
        note = (
            f"Valid AUC is {pooled}, and over {seeds} seeds of each finalist, the default among them; other "
            "trials have one seed."
        )
    if any(trial.diverged for trial in trials):
        note += f" A run that diverged counts {DIVERGED:g}."
    return (note,)


def _highest_first(search: Search) -> tuple[float, str]:
    return -(search.highest or 0.0), search.label


def _own_text(trial: Trial) -> str:
    if trial.number == 0:
        return "the default"
    return setting_text(trial.own) or "as its default"


def _trials_aside(search: Search) -> str:
    diverged = sum(bool(trial.diverged) for trial in search.trials)
    failed = len(search.trials) - len(search.valued)
    parts = [
        f"{count} {word}" for count, word in ((diverged, "diverged"), (failed, "without a value")) if count
    ]
    return ", ".join(parts)


def expected_table(tuning: Tuning) -> Table:
    curves = {s.label: expected_best_of(s) for s in sorted(tuning.searches, key=_highest_first) if s.valued}
    most = max(curve.size for curve in curves.values())
    columns = [*(n for n in SHOWN_TRIALS if n < most), most]
    rows = [
        words(label, *(fixed(curve[n - 1], 4) if n <= curve.size else MISSING for n in columns))
        for label, curve in curves.items()
    ]
    header = ("Contestant", *(f"{n} {'trial' if n == 1 else 'trials'}" for n in columns))
    note = (
        "The first trial is the default; the others are averaged over every order in which they could come. "
        "A contestant whose line still rises at the end may gain from more trials."
    )
    return Table(name="expected", header=header, rows=tuple(rows), notes=(note,))


def importance_table(shares: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Table:
    """Protocol values have a column each; what only some contestants have is listed."""
    protocol = [name for name in names if name in PROTOCOL_VALUES]
    rows = []
    for label, of in shares.items():
        own = ", ".join(f"{name} {fixed(100 * of[name], 0)}" for name in names if name in {*of} - {*protocol})
        percent = (fixed(100 * of[name], 0) if name in of else MISSING for name in protocol)
        rows.append(words(label, own or MISSING, *percent))
    return Table(
        name="importance",
        header=("Share in percent", "Hyper-parameters of its own", *protocol),
        rows=tuple(rows),
        num_text_columns=2,
        notes=(_importance_note(),),
    )


def _importance_note() -> str:
    return (
        "PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255) by optuna: how far the values of the best "
        f"{100 * BEST_SHARE:g} % of trials are from those of all trials but the default. Each row adds up to "
        "100. With 24 to 48 trials, chance alone gives a hyper-parameter without effect up to about 15 % "
        "beside one that decides, and up to about half where none decides."
    )


def losses_table(tuning: Tuning, found: Mapping[float, Mapping[str, float]], chosen: float) -> Table:
    labels = [search.label for search in tuning.searches if search.valued]
    labels.sort(key=lambda label: (found[chosen].get(label, 1.0), label))
    rows = []
    for label in labels:
        best = min(found, key=lambda rate: found[rate].get(label, 1.0))
        cells = [_loss_cell(of_rate.get(label), own_best=rate == best) for rate, of_rate in found.items()]
        rows.append((Cell(text=label), *cells))
    medians = (statistics.median(of_rate.values()) for of_rate in found.values())
    rows.append((Cell(text="Median"), *words(*(area_points(median, signed=False) for median in medians))))
    header = [f"{setting_value(rate)}{' (least)' if rate == chosen else ''}" for rate in found]
    own = "Points of valid AUC lost at each dense_lr against the contestant's own best, which is 0.00."
    return Table(
        name="losses",
        header=("Contestant", *header),
        rows=tuple(rows),
        notes=(own, *_value_notes(tuning)),
    )


def _loss_cell(loss: float | None, *, own_best: bool) -> Cell:
    if loss is None:
        return Cell(text=MISSING)
    return Cell(text=area_points(loss, signed=False), style="better" if own_best else "")


def area_points(area: float, *, signed: bool = True) -> str:
    return fixed(100 * area, 2, signed=signed)
