"""The section of one study: the answer and its figure, the tables, what was held equal, then fits and curves.

To add a figure or a table to every study, add it here; the templates loop over whatever is in the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.across import across_sections
from reports.answer_figure import answer_figure
from reports.comparison import Comparison, Study
from reports.curves import mean_curves
from reports.drawing import Mark
from reports.figures import curve_figure, size_figure
from reports.prose import answer_sentences, held_equal
from reports.sections import Paragraph, Section, Table, words
from reports.sources import Sources
from reports.standings import Standings, judge
from reports.tables import comparison_table, metrics_table

Judged = Sequence[tuple[Comparison, Standings]]


def judged(study: Study, sources: Sources) -> list[tuple[Comparison, Standings]]:
    """Every comparison of the study with its standings, task by task."""
    return [
        (comparison, judge(study.title, comparison, task, sources))
        for comparison in study.comparisons
        for task in comparison.tasks
    ]


def study_section(study: Study, found: Judged, sources: Sources, mark: Mapping[str, Mark]) -> Section:
    """`found` is what `judged` gives."""
    standings = [each for _, each in found]
    text = [Paragraph(text=study.question, style="lead")] if study.question else []
    text += [Paragraph(text=note, style="warning") for note in study.notes]
    text += [Paragraph(text=answer_sentences(each)) for each in standings]
    if study.command:
        text.append(Paragraph(text=study.command, style="code"))
    if not study.comparisons:
        return Section(title=study.title, text=tuple(text))
    answer = answer_figure(standings, mark)
    across = () if study.implied else across_sections(standings)
    return Section(
        title=study.title,
        text=tuple(text),
        figures=(answer,) if answer else (),
        sections=(
            *across,
            *_comparison_sections(study, found),
            Section(title="What was held equal", text=(held_equal(study),)),
            *_size_sections(found, mark),
            *_curve_sections(study, sources, mark),
        ),
    )


def _comparison_sections(study: Study, found: Judged) -> list[Section]:
    sections = []
    for comparison in study.comparisons:
        tasks = [standings for other, standings in found if other is comparison]
        for standings in tasks:
            text = []
            if standings.best is None:
                text.append(Paragraph(text=_why_no_auc(comparison), style="warning"))
            tables = [comparison_table(standings), metrics_table(standings)]
            sections.append(
                Section(
                    title=f"{_place(study, comparison)}, task {standings.task}",
                    text=tuple(text),
                    tables=tuple(table for table in tables if table.rows),
                )
            )
        if not tasks:
            sections.append(
                Section(
                    title=_place(study, comparison),
                    text=(Paragraph(text="No run succeeded."),),
                    tables=(_without_result(comparison),),
                )
            )
    return sections


def _why_no_auc(comparison: Comparison) -> str:
    if any(not entry.ok.empty for entry in comparison.entries):
        return "The test split has only one class for this task, so there is no AUC to compare."
    return "No run succeeded."


def _without_result(comparison: Comparison) -> Table:
    """Why each entrant has no result, for a comparison in which no run succeeded."""
    rows = []
    for entry in comparison.entries:
        became = ", ".join(f"seed {seed}: {why}" for seed, why in entry.missing())
        rows.append(words(entry.label, f"not possible: {entry.reason}" if entry.reason else became))
    header = ("Contestant", "Result")
    return Table(name="comparison", header=header, rows=tuple(rows), num_text_columns=2, wrapped=True)


def _size_sections(found: Judged, mark: Mapping[str, Mark]) -> list[Section]:
    """AUC against size, for every data set and task."""
    sections = []
    for data, task in dict.fromkeys((standings.data, standings.task) for _, standings in found):
        by_budget = [
            (comparison.budget_kind, standings)
            for comparison, standings in found
            if (standings.data, standings.task) == (data, task)
        ]
        figure = size_figure(by_budget, mark)
        if figure:
            sections.append(Section(title=f"AUC against size, {data}, task {task}", figures=(figure,)))
    return sections


def _curve_sections(study: Study, sources: Sources, mark: Mapping[str, Mark]) -> list[Section]:
    sections = []
    for comparison in study.comparisons:
        figure = curve_figure(mean_curves(comparison, sources), mark)
        if figure:
            title = f"Training curves, {_place(study, comparison)}"
            sections.append(Section(title=title, figures=(figure,)))
    return sections


def _place(study: Study, comparison: Comparison) -> str:
    """The budget, and the data set unless the title of the study names it."""
    return comparison.budget if study.implied else f"{comparison.data}, {comparison.budget}"
