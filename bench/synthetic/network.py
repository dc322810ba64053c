"""The family `network`: a random deep network on the codes.

    h_0 = e(x_1) ⧺ … ⧺ e(x_L),   h_i = tanh(g W_i h_{i−1} + b_i),   output = W h_depth

e are random normal vectors of the levels, the entries of W_i have variance 1 / width, those of b_i variance
1 / 4. A gain g above 1 makes the function rough (Poole et al., arXiv 1606.05340): it tears apart events
that differ in one code, and more so with every layer.

Letters: V levels, E width of e, H width of a layer, N events, L codes, T outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.synthetic.codes import CODES

EMBEDDING = 2
WIDTHS = (96, 96, 96)
GAINS = (1.4, 1.6, 1.6)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A drawn function of this family.

    Args:
        vectors: per code, (V, E).
        weights: per layer, (inputs, H), gain included, and at the end (H, T).
        biases: per layer but the last, (H,).
    """

    vectors: tuple[np.ndarray, ...]
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        h_NH = np.concatenate(
            [vectors_VE[code_N] for code_N, vectors_VE in zip(codes_NL.T, self.vectors, strict=True)], axis=1
        )
        for weights, biases in zip(self.weights[:-1], self.biases, strict=True):
            h_NH = np.tanh(h_NH @ weights + biases)
        return h_NH @ self.weights[-1]


def draw(generator: np.random.Generator, num_outputs: int) -> Network:
    """A random function of this family."""
    widths = [EMBEDDING * len(CODES), *WIDTHS, num_outputs]
    vectors = [generator.standard_normal((code.levels, EMBEDDING)) for code in CODES]
    weights = [
        gain * generator.standard_normal(shape) / np.sqrt(shape[0])
        for gain, shape in zip((*GAINS, 1.0), pairwise(widths), strict=True)
    ]
    biases = [0.5 * generator.standard_normal(width) for width in WIDTHS]
    return Network(
        vectors=tuple(v.astype(np.float32) for v in vectors),
        weights=tuple(w.astype(np.float32) for w in weights),
        biases=tuple(b.astype(np.float32) for b in biases),
    )
