"""Random numbers by counter: a hash of what a number is for and what it belongs to, not of what came before.

    word(seed, purpose, a, b, …) = m(m(k + a·g) + b·g) …,   k = BLAKE2b(seed, purpose)

with m the finaliser and g the increment of SplitMix64 (`bench.data.splitmix`), so that the words of one
counter 0, 1, 2, … are exactly a SplitMix64 sequence. A counter is a row number, a user, an item, or several
of them: whoever asks again for the same gets the same, in whatever order, block or process.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from scipy.special import ndtri

from bench.data.splitmix import INCREMENT, mix


@cache
def _key(seed: int, purpose: str) -> np.uint64:
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def words(seed: int, purpose: str, *counters: np.ndarray) -> np.ndarray:
    """64 random bits for every combination of counters, integers of shapes that broadcast together."""
    state = np.array([_key(seed, purpose)])
    for counter in counters:
        state = mix(np.asarray(counter).astype(np.uint64) * INCREMENT + state)
    return state


def uniform(seed: int, purpose: str, *counters: np.ndarray) -> np.ndarray:
    """Float64 in [0, 1)."""
    return (words(seed, purpose, *counters) >> np.uint64(11)) * 2.0**-53


def integers(bound: int, seed: int, purpose: str, *counters: np.ndarray) -> np.ndarray:
    """Int64 in 0 … bound − 1, all equally likely; `bound` is far below 2³²."""
    return ((words(seed, purpose, *counters) >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(
        np.int64
    )


def normal(seed: int, purpose: str, *counters: np.ndarray) -> np.ndarray:
    """Float64 of the standard normal distribution."""
    return ndtri(uniform(seed, purpose, *counters) + 2.0**-54)


def zipf(count: int | np.ndarray, exponent: float, quantile: np.ndarray) -> np.ndarray:
    """Ranks 0 … count − 1 whose frequency falls as (rank + 1)^−exponent: the inverse of the integral of that.

    Args:
        count: one for all, or one each.
        exponent: not 1.
        quantile: in [0, 1), of which equal parts go to equally frequent sets of ranks.
    """
    power = 1 - exponent
    rank = (1 + quantile * ((count + 1.0) ** power - 1)) ** (1 / power) - 1
    return np.minimum(rank.astype(np.int64), count - 1)
