"""Studies as the report shows them: each judged on its own, with who could not take part."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from bench.errors import BadInput
from reports.ablation.table import flat_rows
from reports.page import OUTSIDE, build_report
from reports.prose import held_equal
from reports.records.sources import Sources
from reports.records.studies import titles_of
from reports.study_section import judged
from tests.reports.ablated import ablate

pytestmark = pytest.mark.usefixtures("without_drawing")


def specs(builder, contestant: str, seeds: int = 3, **values) -> list:
    """With a run each in the store."""
    found = [builder.spec(contestant, seed, dataset="trees-3000-1", **values) for seed in range(seeds)]
    for spec in found:
        if spec.key() not in builder.store.read().runs:
            builder.ok(spec)
    return found


def compare(builder, **values):
    return builder.study({title: specs(builder, name) for name, title in builder.titles.items()}, **values)


def test_each_number_of_training_rows_is_a_comparison_of_its_own(builder, tmp_path):
    counts = (5_000, 20_000, None)
    runs = {
        title: [spec for count in counts for spec in specs(builder, name, seeds=2, train_rows=count)]
        for name, title in builder.titles.items()
    }
    builder.study(runs, name="data", command="rankbench run data")
    (study,) = builder.studies()
    assert [(each.data, each.train_rows) for each in study.comparisons] == [
        ("trees-3000-1 · 5k training rows", 5_000),
        ("trees-3000-1 · 20k training rows", 20_000),
        ("trees-3000-1 · all training rows", 0),
    ]
    for comparison in study.comparisons:
        for entry in comparison.entries:
            assert entry.runs["train_rows"].tolist() == [comparison.train_rows] * 2
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "trees-3000-1 · 20k training rows, 100k dense parameters, task finish" in page
    assert "the last 20,000; valid and test are those of all" in page


def test_a_study_on_fewer_training_rows_says_so_where_it_has_no_other(builder):
    builder.study({"DCNv2": specs(builder, "dcnv2", train_rows=5_000)}, baseline=None)
    (study,) = builder.studies()
    assert [each.data for each in study.comparisons] == ["trees-3000-1 · 5k training rows"]


def standings_of(builder, study: str | None = None):
    return [each for each in builder.standings() if study in (None, each.study)]


def test_three_studies_are_three_sections_and_none_is_in_the_ranks_of_another(builder, tmp_path):
    """The acceptance of the issue: compare, compare with --set, one contestant without a budget."""
    compare(builder)
    changed = specs(builder, "rankmixer", hyperparameters={"num_layers": 3})
    builder.study(
        {"DLRM-MLP": specs(builder, "dlrm-mlp"), "RankMixer (num_layers 3)": changed},
        command="rankbench run compare --set num_layers=3",
    )
    builder.study(
        {"RankMixer": specs(builder, "rankmixer", budget=None)},
        name="rankmixer",
        command="rankbench run rankmixer --budget none",
        baseline=None,
    )
    found = builder.standings()
    assert [(each.study, sorted(row.label for row in each.rows)) for each in found] == [
        ("rankmixer", ["RankMixer"]),
        ("compare --set num_layers=3", ["DLRM-MLP", "RankMixer (num_layers 3)"]),
        ("compare", ["DCNv2", "DLRM-MLP", "RankMixer"]),
    ]
    assert {row.rank[1] for each in found for row in each.rows if row.rank} == {1, 2, 3}
    page = builder.report(tmp_path / "out").markdown.read_text()
    for title in ("rankmixer", "compare", "compare --set num\\_layers=3"):
        assert f"\n## {title}\n" in page
    assert OUTSIDE not in page
    assert "rankbench run compare --set num_layers=3" in page


def test_a_section_answers_then_shows_then_says_what_was_equal(builder, tmp_path):
    compare(builder)
    page = builder.report(tmp_path / "out").markdown.read_text()
    section = page.split("\n## compare\n")[1].split("\n## Failures\n")[0]
    order = [
        "Who is ahead?",
        "RankMixer is best",
        "figures/answer-compare.png",
        "### trees-3000-1, 100k dense parameters, task finish",
        "Paper, Δ points",
        "### What was held equal",
        "### Training curves",
    ]
    places = [section.index(text) for text in order]
    assert places == sorted(places)
    assert "AUC against size" not in section  # all are of one size


def test_only_several_sizes_have_a_figure_of_auc_against_size(builder, tmp_path):
    sizes = [builder.spec("dcnv2", 0, budget=budget) for budget in (100_000, 200_000)]
    for spec in sizes:
        builder.ok(spec)
    builder.study({"DCNv2": sizes[:1]}, name="one", baseline=None)
    assert "AUC against size" not in builder.report(tmp_path / "one").markdown.read_text()
    builder.study({"DCNv2": sizes}, name="two", baseline=None)
    page = builder.report(tmp_path / "two").markdown.read_text()
    assert page.count("### AUC against size, toy, task finish\n") == 1


def test_an_impossible_entrant_is_listed_with_its_reason(builder, tmp_path):
    spec = builder.spec("wukong", 0, dataset="trees-3000-1")
    compare(builder, impossible={"Wukong": (spec, "it cannot have 100,000 dense parameters")})
    (standings,) = builder.standings()
    assert [row.label for row in standings.rows][-1] == "Wukong"
    assert standings.rows[-1].rank is None
    assert standings.rows[0].rank == (1, 1)
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "| Wukong | – |" in page
    assert "| not possible |" in page
    assert "Wukong cannot take part: it cannot have 100,000 dense parameters." in page


def test_a_study_of_which_nothing_ran_says_so(builder, tmp_path):
    specs(builder, "dcnv2")  # some other run is in the store
    spec = builder.spec("wukong", 0)
    planned = [builder.spec("rankmixer", seed) for seed in range(2)]
    builder.study({"RankMixer": planned}, impossible={"Wukong": (spec, "too small")}, name="nothing")
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "| RankMixer | seed 0: not run, seed 1: not run |" in page
    assert "| Wukong | not possible: too small |" in page


def test_a_store_in_which_nobody_could_take_part_has_a_page(builder, tmp_path):
    builder.study({}, impossible={"Wukong": (builder.spec("wukong", 0), "too small")})
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "0 of 0 runs succeeded: 1 study" in page
    assert "| Wukong | not possible: too small |" in page


def test_runs_of_no_study_are_under_a_heading_that_says_so(builder, tmp_path):
    compare(builder)
    specs(builder, "rankmixer", budget=1_000_000)
    found = builder.standings()
    assert [each.study for each in found] == ["compare", "trees-3000-1 · paper"]
    assert [row.label for row in found[1].rows] == ["RankMixer"]
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert page.index("## compare") < page.index(f"## {OUTSIDE}") < page.index("### trees-3000-1 · paper")


def test_an_older_source_is_shown_apart_from_the_study(builder):
    old = specs(builder, "fm", seeds=2)
    new = []
    for spec in old:
        ref = dataclasses.replace(spec.contestant, source="f00dfeed" * 8)
        new.append(dataclasses.replace(spec, contestant=ref))
        builder.ok(new[-1])
    builder.study({"FM": new}, baseline=None)
    found = builder.standings()
    assert [(each.study, each.rows[0].label) for each in found] == [
        ("compare", "FM"),
        ("trees-3000-1 · paper", "fm (source unknown)"),
    ]


def test_an_older_rev_than_a_study_has_is_set_aside(builder):
    specs(builder, "rankmixer", rev=1)
    builder.study({"RankMixer": specs(builder, "rankmixer", rev=2)}, baseline=None)
    _, outside = builder.studies()
    assert outside.comparisons == ()
    assert outside.notes == (
        "Excluded, because there are runs of a newer rev of the same contestant: RankMixer rev 1: 3 runs.",
    )


def test_the_baseline_is_the_studys(builder):
    compare(builder, baseline="DCNv2")
    (standings,) = builder.standings()
    assert standings.baseline == "DCNv2"
    assert {row.label for row in standings.rows if row.to_baseline is None} == {"DCNv2"}


@pytest.mark.parametrize("baseline", [None, "Somebody"])
def test_without_its_baseline_a_comparison_has_no_differences(builder, baseline):
    compare(builder, baseline=baseline)
    (standings,) = builder.standings()
    assert standings.baseline is None


def test_the_papers_column_needs_the_study_to_name_it(builder, tmp_path):
    compare(builder, paper=None)
    assert "Paper, Δ" not in builder.report(tmp_path / "out").markdown.read_text()


def test_an_entrant_with_another_protocol_is_named_with_what_differs(builder):
    runs = {title: specs(builder, name) for name, title in builder.titles.items()}
    spec = runs["RankMixer"][0]
    warmer = dataclasses.replace(spec.protocol, name="paper, dense_lr 0.1", dense_lr=0.1)
    other = [dataclasses.replace(each, protocol=warmer) for each in runs["RankMixer"]]
    for each in other:
        builder.ok(each)
    builder.study({**runs, "RankMixer (dense_lr 0.1)": other})
    (study,) = builder.studies()
    facts = dict(held_equal(study).pairs)
    assert facts["Protocol"].startswith("paper: one pass")
    assert facts["Protocol of RankMixer (dense_lr 0.1)"] == "dense_lr 0.1 instead of 0.01"
    assert len(judged(study, Sources([builder.directory]))[0][1].rows) == 4


def test_one_study_alone_can_be_reported_by_name_or_command(builder, tmp_path):
    compare(builder)
    builder.study(
        {"RankMixer": specs(builder, "rankmixer", budget=None)}, name="other", command="rankbench run other"
    )
    builder.report(tmp_path / "out")
    assert list((tmp_path / "out/tables").glob("*compare*"))
    for chosen in ("other", "rankbench run other"):
        files = build_report(
            [builder.directory], tmp_path / "out", command="c", titles={}, decided={}, study=chosen
        )
        assert {each.study for each in files.verdicts} == {"other"}
        assert "3 of 3 runs succeeded: 1 study" in files.markdown.read_text()
        left = {path for folder in ("tables", "figures") for path in (tmp_path / "out" / folder).iterdir()}
        assert left == {*files.tables, *files.figures}  # nothing of the studies that were there before
    with pytest.raises(BadInput, match=r"unknown study of the store 'othr'.*did you mean 'other'"):
        build_report([builder.directory], tmp_path, command="c", titles={}, decided={}, study="othr")


def test_one_of_two_studies_of_a_name_can_be_reported_by_its_title(builder, tmp_path):
    compare(builder)
    builder.study(
        {"RankMixer": specs(builder, "rankmixer", budget=None)},
        name="compare",
        command="rankbench run compare --budget none",
    )
    files = build_report(
        [builder.directory], tmp_path, command="c", titles={}, decided={}, study="compare --budget none"
    )
    assert {each.study for each in files.verdicts} == {"compare --budget none"}
    with pytest.raises(BadInput, match=r"known: compare, compare --budget none"):
        build_report([builder.directory], tmp_path, command="c", titles={}, decided={}, study="nothing")


def test_namesakes_of_other_files_have_titles_of_their_own(builder, tmp_path):
    commands = {
        "rankbench run components --seeds 2": "components --seeds 2",
        "rankbench run mine.py:STUDY --seeds 3": "components mine.py:STUDY --seeds 3",
        "rankbench run other.py:STUDY --seeds 3": "components other.py:STUDY --seeds 3",
        "rankbench run other.py:STUDY --set 'a.b=--c d' --seeds 3": (
            "components other.py:STUDY --set 'a.b=--c d' --seeds 3"
        ),
    }
    for command in commands:
        ablate(builder, name="components", command=command)
    studies = builder.studies()
    assert [study.title for study in studies] == [*reversed(commands.values())]
    assert titles_of(builder.store.read().studies) == [*commands.values()]
    files = builder.report(tmp_path / "out", study="components mine.py:STUDY --seeds 3")
    assert {row["study"] for one in files.verdicts for row in flat_rows(one)} == {
        "components mine.py:STUDY --seeds 3"
    }
    assert set(pd.read_csv(tmp_path / "out/tables/ablation.csv")["study"]) == {
        "components mine.py:STUDY --seeds 3"
    }


def test_namesakes_whose_options_are_in_another_order_are_told_by_their_command(builder):
    for command in ("rankbench run all --seeds 2 --budget 1M", "rankbench run all --budget 1M --seeds 2"):
        builder.study({"DCNv2": specs(builder, "dcnv2")}, name="all", command=command, baseline=None)
    assert [study.title for study in builder.studies()] == [
        "all: rankbench run all --budget 1M --seeds 2",
        "all: rankbench run all --seeds 2 --budget 1M",
    ]


def test_stores_are_joined_with_their_predictions_and_curves(builder, new_store, tmp_path):
    """One machine has the baseline, the other the rest: together they are one comparison."""
    second = new_store("second")
    runs = {}
    for name, title in builder.titles.items():
        place = builder if name == "dlrm-mlp" else second
        runs[title] = [place.spec(name, seed) for seed in range(3)]
        for spec in runs[title]:
            place.ok(spec)
    second.ok(builder.spec("dlrm-mlp", 0))  # in both: still one run
    builder.study(runs)
    stores = [builder.directory, second.directory]
    files = build_report(stores, tmp_path / "out", command="c", titles={}, decided={})
    (standings,) = files.verdicts
    assert "9 of 9 runs succeeded" in files.markdown.read_text()
    assert {row.verdict for row in standings.rows if row.to_baseline} <= {"better", "tie", "worse"}
    assert len([path for path in files.figures if path.name.startswith("curves-")]) == 2


def test_a_file_that_one_store_has_damaged_is_read_from_another(builder, new_store):
    second = new_store("second")
    for place in (builder, second):
        place.three_contestants(seeds=2)
    damaged = second.predictions(second.spec("dcnv2", 0))
    damaged.write_bytes(damaged.read_bytes()[:64])
    sources = Sources([builder.directory, second.directory])
    (study,) = builder.studies()
    ((_, standings),) = judged(study, sources)
    assert not [row for row in standings.rows if row.verdict == "undecided"]
    assert not sources.set_aside
