"""Ladders of known laws."""

from __future__ import annotations

import numpy as np

NOISE = 2e-4


def sizes(num: int = 7, decades: float = 2.5) -> np.ndarray:
    return np.logspace(4.5, 4.5 + decades, num)


def power_runs(
    seed: int,
    *,
    asymptote: float = 0.78,
    exponent: float = 0.25,
    gain: float = 0.02,
    num_sizes: int = 7,
    decades: float = 2.5,
    seeds: int = 3,
    noise: float = NOISE,
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Size, AUC and seed of c − a·N^(−b), with `gain` from the smallest to the largest size."""
    ladder = sizes(num_sizes, decades)
    factor = gain / (ladder[0] ** -exponent - ladder[-1] ** -exponent)
    size = np.repeat(ladder, seeds)
    errors = np.random.default_rng(seed).standard_normal(size.size)
    return size, asymptote - factor * size**-exponent + noise * errors, list(range(seeds)) * num_sizes
