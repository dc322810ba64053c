"""The tables as people read them, and the sentences around them."""

from __future__ import annotations

import dataclasses

import pytest

from reports.comparison import settings
from reports.curves import mean_curves
from reports.frame import run_frame
from reports.page import bars
from reports.prose import setting_facts, warnings
from reports.tables import REFERENCE_TITLES, Table, comparison_table, glance_table, metrics_table, words


def only(builder) -> Table:
    (standings,) = builder.standings()
    return comparison_table(standings, "table")


def column(table: Table, title: str) -> list[str]:
    return [str(row[table.header.index(title)]) for row in table.rows]


def test_one_contestant_has_no_rank_and_no_difference(builder):
    for seed in range(2):
        builder.ok(builder.spec("rankmixer", seed))
    table = only(builder)
    assert column(table, "Rank") == ["–", "", ""]
    assert column(table, "Contestant") == ["RankMixer", *REFERENCE_TITLES.values()]
    assert "Verdict" not in table.header
    assert "There is no single DLRM-MLP" in " ".join(table.notes)


def test_one_seed_claims_nothing(builder):
    builder.three_contestants(seeds=1)
    (standings,) = builder.standings()
    table = comparison_table(standings, "table")
    assert sorted(column(table, "Verdict")) == ["", "", "", "1 seed: no claim", "1 seed: no claim"]
    assert bars(table) == [None] * 5
    glance = glance_table([standings], "glance")
    assert column(glance, "First rank") == ["no claim"]
    assert column(glance, "Best test AUC") == ["–"]


def test_no_common_seed_and_no_result_are_told_apart(builder):
    for seed in (0, 1):
        builder.ok(builder.spec("dlrm-mlp", seed))
        builder.ok(builder.spec("rankmixer", seed + 2))
        builder.failed(builder.spec("dcnv2", seed))
    table = only(builder)
    verdicts = dict(zip(column(table, "Contestant"), column(table, "Verdict"), strict=True))
    assert verdicts["RankMixer"] == "no common seed"
    assert verdicts["DCNv2"] == "no result"
    assert dict(zip(column(table, "Contestant"), column(table, "Seeds"), strict=True))["DCNv2"] == "0 (of 2)"


def test_missing_predictions_are_said(builder):
    for contestant in builder.titles:
        for seed in range(2):
            builder.ok(builder.spec(contestant, seed), predictions=contestant != "dcnv2")
    assert "DCNv2 and DLRM-MLP; DCNv2 and RankMixer." in " ".join(only(builder).notes)


def test_a_size_off_its_budget_is_marked(builder):
    for seed in range(2):
        builder.ok(builder.spec("tokenmixer-large", seed))  # the builder makes it 2.2 % too large
        builder.ok(builder.spec("rankmixer", seed))
    table = only(builder)
    styles = {str(row[1]): row[2].style for row in table.rows}
    assert styles == {
        "tokenmixer-large": "worse",
        "RankMixer": "",
        **dict.fromkeys(REFERENCE_TITLES.values(), ""),
    }
    assert "102K (+2.2 %)" in column(table, "Dense parameters")
    assert "misses the budget by more than 2 %" in " ".join(table.notes)


def test_ranks_that_are_shared_bear_an_equals_sign(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    shown = column(comparison_table(standings, "table"), "Rank")[:3]
    for row, text in zip(standings.rows, shown, strict=True):
        shared = sum(other.rank == row.rank for other in standings.rows) > 1
        assert text == f"{row.rank}{'=' if shared else ''}"


def test_the_widest_interval_fills_the_drawing(builder):
    builder.three_contestants()
    found = [bar for bar in bars(only(builder)) if bar]
    assert len(found) == 2
    assert max(max(abs(bar.low - 50), abs(bar.high - 50)) for bar in found) == 46
    assert all(bar.low <= bar.mean <= bar.high for bar in found)


def test_metrics_table_has_user_columns_only_with_users(builder, new_store):
    without = new_store("without")
    builder.three_contestants()
    without.three_contestants(users=False)
    (with_users,) = builder.standings()
    (anonymous,) = without.standings()
    expected = ("Contestant", "Log loss", "Calibration")
    assert metrics_table(anonymous, "table").header == expected
    users = ("UAUC", "GAUC", "GAUC by positives", "Δ UAUC to DLRM-MLP, points")
    table = metrics_table(with_users, "table")
    assert table.header == expected + users
    assert "are skipped" in " ".join(table.notes)


def test_what_is_attained_lies_between_logistic_regression_and_the_oracle(builder):
    builder.three_contestants()
    (standings,) = builder.standings()
    table = comparison_table(standings, "table")
    assert column(table, "Attained, %")[-2:] == ["100", "0"]
    oracle = standings.references["oracle"]["auc"]
    for row, text in zip(standings.rows, column(table, "Attained, %"), strict=False):
        mean, half_width = (float(part) for part in text.split(" ± "))
        assert mean == pytest.approx(100 * (row.metrics["auc"].mean - 0.6) / (oracle - 0.6), abs=0.05)
        assert half_width == pytest.approx(100 * row.metrics["auc"].half_width / (oracle - 0.6), abs=0.05)


def test_without_references_nothing_is_said_to_be_attained(builder):
    runs = [
        builder.ok(builder.spec(name, seed), references=False) for name in builder.titles for seed in (0, 1)
    ]
    assert "oracle" not in runs[0].metrics
    table = only(builder)
    assert "Attained, %" not in table.header
    assert len(table.rows) == 3


def test_latex_escapes_and_sets_symbols():
    table = Table(name="t", header=("Name", "Δ"), rows=(words("a_b & 2 %", "−0.1 ± 0.2"),))
    assert table.latex().splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Name & $\Delta$ \\",
        r"\midrule",
        r"a\_b \& 2 \% & $-$0.1 $\pm$ 0.2 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_namesakes_among_data_sets_are_warned_of(builder):
    runs = [builder.ok(builder.spec("dcnv2", 0, fingerprint=fingerprint)) for fingerprint in "ab"]
    (warning,) = warnings(run_frame(runs))
    assert warning.startswith("2 different data sets are called toy")
    assert warnings(run_frame(runs[:1])) == ()


def test_facts_of_a_setting(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    (setting,) = settings(run_frame([run]), builder.titles)
    facts = dict(setting_facts(setting))
    assert facts["Data set"] == "toy, rev 1"
    assert facts["Positive share"] == f"finish {run.metrics['test']['finish']['base_rate']:.4f}"
    assert facts["Dense optimizer"] == "rmsprop, learning rate 0.01, decay 0, no clipping"
    assert facts["Learning rates"] == "constant"


def test_learning_rates_that_fall_are_a_fact_of_a_setting(builder):
    spec = builder.spec("dcnv2", 0)
    spec = dataclasses.replace(spec, protocol=dataclasses.replace(spec.protocol, cooldown=0.15))
    (setting,) = settings(run_frame([builder.ok(spec)]), builder.titles)
    assert dict(setting_facts(setting))["Learning rates"] == "fall to 0 over the last 15 % of the steps"


def test_several_passes_are_drawn_by_valid_auc(builder):
    runs = [builder.ok(builder.spec(name, 0), epochs=5) for name in ("dcnv2", "rankmixer")]
    (setting,) = settings(run_frame(runs), builder.titles)
    found = mean_curves(setting.comparisons[0], builder.store)
    assert {curve.quantity for curve in found} == {"valid AUC, mean over tasks"}
    assert all(curve.step.size == 5 for curve in found)
