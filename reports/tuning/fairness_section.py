"""The section of a check of fairness: who is handicapped, by how much, and AUC against the dense rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from reports.prose import listed, listed_labels
from reports.records.comparison import Study
from reports.tuning.fairness import LIMIT, VERDICTS, Check, Checked
from reports.tuning.rate_panels import name_panel, rate_panels, reaching, ring, share_rate_axes
from reports.writing.drawing import Image, Mark, rendered, style
from reports.writing.notation import MISSING, fixed, points
from reports.writing.sections import Cell, Facts, Paragraph, Section, Table, words

HANDICAPPED, _, UNDECIDED = VERDICTS
_SHOWN_RATES = ("dense_lr ÷2", "", "dense_lr ×2")


def fairness_section(study: Study, mark: Mapping[str, Mark]) -> Section:
    """Budget by budget."""
    text: list[Paragraph | Facts] = [Paragraph(text=study.question, style="lead")]
    text += [Paragraph(text=_answer(check)) for check in study.checks]
    if study.tuned is not None:
        text.append(Paragraph(text=f"The settings in use are tuned: {study.tuned}."))
    if study.untuned:
        text.append(
            Paragraph(text=f"Without a tuned setting: {listed_labels(study.untuned)}.", style="warning")
        )
    text.append(Paragraph(text=study.command, style="code"))
    return Section(
        title=study.title,
        text=tuple(text),
        sections=tuple(section for check in study.checks for section in _sections(check, mark)),
    )


def fairness_table(check: Check) -> Table:
    """The best neighbour of every contestant, those that gain most seed deviations first."""
    rows = []
    for one in sorted(check.contestants, key=lambda one: (-_deviations(one), one.label)):
        gain = one.gains[one.best] if one.best is not None else None
        style = {HANDICAPPED: "worse", UNDECIDED: "undecided"}.get(one.verdict, "")
        rows.append(
            (
                Cell(text=one.label),
                Cell(text=one.verdict, aside=one.doubt, style=style),
                *words(one.best or MISSING, fixed(one.used.mean, 4)),
                Cell(text=points(gain), difference=gain),
                *words(MISSING if one.deviation is None else fixed(100 * one.deviation, 2)),
            )
        )
    return Table(
        name="fairness",
        header=(
            "Contestant",
            "Verdict",
            "Best neighbour",
            "Valid AUC in use",
            "Gain, points",
            "Seed deviation, points",
        ),
        rows=tuple(rows),
        num_text_columns=3,
        notes=_notes(check),
        wrapped=True,
    )


def left_out_table(check: Check) -> Table:
    """The neighbours that are not compared, and why."""
    rows = [
        words(one.label, neighbour.varied, neighbour.reason or neighbour.missing)
        for one in check.contestants
        for neighbour in one.neighbours
        if neighbour.reason or neighbour.missing
    ]
    header = ("Contestant", "Neighbour", "Why it is not compared")
    return Table(name="left-out", header=header, rows=tuple(rows), num_text_columns=3, wrapped=True)


def _sections(check: Check, mark: Mapping[str, Mark]) -> list[Section]:
    drawn = [one for one in check.contestants if one.used.is_whole]
    left_out = left_out_table(check)
    sections = [Section(title=f"Best neighbours, {check.budget}", tables=(fairness_table(check),))]
    if drawn:
        figure = _rate_figure(drawn, mark)
        title = f"Valid AUC against dense learning rate, {check.budget}"
        sections.append(Section(title=title, figures=(figure,)))
        sections.append(Section(title=f"Every neighbour, {check.budget}", tables=(_every_gain(drawn),)))
    if left_out.rows:
        sections.append(Section(title=f"Neighbours left out, {check.budget}", tables=(left_out,)))
    return sections


def _answer(check: Check) -> str:
    where = f"{listed(check.data)}{', pooled' if len(check.data) > 1 else ''}, {check.budget}"
    judged = [one for one in check.contestants if one.verdict != UNDECIDED]
    judged.sort(key=lambda one: (-_deviations(one), one.label))
    doubts = [f"{one.label} ({one.doubt})" for one in check.contestants if one.verdict == UNDECIDED]
    if not judged:
        if {one.doubt for one in check.contestants} == {"1 seed"}:
            return f"{where}: one seed has no deviation, so there is no verdict on any contestant."
        return f"{where}: there is no verdict on {listed(doubts)}."
    found = [one for one in judged if one.verdict == HANDICAPPED]
    if found:
        number = f"{len(found)} of {len(judged)} contestants" if len(judged) > 1 else found[0].label
        verb = "are" if len(found) > 1 else "is"
        told = listed([f"{one.label} ({_gain(one)})" for one in found])
        answer = f"{number} {verb} handicapped: {told}."
    elif len(judged) == 1:
        answer = f"{judged[0].label} is not handicapped ({_gain(judged[0])})."
    else:
        answer = (
            f"none of {len(judged)} contestants is handicapped. {judged[0].label} is nearest to it "
            f"({_gain(judged[0])})."
        )
    return f"{where}: {answer}" + (f" There is no verdict on {listed(doubts)}." if doubts else "")


def _gain(one: Checked) -> str:
    assert one.best is not None
    gain = fixed(100 * one.gains[one.best].mean, 2, signed=True)
    return f"{one.best} gains {gain} points of valid AUC, {fixed(_deviations(one), 1)} seed deviations"


def _deviations(one: Checked) -> float:
    """How many seed deviations the best neighbour gains; minus infinity where there is no verdict."""
    if one.verdict == UNDECIDED or one.best is None:
        return -math.inf
    gain = one.gains[one.best].mean
    return gain / one.deviation if one.deviation else math.copysign(math.inf, gain)


def _notes(check: Check) -> tuple[str, ...]:
    seeds = sorted({len(one.used.values) for one in check.contestants if one.used.is_whole})
    pooled = "the mean over data sets and tasks" if len(check.data) > 1 else "the mean over tasks"
    notes = [
        f"{one.label} cannot take part: {one.used.reason}." for one in check.contestants if one.used.reason
    ]
    notes += [f"Valid AUC is {pooled}, {' or '.join(map(str, seeds)) or 'no'} seeds. Test rows are not used."]
    if max(seeds, default=0) < 2:
        return (*notes, "One seed has no deviation: there are no intervals and no verdicts.")
    return (
        *notes,
        f"Handicapped: the best neighbour gains more than {LIMIT:g} seed deviations. The seed deviation is "
        "that of a single run, pooled over all settings of the contestant.",
        "The interval of a gain holds for all neighbours of a contestant together (Bonferroni), by Student's "
        "t with the variance of a difference between two settings, by seed, pooled over every pair.",
        "Where no neighbour is better, chance alone calls up to 19 % of contestants handicapped with two "
        "seeds, 8 % with three and 1 % with five (simulated with 9 and 12 neighbours).",
    )


def _every_gain(checked: Sequence[Checked]) -> Table:
    rows = []
    for one in checked:
        for neighbour in sorted(one.compared, key=lambda neighbour: -one.gains[neighbour.varied].mean):
            gain = one.gains[neighbour.varied]
            area = words(neighbour.varied, fixed(neighbour.mean, 4))
            rows.append((Cell(text=one.label), *area, Cell(text=points(gain), difference=gain)))
    header = ("Contestant", "Neighbour", "Valid AUC", "Gain, points")
    return Table(name="neighbours", header=header, rows=tuple(rows), num_text_columns=2)


def _rate_figure(checked: Sequence[Checked], mark: Mapping[str, Mark]) -> Image:
    """A panel per contestant: its AUC at half the dense rate in use, at that, and at twice that."""
    curves = {
        one.label: sorted(
            (variant.dense_lr, variant.mean)
            for variant in one.variants
            if variant.varied in _SHOWN_RATES and variant.is_whole and variant.mean is not None
        )
        for one in checked
    }
    areas = [area for curve in curves.values() for _, area in curve]
    low, high = reaching(areas, areas)
    bar = max((one.deviation or 0.0 for one in checked), default=0.0)
    with style():
        figure, panels = rate_panels(len(checked))
        for axes, one in zip(panels, checked, strict=False):
            colour = mark[one.label].colour
            rates, means = zip(*curves[one.label], strict=True)
            axes.errorbar(
                rates,
                means,
                yerr=one.deviation,
                color=colour,
                marker="o",
                markersize=3.6,
                linewidth=1.5,
                elinewidth=0.9,
                capsize=2.5,
                zorder=3,
            )
            assert one.used.mean is not None
            ring(axes, one.used.dense_lr, one.used.mean)
            name_panel(axes, one.label, colour)
        share_rate_axes(panels, len(checked), (low - bar, high + bar))
        png, pdf = rendered(figure)
    bars = " Bars: one seed deviation of the contestant to either side." if _have_bars(checked) else ""
    cut = " Lines that leave a panel below are cut off." if any(area < low - bar for area in areas) else ""
    return Image(
        name="rate",
        png=png,
        pdf=pdf,
        caption="Valid AUC at half the dense learning rate in use (ringed), at that, and at twice that."
        + bars
        + cut,
        alternative="Valid AUC at three dense learning rates, a panel per contestant",
    )


def _have_bars(checked: Sequence[Checked]) -> bool:
    return any(one.deviation is not None for one in checked)
