"""The sections of a study with several budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.figures import size_figure
from reports.frontier import frontier_figure
from reports.ladder.answer import answers, missing_sentences, slopes_sentence
from reports.ladder.by_rows import rows_sentence
from reports.ladder.figures import overview_figure, panels_figure, slopes_figure
from reports.ladder.growth import Growth, Laws
from reports.ladder.tables import decision_table
from reports.paper_order import agreement_sentence, agreement_table, figure_agreement
from reports.records.paper import RANKMIXER_TABLE, stands_beside
from reports.scaling.figure import surface_figure
from reports.scaling.tables import decimals_for, fit_table, pair_table, surface_table
from reports.writing.drawing import Mark
from reports.writing.sections import Paragraph, Section, Table


def ladder_text(every: Sequence[Growth]) -> list[Paragraph]:
    """The answers of every ladder of a study, and what each lacks."""
    text = []
    for growth in every:
        text += [Paragraph(text=sentence) for sentence in answers(growth)]
        text += [Paragraph(text=said, style="warning") for said in missing_sentences(growth)]
    return text


def ladder_sections(every: Sequence[Growth], mark: Mapping[str, Mark]) -> list[Section]:
    """For every ladder its figures and tables; over the other size fewer, and its pairs in slopes.csv."""
    return [_section(growth, mark) for growth in every]


def _section(growth: Growth, mark: Mapping[str, Mark]) -> Section:
    where = f"{growth.data}, task {growth.task}"
    decisions = Section(title="How small a budget decides", tables=(decision_table(growth),))
    frontier = frontier_figure(growth.rungs, mark)
    quality = [Section(title="Quality for cost", figures=(frontier,))] if frontier else []
    laws = growth.main
    if not laws.fits:
        kind = [(comparison.budget_kind, standings) for comparison, standings in growth.rungs]
        plain = size_figure(kind, mark)
        return Section(
            title=f"AUC against size, {where}",
            figures=(plain,) if plain else (),
            sections=(decisions, *_by_rows(growth), *quality),
        )
    return Section(
        title=f"AUC against size, {where}",
        text=tuple(_of_paper(growth)),
        figures=(
            overview_figure(growth, laws, mark),
            *((panels_figure(growth, laws, mark),) if len(laws.fits) > 1 else ()),
            slopes_figure(laws, mark),
        ),
        tables=(*_tables(laws), *_agreement(growth)),
        sections=(
            *(
                Section(
                    title=f"Over {other.size}",
                    text=(Paragraph(text=slopes_sentence(other)),),
                    figures=(overview_figure(growth, other, mark),),
                    tables=_tables(other)[:1],
                )
                for other in growth.laws[1:]
                if other.fits
            ),
            decisions,
            *_by_rows(growth),
            *quality,
        ),
    )


def _by_rows(growth: Growth) -> list[Section]:
    found = growth.by_rows
    if found is None:
        return []
    drawn = surface_figure(found.surfaces, found.points, size=found.size) if found.surfaces else None
    return [
        Section(
            title="Over size and training rows",
            text=(Paragraph(text=rows_sentence(found)),),
            figures=(drawn,) if drawn else (),
            tables=(surface_table(found.surfaces, found.refused, found.size),),
        )
    ]


def _tables(laws: Laws) -> tuple[Table, ...]:
    fits = fit_table(laws.fits, laws.refused, laws.size, series="Contestant")
    if not laws.pairs:
        return (fits,)
    decimals = decimals_for(min(one.chosen.rmse for one in laws.fits))
    return fits, pair_table(laws.pairs, laws.metric, decimals, laws.size)


def _of_paper(growth: Growth) -> list[Paragraph]:
    found = figure_agreement(growth) if _beside(growth) else None
    return [Paragraph(text=agreement_sentence(found))] if found else []


def _agreement(growth: Growth) -> tuple[Table, ...]:
    found = figure_agreement(growth) if _beside(growth) else None
    return (agreement_table([(growth.data, found)]),) if found else ()


def _beside(growth: Growth) -> bool:
    return stands_beside(RANKMIXER_TABLE, growth.rungs[0][0].dataset)
