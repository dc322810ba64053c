"""AUC, log loss, calibration and per-user AUC, from sorted arrays. Free of torch.

N rows, K tasks. Pairs of rows are counted in integers, so an AUC is exact, ties included, whatever the
order of the rows. A quantity that is not defined (AUC of one class, calibration without a positive) is NaN;
`evaluate`, whose result goes into a record, says None instead, because JSON has no NaN. Rows whose label is
missing for a task (`MISSING_LABEL`) do not count for that task.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MISSING_LABEL = 255
"""Stands among the labels of a task, which are 0 or 1, where a row has none."""


@dataclass(frozen=True, kw_only=True)
class UserAuc:
    """AUC within each user, averaged over the users who have both classes; NaN where nobody has.

    Args:
        uauc: every user counts the same.
        gauc: users weighted by their rows.
        gauc_pos: users weighted by their positive rows.
        users: how many have both classes.
        users_skipped: how many have one class only, and so no AUC.
    """

    uauc: float
    gauc: float
    gauc_pos: float
    users: int
    users_skipped: int


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: how often a positive row scores above a negative one, a tie counting half.

    Args:
        label: (N,), 0 or 1.
        score: (N,), any real type; only its order matters.

    Returns:
        0 to 1, or NaN where the rows have one class only.

    Raises:
        ValueError: a score is NaN.
    """
    _refuse_nan(score)
    is_positive = _as_bool(label)
    positive, negative = np.sort(score[is_positive]), np.sort(score[~is_positive])
    if not len(positive) or not len(negative):
        return math.nan
    below = np.searchsorted(negative, positive, side="left").sum(dtype=np.int64)
    below_or_equal = np.searchsorted(negative, positive, side="right").sum(dtype=np.int64)
    return float((int(below) + int(below_or_equal)) / (2 * len(positive) * len(negative)))


def log_loss(label: np.ndarray, logit: np.ndarray) -> float:
    """Mean negative log likelihood in nats, from logits, so that no probability is ever rounded to 0 or 1.

    Args:
        label: (N,), 0 or 1.
        logit: (N,), real.

    Raises:
        ValueError: a logit is NaN.
    """
    _refuse_nan(logit)
    against = np.where(_as_bool(label), -logit.astype(np.float64), logit)
    return float(np.logaddexp(0.0, against).mean())


def calibration(label: np.ndarray, logit: np.ndarray) -> float:
    """Mean predicted probability over base rate: 1 is right on average, above 1 promises too much.

    NaN where no label is positive. Arguments and errors are those of `log_loss`.
    """
    _refuse_nan(logit)
    rate = base_rate(label)
    probability = np.exp(-np.logaddexp(0.0, -logit.astype(np.float64)))
    return float(probability.mean()) / rate if rate > 0 else math.nan


def base_rate(label: np.ndarray) -> float:
    """Share of the (N,) labels that are 1."""
    return float(_as_bool(label).mean())


def per_user_auc(user: np.ndarray, label: np.ndarray, score: np.ndarray) -> UserAuc:
    """The three means of the per-user AUC.

    Args:
        user: (N,) integers from 0 to 2³¹ − 1.
        label: (N,), 0 or 1.
        score: (N,), compared as float32.

    Raises:
        ValueError: a score is NaN.
    """
    # One sort of one array: user, score and label share a 64-bit key, in this order from the highest bit.
    key = _packed(user, _as_bool(label), score)
    key.sort()
    ties = _run_starts(key >> np.uint64(1))  # runs of equal user and score
    user_of_tie = (key[ties] >> np.uint64(33)).astype(np.int64)
    positive = np.add.reduceat((key & np.uint64(1)).astype(np.int64), ties)
    rows = np.diff(ties, append=len(key))
    del key
    negative = rows - positive

    users = _run_starts(user_of_tie)
    ties_of_user = np.diff(users, append=len(ties))
    negative_before = np.cumsum(negative) - negative
    negative_before -= np.repeat(negative_before[users], ties_of_user)
    # Twice the pairs in the right order, a tie counting half: an integer.
    twice_ordered = np.add.reduceat(positive * (2 * negative_before + negative), users)
    user_positive = np.add.reduceat(positive, users)
    user_negative = np.add.reduceat(negative, users)

    both = (user_positive > 0) & (user_negative > 0)
    user_positive, user_negative = user_positive[both], user_negative[both]
    area = twice_ordered[both] / (2 * user_positive * user_negative)
    return UserAuc(
        uauc=_weighted_mean(area, np.ones(len(area))),
        gauc=_weighted_mean(area, user_positive + user_negative),
        gauc_pos=_weighted_mean(area, user_positive),
        users=len(area),
        users_skipped=len(users) - len(area),
    )


