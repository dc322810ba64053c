"""The mixing step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi 10.1145/2714064.2660195)."""

from __future__ import annotations

import numpy as np

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
"""What the state of the generator grows by."""


def mix(z: np.ndarray) -> np.ndarray:
    """The finaliser, a bijection of uint64. Changes `z` in place and returns it."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
