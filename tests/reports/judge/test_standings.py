"""The verdict on a comparison: values, pairing, fallbacks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.errors import BadInput
from bench.runs.record import Run
from reports.records.curves import mean_curves
from reports.records.sources import Sources
from reports.study_section import judged


def only(builder):
    (standings,) = builder.standings()
    return standings, {row.label: row for row in standings.rows}


def runs_of(builder, contestant: str) -> list[Run]:
    runs = [run for run in builder.store.read().runs.values() if run.spec.contestant.name == contestant]
    return sorted(runs, key=lambda run: run.spec.seed)


def test_rows_go_by_mean_auc_and_ranks_follow_the_pairs(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    assert rows["RankMixer"].rank == (1, 1)
    areas = [row.metrics["auc"].mean for row in standings.rows]
    assert areas == sorted(areas, reverse=True)
    for label, row in rows.items():
        verdicts = [value.verdict for pair, value in standings.pairs.items() if pair[1] == label]
        assert row.rank == (1 + verdicts.count("better"), 3 - verdicts.count("worse"))


def test_noise_is_not_rewarded_with_a_better_row(builder):
    """A contestant whose seeds disagree loses to nobody by significance; it stays where its AUC puts it."""
    builder.three_contestants()
    for seed in range(3):
        builder.ok(builder.spec("noisy", seed), shift=(-0.5, -0.3, 0.05)[seed])
    standings, rows = only(builder)
    assert rows["noisy"].rank[0] <= rows["DLRM-MLP"].rank[0]
    assert [row.label for row in standings.rows].index("noisy") == 3
    assert rows["noisy"] in standings.leaders()  # nor is it told apart from the best


def test_one_seed_makes_no_claim(builder):
    builder.three_contestants(seeds=1)
    _, rows = only(builder)
    assert {row.rank for row in rows.values()} == {None}
    assert rows["RankMixer"].verdict == "undecided"
    assert rows["RankMixer"].metrics["auc"].half_width is None


def test_missing_predictions_leave_the_pair_undecided(builder):
    builder.three_contestants()
    builder.predictions(builder.spec("dcnv2", 1)).unlink()
    standings, rows = only(builder)
    difference = rows["DCNv2"].to_baseline
    assert (difference.verdict, difference.doubt) == ("undecided", "predictions missing")
    assert difference.half_width is None
    assert rows["DCNv2"].uauc_to_baseline.doubt == "predictions missing"
    assert rows["RankMixer"].verdict == "better"
    assert standings.num_rows == 3000


def test_normalised_entropy_is_log_loss_over_the_entropy_of_the_base_rate(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    run = runs_of(builder, "rankmixer")[0]
    rate = run.metrics["test"]["finish"]["base_rate"]
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    losses = [one.metrics["test"]["finish"]["log_loss"] for one in runs_of(builder, "rankmixer")]
    found = rows["RankMixer"].metrics["normalised_entropy"]
    assert found.mean == pytest.approx(np.mean(losses) / entropy)
    assert found.half_width == pytest.approx(rows["RankMixer"].metrics["log_loss"].half_width / entropy)
    assert standings.references["oracle"]["normalised_entropy"] == pytest.approx(
        run.references["oracle"]["finish"]["log_loss"] / entropy
    )
    assert "normalised_entropy" not in standings.references["logistic_regression"]


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


@pytest.mark.parametrize(
    "change", ["labels", "length", "users", "order", "scores", "torn", "not parquet", "nan"]
)
def test_a_damaged_predictions_file_is_set_aside_and_said(builder, change):
    builder.three_contestants()
    path = builder.predictions(builder.spec("dcnv2", 0))  # the first that is read
    damage(path, change)
    sources = Sources([builder.directory])
    ((_, standings),) = (each for study in builder.studies() for each in judged(study, sources))
    rows = {row.label: row for row in standings.rows}
    assert rows["DCNv2"].to_baseline.doubt == "predictions missing"
    assert rows["RankMixer"].verdict == "better"
    assert rows["DCNv2"].metrics["auc"].num_seeds == 3
    assert list(sources.set_aside) == [f"predictions/{path.name}"]


def test_the_page_names_a_damaged_file(builder, tmp_path):
    builder.three_contestants(seeds=2)
    path = builder.predictions(builder.spec("dcnv2", 0))
    path.write_bytes(path.read_bytes()[:100])
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert f"predictions/{path.name}" in page
    assert "These files are damaged or missing and were not used" in page
    assert "| undecided, predictions missing |" in page


def damage(path, change: str) -> None:
    if change == "torn":
        path.write_bytes(path.read_bytes()[:100])
        return
    if change == "not parquet":
        path.write_text("hello")
        return
    table = pd.read_parquet(path)
    if change == "labels":
        table["label.finish"] = table["label.finish"].to_numpy()[::-1]
    elif change == "length":
        table = table.iloc[:-1]
    elif change == "users":
        table["user"] = table["user"].to_numpy()[::-1]
    elif change == "order":
        table = table.iloc[::-1]
    elif change == "scores":
        table.loc[:50, "logit.finish"] = 9.0
    else:
        table.loc[5, "logit.finish"] = np.nan
    table.to_parquet(path, index=False)


@pytest.mark.parametrize("folder", ["predictions", "curves"])
def test_every_flipped_bit_leaves_a_verdict_and_curves(builder, folder):
    """Any bit may change a value, a length or the file's own directory; none may end the report."""
    builder.three_contestants(seeds=2)
    (path,) = (builder.directory / folder).glob(f"{builder.spec('dcnv2', 0).key()}.parquet")
    whole = path.read_bytes()
    (study,) = builder.studies()
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 25):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        sources = Sources([builder.directory])
        if folder == "predictions":
            ((_, standings),) = judged(study, sources)
            assert standings.rows[0].label == "RankMixer"
        else:
            curves = mean_curves(study.comparisons[0], sources)
            assert {"DLRM-MLP", "RankMixer"} <= {curve.label for curve in curves}
            assert all(np.isfinite(curve.value).all() for curve in curves)


