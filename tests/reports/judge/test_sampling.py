"""The part of the test rows against independent implementations, bootstraps and hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pauc
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from bench.metrics import per_user_auc
from reports.judge.sampling import SharedRows, delong_parts, placements, user_aucs, user_parts
from reports.judge.statistics import mean_estimate, paired_difference


def rows_of(label: np.ndarray, user: np.ndarray | None = None) -> SharedRows:
    return SharedRows(positive=label.astype(bool), user=user)


@pytest.fixture
def two_models() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=800)
    label = (rng.random(800) < 1 / (1 + np.exp(-truth))).astype(np.uint8)
    first = (truth + rng.normal(size=800)).round(1)  # rounded, so that there are ties
    second = (truth + 1.3 * rng.normal(size=800)).round(1)
    return label, first, second


def test_placements_average_to_the_auc(two_models):
    label, first, _ = two_models
    found = placements(rows_of(label), first)
    expected = roc_auc_score(label, first)
    assert found[label == 1].mean() == pytest.approx(expected, abs=1e-12)
    assert found[label == 0].mean() == pytest.approx(expected, abs=1e-12)


def test_placements_worked_by_hand():
    label = np.array([1, 0, 1, 0, 0])
    score = np.array([0.9, 0.9, 0.3, 0.1, 0.5])
    # 0.9 beats 0.1 and 0.5 and ties 0.9; 0.3 beats 0.1 only
    assert placements(rows_of(label), score) == pytest.approx([2.5 / 3, 0.25, 1 / 3, 1.0, 0.5])


def test_delong_variance_agrees_with_pauc(two_models):
    label, first, second = two_models
    shared = rows_of(label)
    parts = delong_parts(shared, placements(shared, first), placements(shared, second))
    rocs = [pauc.ROC(label, score, direction="<") for score in (first, second)]
    expected = pauc.var(rocs[0]) + pauc.var(rocs[1]) - 2 * pauc.cov(*rocs)
    assert sum(variance for variance, _ in parts) == pytest.approx(expected, rel=1e-9)
    assert [freedom for _, freedom in parts] == [label.sum() - 1, (1 - label).sum() - 1]


def test_users_of_one_row_give_nearly_the_same_variance(two_models):
    label, first, second = two_models
    rows, users = rows_of(label), rows_of(label, np.arange(label.size))
    components = placements(rows, first), placements(rows, second)
    by_row = sum(variance for variance, _ in delong_parts(rows, *components))
    ((by_user, freedom),) = delong_parts(users, *components)
    assert by_user == pytest.approx(by_row, rel=0.01)
    assert freedom == label.size - 1


def test_repeating_every_row_of_a_user_adds_no_information(two_models):
    label, first, second = two_models
    once = rows_of(label, np.arange(label.size))
    thrice = rows_of(np.repeat(label, 3), np.repeat(np.arange(label.size), 3))
    ((expected, _),) = delong_parts(once, placements(once, first), placements(once, second))
    repeated = [placements(thrice, np.repeat(score, 3)) for score in (first, second)]
    ((found, _),) = delong_parts(thrice, *repeated)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("positives", "negatives", "users", "expected"),
    [
        (30, 30, None, ""),
        (29, 30, None, "29 positives of the 30 that a claim needs"),
        (30, 12, None, "12 negatives of the 30 that a claim needs"),
        (40, 40, 30, ""),
        (40, 40, 5, "5 users of the 30 that a claim needs"),
    ],
)
def test_what_is_too_little_for_a_claim(positives, negatives, users, expected):
    label = np.repeat([1, 0], [positives, negatives])
    user = None if users is None else np.arange(label.size) % users
    assert rows_of(label, user).too_few() == expected


def test_users_with_both_classes_are_counted_for_uauc():
    user = np.repeat(np.arange(60), 2)
    label = np.tile([1, 0], 60)
    assert rows_of(label, user).too_few_users() == ""
    label[:62:2] = 0  # 31 users lose their positive
    assert rows_of(label, user).too_few_users() == "29 users with both classes of the 30 that a claim needs"
    assert rows_of(label).too_few_users() == ""


def test_user_aucs_are_those_of_scikit_learn(two_models):
    label, first, _ = two_models
    user = np.random.default_rng(1).integers(0, 90, label.size)
    user = np.unique(user, return_inverse=True)[1]
    found = user_aucs(rows_of(label, user), first)
    for each in range(user.max() + 1):
        of_user = user == each
        if len(set(label[of_user])) == 2:
            assert found[each] == pytest.approx(roc_auc_score(label[of_user], first[of_user]))
        else:
            assert math.isnan(found[each])
    assert np.nanmean(found) == pytest.approx(per_user_auc(user, label, first.astype(np.float32)).uauc)


def test_the_part_of_the_users_is_the_variance_of_a_mean_of_differences():
    first, second = np.array([0.9, 0.5, math.nan, 0.7]), np.array([0.6, 0.5, math.nan, 0.8])
    ((variance, freedom),) = user_parts(first, second)
    assert variance == pytest.approx(stats.sem([0.3, 0.0, -0.1]) ** 2)
    assert freedom == 2


def test_coverage_of_the_interval_of_uauc():
    """With fresh users and seeds each time, the interval holds the true difference in about 95 %.

    The true difference is that of the means of a great many users."""
    rng = np.random.default_rng(7)
    users, rows, seeds = 60, 12, 3

    def uaucs(num_users: int) -> np.ndarray:
        """(contestant, seed, user) AUCs of one draw; users differ in how well each contestant ranks them."""
        label = rng.random((num_users, rows)) < 0.4
        taste = rng.normal(0.0, 0.8, (num_users, 1))
        flat = rows_of(label.ravel(), np.repeat(np.arange(num_users), rows))
        noise = rng.normal(size=label.shape)
        return np.array(
            [
                [
                    user_aucs(flat, (strength * label + noise + 0.3 * rng.normal(size=label.shape)).ravel())
                    for _ in range(seeds)
                ]
                for strength in (1.1 + taste, 0.9 - taste)
            ]
        )

    large = np.nanmean(uaucs(8_000), axis=(1, 2))
    true_difference = large[0] - large[1]
    covered, of_seeds_only = 0, 0
    for _ in range(200):
        found = uaucs(users)
        differences = np.nanmean(found[0], axis=1) - np.nanmean(found[1], axis=1)
        parts = user_parts(found[0].mean(axis=0), found[1].mean(axis=0))
        interval = paired_difference(differences, parts)
        covered += interval.low <= true_difference <= interval.high
        alone = mean_estimate(differences)
        of_seeds_only += alone.low <= true_difference <= alone.high
    assert 0.92 <= covered / 200 <= 0.99
    assert of_seeds_only / 200 < 0.6


def test_the_part_of_the_users_is_what_a_paired_bootstrap_over_users_finds():
    """Users drawn with replacement, both contestants on the same users: spread and quantiles are those of the
    analytic part, so that the report needs no random numbers."""
    rng = np.random.default_rng(11)
    users, rows = 250, 8
    label = rng.random((users, rows)) < 0.4
    flat = rows_of(label.ravel(), np.repeat(np.arange(users), rows))
    taste = rng.normal(0.0, 0.8, (users, 1))
    noise = rng.normal(size=label.shape)
    first, second = (
        user_aucs(flat, (strength * label + noise + 0.4 * rng.normal(size=label.shape)).ravel())
        for strength in (1.1 + taste, 0.9 - taste)
    )
    ((variance, freedom),) = user_parts(first, second)
    drawn = rng.integers(0, users, (4000, users))
    bootstrap = np.nanmean((first - second)[drawn], axis=1)
    assert freedom == np.isfinite(first).sum() - 1
    assert bootstrap.std(ddof=1) == pytest.approx(math.sqrt(variance), rel=0.04)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    low, high = np.quantile(bootstrap, (0.025, 0.975)) - np.nanmean(first - second)
    assert (low, high) == pytest.approx((-reach, reach), rel=0.08)
