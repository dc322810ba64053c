"""A lineage: who is compared with whom, what is said of it, and the figure by year."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import matplotlib
import pytest
from matplotlib.figure import Figure

from reports import lineage
from reports.judge.statistics import Estimate
from reports.writing.drawing import marks

YEARS = {"dlrm-mlp": 2019, "dcnv2": 2020, "rankmixer": 2025}
LABELS = {"dlrm-mlp": "DLRM-MLP", "dcnv2": "DCNv2", "rankmixer": "RankMixer"}


def lineage_of(builder, *, seeds=3, years=YEARS, references=True):
    """(standings, dated rows) of three contestants of which the last is far ahead."""
    runs = {}
    for name, label in LABELS.items():
        runs[label] = [builder.spec(name, seed) for seed in range(seeds)]
        for spec in runs[label]:
            builder.ok(spec, references=references)
    builder.study(runs, name="lineage", kind="lineage", command="rankbench run lineage", paper=None)
    (standings,) = builder.standings()
    return standings, lineage.dated_rows(standings, years)


@pytest.mark.usefixtures("without_drawing")
def test_rows_go_by_year_and_each_is_compared_with_the_best_of_earlier_years(builder):
    standings, dated = lineage_of(builder)
    assert [(year, row.label) for year, row in dated] == [
        (2019, "DLRM-MLP"),
        (2020, "DCNv2"),
        (2025, "RankMixer"),
    ]
    first, second, last = (row for _, row in dated)
    assert lineage.gain(standings, dated, first) is None
    assert lineage.gain(standings, dated, second) is standings.pairs["DCNv2", "DLRM-MLP"]
    best = max((first, second), key=lambda row: row.metrics["auc"].mean)
    assert lineage.gain(standings, dated, last) is standings.pairs["RankMixer", best.label]
    (_, middle, end) = lineage.lineage_table(standings, dated).rows
    assert [str(cell) for cell in end[:2]] == ["2025", "RankMixer"]
    assert str(end[5]) == "better"
    assert str(middle[5]) == standings.pairs["DCNv2", "DLRM-MLP"].verdict


@pytest.mark.usefixtures("without_drawing")
def test_contestants_of_one_year_are_not_compared(builder):
    standings, dated = lineage_of(builder, years=dict.fromkeys(LABELS, 2019))
    assert all(lineage.gain(standings, dated, row) is None for _, row in dated)
    assert lineage.sentence(standings, dated).startswith("All contestants are of one year")


@pytest.mark.usefixtures("without_drawing")
def test_the_sentence_names_those_ahead_of_all_before_them(builder):
    standings, dated = lineage_of(builder)
    ahead = [label for label in ("DCNv2", "RankMixer") if _is_ahead(standings, dated, label)]
    assert "RankMixer" in ahead
    said = lineage.sentence(standings, dated)
    assert said.startswith(f"{len(ahead)} of 2 later contestants are ahead")
    assert said.endswith(", ".join(ahead) + ".")


def _is_ahead(standings, dated, label):
    row = next(row for _, row in dated if row.label == label)
    return lineage.gain(standings, dated, row).verdict == "better"


@pytest.mark.usefixtures("without_drawing")
def test_one_seed_makes_no_claim(builder):
    standings, dated = lineage_of(builder, seeds=1)
    assert lineage.sentence(standings, dated).startswith("Too little was run")


@pytest.mark.usefixtures("without_drawing")
def test_a_contestant_without_a_year_is_left_out(builder):
    _, dated = lineage_of(builder, years={"dcnv2": 2020})
    assert [row.label for _, row in dated] == ["DCNv2"]


def test_only_a_lineage_shows_its_contestants_by_year(builder, tmp_path):
    lineage_of(builder)
    page = builder.report(tmp_path / "lineage", years=YEARS)
    text = page.markdown.read_text()
    assert "By year, toy" in text
    assert [path.name for path in page.figures if "by-year" in path.name]
    untold = builder.report(tmp_path / "untold").markdown.read_text()
    assert "By year" not in untold
    builder.study({"DCNv2": [builder.spec("dcnv2", 0)]}, baseline=None)
    again = builder.report(tmp_path / "both", years=YEARS).markdown.read_text()
    assert again.count("By year") == 1


def test_without_the_attainable_the_figure_shows_auc(builder):
    standings, dated = lineage_of(builder, references=False)
    image = lineage.lineage_figure(standings, dated, marks(LABELS.values()))
    assert image.caption.startswith("Test AUC over the year")
    standings = dataclasses.replace(standings, rows=standings.rows)
    assert image.png == lineage.lineage_figure(standings, dated, marks(LABELS.values())).png


def test_names_of_twenty_contestants_cover_neither_each_other_nor_points():
    labels = [f"Contestant {number}" for number in range(20)]
    counts = {2016: 4, 2017: 2, 2018: 2, 2019: 5, 2020: 1, 2022: 1, 2023: 1, 2024: 2, 2025: 2}
    years = [year for year, count in counts.items() for _ in range(count)]
    values = [
        Estimate(mean=50 + 1.5 * (year - 2016) + 2 * (number % 3), half_width=0.8, num_seeds=3)
        for number, year in enumerate(years)
    ]
    matplotlib.use("agg")
    figure = Figure(figsize=(lineage.INCHES, 5.4), dpi=100)
    axes = figure.subplots()
    places = list(lineage._places(years))
    assert places == sorted(places)
    assert len(set(places)) == 20
    lineage._limits(axes, years, values)
    lineage._label(axes, places, values, labels, marks(labels))
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 20
    assert not [pair for pair in combinations(boxes, 2) if lineage._common(*pair) > 4]
    points = axes.transData.transform([(x, value.mean) for x, value in zip(places, values, strict=True)])
    assert not [1 for box in boxes for point in points if box.contains(*point)]


def test_one_wide_interval_does_not_flatten_the_figure():
    figure = Figure()
    axes = figure.subplots()
    wide = Estimate(mean=51, half_width=300, num_seeds=2)
    narrow = [Estimate(mean=mean, half_width=0.5, num_seeds=3) for mean in (50, 52, 54)]
    lineage._limits(axes, [2016, 2017, 2018, 2019], [wide, *narrow])
    low, high = axes.get_ylim()
    assert 45 < low < 49.5
    assert 54.5 < high < 59.5
