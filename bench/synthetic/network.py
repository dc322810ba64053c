"""The family `network`: a random deep network on the codes, sparse and with sines for its nonlinearity.

    h_0 = e(x_1) ⧺ … ⧺ e(x_L),   h_i = sin(W_i h_{i−1} + b_i)
    output_t = Σ_u w_ut h_u,     |w_ut| = rank_t(u)^−a

e are random normal vectors of the levels. A unit reads `FAN_IN` codes, or units of the layer before, with
random normal weights of variance g² together: a unit of layer i depends on FAN_IN^i codes at most, and the
output is made of structure of low order and of high. Sines (as in SIREN, arXiv 2006.09661) bend where a tanh
of the same gain g is nearly linear. The last layer is read out with strengths that fall as a power law.

Letters: V levels, E width of e, H units of a layer, N events, L codes, T outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.synthetic.codes import CODES

EMBEDDING = 2
UNITS = 256
LAYERS = 3
FAN_IN = 2
GAIN = 1.6
EXPONENT = 0.5


@dataclass(frozen=True, kw_only=True)
class Network:
    """A drawn function of this family, all float32.

    Args:
        vectors: per code, (V, E).
        weights: per layer, (inputs, H).
        biases: per layer, (H,).
        readout: (H, T).
    """

    vectors: tuple[np.ndarray, ...]
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    readout: np.ndarray

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        h_NH = np.concatenate(
            [vectors_VE[code_N] for code_N, vectors_VE in zip(codes_NL.T, self.vectors, strict=True)], axis=1
        )
        for weights, biases_H in zip(self.weights, self.biases, strict=True):
            h_NH = np.sin(h_NH @ weights + biases_H)
        return h_NH @ self.readout


def draw(generator: np.random.Generator, num_outputs: int) -> Network:
    """A random function of this family."""
    vectors = [generator.standard_normal((code.levels, EMBEDDING)) for code in CODES]
    sources = [np.arange(EMBEDDING * len(CODES)).reshape(-1, EMBEDDING)]  # what is read: codes, then units
    sources += [np.arange(UNITS)[:, None]] * (LAYERS - 1)
    strength = np.arange(1.0, UNITS + 1) ** -EXPONENT * generator.choice((-1, 1), UNITS)
    return Network(
        vectors=tuple(_float32([(v - v.mean(axis=0)) / v.std(axis=0) for v in vectors])),
        weights=tuple(_float32([_sparse(generator, of_layer) for of_layer in sources])),
        biases=tuple(_float32(GAIN * generator.standard_normal((LAYERS, UNITS)))),
        readout=np.stack(
            [generator.permutation(strength) for _ in range(num_outputs)], axis=1, dtype=np.float32
        ),
    )


def _sparse(generator: np.random.Generator, sources: np.ndarray) -> np.ndarray:
    """(inputs, H): each unit reads `FAN_IN` rows of `sources`, each the inputs that belong together."""
    weights = np.zeros((sources.size, UNITS))
    scale = GAIN / np.sqrt(FAN_IN * sources.shape[1])
    for unit in range(UNITS):
        read = sources[generator.choice(len(sources), FAN_IN, replace=False)].ravel()
        weights[read, unit] = scale * generator.standard_normal(len(read))
    return weights


def _float32(arrays: Sequence[np.ndarray] | np.ndarray) -> list[np.ndarray]:
    return [array.astype(np.float32) for array in arrays]
