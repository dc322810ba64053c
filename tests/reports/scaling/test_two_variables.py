"""A law in size and training rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import least_squares

from bench.errors import BadInput
from reports.scaling import fit_surface, metric_named

TRUTH = (0.45, 1.5, 0.30, 2.0, 0.25)


def grid(num_sizes: int = 6, num_rows: int = 5, seeds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    size, rows = np.meshgrid(np.logspace(5, 8, num_sizes), np.logspace(5.5, 8, num_rows))
    return np.repeat(size.ravel(), seeds), np.repeat(rows.ravel(), seeds)


def loss(size: np.ndarray, rows: np.ndarray, noise: float = 2e-4, seed: int = 0) -> np.ndarray:
    e, a, alpha, b, beta = TRUTH
    errors = np.random.default_rng(seed).standard_normal(size.size)
    return e + a * size**-alpha + b * rows**-beta + noise * errors


def parts(one):
    return one.asymptote, one.size_factor, one.size_exponent, one.rows_factor, one.rows_exponent


def test_a_known_law_is_recovered_within_its_intervals():
    size, rows = grid()
    found = fit_surface(size, rows, loss(size, rows), num_draws=200)
    assert found.identified
    for part, truth in zip(parts(found), TRUTH, strict=True):
        assert part.low <= truth <= part.high
        assert part.high - part.low < 0.2 * truth
    assert (found.num_runs, found.num_cells) == (90, 30)
    assert found.rmse == pytest.approx(2e-4, rel=0.2)


def test_without_noise_it_is_exact_and_the_same_for_a_gain():
    size, rows = grid(seeds=1)
    exact = loss(size, rows, noise=0.0)
    for metric, value in (("log-loss", exact), ("auc", 1 - exact)):
        found = fit_surface(size, rows, value, metric=metric, num_draws=20)
        assert found.size_exponent.value == pytest.approx(0.30, rel=1e-4)
        assert found.rows_exponent.value == pytest.approx(0.25, rel=1e-4)
        assert found.rows_factor.value == pytest.approx(2.0, rel=1e-3)
        expected = 0.45 + 1.5 * 1e6**-0.3 + 2.0 * 1e6**-0.25
        assert found.value(1e6, 1e6) == pytest.approx(1 - expected if metric == "auc" else expected, abs=1e-6)


def test_variable_projection_finds_what_many_starts_find():
    size, rows = grid(5, 4, 2)
    value = loss(size, rows, noise=5e-4, seed=4)
    found = fit_surface(size, rows, value, num_draws=20)
    n, d = np.log(size / 1e6), np.log(rows / 1e6)

    def residuals(p):
        return 1e4 * (p[0] + p[1] * np.exp(-p[2] * n) + p[3] * np.exp(-p[4] * d) - value)

    bounds = ([0, 0, 1e-3, 0, 1e-3], [1, 10, 3, 10, 3])
    starts = [(0.4, 0.05, a, 0.05, b) for a in (0.1, 0.5) for b in (0.1, 0.5)]
    best = min(
        (least_squares(residuals, start, bounds=bounds, xtol=1e-13, ftol=1e-13) for start in starts),
        key=lambda one: one.cost,
    )
    ours = 1e4 * (found.value(size, rows) - value)
    assert ours @ ours / 2 <= best.cost * (1 + 1e-8)
    assert found.size_exponent.value == pytest.approx(best.x[2], rel=2e-3)


def test_no_effect_of_rows_is_not_identified():
    size, rows = grid()
    value = 0.45 + 1.5 * size**-0.3 + 2e-4 * np.random.default_rng(0).standard_normal(size.size)
    found = fit_surface(size, rows, value, num_draws=60)
    assert found.size_exponent.low <= 0.3 <= found.size_exponent.high
    assert not found.identified


def test_the_bound_holds():
    size, rows = grid()
    found = fit_surface(
        size, rows, loss(size, rows), metric=metric_named("log-loss", bound=0.455), num_draws=40
    )
    assert found.asymptote.low >= 0.455 - 1e-9
    assert not found.identified
    assert found.reason == "the asymptote's interval reaches its bound, 0.455"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, d, v: (n, d[:-1], v), "89 numbers of rows"),
        (lambda n, d, v: (n, d, np.where(np.arange(90) == 3, math.nan, v)), "a value is not a finite number"),
        (lambda n, d, v: (n, -d, v), "a number of rows is -1e"),
        (
            lambda n, d, v: (n, np.where(d > 1e7, 1e7, 1e6), v),
            "2 different numbers of rows; a law in both needs 3",
        ),
        (lambda n, d, v: (n, 20 * n, v), r"grow together \(correlation 1.00\)"),
        (lambda n, d, v: (n, d, v - 1), "beyond 0, the best possible log loss"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    size, rows = grid()
    with pytest.raises(BadInput, match=message):
        fit_surface(*change(size, rows, loss(size, rows)), num_draws=20)


def test_too_few_cells_are_refused():
    with pytest.raises(BadInput, match="5 pairs of size and rows; a law in both needs 6"):
        fit_surface([1, 10, 100, 1, 1], [1, 1, 1, 10, 100], [0.9, 0.8, 0.7, 0.85, 0.8])