def test_labels_that_are_missing_do_not_count(builder):
    builder.three_contestants(missing_labels=400)
    standings, rows = only(builder)
    assert standings.num_rows == 2600
    assert rows["RankMixer"].verdict == "better"


def test_a_contestant_that_always_failed_is_shown_last(builder):
    builder.three_contestants()
    for seed in range(3):
        builder.failed(builder.spec("aaa", seed))
    standings, _ = only(builder)
    last = standings.rows[-1]
    assert (last.label, last.rank, last.seeds) == ("aaa", None, ())
    assert last.missing == tuple((seed, "diverged") for seed in range(3))
    assert last.cost["dense_parameters"] > 0
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
        assert row.budget_error == pytest.approx(row.cost["dense_parameters"] / 100_000 - 1)


def test_every_task_and_budget_is_judged(builder):
    for budget in (30_000, 100_000):
        for contestant in builder.titles:
            builder.ok(builder.spec(contestant, 0, budget=budget), tasks=("skip", "finish"))
    found = builder.standings()
    assert [(each.budget, each.task) for each in found] == [
        ("30k dense parameters", "finish"),
        ("30k dense parameters", "skip"),
        ("100k dense parameters", "finish"),
        ("100k dense parameters", "skip"),
    ]


def test_an_empty_store_is_refused(builder):
    with pytest.raises(BadInput, match="has no runs"):
        builder.report(builder.directory / "report")
    builder.directory.mkdir()
    (builder.directory / "runs.jsonl").write_text('{"format": 1, "ke')
    with pytest.raises(BadInput, match="1 line could not be read"):
        builder.report(builder.directory / "report")


def test_standings_are_plain_values(builder):
    builder.three_contestants()
    standings, _ = only(builder)
    row = dataclasses.asdict(standings.rows[0])
    assert row["contestant"] == "rankmixer"
    assert row["metrics"]["auc"]["num_seeds"] == 3
