"""Do the intervals of differences hold, and do verdicts err as seldom as they say? By simulation.

`python docs/simulate_intervals.py` draws 2,000 tables of ten contestants without any true difference, for 2,
3 and 5 seeds and for several kinds of spreads between seeds. It judges each with the report's own code, by
moderated and by plain intervals, and prints

- *holds*: the share of 95 % intervals that contain the truth, over all pairs; should be 93 to 97 %;
- *worst*: the same over the pairs of the contestant for which it is lowest;
- *wrong*: the share of tables in which Holm's correction leaves any verdict but tie; should be at most 5 %;
- *width*: the median width of an interval, in spreads between seeds of the least erratic contestant.

The test rows have no part in the variance, or as large a part as the seeds. It takes some minutes.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.judge.moderation import INTERVALS, Intervals, moderated_spreads
from reports.judge.statistics import CONFIDENCE, VariancePart, half_width, mean_part

NUM_CONTESTANTS = 10
NUM_TEST_ROWS = 20_000
ERROR = 1 - CONFIDENCE
SPREADS: Mapping[str, NDArray[np.float64]] = {
    "equal": np.ones(NUM_CONTESTANTS),
    "half 4 times as wide": np.repeat([1.0, 4.0], NUM_CONTESTANTS // 2),
    "from 1 to 10": np.geomspace(1.0, 10.0, NUM_CONTESTANTS),
    "one 5 times as wide": np.repeat([1.0, 5.0], [NUM_CONTESTANTS - 1, 1]),
}
SHARES = {"seeds only": 0.0, "seeds and test rows": 1.0}
"""Variance of the test rows over the mean variance of the seeds."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Shares of intervals and of tables, and a median width."""

    holds: float
    worst: float
    wrong: float
    width: float


def simulated(
    spreads_C: NDArray[np.float64],
    num_seeds: int,
    share: float,
    num_tables: int,
    rng: np.random.Generator,
) -> dict[Intervals, Result]:
    """Judges `num_tables` tables of equal contestants, with effects of seeds that all have in common.

    Args:
        spreads_C: standard deviation between the seeds of each contestant.
        share: variance of a mean difference by the test rows, over that by the seeds of an average pair.
    """
    pairs = [*itertools.combinations(range(len(spreads_C)), 2)]
    of_test = share * 2 * float(np.mean(spreads_C**2)) / num_seeds
    reach_TP: dict[Intervals, list[list[float]]] = {each: [] for each in INTERVALS}
    corrected_TP: dict[Intervals, list[list[float]]] = {each: [] for each in INTERVALS}
    distance_TP = []
    for _ in range(num_tables):
        of_run = spreads_C[:, None] * rng.normal(size=(len(spreads_C), num_seeds))
        of_seed = rng.normal(size=num_seeds)
        of_test_rows = np.sqrt(of_test / 2) * rng.normal(size=(len(spreads_C), 1))
        values_CS = of_run + of_seed + of_test_rows
        differences_PS = values_CS[[first for first, _ in pairs]] - values_CS[[second for _, second in pairs]]
        distance_TP.append(np.abs(differences_PS.mean(axis=1)))
        spreads = [part for part in moderated_spreads(values_CS) if part is not None]
        of_seeds: dict[Intervals, list[list[VariancePart]]] = {
            "plain": [[mean_part(differences_S)] for differences_S in differences_PS],
            "moderated": [
                [(variance / num_seeds, freedom) for variance, freedom in (spreads[first], spreads[second])]
                for first, second in pairs
            ],
        }
        for intervals, every in of_seeds.items():
            parts = [[*of_pair, (of_test, NUM_TEST_ROWS)] for of_pair in every]
            reach_TP[intervals].append([half_width(one) for one in parts])
            corrected_TP[intervals].append([half_width(one, ERROR / len(pairs)) for one in parts])
    return {
        each: _result(np.array(distance_TP), np.array(reach_TP[each]), np.array(corrected_TP[each]), pairs)
        for each in INTERVALS
    }


def _result(
    distance_TP: NDArray[np.float64],
    reach_TP: NDArray[np.float64],
    corrected_TP: NDArray[np.float64],
    pairs: list[tuple[int, int]],
) -> Result:
    """Holm's first step decides whether there is any verdict: the least p-value times the number of pairs."""
    holds_P = (distance_TP <= reach_TP).mean(axis=0)
    contestants = {contestant for pair in pairs for contestant in pair}
    return Result(
        holds=float(holds_P.mean()),
        worst=min(
            float(holds_P[[contestant in pair for pair in pairs]].mean()) for contestant in contestants
        ),
        wrong=float((distance_TP > corrected_TP).any(axis=1).mean()),
        width=2 * float(np.median(reach_TP)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=2000, help="how many tables of each kind")
    parser.add_argument("--seeds", default="2,3,5", help="numbers of seeds, separated by commas")
    chosen = parser.parse_args()
    for num_seeds in map(int, chosen.seeds.split(",")):
        for (kind, spreads_C), (what, share) in itertools.product(SPREADS.items(), SHARES.items()):
            rng = np.random.default_rng(num_seeds)
            print(f"{num_seeds} seeds, spreads {kind}, {what}", flush=True)
            for intervals, one in simulated(spreads_C, num_seeds, share, chosen.tables, rng).items():
                print(
                    f"  {intervals:9}  holds {100 * one.holds:5.1f} %  worst {100 * one.worst:5.1f} %  "
                    f"wrong {100 * one.wrong:4.1f} %  width {one.width:6.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
