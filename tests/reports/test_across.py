"""Comparisons side by side: which settings share a table, and what stands in it."""

from __future__ import annotations

from reports.across import across_tables
from reports.page import build_report


def test_one_setting_has_nothing_beside_it(builder):
    builder.three_contestants()
    assert across_tables(builder.standings()) == ()


def test_each_setting_has_a_column_and_rows_go_by_mean_rank(builder, tmp_path):
    for name, fingerprint in (("rules", "a"), ("trees", "b")):
        for contestant in builder.titles:
            for seed in range(3):
                if (name, contestant) != ("trees", "dcnv2"):
                    builder.ok(builder.spec(contestant, seed, dataset=name, fingerprint=fingerprint))
    everything = builder.standings()
    ((title, table),) = across_tables(everything)
    assert title == "100K dense parameters, task finish"
    assert table.header == ("Contestant", "rules · paper", "trees · paper", "Mean rank")
    assert str(table.rows[0][0]) == "RankMixer"
    assert str(table.rows[0][3]) == "1.0"
    for column, standings in enumerate(everything, start=1):
        for row in table.rows:
            judged = [found for found in standings.rows if found.label == str(row[0])]
            if judged:
                assert row[column].text.startswith(f"{100 * judged[0].attained.mean:.1f} ± ")
                assert row[column].aside.rstrip("=") == str(judged[0].rank)
            else:
                assert (str(row[0]), row[column].text) == ("DCNv2", "–")
    page = build_report(builder.directory, tmp_path / "out", command="again", titles=builder.titles)
    assert "## Across data sets" in page.markdown.read_text()
    assert '<h2 id="across">' in page.page.read_text()
    assert tmp_path / "out/tables/across-100k-dense-parameters-finish.tex" in page.tables


def test_without_references_the_cells_are_auc(builder):
    for fingerprint in "ab":
        for contestant in ("dlrm-mlp", "rankmixer"):
            for seed in range(2):
                spec = builder.spec(contestant, seed, dataset=fingerprint, fingerprint=fingerprint)
                builder.ok(spec, references=False)
    ((_, table),) = across_tables(builder.standings())
    assert "test AUC" in table.notes[0]
    assert all(row[1].text.startswith("0.") for row in table.rows)
