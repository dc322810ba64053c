"""The verdict on a comparison: values, pairing, fallbacks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.errors import BadInput
from reports.page import build_report


def only(builder):
    (standings,) = builder.standings()
    return standings, {row.label: row for row in standings.rows}


def aucs(builder, contestant: str) -> list[float]:
    runs = [run for run in builder.store.read().runs.values() if run.spec.contestant.name == contestant]
    return [run.metrics["test"]["finish"]["auc"] for run in sorted(runs, key=lambda run: run.spec.seed)]


def test_differences_are_paired_by_seed(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    expected = np.mean(np.array(aucs(builder, "rankmixer")) - np.array(aucs(builder, "dlrm-mlp")))
    difference = rows["RankMixer"].to_baseline
    assert difference.mean == pytest.approx(expected, abs=1e-12)
    assert difference.num_seeds == 3
    assert difference.test_rows
    assert rows["RankMixer"].verdict == "better"
    assert rows["DLRM-MLP"].to_baseline is None
    assert rows["RankMixer"].metrics["auc"].mean == pytest.approx(np.mean(aucs(builder, "rankmixer")))
    assert standings.baseline == "DLRM-MLP"
    assert (standings.num_rows, standings.num_users) == (3000, 300)


def test_ranks_follow_the_pairs(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    assert rows["RankMixer"].rank == 1
    assert standings.rows[0].label == "RankMixer"
    for label, row in rows.items():
        better = [
            pair for pair, value in standings.pairs.items() if pair[1] == label and value.verdict == "better"
        ]
        assert row.rank == 1 + len(better)


def test_only_common_seeds_are_paired(builder):
    for seed in (0, 1, 2):
        builder.ok(builder.spec("dlrm-mlp", seed))
    for seed in (1, 2, 3):
        builder.ok(builder.spec("rankmixer", seed))
    _, rows = only(builder)
    assert rows["RankMixer"].seeds == (1, 2, 3)
    difference = rows["RankMixer"].to_baseline
    expected = np.mean(np.array(aucs(builder, "rankmixer"))[:2] - np.array(aucs(builder, "dlrm-mlp"))[1:])
    assert difference.num_seeds == 2
    assert difference.mean == pytest.approx(expected, abs=1e-12)


def test_one_seed_makes_no_claim(builder):
    builder.three_contestants(seeds=1)
    _, rows = only(builder)
    assert {row.rank for row in rows.values()} == {None}
    assert rows["RankMixer"].verdict == "undecided"
    assert rows["RankMixer"].metrics["auc"].half_width is None


def test_missing_predictions_leave_the_interval_to_the_seeds(builder):
    builder.three_contestants()
    builder.store.path("predictions", builder.spec("dcnv2", 1).key()).unlink()
    standings, rows = only(builder)
    assert not rows["DCNv2"].to_baseline.test_rows
    assert rows["RankMixer"].to_baseline.test_rows
    assert standings.num_rows == 3000


def test_a_torn_predictions_file_counts_as_missing(builder):
    builder.three_contestants()
    path = builder.store.path("predictions", builder.spec("dcnv2", 1).key())
    path.write_bytes(path.read_bytes()[:100])
    _, rows = only(builder)
    assert not rows["DCNv2"].to_baseline.test_rows


def test_users_widen_nothing_else(builder, new_store):
    without = new_store("without")
    builder.three_contestants()
    without.three_contestants(users=False)
    _, with_users = only(builder)
    standings, rows = only(without)
    assert standings.num_users is None
    assert "uauc" in with_users["DCNv2"].metrics
    assert "uauc" not in rows["DCNv2"].metrics
    assert rows["DCNv2"].uauc_to_baseline is None
    assert rows["DCNv2"].to_baseline.mean == with_users["DCNv2"].to_baseline.mean
    assert rows["DCNv2"].to_baseline.half_width != with_users["DCNv2"].to_baseline.half_width


@pytest.mark.parametrize("change", ["labels", "length", "users"])
def test_predictions_of_other_rows_are_refused(builder, change):
    builder.three_contestants()
    path = builder.store.path("predictions", builder.spec("rankmixer", 2).key())
    table = pd.read_parquet(path)
    if change == "labels":
        table["label.finish"] = table["label.finish"].to_numpy()[::-1]
    elif change == "length":
        table = table.iloc[:-1]
    else:
        table = table.drop(columns="user")
    table.to_parquet(path, index=False)
    with pytest.raises(BadInput, match="other test rows"):
        builder.standings()


def test_a_contestant_that_always_failed_is_shown_last(builder):
    builder.three_contestants()
    for seed in range(3):
        builder.failed(builder.spec("aaa", seed))
    standings, _ = only(builder)
    last = standings.rows[-1]
    assert (last.label, last.rank, last.seeds, last.num_failed) == ("aaa", None, (), 3)
    assert last.dense_parameters > 0
    assert not last.metrics


def test_several_forms_of_the_baseline_leave_none(builder):
    for width in (8, 16):
        builder.ok(builder.spec("dlrm-mlp", 0, budget=None, hyperparameters={"width": width}))
    standings, rows = only(builder)
    assert standings.baseline is None
    assert all(row.to_baseline is None for row in rows.values())


def test_budget_error(builder):
    builder.three_contestants()
    _, rows = only(builder)
    for row in rows.values():
        assert row.budget_error == pytest.approx(row.dense_parameters / 100_000 - 1)


def test_every_task_and_budget_is_judged(builder):
    for budget in (30_000, 100_000):
        for contestant in builder.titles:
            builder.ok(builder.spec(contestant, 0, budget=budget), tasks=("skip", "finish"))
    found = builder.standings()
    assert [(each.comparison, each.task) for each in found] == [
        ("30K dense parameters", "finish"),
        ("30K dense parameters", "skip"),
        ("100K dense parameters", "finish"),
        ("100K dense parameters", "skip"),
    ]


def test_an_empty_store_is_refused(builder):
    with pytest.raises(BadInput, match="holds no runs"):
        build_report(builder.directory, builder.directory / "report", command="c", titles={})
    builder.directory.mkdir()
    (builder.directory / "runs.jsonl").write_text('{"format": 1, "ke')
    with pytest.raises(BadInput, match="1 line could not be read"):
        build_report(builder.directory, builder.directory / "report", command="c", titles={})


def test_standings_are_plain_values(builder):
    builder.three_contestants()
    standings, _ = only(builder)
    row = dataclasses.asdict(standings.rows[0])
    assert row["contestant"] == "rankmixer"
    assert row["metrics"]["auc"]["num_seeds"] == 3
