"""Comparisons side by side: which data sets share a table, and what is in it."""

from __future__ import annotations

import pytest

from reports.across import across_sections

pytestmark = pytest.mark.usefixtures("without_drawing")


def test_one_data_set_has_nothing_beside_it(builder):
    builder.three_contestants()
    assert across_sections(builder.standings()) == ()


def test_each_data_set_has_a_column_and_rows_go_by_mean_place(builder, tmp_path):
    for name, fingerprint in (("rules", "a"), ("trees", "b")):
        for contestant in builder.titles:
            for seed in range(3):
                if (name, contestant) != ("trees", "dcnv2"):
                    builder.ok(builder.spec(contestant, seed, dataset=name, fingerprint=fingerprint))
    everything = builder.standings()
    (section,) = across_sections(everything)
    (table,) = section.tables
    assert section.title == "Across data sets, 100k dense parameters, task finish"
    assert table.header == ("Contestant", "rules · paper", "trees · paper", "Mean place")
    assert str(table.rows[0][0]) == "RankMixer"
    assert str(table.rows[0][3]) == "1.0"
    for column, standings in enumerate(everything, start=1):
        for row in table.rows:
            judged = [found for found in standings.rows if found.label == str(row[0])]
            if judged:
                assert row[column].text.startswith(f"{100 * judged[0].attained.mean:.1f} ± ")
                first, last = judged[0].rank
                assert row[column].aside == (f"{first}" if first == last else f"{first}–{last}")
            else:
                assert (str(row[0]), row[column].text) == ("DCNv2", "–")
    page = builder.report(tmp_path / "out")
    assert "### Across data sets, 100k dense parameters, task finish" in page.markdown.read_text()
    assert [path.name for path in page.tables if path.name.startswith("across-")]


def test_without_references_the_cells_are_auc(builder):
    for fingerprint in "ab":
        for contestant in ("dlrm-mlp", "rankmixer"):
            for seed in range(2):
                spec = builder.spec(contestant, seed, dataset=fingerprint, fingerprint=fingerprint)
                builder.ok(spec, references=False)
    (section,) = across_sections(builder.standings())
    (table,) = section.tables
    assert "test AUC" in table.notes[0]
    assert all(row[1].text.startswith("0.") for row in table.rows)
