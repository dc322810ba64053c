"""How likely an event ends in a finish or a skip.

    finish = spread · z_0 + intercept_0 + drift(row)
    skip = spread · (−ρ z_0 + √(1 − ρ²) z_1) + intercept_1

z are the outputs of the family's hidden function, standardised and made uncorrelated on a sample of events
that is no part of the data set; the intercepts then give each task its base rate there. The base rate
drifts: it comes and goes with the weeks.

Letters: N events, L codes, T outputs, K tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit

from bench.data.synthetic import network, rules, trees
from bench.data.synthetic.events import Events, draw_events

BASE_RATES = (0.35, 0.25)
LOGIT_SPREAD = 2.0
SKIP_FROM_FINISH = 0.6
"""ρ: how much of the skip is just the opposite of a finish."""
DRIFT = 0.15
DRIFT_ROWS = 45 * 86_400
SAMPLE = 16_384
SAMPLE_ROWS = 2_750_000
"""The sample is spread over so many rows."""
EVALUATED_TOGETHER = 256
"""Events; so few that what a function holds of them stays in the cache."""


class HiddenFunction(Protocol):
    """What a family draws: (N, L) levels of `codes.CODES` → (N, T) outputs, of any mean and variance."""

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray: ...


_DRAW: Mapping[str, Callable[[np.random.Generator, int], HiddenFunction]] = {
    "rules": rules.draw,
    "trees": trees.draw,
    "network": network.draw,
}
FAMILIES = tuple(_DRAW)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A hidden function and the constants that make it a logit.

    Args:
        function: the family's.
        mean: (T,) of its outputs.
        whitening: (T, T) what makes of them, less their mean, uncorrelated z of variance 1.
        intercepts: (K,).
    """

    function: HiddenFunction
    mean: np.ndarray
    whitening: np.ndarray
    intercepts: np.ndarray


def draw_truth(family: str, seed: int) -> Truth:
    """The hidden function of a family and seed, with the intended base rates and spread of the logits."""
    from scipy.optimize import brentq  # 0.15 s, for which what needs only names and schemas does not wait

    spawn_key = tuple(family.encode())
    function = _DRAW[family](np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key)), 2)
    row = np.linspace(0, SAMPLE_ROWS, SAMPLE, dtype=np.int64)
    events = draw_events(seed, row, stream="sample")
    output_NT = _outputs(function, events.codes)
    mean = output_NT.mean(axis=0)
    centred_NT = output_NT - mean
    covariance = (centred_NT[:, :, None] * centred_NT[:, None, :]).mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
    standardised = Truth(function=function, mean=mean, whitening=whitening, intercepts=np.zeros(2))
    intercepts = [
        brentq(lambda shift, logit=logit, rate=rate: expit(logit + shift).mean() - rate, -20, 20)
        for logit, rate in zip(_logits(standardised, output_NT, row).T, BASE_RATES, strict=True)
    ]
    return Truth(function=function, mean=mean, whitening=whitening, intercepts=np.array(intercepts))


def probability(truth: Truth, events: Events) -> np.ndarray:
    """(N, K) float32."""
    return expit(_logits(truth, _outputs(truth.function, events.codes), events.row)).astype(np.float32)


def _outputs(function: HiddenFunction, codes_NL: np.ndarray) -> np.ndarray:
    starts = range(0, len(codes_NL), EVALUATED_TOGETHER)
    parts = [function.outputs(codes_NL[start : start + EVALUATED_TOGETHER]) for start in starts]
    return np.concatenate(parts, dtype=np.float64)


def _logits(truth: Truth, output_NT: np.ndarray, row: np.ndarray) -> np.ndarray:
    centred_NT = output_NT - truth.mean
    z_0, z_1 = (centred_NT[:, :, None] * truth.whitening).sum(axis=1).T
    skip = -SKIP_FROM_FINISH * z_0 + np.sqrt(1 - SKIP_FROM_FINISH**2) * z_1
    drift = DRIFT * np.sin(2 * np.pi * row / DRIFT_ROWS)
    return np.stack([LOGIT_SPREAD * z_0 + drift, LOGIT_SPREAD * skip], axis=1) + truth.intercepts
