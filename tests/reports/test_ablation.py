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

from reports.ablation import Point, ablations, point_of
from reports.ablation_prose import agreement, answer, changed
from reports.ablation_table import ablation_table
from reports.observed import observed
from reports.paper import named, paper_arms, paper_shares
from reports.sources import Sources
from reports.statistics import Difference
from reports.study_section import judged
from tests.reports.ablated import COMPONENTS, ablate

GOLDEN = Path(__file__).parent / "golden" / "ablation.md"
SPARSITY = {
    f"{line} · {share} active": step * place
    for line, step in (("DTSI + ReLU", -0.02), ("vanilla", -0.13))
    for place, share in enumerate(("1", "1/2", "1/4", "1/8"))
} | {"dense of the active size": -0.35}
DEPTHS = {
    f"{no}residual between blocks · {blocks} blocks": step * place
    for no, step in (("", 0.05), ("no ", -0.1))
    for place, blocks in enumerate((4, 8), start=1)
}


def shares(label: str, step: int) -> dict[str, np.ndarray]:
    """Of two layers, three tokens and four experts; nothing of a dense model."""
    place = np.arange(24.0).reshape(2, 3, 4)
    return {} if label.startswith("dense") else {"active_share": (place + step) / 1000}


def norms(label: str, step: int) -> dict[str, np.ndarray]:
    blocks = int(label.removesuffix(" blocks").rpartition(" ")[2])
    return {"gradient_norm": 0.9 ** np.arange(blocks) * step}


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
        ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
        builder.report(directory / "out")
        folders.append(directory / "out")
    return folders


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def only(builder):
    """The ablation of the only comparison."""
    (study,) = builder.studies()
    (one,) = ablations(judged(study, Sources([builder.directory])))
    return one


def test_golden(reports):
    page = (reports[0] / "report.md").read_text()
    found = "\n".join(section(page, title) for title in ("components", "sparsity", "depth"))
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
    for begin in ("answer-components", "lines-sparsity", "lines-depth", "observed-active-share-sparsity"):
        assert {Path(name).suffix for name in figures if name.startswith(begin)} == {".png", ".pdf"}, begin
    assert len([name for name in figures if name.startswith("observed-active-share")]) == 2 * 4
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
    assert table.loc[("components", "no token mixing"), "paper_auc"] == -0.5
    assert np.isnan(table.loc[("depth", "residual between blocks · 4 blocks"), "paper_auc"])


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


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("no token mixing", "without token mixing"),
        ("no LayerNorm", "without LayerNorm"),
        ("No skip", "without skip"),
        (
            "no residual between blocks, no auxiliary loss",
            "without residual between blocks and auxiliary loss",
        ),
        ("shared FFN", "with shared FFN"),
        ("All-Share", "with All-Share"),
        ("k = 8", "with k = 8"),
        ("without a router", "without a router"),
        ("notes as tokens", "with notes as tokens"),
    ],
)
def test_an_arm_in_a_sentence(label, expected):
    assert changed(label) == expected


def told(one, gains: dict[str, tuple[float, float] | None]):
    """The ablation with these differences, (mean, half of the interval) in points; None: 1 seed."""
    arms = []
    for arm, value in zip(one.arms, gains.values(), strict=True):
        mean, half = value or (0.1, None)
        difference = Difference(
            mean=mean / 100,
            half_width=None if half is None else half / 100,
            num_seeds=3 if value else 1,
            doubt="" if value else "1 seed",
        )
        standing = dataclasses.replace(arm.standing, to_baseline=difference)
        arms.append(dataclasses.replace(arm, standing=standing))
    return dataclasses.replace(one, arms=tuple(arms))


