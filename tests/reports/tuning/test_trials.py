"""Trials of a tuning study: their values, the best of them, and what n of them lead one to expect."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from reports.tuning.importance import importance
from reports.tuning.trials import Search, Trial, expected_best, expected_best_of, valid_aucs


def trial(number: int, value: float | None, **setting) -> Trial:
    return Trial(number=number, setting=setting, protocol={}, values={"toy": value})


def search(*trials: Trial) -> Search:
    return Search(label="A", trials=trials)


@pytest.mark.parametrize("values", [[0.7], [0.7, 0.5], [0.71, 0.74, 0.74, 0.5, 0.73, 0.72]])
def test_expected_best_is_the_mean_over_every_subset(values):
    of_subsets = [
        statistics.fmean(max(subset) for subset in itertools.combinations(values, n))
        for n in range(1, len(values) + 1)
    ]
    assert expected_best(values, None) == pytest.approx(of_subsets, abs=1e-14)


def test_expected_best_after_the_default_is_the_mean_over_every_order():
    others = [0.71, 0.5, 0.74, 0.73]
    orders = [[0.72, *order] for order in itertools.permutations(others)]
    running = np.mean([np.maximum.accumulate(order) for order in orders], axis=0)
    assert expected_best(others, 0.72) == pytest.approx(running, abs=1e-14)
    assert expected_best([], 0.72) == pytest.approx([0.72])


def test_expected_best_of_many_trials_stays_exact():
    values = np.linspace(0.0, 1.0, 2001)
    found = expected_best(values.tolist(), None)
    n = np.arange(1, values.size + 1)
    # The expected highest of n of the whole numbers 0 … N − 1 is n (N + 1) / (n + 1) − 1.
    assert found == pytest.approx((n * 2002 / (n + 1) - 1) / 2000, rel=1e-12)


def test_the_first_of_equals_is_best_and_a_failed_trial_has_no_value():
    one = search(trial(0, 0.70), trial(1, 0.75), trial(2, None), trial(3, 0.75))
    assert one.best.number == 1
    assert one.gain == pytest.approx(0.05)
    assert [(each.number, value) for each, value in one.valued] == [(0, 0.7), (1, 0.75), (3, 0.75)]
    assert expected_best_of(one)[[0, -1]] == pytest.approx([0.70, 0.75])


def test_a_value_is_the_mean_over_data_sets_that_all_have_one():
    both = Trial(number=0, setting={}, protocol={}, values={"a": 0.7, "b": 0.8})
    one = Trial(number=0, setting={}, protocol={}, values={"a": 0.7, "b": None})
    assert both.value == pytest.approx(0.75)
    assert one.value is None


def test_valid_auc_is_the_mean_over_tasks_and_that_of_a_coin_where_training_diverged():
    runs = pd.DataFrame(
        {
            "status": ["ok", "ok", "diverged", "oom"],
            "valid.finish.auc": [0.7, 0.7, None, None],
            "valid.skip.auc": [0.8, None, None, None],
            "test.finish.auc": [0.1, 0.1, None, None],
        },
        index=["a", "b", "c", "d"],
    )
    assert valid_aucs(runs) == pytest.approx({"a": 0.75, "b": 0.7, "c": 0.5})


def test_what_decides_is_important_and_what_does_nothing_is_not():
    rng = np.random.default_rng(0)
    trials = [trial(0, 0.1)]
    for number in range(1, 61):
        rate, layers = 10 ** rng.uniform(-4, -2), int(rng.integers(1, 4))
        value = 0.7 - 0.02 * (np.log10(rate) + 3) ** 2 + 0.01 * (layers == 2)
        setting = {"dense_lr": rate, "layers": layers, "shape": [[8], [9, 9]][number % 2]}
        trials.append(trial(number, value, **setting))
    shares = importance(search(*trials))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["dense_lr"] > shares["layers"] > shares["shape"]
    shuffled = [trials[index] for index in rng.permutation(len(trials))]
    assert importance(search(*shuffled)) == pytest.approx(shares)


def test_importance_is_that_of_the_paper_for_a_choice():
    """Of 40 trials the best 10 all chose ``b``: Pearson's divergence of the smoothed shares, by hand."""
    trials = [
        trial(1 + i, 0.8 if i < 10 else 0.6, choice="b" if i < 20 else "a", coin=i % 2) for i in range(40)
    ]
    shares = importance(search(*trials))

    def smoothed(counts: list[int]) -> np.ndarray:
        """Each observed choice is a kernel, weighted by how often; a prior of the weight of one trial."""
        counts_ = np.array(counts, dtype=float)
        seen = np.flatnonzero(counts_)
        kernels = np.full((seen.size + 1, counts_.size), 1 / (seen.size + 1))
        kernels[np.arange(seen.size), seen] += 1
        kernels /= kernels.sum(axis=1, keepdims=True)
        weights = np.append(counts_[seen], 1.0)
        return weights / weights.sum() @ kernels

    def divergence(best: list[int], every: list[int]) -> float:
        top, local = smoothed(best), smoothed(every)
        return float(local @ (top / local - 1) ** 2)

    of_choice, of_coin = divergence([0, 10], [20, 20]), divergence([5, 5], [20, 20])
    assert shares["choice"] == pytest.approx(of_choice / (of_choice + of_coin))


def test_too_few_trials_or_no_difference_give_no_importance():
    assert importance(search(*[trial(1 + i, 0.7 + i / 100, dense_lr=i + 1.0) for i in range(19)])) == {}
    assert importance(search(*[trial(1 + i, 0.7, dense_lr=i + 1.0) for i in range(40)])) == {}


def test_optuna_is_not_imported_with_the_judge():
    code = "import sys, reports.page; print('optuna' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
