"""The section of one study: the answer and its figure, the tables, what was held equal, then fits and curves.

To add a table to every study, add it here; to add a figure, see `reports.figures`. The templates loop over
whatever is in the tree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reports.ablation.judged import Ablation, ablations
from reports.ablation.section import ablation_section
from reports.across import across_sections
from reports.answer_figure import answer_figure
from reports.figures import FIGURES
from reports.frontier import FEWEST, frontier_figure
from reports.judge.moderation import Intervals
from reports.judge.standings import Judged, Standings, judge
from reports.ladder.growth import Growth, groups, growths
from reports.ladder.section import ladder_sections, ladder_text
from reports.lineage import KIND, lineage_sections
from reports.paper_order import agreement_sentence, agreement_table, table_agreement
from reports.prose import answer_sentences, held_equal
from reports.records.comparison import Comparison, Study, place_of
from reports.records.paper import RANKMIXER_TABLE
from reports.records.sources import Sources
from reports.tables import comparison_table, metrics_table, settings_table
from reports.tuning.fairness_section import fairness_section
from reports.tuning.section import tuning_section
from reports.tuning.two_protocols import TwoProtocols, judged_twice, protocols_sections
from reports.without_result import NO_RUN, without_result_section
from reports.writing.drawing import Mark
from reports.writing.sections import Paragraph, Section


def judged(study: Study, sources: Sources, intervals: Intervals = "moderated") -> Judged:
    """Every comparison of the study with its standings, task by task."""
    return [
        (comparison, judge(study, comparison, task, sources, intervals))
        for comparison in study.comparisons
        for task in comparison.tasks
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """A study with all that is judged of it.

    Args:
        found: every comparison with its standings, task by task.
        arms: of an ablation, the same arm by arm.
        twice: where it was also run by one protocol for all, both orders.
        grown: of several budgets, the laws.
    """

    study: Study
    found: Judged
    arms: Sequence[Ablation]
    twice: Sequence[TwoProtocols]
    grown: Sequence[Growth]

    @property
    def verdicts(self) -> Sequence[Standings | Ablation]:
        """The arms of an ablation, else the standings."""
        return self.arms or [standings for _, standings in self.found]


def findings(study: Study, sources: Sources, intervals: Intervals) -> Findings:
    found = judged(study, sources, intervals)
    return Findings(
        study=study,
        found=found,
        arms=ablations(study, found),
        twice=judged_twice(study, found, sources),
        grown=growths(study, found),
    )


def study_section(of_study: Findings, sources: Sources, mark: Mapping[str, Mark]) -> Section:
    study, found, grown = of_study.study, of_study.found, of_study.grown
    if study.tunings:
        return tuning_section(study, mark)
    if study.checks:
        return fairness_section(study, mark)
    figures = [section for drawn in FIGURES for section in drawn(study, found, sources, mark)]
    if of_study.arms:
        return ablation_section(study, of_study.arms, sources, (_held_equal(study), *figures))
    standings = [each for _, each in found]
    text = [Paragraph(text=study.question, style="lead")] if study.question else []
    text += [Paragraph(text=note, style="warning") for note in study.notes]
    of_ladders = {id(comparison) for group in groups(study, found) for comparison, _ in group}
    text += ladder_text(grown)
    text += [
        Paragraph(text=answer_sentences(each))
        for comparison, each in found
        if id(comparison) not in of_ladders
    ]
    if study.command:
        text.append(Paragraph(text=study.command, style="code"))
    if not study.comparisons:
        return Section(title=study.title, text=tuple(text))
    answer = answer_figure([each for comparison, each in found if id(comparison) not in of_ladders], mark)
    lineage = lineage_sections(study, found, mark) if study.kind == KIND else []
    across = () if study.implied else across_sections(standings)
    return Section(
        title=study.title,
        text=tuple(text),
        figures=(answer,) if answer else (),
        sections=(
            *lineage,
            *ladder_sections(grown, mark),
            *protocols_sections(study, of_study.twice, mark),
            *across,
            *_comparison_sections(study, found, mark, of_ladders),
            *_beside_paper(study, found),
            _held_equal(study),
            *figures,
        ),
    )


def _held_equal(study: Study) -> Section:
    settings = settings_table(study)
    return Section(
        title="What was held equal, and what was tuned" if settings.rows else "What was held equal",
        text=(held_equal(study),),
        tables=(settings,) if settings.rows else (),
    )


def _beside_paper(study: Study, found: Judged) -> list[Section]:
    """How the order of each comparison agrees with the paper's table."""
    judged_there = [
        (f"{place_of(study, comparison)}, task {standings.task}", one)
        for comparison, standings in found
        if standings.paper == RANKMIXER_TABLE and (one := table_agreement(standings))
    ]
    if not judged_there:
        return []
    text = [Paragraph(text=f"{where}: {agreement_sentence(one)}") for where, one in judged_there]
    return [
        Section(
            title="The paper's order and ours",
            text=tuple(text) if len(text) == 1 else (),
            tables=(agreement_table(judged_there),),
        )
    ]


def _comparison_sections(
    study: Study, found: Judged, mark: Mapping[str, Mark], of_ladders: Collection[int]
) -> list[Section]:
    """`of_ladders`: ids of the comparisons whose answer is that of their ladder."""
    sections = []
    for comparison in study.comparisons:
        tasks = [standings for other, standings in found if other is comparison]
        for standings in tasks:
            text = []
            if standings.best is None:
                text.append(Paragraph(text=_why_no_auc(comparison), style="warning"))
            elif id(comparison) in of_ladders:
                text.append(Paragraph(text=answer_sentences(standings)))
            is_large = id(comparison) not in of_ladders and len(standings.rows) >= FEWEST
            frontier = frontier_figure([(comparison, standings)], mark) if is_large else None
            tables = [comparison_table(standings), metrics_table(standings)]
            sections.append(
                Section(
                    title=f"{place_of(study, comparison)}, task {standings.task}",
                    text=tuple(text),
                    figures=(frontier,) if frontier else (),
                    tables=tuple(table for table in tables if table.rows),
                )
            )
        if not tasks:
            sections.append(without_result_section(study, comparison))
    return sections


def _why_no_auc(comparison: Comparison) -> str:
    if any(not entry.ok.empty for entry in comparison.entries):
        return "The test split has only one class for this task, so there is no AUC to compare."
    return NO_RUN
