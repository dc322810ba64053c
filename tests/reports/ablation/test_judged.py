"""Ablations on the page: sentences, tables, lines, what was observed, and the paper beside them.

To accept a change of the golden sections, run with RANKBENCH_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.ablation.forest_figure import forest_figure
from reports.ablation.lines_figure import lines_figure
from reports.ablation.prose import answer
from reports.ablation.table import ablation_table
from reports.records.paper import named, paper_arms, paper_shares
from tests.reports.ablated import (
    BASE,
    COMPONENTS,
    DEPTHS,
    SPARSITY,
    ablate,
    norms,
    only,
    section,
    shares,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "ablation.md"


@pytest.fixture(scope="module")
def reports(tmp_path_factory, new_store_in) -> list[Path]:
    """The folders of two reports on the same ablations."""
    folders = []
    for name in ("first", "again"):
        directory = tmp_path_factory.mktemp(name)
        builder = new_store_in(directory / "store")
        ablate(builder, impossible={"All-Share": "it cannot have 100,000 dense parameters"})
        ablate(
            builder,
            SPARSITY,
            name="sparsity",
            paper="rankmixer/figure_3",
            base="dense of the total size",
            sized={"dense of the active size": "baseline"},
            tuned=None,
            observations=shares,
        )
        ablate(
            builder,
            {label: gain for label, gain in SPARSITY.items() if label.startswith("DTSI + ReLU · 1/")},
            name="activation",
            paper="rankmixer/figure_4",
            base="dense of the total size",
            settings={"DTSI + ReLU · 1/8 active": {"active_fraction": 0.125}},
            observations=shares,
        )
        ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
        builder.report(directory / "out")
        folders.append(directory / "out")
    return folders


def test_golden(reports):
    page = (reports[0] / "report.md").read_text()
    found = "\n".join(section(page, title) for title in ("components", "sparsity", "activation", "depth"))
    if os.environ.get("RANKBENCH_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_same_bytes_again(reports):
    first, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in reports
    )
    assert first.keys() == again.keys()
    assert [name for name in first if first[name] != again[name]] == []


def test_every_figure_and_table_has_its_files(reports):
    figures = {path.name for path in (reports[0] / "figures").iterdir()}
    for begin in ("answer-components", "lines-sparsity", "lines-depth", "observed-gradient-norm-depth"):
        assert {Path(name).suffix for name in figures if name.startswith(begin)} == {".png", ".pdf"}, begin
    of_shares = [name for name in figures if name.startswith("observed-active-share")]
    assert len(of_shares) == 2 * 3
    assert all(
        name.startswith("observed-active-share-activation") for name in of_shares
    )  # not all of sparsity
    shown = pd.read_csv(reports[0] / "tables" / "observed.csv")
    assert shown.groupby("study")["label"].nunique().to_dict() == {"activation": 3, "depth": 5, "sparsity": 8}
    assert not any(name.startswith(("answer-sparsity", "answer-depth")) for name in figures)
    assert (
        reports[0] / "tables" / "ablation-components-trees-3000-1-100k-dense-parameters-task-finish.tex"
    ).is_file()


def test_the_numbers_of_the_table_are_those_of_the_runs(reports):
    table = pd.read_csv(reports[0] / "tables" / "ablation.csv").set_index(["study", "arm"])
    runs = pd.read_csv(reports[0] / "tables" / "runs.csv")
    labels = (
        runs["hyperparameters"]
        .str.extract(r'"arm":"([^"]*)"')[0]
        .fillna(runs["hyperparameters"].str.extract(r'"base":"([^"]*)"')[0])
    )
    for (study, arm), row in table.iterrows():
        of_arm, of_base = (runs[labels == label].set_index("seed") for label in (arm, row["base"]))
        if of_arm.empty:
            assert (study, arm) == ("components", "All-Share")
            continue
        for metric in ("auc", "uauc", "log_loss"):
            column = f"test.finish.{metric}"
            assert row[metric] == pytest.approx((of_arm[column] - of_base[column]).mean(), abs=1e-6)
            assert row[f"{metric}_low"] < row[metric] < row[f"{metric}_high"]
        change = of_arm["dense_parameters"].iloc[0] / of_base["dense_parameters"].iloc[0] - 1
        assert row["dense_parameters_relative"] == pytest.approx(change)
    assert table.loc[("components", "no token mixing"), "paper_auc"] == pytest.approx(-0.005)
    assert np.isnan(table.loc[("depth", "residual between blocks · 4 blocks"), "paper_auc"])


def test_the_arms_against_the_base_are_a_family_and_the_arms_among_each_other_another(builder):
    ablate(builder)
    standings = only(builder).standings
    family = {frozenset(pair): value.family for pair, value in standings.pairs.items()}
    assert {size for pair, size in family.items() if BASE in pair} == {4}
    assert {size for pair, size in family.items() if BASE not in pair} == {6}
    alone = {label: standings.pairs[label, BASE].p_value for label in COMPONENTS}
    least = min(alone, key=alone.__getitem__)
    assert standings.pairs[least, BASE].adjusted_p_value == pytest.approx(4 * alone[least])
    table = ablation_table(only(builder))
    assert not any("excludes zero" in note for note in table.notes)


def test_an_arm_that_ties_by_its_family_is_told_in_table_figure_and_sentence(builder):
    ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
    one = only(builder)
    arms = tuple(
        dataclasses.replace(
            arm,
            standing=dataclasses.replace(
                arm.standing,
                to_baseline=dataclasses.replace(
                    arm.standing.to_baseline, mean=0.002, half_width=0.001, adjusted_p_value=0.07
                ),
            ),
        )
        for arm in one.arms
    )
    tied = dataclasses.replace(one, arms=arms)
    assert ", a tie because arms are judged together" in answer(tied)
    table = ablation_table(tied)
    assert str(table.rows[1][table.header.index("Verdict")]) == "tie (p 0.070)"
    assert "4 arms are judged together" in " ".join(table.notes)
    for draw in (lines_figure, forest_figure):
        caption = draw([tied]).caption
        assert "A tie although the interval excludes zero" in caption
        assert "residual between blocks · 4 blocks" in caption


@pytest.mark.usefixtures("without_drawing")
def test_sizes_and_times_are_relative_to_the_base_and_times_by_seed(builder):
    ablate(
        builder,
        {"Self-Attention": 0.0},
        name="routing",
        paper="rankmixer/table_3",
        budgets={"Self-Attention": 116_000},
    )
    one = only(builder)
    (arm,) = one.arms
    assert arm.costs["dense_parameters"] == pytest.approx(0.16, abs=1e-3)
    base = [12.5 + len("RankMixer") / 20 + seed / 4 for seed in range(3)]
    times = [12.5 + len("Self-Attention") / 20 + seed / 4 for seed in range(3)]
    assert arm.seconds.mean == pytest.approx(
        np.mean([its / of for its, of in zip(times, base, strict=True)]) - 1
    )
    table = ablation_table(one)
    cells = dict(zip(table.header, (cell.text for cell in table.rows[1]), strict=True))
    assert cells["Δ dense parameters, %"] == "+16.0"
    assert (cells["Paper: Δ dense parameters, %"], cells["Paper: Δ FLOPs, %"]) == ("+16.0", "+71.8")
    assert cells["Paper: Δ AUC, points"] == "−0.03"


@pytest.mark.usefixtures("without_drawing")
def test_an_ablation_of_several_data_sets_and_budgets(builder, tmp_path):
    ablate(builder, datasets=("rules-3000-1", "trees-3000-1"), sizes=(100_000, 1_000_000))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    for data in ("rules-3000-1", "trees-3000-1"):
        for budget in ("100k", "1M"):
            assert f"{data}, {budget} dense parameters, task finish: without token mixing," in page
            assert f"### {data}, {budget} dense parameters, task finish" in page
    assert page.count("The paper's data and scale are different") == 1
    assert page.count("figures/answer-") == 1


@pytest.mark.usefixtures("without_drawing")
def test_the_papers_values_stand_beside_any_data(builder):
    ablate(builder, datasets=("criteo",))
    assert [arm.paper[0].auc for arm in only(builder).arms] == [-0.07, -0.5, -0.05, -0.31]


def test_the_papers_values():
    assert named("tokenmixer_large/table_5") == "TokenMixer-Large's Table 5 (arXiv 2602.06563)"
    assert named("tokenmixer_large/gate_scaling") == "TokenMixer-Large's gate scaling (arXiv 2602.06563)"
    assert [arm.auc for arm in paper_arms("rankmixer/figure_3", "vanilla · 1/8 active")] == [-0.3]
    (attention,) = paper_arms("rankmixer/table_3", "Self-Attention")
    assert (attention.dense_parameters_percent, attention.flops_percent) == (16, 71.8)
    assert paper_arms("rankmixer/table_1", "rankmixer") == ()
    assert paper_shares("rankmixer/figure_4")[1, 7] == 0.083
    assert paper_shares("rankmixer/table_2") == {}


def test_an_impossible_arm_is_told(reports):
    page = section((reports[0] / "report.md").read_text(), "components")
    assert re.search(r"All-Share cannot take part: it cannot have 100,000 dense parameters\.", page)


@pytest.mark.usefixtures("without_drawing")
def test_arms_that_are_all_below_logistic_regression_are_warned_of(builder):
    ablate(builder)
    one = only(builder)
    floor = {"logistic_regression": {"auc": 0.99}}
    below = dataclasses.replace(one, standings=dataclasses.replace(one.standings, references=floor))
    said = "even the best arm is worse than logistic regression"
    assert any(said in note for note in ablation_table(below, terminal=True).notes)
    assert not any(said in note for note in ablation_table(one).notes)
