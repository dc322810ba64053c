"""The section of a comparison in which no run succeeded: why each entrant has no result."""

from __future__ import annotations

from reports.records.comparison import Comparison, Study, place_of
from reports.writing.sections import Paragraph, Section, Table, words

NO_RUN = "No run succeeded."


def without_result_section(study: Study, comparison: Comparison) -> Section:
    return Section(
        title=place_of(study, comparison),
        text=(Paragraph(text=NO_RUN),),
        tables=(_reasons(comparison, "Arm" if study.kind == "ablation" else "Contestant"),),
    )


def _reasons(comparison: Comparison, entrant: str) -> Table:
    rows = []
    for entry in comparison.entries:
        became = ", ".join(f"seed {seed}: {why}" for seed, why in entry.missing())
        rows.append(words(entry.label, f"not possible: {entry.reason}" if entry.reason else became))
    return Table(
        name="comparison", header=(entrant, "Result"), rows=tuple(rows), num_text_columns=2, wrapped=True
    )
