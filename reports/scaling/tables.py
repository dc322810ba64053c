"""Fits and comparisons as tables, and as plain data for machines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.scaling.comparison import Pair
from reports.scaling.intervals import SIZES, Interval
from reports.scaling.laws import ANCHORED, CONSTANT, LOG, OPTIMUM, POWER, Metric
from reports.scaling.selection import FALLING, FLAT, PEAKED, Fit
from reports.scaling.sensitivity import Without
from reports.scaling.two_variables import Surface
from reports.writing.notation import MISSING, fixed, short
from reports.writing.sections import Cell, Table, words

NOT_IDENTIFIED = "not identified"
LAWS = {
    CONSTANT: "constant",
    LOG: "log law",
    POWER: "power law",
    ANCHORED: "power law to a given asymptote",
    OPTIMUM: "optimum (quadratic in ln size)",
}


def fit_table(fits: Sequence[Fit], refused: Mapping[str, str], size: str, *, series: str = "Series") -> Table:
    """A row per contestant.

    Args:
        fits: of one metric.
        refused: label → why nothing is fitted to it.
        size: what the sizes count, such as ``dense parameters``.
        series: title of the first column.
    """
    header = (
        series,
        "Law",
        "Exponent",
        "Asymptote",
        "Gain per doubling",
        "RMSE",
        "Seeds",
        "Held out",
        "ΔAICc",
    )
    rows = [_row(one) for one in fits]
    rows += [(Cell(text=label), *words("no law", *[MISSING] * 7)) for label in refused]
    notes = [f"{one.label or 'The series'}: {_why(one)}." for one in fits if one.reason]
    notes += [f"{label}: {reason}." for label, reason in refused.items()]
    notes += [
        f"{one.label or 'The series'}: the sizes scatter about the law by more than the seeds explain, so "
        "the intervals count that scatter."
        for one in fits
        if one.noise.source == SIZES and one.noise.misfit is not None and one.noise.misfit < 0.05
    ]
    notes.append(
        f"Laws in {size}. Brackets: 95 % intervals. Gain: above 0 is better. Seeds: standard deviation of a "
        "run at its size. Held out: error at the largest size when it is left out, in deviations of a run. "
        "ΔAICc: that of the log law less that of the power law; above 0 speaks for the power law."
    )
    return Table(name="laws", header=header, rows=tuple(rows), num_text_columns=2, notes=tuple(notes))


def pair_table(pairs: Sequence[Pair], metric: Metric, decimals: int, size: str) -> Table:
    """A row per pair of contestants; `decimals` of differences of the metric."""
    rows = []
    for pair in pairs:
        names = f"{pair.first} – {pair.second}"
        if pair.slopes is None:
            rows.append(words(names, *[MISSING] * 3, pair.reason, MISSING))
            continue
        slopes = pair.slopes
        rows.append(
            (
                Cell(text=names),
                Cell(text=interval(slopes.difference, decimals, signed=True)),
                Cell(text=p_value(slopes.adjusted)),
                Cell(text=slopes.verdict),
                Cell(text=crossing(pair)),
                Cell(text=saving(pair)),
            )
        )
    notes = (
        f"Slope: difference of the gains in {metric.title} per doubling over the sizes that both have, with "
        "its 95 % interval; p by Holm's method over all pairs decides the verdict.",
        f"Saving: how many times fewer {size} the first-named needs for the value that the other has at its "
        "largest size in the common range.",
    )
    header = ("Pair", "Slope", "p", "Slope of the first", "Laws cross at", "Saving")
    return Table(name="pairs", header=header, rows=tuple(rows), num_text_columns=1, notes=notes)


def surface_table(surfaces: Mapping[str, Surface], refused: Mapping[str, str], size: str) -> Table:
    """A row per law in size and rows, by label."""
    rows: list[tuple[Cell, ...]] = []
    for label, one in surfaces.items():
        asymptote = interval(one.asymptote, decimals_for(one.rmse)) if one.identified else NOT_IDENTIFIED
        rows.append(
            (
                Cell(text=label),
                Cell(text=exponent_text(one.size_exponent)),
                Cell(text=exponent_text(one.rows_exponent)),
                Cell(text=asymptote),
                Cell(text=significant(one.size_factor)),
                Cell(text=significant(one.rows_factor)),
                Cell(text=fixed(one.rmse, decimals_for(one.rmse))),
                Cell(text=fixed(one.seed_deviation, decimals_for(one.rmse))),
            )
        )
    rows += [(Cell(text=label), *words("no law", *[MISSING] * 6)) for label in refused]
    notes = [f"{label or 'The series'}: {one.reason}." for label, one in surfaces.items() if one.reason]
    notes += [f"{label}: {reason}." for label, reason in refused.items()]
    notes.append(
        f"E + A/N^a + B/D^b for less is better, E − A/N^a − B/D^b for more: N is {size}, D training rows. "
        "Brackets: 95 % intervals."
    )
    header = ("Series", "a", "b", "Asymptote E", "A", "B", "RMSE", "Seeds")
    return Table(name="laws", header=header, rows=tuple(rows), notes=tuple(notes))


def fit_for_machines(one: Fit, without: Sequence[Without]) -> dict[str, Any]:
    """Plain JSON types, but for infinite ends of intervals; numbers are not rounded."""
    return {
        "series": one.label,
        "law": one.law.form,
        "formula": one.law.formula,
        "trend": one.trend,
        "identified": one.identified,
        "reason": one.reason,
        "exponent": one.exponent and vars(one.exponent),
        "asymptote": one.asymptote and vars(one.asymptote),
        "optimum": one.law.optimum,
        "gain_per_doubling": vars(one.gain_per_doubling),
        "num_runs": one.ladder.value.size,
        "num_sizes": one.ladder.sizes.size,
        "decades": one.ladder.decades,
        "rmse": one.chosen.rmse,
        "seed_deviation": one.ladder.seed_deviation,
        "noise": {
            "source": one.noise.source,
            "variance": one.noise.variance,
            "freedom": one.noise.freedom,
            "misfit": one.noise.misfit,
        },
        "predictions": [{"size": size, **vars(value)} for size, value in one.predictions],
        "candidates": {
            form: {
                "formula": candidate.law.formula,
                "exponent": candidate.law.exponent,
                "asymptote": candidate.law.asymptote,
                "factor": candidate.law.factor,
                "rmse": candidate.rmse,
                "aicc": candidate.aicc,
                "held_out_error": candidate.held_out_error,
            }
            for form, candidate in one.candidates.items()
        },
        "leave_one_out": [vars(each) for each in without],
    }


def pair_for_machines(pair: Pair) -> dict[str, Any]:
    """Plain JSON types."""
    slopes, crossed, saved = pair.slopes, pair.crossing, pair.saving
    return {
        "first": pair.first,
        "second": pair.second,
        "reason": pair.reason,
        "slopes": slopes
        and {
            "difference": vars(slopes.difference),
            "p_value": slopes.p_value,
            "adjusted": slopes.adjusted,
            "exponents": slopes.exponents and vars(slopes.exponents),
            "verdict": slopes.verdict,
        },
        "crossing": crossed and vars(crossed),
        "saving": saved and {**vars(saved), "times": vars(saved.times)},
    }


def surface_for_machines(label: str, one: Surface) -> dict[str, Any]:
    """Plain JSON types."""
    plain = {name: vars(part) if isinstance(part, Interval) else part for name, part in vars(one).items()}
    return {"series": label, **plain, "metric": one.metric.name}


def decimals_for(deviation: float) -> int:
    """Decimals that show two digits of a deviation."""
    return (
        4
        if not deviation or math.isnan(deviation)
        else min(12, max(0, 1 - math.floor(math.log10(deviation))))
    )


def interval(value: Interval, decimals: int, *, signed: bool = False) -> str:
    """``0.7801 [0.7790, 0.7812]``; the estimate alone without an interval."""
    text = fixed(value.value, decimals, signed=signed)
    if value.low is None or value.high is None:
        return text
    low, high = (_end(end, decimals, signed=signed) for end in (value.low, value.high))
    return f"{text} [{low}, {high}]"


def exponent_text(value: Interval) -> str:
    """Three decimals; below 0.01, three significant digits."""
    small = 0 < value.value < 0.01
    return interval(value, 2 - math.floor(math.log10(value.value)) if small else 3)


def significant(value: Interval) -> str:
    """Three significant digits."""
    return (
        f"{value.value:.3g} [{value.low:.3g}, {value.high:.3g}]"
        if value.low is not None
        else f"{value.value:.3g}"
    )


def p_value(value: float | None) -> str:
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else fixed(value, 3)


def crossing(pair: Pair) -> str:
    """``1.2M [800k, 2M], then DCNv2``; ``none in range, DCNv2 ahead``."""
    found = pair.crossing
    if found is None:
        return MISSING
    if found.size is None:
        return f"none in range, {found.ahead_after} ahead"
    text = short(found.size)
    if found.low is not None and found.high is not None:
        low = "below range" if found.low == 0 else short(found.low)
        high = "beyond range" if math.isinf(found.high) else short(found.high)
        text += f" [{low}, {high}]"
    return f"{text}, then {found.ahead_after} ahead"


def saving(pair: Pair) -> str:
    """``RankMixer 3.2 × [2.5, 4.1]``."""
    found = pair.saving
    if found is None:
        return MISSING
    start = "at least " if found.at_least else ""
    value, _, ends = interval(found.times, 1).partition(" ")
    return f"{found.better} {start}{value} × {ends}".rstrip()


def _row(one: Fit) -> tuple[Cell, ...]:
    decimals = decimals_for(one.chosen.rmse)
    identified = one.identified and one.exponent and one.asymptote
    ahead = MISSING
    power = one.candidates.get(POWER) or one.candidates.get(ANCHORED)
    if power:
        ahead = fixed(one.candidates[LOG].aicc - power.aicc, 1, signed=True)
    return words(
        one.label,
        LAWS[one.law.form] + {FALLING: ", falling", FLAT: ", flat", PEAKED: ""}.get(one.trend, ""),
        exponent_text(one.exponent) if identified and one.exponent else MISSING,
        interval(one.asymptote, decimals) if identified and one.asymptote else NOT_IDENTIFIED,
        interval(one.gain_per_doubling, decimals, signed=True),
        fixed(one.chosen.rmse, decimals),
        fixed(one.ladder.seed_deviation, decimals),
        fixed(one.held_out_in_seeds, 1, signed=True),
        ahead,
    )


def _why(one: Fit) -> str:
    if one.law.optimum is not None:
        return f"{one.reason} at {short(one.law.optimum)}"
    if one.law.form == LOG and one.trend not in (FALLING, FLAT):
        return f"asymptote not identified ({one.reason}), so the log law is reported"
    return one.reason


def _end(value: float, decimals: int, *, signed: bool) -> str:
    return "∞" if math.isinf(value) else fixed(value, decimals, signed=signed)