def evaluate(
    label: np.ndarray, logit: np.ndarray, tasks: Sequence[str], user: np.ndarray | None
) -> dict[str, dict[str, float | int | None]]:
    """Task → the metrics of one split, under the names that `results/README.md` explains.

    Args:
        label: (N, K) uint8: 0, 1 or `MISSING_LABEL`.
        logit: (N, K) float32.
        tasks: K names.
        user: (N,) as in `per_user_auc`; None leaves the user metrics out.

    Returns:
        Metrics that are not defined for a task (one class only, or no label at all) are None.

    Raises:
        ValueError: a logit is NaN.
    """
    assert label.shape == logit.shape == (len(label), len(tasks)), (label.shape, logit.shape, tasks)
    metrics = {}
    for k, task in enumerate(tasks):
        rows = labelled(label[:, k])
        metrics[task] = _evaluate_task(
            np.ascontiguousarray(label[rows, k]),
            np.ascontiguousarray(logit[rows, k]),
            None if user is None else user[rows],
        )
    return metrics


def labelled(label: np.ndarray) -> np.ndarray | slice:
    """An index of the rows of one task that have a label; of all of them without a copy."""
    present = label != MISSING_LABEL
    return slice(None) if present.all() else np.flatnonzero(present)


def mean_defined(values: Iterable[float]) -> float:
    """The mean of those that are not NaN; NaN where none is."""
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def _evaluate_task(
    label: np.ndarray, logit: np.ndarray, user: np.ndarray | None
) -> dict[str, float | int | None]:
    if not len(label):
        nothing: dict[str, float | int | None] = dict.fromkeys(
            ("auc", "log_loss", "calibration", "base_rate")
        )
        if user is not None:
            nothing |= dict.fromkeys(("uauc", "gauc", "gauc_pos")) | {"users": 0, "users_skipped": 0}
        return nothing
    metrics: dict[str, float | int] = {
        "auc": auc(label, logit),
        "log_loss": log_loss(label, logit),
        "calibration": calibration(label, logit),
        "base_rate": base_rate(label),
    }
    if user is not None:
        metrics |= vars(per_user_auc(user, label, logit))
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def _packed(user: np.ndarray, is_positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """(N,) uint64 keys: user in the upper 31 bits, then the score's order in 32 bits, then the label."""
    _refuse_nan(score)
    assert user.min() >= 0, "user ids start at 0"
    assert user.max() < 1 << 31, "user ids have 31 bits"
    key = user.astype(np.uint64)
    key <<= np.uint64(32)
    key |= _ordered_bits(score)
    key <<= np.uint64(1)
    key |= is_positive
    return key


def _ordered_bits(score: np.ndarray) -> np.ndarray:
    """uint32 numbers in the order of the float32 scores, equal where the scores are equal."""
    bits = (score.astype(np.float32) + np.float32(0)).view(np.uint32)  # the sum turns -0.0 into 0.0
    sign = np.uint32(1 << 31)
    # A negative float grows as its bits shrink, so all of them are flipped; a positive one moves above those.
    return np.where(bits & sign, ~bits, bits | sign)


def _run_starts(values: np.ndarray) -> np.ndarray:
    """Indices at which a run of equal values of a sorted, non-empty array starts."""
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(values, weights=weights)) if len(values) else math.nan


def _as_bool(label: np.ndarray) -> np.ndarray:
    assert label.ndim == 1, f"labels must be one column, got shape {label.shape}"
    assert len(label), "there are no labels"
    is_positive = label.astype(bool)
    assert np.array_equal(is_positive, label), "labels must be 0 or 1"
    return is_positive


def _refuse_nan(score: np.ndarray) -> None:
    missing = int(np.isnan(score).sum())
    if missing:
        raise ValueError(f"{missing} of {len(score)} scores are NaN; a score must be a number")