SMALL = {"no skip connections": (0.02, 0.05), "no token mixing": (0.01, 0.05)}


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        (
            {**SMALL, "no token mixing": (-0.31, 0.09), "no LayerNorm": (0.0, 0.1), "shared FFN": (0.0, 0.1)},
            "Without token mixing RankMixer loses 0.31 [0.22, 0.40] points of AUC; the other three arms tie.",
        ),
        (
            {**SMALL, "All-Share": (-0.1, 0.02), "k = 8": (0.2, 0.1)},
            "With All-Share RankMixer loses 0.10 [0.08, 0.12] points of AUC; with k = 8 it gains "
            "0.20 [0.10, 0.30] points of AUC; the other two arms tie.",
        ),
        (
            {"a": (-0.1, 0.02), "b": (-0.3, 0.02), "no c": (0.0, 0.1)},
            "With b RankMixer loses 0.30 [0.28, 0.32] points of AUC, with a 0.10 [0.08, 0.12]; the other "
            "arm ties.",
        ),
        ({**SMALL}, "Both arms tie with RankMixer."),
        ({"k = 8": (0.0, 0.1)}, "No difference to RankMixer is found with k = 8."),
        (
            {"k = 8": None, "k = 4": (0.0, 0.1)},
            "No difference to RankMixer is found with k = 4; no difference can be judged of k = 8 (1 seed).",
        ),
        (
            {f"k = {n}": (-0.1 * n, 0.02) for n in range(1, 7)},
            "With k = 6 RankMixer loses 0.60 [0.58, 0.62] points of AUC, with k = 5 0.50 [0.48, 0.52], with "
            "k = 4 0.40 [0.38, 0.42], with k = 3 0.30 [0.28, 0.32], with two more arms less.",
        ),
    ],
)
def test_the_answer(builder, gains, expected):
    ablate(builder, dict.fromkeys(gains, 0.0), seeds=1)
    assert answer(told(only(builder), gains)) == expected


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ((-0.1, -0.1, -0.1, -0.1), "All four signs of the paper are found here."),
        (
            (-0.1, 0.0, 0.1, -0.1),
            "Of the paper's four signs, two are found here, one is the opposite and one cannot be told "
            "from 0.",
        ),
        (
            (0.0, 0.0, 0.0, 0.0),
            "Of the paper's four signs, none is found here and four cannot be told from 0.",
        ),
    ],
)
def test_signs_of_the_paper_are_counted(builder, gains, expected):
    ablate(builder, seeds=1)
    one = told(only(builder), {label: (gain, 0.05) for label, gain in zip(COMPONENTS, gains, strict=True)})
    assert agreement(one) == expected


@pytest.mark.usefixtures("without_drawing")
def test_an_ablation_of_several_data_sets_and_budgets(builder, tmp_path):
    ablate(builder, datasets=("rules-3000-1", "trees-3000-1"), sizes=(100_000, 1_000_000))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    for data in ("rules-3000-1", "trees-3000-1"):
        for budget in ("100k", "1M"):
            assert f"{data}, {budget} dense parameters, task finish: Without token mixing" in page
            assert f"### {data}, {budget} dense parameters, task finish" in page
    assert page.count("The paper's data and scale are different") == 1
    assert page.count("figures/answer-") == 1


@pytest.mark.usefixtures("without_drawing")
def test_the_papers_values_stand_beside_any_data(builder):
    ablate(builder, datasets=("criteo",))
    assert [arm.paper[0].auc for arm in only(builder).arms] == [-0.07, -0.5, -0.05, -0.31]


@pytest.mark.usefixtures("without_drawing")
def test_an_ablation_of_which_only_the_base_ran(builder, tmp_path):
    ablate(builder, without=tuple(COMPONENTS))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    unknown = "no skip connections, no token mixing, no LayerNorm and shared FFN"
    assert f"There is no result to compare for {unknown}." in page
    assert "figures/answer-" not in page
    assert page.count("not run") == 4


@pytest.mark.usefixtures("without_drawing")
def test_an_ablation_of_which_the_base_did_not_run(builder, tmp_path):
    ablate(builder, without=("RankMixer",))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    assert "There is no result to compare for" in page


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("vanilla · 1/4 active", Point(line="vanilla", text="1/4", x=0.25, unit="active")),
        ("D · 400k dense parameters", Point(line="D", text="400k", x=400_000, unit="dense parameters")),
        ("a · b · 16 blocks", Point(line="a · b", text="16", x=16, unit="blocks")),
        ("2 blocks", Point(line="", text="2", x=2, unit="blocks")),
        ("T · 1.5M", Point(line="T", text="1.5M", x=1_500_000, unit="")),
        ("k = 8", None),
        ("1:2, α = 4", None),
        ("no token mixing", None),
        ("x · 1/0 active", None),
    ],
)
def test_places_on_a_line(label, expected):
    assert point_of(label) == expected


