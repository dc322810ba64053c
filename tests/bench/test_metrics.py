import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from sklearn import metrics as sklearn_metrics

from bench.metrics import auc, base_rate, calibration, evaluate, log_loss, per_user_auc

# Few distinct values, so that ties are common; both zeros and both infinities belong to the order.
SCORES = st.sampled_from([-np.inf, -2.5, -1e-30, -0.0, 0.0, 1e-30, 1.0, 2.5, np.inf]).map(np.float32)


@st.composite
def scored_rows(draw):
    rows = draw(st.integers(1, 40))
    label = draw(st_numpy.arrays(np.uint8, rows, elements=st.integers(0, 1)))
    score = draw(st_numpy.arrays(np.float32, rows, elements=SCORES))
    user = draw(st_numpy.arrays(np.int32, rows, elements=st.sampled_from([0, 1, 2, 2**31 - 1])))
    return user, label, score


def counted_auc(label, score):
    """By definition: every pair of a positive and a negative row."""
    positive, negative = score[label == 1], score[label == 0]
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    return sum(pairs) / len(pairs) if pairs else math.nan


@given(scored_rows())
def test_auc_counts_ordered_pairs(rows):
    _, label, score = rows
    np.testing.assert_allclose(auc(label, score), counted_auc(label, score), rtol=1e-15, equal_nan=True)


@given(scored_rows())
def test_auc_ignores_monotone_maps_and_turns_with_the_label(rows):
    _, label, score = rows
    area = auc(label, score)
    ranks = np.unique(score, return_inverse=True)[1]
    np.testing.assert_equal(auc(label, ranks**3 + 7), area)
    np.testing.assert_allclose(auc(1 - label, score), 1 - area, rtol=1e-15, equal_nan=True)
    np.testing.assert_allclose(auc(label, -score), 1 - area, rtol=1e-15, equal_nan=True)


@given(scored_rows())
def test_per_user_auc_is_the_mean_over_users(rows):
    user, label, score = rows
    areas, sizes, positives = [], [], []
    for one in np.unique(user):
        area = counted_auc(label[user == one], score[user == one])
        if not math.isnan(area):
            areas.append(area)
            sizes.append(np.sum(user == one))
            positives.append(label[user == one].sum())
    result = per_user_auc(user, label, score)
    assert result.users == len(areas)
    assert result.users_skipped == len(np.unique(user)) - len(areas)
    if areas:
        assert result.uauc == pytest.approx(np.mean(areas), rel=1e-14)
        assert result.gauc == pytest.approx(np.average(areas, weights=sizes), rel=1e-14)
        assert result.gauc_pos == pytest.approx(np.average(areas, weights=positives), rel=1e-14)
    else:
        assert all(math.isnan(value) for value in (result.uauc, result.gauc, result.gauc_pos))


@given(scored_rows(), st.randoms(use_true_random=False))
def test_per_user_auc_ignores_the_order_of_rows(rows, random):
    user, label, score = rows
    order = list(range(len(label)))
    random.shuffle(order)
    np.testing.assert_equal(
        vars(per_user_auc(user, label, score)), vars(per_user_auc(user[order], label[order], score[order]))
    )


@pytest.mark.parametrize("digits", [1, 7])
def test_agrees_with_scikit_learn(digits):
    generator = np.random.default_rng(0)
    logit = generator.normal(size=20_000).round(digits).astype(np.float32)
    label = (generator.random(20_000) < 1 / (1 + np.exp(-logit))).astype(np.uint8)
    probability = 1 / (1 + np.exp(-logit.astype(np.float64)))
    assert auc(label, logit) == pytest.approx(sklearn_metrics.roc_auc_score(label, logit), abs=1e-12)
    assert per_user_auc(np.zeros(20_000, np.int32), label, logit).uauc == auc(label, logit)
    assert log_loss(label, logit) == pytest.approx(sklearn_metrics.log_loss(label, probability), rel=1e-12)
    assert calibration(label, logit) == pytest.approx(probability.mean() / label.mean(), rel=1e-12)
    assert base_rate(label) == label.mean()


def test_both_zeros_are_a_tie():
    label, score = np.array([1, 0], np.uint8), np.array([0.0, -0.0], np.float32)
    assert auc(label, score) == 0.5
    assert per_user_auc(np.zeros(2, np.int32), label, score).uauc == 0.5


def test_neighbouring_floats_are_no_tie():
    low = np.float32(-1)
    score = np.array([np.nextafter(low, np.float32(0)), low], np.float32)
    assert per_user_auc(np.zeros(2, np.int32), np.array([1, 0], np.uint8), score).uauc == 1


def test_log_loss_stays_finite_and_exact_at_large_logits():
    label, logit = np.array([1, 0], np.uint8), np.array([-1000, -1000], np.float32)
    assert log_loss(label, logit) == 500
    assert calibration(label, np.array([1e38, -1e38], np.float32)) == 1


@pytest.mark.parametrize("metric", [auc, log_loss, calibration])
def test_nan_scores_are_refused(metric):
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        metric(np.array([0, 1], np.uint8), np.array([np.nan, 1], np.float32))


def test_nan_scores_of_users_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        per_user_auc(np.zeros(2, np.int32), np.array([0, 1], np.uint8), np.array([np.nan, 1], np.float32))


def test_evaluate_names_what_the_record_names():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 2, (500, 2)).astype(np.uint8)
    logit = generator.normal(size=(500, 2)).astype(np.float32)
    user = generator.integers(0, 9, 500).astype(np.int32)
    metrics = evaluate(label, logit, ("finish", "skip"), user)
    assert list(metrics) == ["finish", "skip"]
    assert list(metrics["skip"]) == (
        ["auc", "log_loss", "calibration", "base_rate", "uauc", "gauc", "gauc_pos", "users", "users_skipped"]
    )
    assert metrics["skip"]["auc"] == auc(label[:, 1], logit[:, 1])
    assert metrics["skip"]["gauc"] == per_user_auc(user, label[:, 1], logit[:, 1]).gauc
    assert list(evaluate(label, logit, ("finish", "skip"), None)["finish"]) == (
        ["auc", "log_loss", "calibration", "base_rate"]
    )


def test_evaluate_says_none_where_a_metric_is_not_defined():
    zeros = np.zeros((3, 1))
    metrics = evaluate(zeros.astype(np.uint8), zeros.astype(np.float32), ("click",), np.zeros(3, np.int32))
    assert metrics["click"] == {
        "auc": None,
        "log_loss": pytest.approx(math.log(2)),
        "calibration": None,
        "base_rate": 0.0,
        "uauc": None,
        "gauc": None,
        "gauc_pos": None,
        "users": 0,
        "users_skipped": 1,
    }
