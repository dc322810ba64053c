"""The section of an ablation: what each arm changes, in a sentence, a figure and a table."""

from __future__ import annotations

from collections.abc import Sequence

from reports.ablation.forest_figure import forest_figure
from reports.ablation.judged import Ablation
from reports.ablation.lines_figure import lines_figure
from reports.ablation.observed_figures import endings, observed_sections
from reports.ablation.prose import OTHER_DATA, agreement, answer, decided_otherwise, made, named
from reports.ablation.table import ablation_table
from reports.records.comparison import Study, place_of
from reports.records.observed import left_out, observed
from reports.records.paper import paper_shares
from reports.records.sources import Sources
from reports.tables import metrics_table
from reports.without_result import NO_RUN, without_result_section
from reports.writing.drawing import Image
from reports.writing.sections import Facts, Paragraph, Section


def ablation_section(
    study: Study, judged: Sequence[Ablation], sources: Sources, later: Sequence[Section]
) -> Section:
    """Answer, figure, a table for every comparison and task, what was observed, and the `later` sections.

    `judged` has every comparison and task of the study; a comparison in which no run succeeded has none.
    """
    text: list[Paragraph | Facts] = [Paragraph(text=study.question, style="lead")]
    shown = [
        (comparison, observed(comparison, sources)) for comparison in study.comparisons if study.observed
    ]
    shares = paper_shares(study.paper)
    for comparison, quantities in shown:
        place = place_of(study, comparison)
        text += [Paragraph(text=told) for told in endings(quantities, shares, place)]
        if labels := left_out(comparison, sources):
            said = (
                f"{place}: not all that {named(labels, 'entrants')} showed during training is here, because "
                "observations of some runs are missing, damaged or of other steps."
            )
            text.append(Paragraph(text=said, style="warning"))
    of_each = [
        (comparison, [one for one in judged if one.comparison is comparison])
        for comparison in study.comparisons
    ]
    for comparison, found in of_each:
        for one in found:
            sentences = " ".join(filter(None, (answer(one), agreement(one))))
            if len(judged) > 1 or len(of_each) > 1:
                sentences = f"{_where(one)}: {sentences[0].lower()}{sentences[1:]}"
            text.append(Paragraph(text=sentences))
        if not found:
            said = f"{comparison.data}, {comparison.budget}: {NO_RUN[0].lower()}{NO_RUN[1:]}"
            text.append(Paragraph(text=said))
    if any(arm.paper for one in judged for arm in one.arms):
        text.append(Paragraph(text=OTHER_DATA))
    if how := made(study, judged):
        text.append(Paragraph(text=how))
    for comparison, _ in of_each:
        if otherwise := decided_otherwise(study, comparison):
            place = f"{place_of(study, comparison)}. " if len(of_each) > 1 else ""
            text.append(Paragraph(text=f"{place}{otherwise}"))
    text.append(Paragraph(text=study.command, style="code"))
    return Section(
        title=study.title,
        text=tuple(text),
        figures=_figures(judged),
        sections=(
            *(
                section
                for comparison, found in of_each
                for section in (
                    [_comparison_section(study, one) for one in found]
                    or [without_result_section(study, comparison)]
                )
            ),
            *(
                section
                for comparison, quantities in shown
                for section in observed_sections(quantities, place_of(study, comparison))
            ),
            *later,
        ),
    )


def _figures(judged: Sequence[Ablation]) -> tuple[Image, ...]:
    """Lines where all comparisons have them, else a forest."""
    image = lines_figure(judged) if all(one.lines for one in judged) else forest_figure(judged)
    return () if image is None else (image,)


def _comparison_section(study: Study, one: Ablation) -> Section:
    metrics = metrics_table(one.standings)
    return Section(
        title=f"{place_of(study, one.comparison)}, task {one.standings.task}",
        tables=(ablation_table(one), *([metrics] if metrics.rows else [])),
    )


def _where(one: Ablation) -> str:
    return f"{one.standings.data}, {one.standings.budget}, task {one.standings.task}"
