"""How often the intervals of `reports.scaling` hold the truth, and how long its bootstrap takes.

Simulates ladders of known power laws: 7 sizes over 2.5 decades, 3 seeds, noise of 2e-4 of AUC. Prints, for
each law, the share of ladders whose 95 % interval of the exponent holds the true one: of the profile
likelihood, which is reported; of the joint draws, which comparisons use; and of resampled seeds, which is
what a plain bootstrap gives. Also the share whose asymptote is identified, and whose interval of it holds the
true one; for laws over one decade, the share that declines the asymptote.

    python docs/coverage_of_fits.py [number of ladders, default 200]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from reports.scaling import Fit, compare, fit, fit_surface
from reports.scaling.bootstrap import draws, percentiles, resampled_seeds, with_form
from reports.scaling.laws import POWER

NOISE, SIZES, SEEDS = 2e-4, 7, 3
LAWS = ((0.78, 0.25, 0.02), (0.78, 0.15, 0.02), (0.78, 0.40, 0.015), (0.78, 0.25, 0.006), (0.80, 0.60, 0.03))
"""Asymptote, exponent, and the gain from the smallest to the largest size."""
DRAWS = 1000


def simulated(
    law: tuple[float, float, float], seed: int, *, decades: float = 2.5, label: str = "simulated"
) -> Fit:
    """The fit to one simulated ladder."""
    asymptote, exponent, gain = law
    generator = np.random.default_rng(seed)
    sizes = np.logspace(4.5, 4.5 + decades, SIZES)
    factor = gain / (sizes[0] ** -exponent - sizes[-1] ** -exponent)
    size = np.repeat(sizes, SEEDS)
    value = asymptote - factor * size**-exponent + NOISE * generator.standard_normal(size.size)
    return fit(size, value, list(range(SEEDS)) * SIZES, label=label)


def exponents(num: int) -> None:
    print("asymptote exponent gain | profile  draws  resampled | asymptote  identified | one decade")
    for law in LAWS:
        held = np.zeros(6)
        for seed in range(num):
            found = simulated(law, seed)
            assert found.exponent is not None
            assert found.asymptote is not None
            as_power = with_form(found, POWER)
            generator = np.random.default_rng(seed)
            held += (
                _holds(found.exponent.low, law[1], found.exponent.high),
                _holds(*_around(percentiles(draws([as_power], DRAWS)[0].solutions.exponent), law[1])),
                _holds(
                    *_around(
                        percentiles(resampled_seeds(as_power, DRAWS, generator).solutions.exponent), law[1]
                    )
                ),
                _holds(found.asymptote.low, law[0], found.asymptote.high),
                found.identified,
                not simulated(law, seed, decades=1.0).identified,
            )
        shares = 100 * held / num
        print(
            f"{law[0]:9} {law[1]:8} {law[2]:5} | {shares[0]:6.1f} % {shares[1]:5.1f} % {shares[2]:8.1f} % | "
            f"{shares[3]:12.1f} % {shares[4]:9.1f} % | {shares[5]:8.1f} %"
        )


def differences(num: int) -> None:
    """Two ladders of one law: how often a difference of slopes is claimed."""
    wrong = 0
    for seed in range(num):
        pair = [simulated(LAWS[0], 2 * seed + which, label=str(which)) for which in (0, 1)]
        (found,) = compare(pair, num_draws=DRAWS)
        assert found.slopes is not None
        wrong += found.slopes.verdict != "tie"
    print(f"equal slopes called different: {100 * wrong / num:.1f} %")


def surfaces(num: int) -> None:
    """A law in size and rows: how often the intervals of E, A, a, B and b hold the truth."""
    truth = (0.45, 1.5, 0.30, 2.0, 0.25)
    size, rows = (part.ravel() for part in np.meshgrid(np.logspace(5, 8, 6), np.logspace(5.5, 8, 5)))
    size, rows = np.repeat(size, SEEDS), np.repeat(rows, SEEDS)
    held = np.zeros(5)
    for seed in range(num):
        noise = NOISE * np.random.default_rng(seed).standard_normal(size.size)
        value = truth[0] + truth[1] * size ** -truth[2] + truth[3] * rows ** -truth[4] + noise
        one = fit_surface(size, rows, value, num_draws=DRAWS)
        parts = (one.asymptote, one.size_factor, one.size_exponent, one.rows_factor, one.rows_exponent)
        held += [_holds(part.low, known, part.high) for part, known in zip(parts, truth, strict=True)]
    shares = ", ".join(f"{name} {100 * share / num:.1f} %" for name, share in zip("EAaBb", held, strict=True))
    print(f"law in size and rows, {num} sets: {shares}")


def seconds() -> None:
    fits = [simulated((0.78, 0.2 + 0.02 * i, 0.02), i, label=str(i)) for i in range(10)]
    start = time.process_time()
    draws(fits, 2000)
    drawn = time.process_time()
    compare(fits, num_draws=2000)
    print("2,000 draws of ten contestants of 7 sizes and 3 seeds, in seconds of a core:")
    print(f"{drawn - start:.2f} to draw, {time.process_time() - drawn:.2f} to draw and compare all pairs")


def _around(ends: tuple[float, float], truth: float) -> tuple[float, float, float]:
    return ends[0], truth, ends[1]


def _holds(low: float | None, truth: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= truth <= high


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds()
    exponents(number)
    differences(number)
    surfaces(max(1, number // 4))
