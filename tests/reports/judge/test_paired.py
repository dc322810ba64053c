"""Differences of a comparison: spreads, test rows and families, from the records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.runs.record import Run
from reports.judge.moderation import moderated_spreads
from reports.judge.sampling import SharedRows, delong_parts, placements, user_aucs
from reports.judge.statistics import loss_difference


def only(builder, intervals="moderated"):
    (standings,) = builder.standings(intervals)
    return standings, {row.label: row for row in standings.rows}


def runs_of(builder, contestant: str) -> list[Run]:
    runs = [run for run in builder.store.read().runs.values() if run.spec.contestant.name == contestant]
    return sorted(runs, key=lambda run: run.spec.seed)


def aucs(builder, contestant: str) -> list[float]:
    return [run.metrics["test"]["finish"]["auc"] for run in runs_of(builder, contestant)]


def uaucs(builder, contestant: str) -> list[float]:
    return [run.metrics["test"]["finish"]["uauc"] for run in runs_of(builder, contestant)]


def per_user(builder, contestant: str) -> list[np.ndarray]:
    """For each seed the AUC of every user."""
    tables = [pd.read_parquet(builder.predictions(run)) for run in runs_of(builder, contestant)]
    return [
        user_aucs(
            SharedRows(positive=(table["label.finish"] == 1).to_numpy(), user=table["user"].to_numpy()),
            table["logit.finish"].to_numpy(),
        )
        for table in tables
    ]


def test_differences_are_paired_by_seed(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    expected = np.mean(np.array(aucs(builder, "rankmixer")) - np.array(aucs(builder, "dlrm-mlp")))
    difference = rows["RankMixer"].to_baseline
    assert difference.mean == pytest.approx(expected, abs=1e-12)
    assert difference.num_seeds == 3
    assert difference.doubt == ""
    assert rows["RankMixer"].verdict == "better"
    assert rows["DLRM-MLP"].to_baseline is None
    assert rows["RankMixer"].metrics["auc"].mean == pytest.approx(np.mean(aucs(builder, "rankmixer")))
    assert standings.baseline == "DLRM-MLP"
    assert (standings.num_rows, standings.num_users) == (3000, 300)


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


def test_the_interval_of_uauc_is_wider_than_that_of_the_seeds(builder):
    builder.three_contestants()
    _, rows = only(builder, "plain")
    by_seed = np.array(uaucs(builder, "rankmixer")) - np.array(uaucs(builder, "dlrm-mlp"))
    found = rows["RankMixer"].uauc_to_baseline
    assert found.mean == pytest.approx(by_seed.mean(), abs=1e-12)
    users = np.mean(per_user(builder, "rankmixer"), axis=0) - np.mean(per_user(builder, "dlrm-mlp"), axis=0)
    variances = by_seed.var(ddof=1) / 3, np.nanvar(users, ddof=1) / np.isfinite(users).sum()
    quantiles = stats.t.ppf(0.975, (2, np.isfinite(users).sum() - 1))
    assert found.half_width == pytest.approx(np.sqrt(np.sum(quantiles**2 * variances)), rel=1e-5)


@pytest.mark.parametrize("users", [True, False])
def test_the_interval_of_log_loss_is_that_of_its_seeds_and_rows(builder, users):
    """Where users are known, of the sums of their rows: by the ratio of two sums (Cochran 1977, 6.3)."""
    builder.three_contestants(users=users)
    _, rows = only(builder, "plain")
    losses = []
    for contestant in ("rankmixer", "dlrm-mlp"):
        tables = [pd.read_parquet(builder.predictions(builder.spec(contestant, seed))) for seed in range(3)]
        chance = np.array([1 / (1 + np.exp(-table["logit.finish"])) for table in tables])
        positive = tables[0]["label.finish"].to_numpy() == 1
        losses.append(-np.log(np.where(positive, chance, 1 - chance)))
    by_seed = losses[0].mean(axis=1) - losses[1].mean(axis=1)
    by_row = losses[0].mean(axis=0) - losses[1].mean(axis=0)
    units = pd.DataFrame({"unit": tables[0]["user"] if users else np.arange(by_row.size), "d": by_row})
    of_unit = units.groupby("unit")["d"].agg(["sum", "size"])
    residual = of_unit["sum"] - by_row.mean() * of_unit["size"]
    sampled = (residual**2).sum() * len(of_unit) / (len(of_unit) - 1) / by_row.size**2
    variances = by_seed.var(ddof=1) / 3, sampled
    quantiles = stats.t.ppf(0.975, (2, len(of_unit) - 1))
    found = rows["RankMixer"].log_loss_to_baseline
    assert found.mean == pytest.approx(by_seed.mean(), abs=1e-7)
    assert found.half_width == pytest.approx(np.sqrt(np.sum(quantiles**2 * variances)), rel=1e-4)


def test_the_spread_between_seeds_is_that_of_both_contestants_moderated_in_their_table(builder):
    builder.three_contestants()
    _, rows = only(builder)
    areas = np.array([aucs(builder, name) for name in builder.titles])
    spreads = dict(zip(builder.titles, moderated_spreads(areas), strict=True))
    first, second = spreads["rankmixer"], spreads["dlrm-mlp"]
    tables = {
        name: [pd.read_parquet(builder.predictions(run)) for run in runs_of(builder, name)]
        for name in ("rankmixer", "dlrm-mlp")
    }
    rows_of_test = SharedRows(
        positive=(tables["rankmixer"][0]["label.finish"] == 1).to_numpy(),
        user=np.unique(tables["rankmixer"][0]["user"], return_inverse=True)[1],
    )
    placed = [
        np.mean([placements(rows_of_test, table["logit.finish"].to_numpy()) for table in of_one], axis=0)
        for of_one in tables.values()
    ]
    of_test = delong_parts(rows_of_test, *placed)
    squares = sum(
        stats.t.ppf(0.975, freedom) ** 2 * variance
        for variance, freedom in ((first[0] / 3, first[1]), (second[0] / 3, second[1]), *of_test)
    )
    assert rows["RankMixer"].to_baseline.half_width == pytest.approx(np.sqrt(squares), rel=1e-6)
    _, plain = only(builder, "plain")
    assert plain["RankMixer"].to_baseline.mean == rows["RankMixer"].to_baseline.mean
    assert plain["RankMixer"].to_baseline.half_width != rows["RankMixer"].to_baseline.half_width


def test_all_pairs_of_a_comparison_are_one_family(builder):
    builder.three_contestants()
    standings, rows = only(builder)
    assert {value.family for value in standings.pairs.values()} == {3}
    alone = {frozenset(pair): value.p_value for pair, value in standings.pairs.items()}
    corrected = {frozenset(pair): value.adjusted_p_value for pair, value in standings.pairs.items()}
    least = 0.0
    for factor, pair in zip((3, 2, 1), sorted(alone, key=alone.__getitem__), strict=True):
        least = max(least, min(1.0, factor * alone[pair]))
        assert corrected[pair] == pytest.approx(least)
    assert rows["RankMixer"].uauc_to_baseline.family == 2
    assert rows["RankMixer"].log_loss_to_baseline.family == 2


def test_a_pair_that_cannot_be_judged_does_not_count_in_its_family(builder):
    builder.three_contestants()
    builder.predictions(builder.spec("dcnv2", 1)).unlink()
    standings, rows = only(builder)
    assert rows["RankMixer"].to_baseline.family == 1
    assert rows["RankMixer"].to_baseline.adjusted_p_value == rows["RankMixer"].to_baseline.p_value
    assert rows["DCNv2"].to_baseline.p_value is None
    assert standings.pairs["DCNv2", "RankMixer"].verdict == "undecided"


def test_less_log_loss_is_better():
    lower = loss_difference([-0.02, -0.021, -0.019], [(1e-8, 99)])
    assert (lower.verdict, lower.reversed().verdict) == ("better", "worse")
    assert loss_difference([-0.02, 0.021, -0.019], [(1e-8, 99)]).verdict == "tie"
