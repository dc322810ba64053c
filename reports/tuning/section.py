"""The section of a tuning study: what the same number of trials gains each contestant, and what decides."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from reports.prose import listed
from reports.records.comparison import Study
from reports.tuning.figures import expected_figure, grid_figure, importance_figure, rate_figure
from reports.tuning.importance import importance
from reports.tuning.tables import (
    area_points,
    best_table,
    expected_table,
    importance_table,
    least_loss,
    losses,
    losses_table,
)
from reports.tuning.trials import PROTOCOL_VALUES, Tuning, expected_best_of
from reports.writing.drawing import Mark
from reports.writing.notation import setting_value
from reports.writing.sections import Facts, Paragraph, Section


def tuning_section(study: Study, mark: Mapping[str, Mark]) -> Section:
    """Budget by budget."""
    text: list[Paragraph | Facts] = [Paragraph(text=study.question, style="lead")] if study.question else []
    text += [Paragraph(text=_answer(tuning)) for tuning in study.tunings]
    text.append(Paragraph(text=study.command, style="code"))
    sections = []
    for tuning in study.tunings:
        if any(search.best for search in tuning.searches):
            made = _grid_sections if tuning.is_grid else _space_sections
            sections += made(tuning, mark)
    return Section(title=study.title, text=tuple(text), sections=tuple(sections))


def _answer(tuning: Tuning) -> str:
    where = f"{listed(tuning.data)}{', pooled' if len(tuning.data) > 1 else ''}, {tuning.budget}"
    if tuning.is_grid:
        return f"{where}: {_grid_answer(tuning)}"
    counts = sorted({len(search.trials) for search in tuning.searches if search.trials})
    gains = {search.label: search.gain for search in tuning.searches if search.gain is not None}
    if not gains:
        return f"{where}: no contestant has a valid AUC of its default and of another trial."
    told = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    asked = f"{told} {'trial' if told == '1' else 'trials'} of each contestant"
    most, least = max(gains, key=gains.__getitem__), min(gains, key=gains.__getitem__)
    if len(gains) == 1:
        return f"{where}: {asked} gained {most} {area_points(gains[most], signed=False)} points of valid AUC."
    median, highest, lowest = (
        area_points(value, signed=False)
        for value in (statistics.median(gains.values()), gains[most], gains[least])
    )
    return (
        f"{where}: {asked} gained the median contestant {median} points of valid AUC over its default. "
        f"{most} gained most ({highest}), {least} least ({lowest})."
    )


def _space_sections(tuning: Tuning, mark: Mapping[str, Mark]) -> list[Section]:
    sections = [
        Section(
            title=f"Best settings, {tuning.budget}", text=_impossible(tuning), tables=(best_table(tuning),)
        )
    ]
    if "dense_lr" in tuning.varied:
        sections.append(
            Section(
                title=f"Valid AUC against dense learning rate, {tuning.budget}",
                figures=(rate_figure(tuning, mark),),
            )
        )
    sections.append(
        Section(
            title=f"Expected best after n trials, {tuning.budget}",
            text=(Paragraph(text=_expected_answer(tuning)),),
            figures=(expected_figure(tuning, mark),),
            tables=(expected_table(tuning),),
        )
    )
    shares = {search.label: found for search in tuning.searches if (found := importance(search))}
    if shares:
        names = by_importance(shares, tuning)
        sections.append(
            Section(
                title=f"Importance of hyper-parameters, {tuning.budget}",
                text=(Paragraph(text=_importance_answer(shares, names)),),
                figures=(importance_figure(shares, names),),
                tables=(importance_table(shares, names),),
            )
        )
    return sections


def by_importance(shares: Mapping[str, Mapping[str, float]], tuning: Tuning) -> list[str]:
    """Protocol values first, which all contestants have, then their own; each by its mean share."""
    found = [name for name in tuning.varied if any(name in of_one for of_one in shares.values())]
    mean = {name: statistics.fmean(of[name] for of in shares.values() if name in of) for name in found}
    return sorted(found, key=lambda name: (name not in PROTOCOL_VALUES, -round(mean[name], 9)))


def _grid_sections(tuning: Tuning, mark: Mapping[str, Mark]) -> list[Section]:
    found = losses(tuning)
    chosen = least_loss(found)
    return [
        Section(
            title=f"One dense learning rate for all, {tuning.budget}",
            text=_impossible(tuning),
            figures=(grid_figure(tuning, chosen, mark),),
            tables=(losses_table(tuning, found, chosen),),
        )
    ]


def _grid_answer(tuning: Tuning) -> str:
    found = losses(tuning)
    if not found:
        return "no run has a valid AUC."
    chosen = least_loss(found)
    there = found[chosen]
    worst = max(there, key=there.__getitem__)
    median = area_points(statistics.median(there.values()), signed=False)
    return (
        f"at dense_lr {setting_value(chosen)} the median contestant loses least against its own best of "
        f"{len(found)} rates: {median} points of valid AUC. {worst} loses most there: "
        f"{area_points(there[worst], signed=False)}."
    )


def _impossible(tuning: Tuning) -> tuple[Paragraph, ...]:
    found = [
        f"{search.label} cannot take part: {search.reason}." for search in tuning.searches if search.reason
    ]
    return tuple(Paragraph(text=text) for text in found)


def _expected_answer(tuning: Tuning) -> str:
    curves = {search.label: expected_best_of(search) for search in tuning.searches if search.valued}
    most = min(curve.size for curve in curves.values())
    ahead = [max(curves, key=lambda label: curves[label][n]) for n in range(most)]
    since = next(n for n in range(most) if set(ahead[n:]) == {ahead[-1]})
    if since == 0:
        return f"{ahead[0]} is ahead by its default, and stays ahead after any number of trials."
    return (
        f"By their defaults {ahead[0]} is ahead. After {most} trials each it is {ahead[-1]}, which is "
        f"expected to be ahead from {since + 1} trials on."
    )


def _importance_answer(shares: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> str:
    first = {label: max(of, key=of.__getitem__) for label, of in shares.items()}
    counted = {name: sum(name == each for each in first.values()) for name in names}
    top = max(counted, key=counted.__getitem__)
    return (
        f"{top} is the most important hyper-parameter of {counted[top]} of {len(shares)} contestants: it "
        "tells their best trials from the others most clearly."
    )