@pytest.mark.usefixtures("without_drawing")
@pytest.mark.parametrize(
    ("arms", "base", "lines", "start"),
    [
        (SPARSITY, "dense", ["DTSI + ReLU", "vanilla"], None),
        (DEPTHS, "2 blocks", ["residual between blocks", "no residual between blocks"], 2.0),
        ({"4 blocks": 0.0, "8 blocks": 0.0}, "2 blocks", [""], 2.0),
        ({"A · 1/2 active": 0.0, "A · 4 blocks": 0.0}, "dense", [], None),
        ({"A · 1/2 active": 0.0, "B · 1/2 active": 0.0}, "dense", [], None),
        (COMPONENTS, "RankMixer", [], None),
    ],
)
def test_arms_that_make_lines(builder, arms, base, lines, start):
    ablate(builder, arms, base=base, seeds=1)
    one = only(builder)
    assert list(one.lines) == lines
    assert one.start == start


@pytest.mark.usefixtures("without_drawing")
def test_lines_over_dense_parameters_begin_at_the_base_and_tell_the_speed(builder):
    sizes = {f"{line} · {size}k dense parameters": 1000 * size for line in "TD" for size in (200, 400)}
    ablate(builder, dict.fromkeys(sizes, 0.1), name="directions", paper=None, budgets=sizes)
    one = only(builder)
    assert one.start == one.base.cost["dense_parameters"]
    table = ablation_table(one)
    cells = [dict(zip(table.header, (cell.text for cell in row), strict=True)) for row in table.rows]
    rate = np.mean([2e6 / (12.5 + len("RankMixer") / 20 + seed / 4) for seed in range(3)])
    assert cells[0]["Examples/s in training"] == f"{rate / 1000:.0f}k"
    assert cells[0]["FLOP/s in training"] == f"{rate * one.base.cost['flops_train'] / 1e9:.1f}G"


def test_observations_are_means_over_seeds_and_experts(builder):
    ablate(builder, {"sparse": 0.0}, base="dense", observations=shares)
    sources = Sources([builder.directory])
    (shown,) = observed(builder.comparison(), sources)
    assert (shown.entry.label, shown.name, shown.is_of_tokens) == ("sparse", "active_share", True)
    found = shown.values.set_index(["step", "layer", "token"])
    for layer in (1, 2):
        for token in (1, 2, 3):
            experts = np.arange(4) + 4 * (token - 1) + 12 * (layer - 1)
            by_seed = [(experts + 100 + seed).mean() / 1000 for seed in range(3)]
            row = found.loc[(100, layer, token)]
            assert row["value"] == pytest.approx(np.mean(by_seed))
            assert (row["low"], row["high"]) == pytest.approx((min(by_seed), max(by_seed)))


@pytest.mark.parametrize("damage", ["gone", "torn", "other columns", "no index"])
def test_what_not_all_seeds_show_is_left_out(builder, damage):
    ablate(builder, {"sparse": 0.0}, base="dense", observations=shares)
    path = sorted((builder.directory / "observations").iterdir())[0]
    if damage == "gone":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:50])
    else:
        table = pd.read_parquet(path)
        table = table.drop(columns="value") if damage == "other columns" else table.assign(index="x")
        table.to_parquet(path, index=False)
    sources = Sources([builder.directory])
    assert observed(builder.comparison(), sources) == []
    assert len(sources.set_aside) == (damage != "gone")


@pytest.mark.usefixtures("without_drawing")
def test_what_was_not_asked_to_be_observed_is_not_shown(builder, tmp_path):
    record = ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
    builder.store.append_study(dataclasses.replace(record, observed=False))
    assert "Gradient norm" not in builder.report(tmp_path / "out").markdown.read_text()


def test_the_papers_values():
    assert named("tokenmixer_large/table_5") == "TokenMixer-Large's Table 5 (arXiv 2602.06563)"
    assert [arm.auc for arm in paper_arms("rankmixer/figure_3", "vanilla · 1/8 active")] == [-0.3]
    (attention,) = paper_arms("rankmixer/table_3", "Self-Attention")
    assert (attention.dense_parameters_percent, attention.flops_percent) == (16, 71.8)
    assert paper_arms("rankmixer/table_1", "rankmixer") == ()
    assert paper_shares("rankmixer/figure_4")[1, 7] == 0.083
    assert paper_shares("rankmixer/table_2") == {}


def test_an_impossible_arm_is_told(reports):
    page = section((reports[0] / "report.md").read_text(), "components")
    assert re.search(r"All-Share cannot take part: it cannot have 100,000 dense parameters\.", page)
