"""Tuning studies on the page, and comparisons under two protocols.

To accept a change of the golden section, run with RANKBENCH_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
from pathlib import Path

import pandas as pd
import pytest

from bench.errors import BadInput
from reports.page import build_report
from reports.records.sources import Sources
from reports.study_section import judged
from reports.tuning.tables import least_loss, losses
from reports.tuning.trials import Search, Trial, Tuning
from reports.tuning.two_protocols import judged_twice, moved
from tests.reports.tuned import compare_twice, grid, tune

GOLDEN = Path(__file__).parents[1] / "golden" / "tuning.md"
TITLES = ("DLRM-MLP", "MoE", "RankMixer")
DATA = ("rules-160000-0", "trees-160000-0")


@pytest.fixture(scope="module")
def tuned_report(tmp_path_factory, new_store_in) -> Path:
    """The folder of a report on a tuning, a grid of rates, and a comparison under two protocols."""
    directory = tmp_path_factory.mktemp("tuned")
    builder = new_store_in(directory / "store")
    tune(builder, TITLES, datasets=DATA, name="compare-tuning", failing=[("RankMixer", 5)])
    tune(builder, TITLES, datasets=DATA, equal=True, name="compare-tuning")
    compare_twice(builder, {"DLRM-MLP": 0.3, "MoE": 0.0, "RankMixer": -0.1}, untuned=["MoE"])
    builder.report(directory / "out")
    return directory / "out"


def page_of(report: Path) -> str:
    return (report / "report.md").read_text()


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_golden(tuned_report):
    """Everything before the environment, but for what other tests pin of a comparison."""
    page = page_of(tuned_report)
    comparison = section(page, "compare").split("\n### trees-3000-1")[0]
    held = "### What was held equal" + page.split("### What was held equal")[1].split("\n### ")[0]
    tunings = [section(page, f"compare-tuning --{option}") for option in ("trials 24", "equal")]
    found = "\n".join([comparison, held, *tunings, section(page, "Failures")])
    if os.environ.get("RANKBENCH_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_every_figure_has_its_numbers_in_a_file(tuned_report):
    tables = {path.stem: pd.read_csv(path) for path in (tuned_report / "tables").glob("*.csv")}
    trials = tables["trials"]
    searched = trials[trials["study"] == "compare-tuning --trials 24"]
    assert len(searched) == 3 * 24
    best = searched[searched["best"]].set_index("label")["valid_auc"]
    assert best.to_dict() == searched.groupby("label")["valid_auc"].max().to_dict()
    assert searched["valid_auc"].isna().sum() == 1  # the trial whose run failed
    expected = tables["expected"].groupby("label")["expected_best"].max()
    assert expected.to_dict() == best.to_dict()
    assert set(tables["expected"]["study"]) == {"compare-tuning --trials 24"}
    assert tables["importance"].groupby("label")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    protocols = tables["protocols"].set_index("label")
    assert protocols["tuned"].to_dict() == {"DLRM-MLP": True, "MoE": False, "RankMixer": True}
    change = protocols["tuned_auc"] - protocols["equal_auc"]
    assert protocols["gain_difference"].tolist() == pytest.approx(change.tolist(), abs=1e-7)
    for name in ("rate", "grid", "expected", "importance", "protocols"):
        drawn = sorted(path.suffix for path in (tuned_report / "figures").glob(f"{name}-*"))
        assert drawn == [".pdf", ".png"], name


def test_trials_are_in_no_ranking_and_their_test_split_is_not_looked_at(tuned_report):
    page = page_of(tuned_report)
    assert "compare-tuning" not in section(page, "At a glance")
    assert "trial" not in section(page, "Environment and timings")
    comparison = pd.read_csv(tuned_report / "tables" / "comparison.csv")
    assert set(comparison["study"]) == {"compare"}
    assert "test AUC" not in section(page, "compare-tuning --trials 24")


def test_a_failed_trial_is_listed_and_a_diverged_one_is_not(tuned_report):
    failures = section(page_of(tuned_report), "Failures")
    assert "| RankMixer · trial 5 | 1000 | oom | Killed | out of memory |" in failures
    assert "diverged" not in failures
    assert "| 24 (1 without a value) |" in section(page_of(tuned_report), "compare-tuning --trials 24")


@pytest.mark.usefixtures("without_drawing")
def test_a_tuning_can_be_reported_alone(builder, tmp_path):
    tune(builder, TITLES[:1], datasets=DATA, name="compare-tuning")
    compare_twice(builder, {"DLRM-MLP": 0.3, "MoE": 0.0})
    both = {"command": "", "titles": builder.titles, "decided": builder.decided}
    found = build_report([builder.directory], tmp_path / "out", **both, study="compare-tuning")
    assert "of 48 runs succeeded: 1 study, 0 comparisons" in found.markdown.read_text()
    runs = pd.read_csv(tmp_path / "out" / "tables" / "runs.csv")
    assert len(runs) == 48
    found = build_report([builder.directory], tmp_path / "other", **both, study="compare")
    assert len(pd.read_csv(tmp_path / "other" / "tables" / "runs.csv")) == 2 * 2 * 3
    with pytest.raises(BadInput, match="compare-tuning"):
        build_report([builder.directory], tmp_path / "none", **both, study="compare-tunin")


@pytest.mark.usefixtures("without_drawing")
def test_a_tuning_that_has_not_begun_has_a_page(builder, tmp_path):
    record = tune(builder, TITLES[:2], num_trials=3, datasets=DATA, name="compare-tuning")
    (builder.directory / "runs.jsonl").unlink()
    assert len(record.members) == 2 * 3 * 2
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "no contestant has a valid AUC of its default and of another trial" in page


@pytest.mark.usefixtures("without_drawing")
def test_several_budgets_are_reported_apart(builder, tmp_path):
    tune(builder, TITLES[:2], num_trials=4, datasets=DATA[:1], budgets=(30_000, 1_000_000))
    page = builder.report(tmp_path / "out").markdown.read_text()
    places = [page.index(f"### Best settings, {size} dense parameters") for size in ("30k", "1M")]
    assert places == sorted(places)
    assert "Importance of hyper-parameters" not in page  # four trials say nothing of it


def searched(label: str, values: dict[float, float | None]) -> Search:
    trials = [
        Trial(number=n, setting={"dense_lr": rate}, protocol={"dense_lr": rate}, values={"toy": value})
        for n, (rate, value) in enumerate(values.items())
    ]
    return Search(label=label, trials=tuple(trials))


def test_the_rate_for_all_is_where_the_median_contestant_loses_least():
    values = {
        "A": {0.001: 0.70, 0.003: 0.72, 0.01: 0.71},
        "B": {0.001: 0.75, 0.003: 0.73, 0.01: 0.745},
        "C": {0.001: 0.60, 0.003: 0.50, 0.01: 0.70},
    }
    tuning = Tuning(
        budget="b", data=("toy",), searches=tuple(searched(name, of) for name, of in values.items())
    )
    assert tuning.is_grid
    found = losses(tuning)
    by_hand = {
        rate: statistics.median(max(of.values()) - of[rate] for of in values.values())
        for rate in (0.001, 0.003, 0.01)
    }
    assert least_loss(found) == min(by_hand, key=by_hand.__getitem__) == 0.01
    assert found[0.01] == pytest.approx({"A": 0.01, "B": 0.005, "C": 0.0})


def test_a_rate_that_someone_has_no_value_of_is_not_chosen():
    searches = (searched("A", {0.001: 0.70, 0.003: 0.72}), searched("B", {0.001: 0.75, 0.003: None}))
    found = losses(Tuning(budget="b", data=("toy",), searches=searches))
    assert least_loss(found) == 0.001


def test_a_setting_that_all_trials_share_does_not_vary():
    trials = [
        Trial(number=n, setting={**setting, "num_layers": 3}, protocol={}, values={})
        for n, setting in enumerate(grid())
    ]
    tuning = Tuning(budget="b", data=(), searches=(Search(label="A", trials=tuple(trials)),))
    assert tuning.varied == ["dense_lr"]


def test_gain_by_tuning_is_paired_by_seed_and_places_are_by_auc(builder):
    compare_twice(builder, {"DLRM-MLP": 0.3, "MoE": 0.0, "RankMixer": -0.1})
    (study,) = builder.studies()
    sources = Sources([builder.directory])
    (twice,) = judged_twice(study, judged(study, sources), sources)
    by_label = {
        standing.label: (
            next(row for row in twice.equal.rows if row.label == standing.label).metrics["auc"].mean,
            standing.metrics["auc"].mean,
        )
        for standing in twice.tuned.rows
    }
    for label, (equal, tuned) in by_label.items():
        assert twice.gains[label].mean == pytest.approx(tuned - equal)
        assert twice.gains[label].num_seeds == 3
        places = tuple(
            1 + sum(other[side] > by_label[label][side] for other in by_label.values()) for side in (0, 1)
        )
        assert twice.places[label] == places
    text = moved(twice)
    changed = sum(
        twice.equal.pairs[pair].verdict != twice.tuned.pairs[pair].verdict
        for pair in (("DLRM-MLP", "MoE"), ("DLRM-MLP", "RankMixer"), ("MoE", "RankMixer"))
    )
    assert f"Of 3 pairs, {changed or 'none'} get another verdict" in text


@pytest.mark.usefixtures("without_drawing")
def test_no_place_changes_where_no_pair_is_decided_and_none_is_named_that_was_not_tuned(builder):
    compare_twice(builder, {"DLRM-MLP": 0.3, "MoE": 0.0}, untuned=["MoE"])
    sources = Sources([builder.store.directory])
    (study,) = builder.studies()
    (twice,) = judged_twice(study, judged(study, sources), sources)
    assert "MoE rises" not in moved(twice)
    assert "MoE falls" not in moved(twice)
    undecided = {
        pair: dataclasses.replace(found, doubt="1 seed") for pair, found in twice.tuned.pairs.items()
    }
    of_one_seed = dataclasses.replace(twice, tuned=dataclasses.replace(twice.tuned, pairs=undecided))
    assert moved(of_one_seed) == "Too little was run to say whether tuning changes the order."


@pytest.mark.usefixtures("without_drawing")
def test_without_the_equal_runs_the_protocol_says_what_was_tuned(builder, tmp_path):
    record = compare_twice(builder, {"DLRM-MLP": 0.3, "MoE": 0.0})
    builder.store.append_study(dataclasses.replace(record, equal=()))
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "Ranks under two protocols" not in page
    assert "- Protocol: short with dense\\_lr tuned: one pass" in page
    assert "adam, learning rate tuned, decay 0" in page


@pytest.mark.usefixtures("without_drawing")
def test_where_nobody_is_tuned_there_are_no_two_protocols(builder, tmp_path):
    record = compare_twice(builder, {"DLRM-MLP": 0.0, "MoE": 0.0}, untuned=["DLRM-MLP", "MoE"])
    builder.store.append_study(dataclasses.replace(record, tuned=None, untuned=()))
    assert "Ranks under two protocols" not in builder.report(tmp_path / "out").markdown.read_text()
