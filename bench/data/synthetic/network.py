"""The family `network`: a random deep network on the codes, sparse and with sines for its nonlinearity.

    h_0 = e(x_1) ⧺ … ⧺ e(x_L),   h_i = sin(W_i h_{i−1} + b_i)
    output_t = Σ_u w_ut h_u,     |w_ut| = (head + rank_t(u))^−a

e are random normal vectors of the levels. A unit reads `FAN_IN` codes, or units of the layer before, with
random normal weights of variance g² together: a unit of layer i depends on FAN_IN^i codes at most, and the
output is made of structure of low order and of high. Sines (as in SIREN, arXiv 2006.09661) bend where a tanh
of the same gain g is nearly linear. The last layer is read out with strengths that fall as a power law.

Letters: V levels, E width of e, H units of a layer, R what a unit reads, N events, L codes, T outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.synthetic.codes import CODES
from bench.data.synthetic.rules import weighted_sums

EMBEDDING = 2
UNITS = 256
LAYERS = 3
FAN_IN = 2
GAIN = 1.3
EXPONENT = 0.5
HEAD = 8


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of the network.

    Args:
        reads: (R, H) numbers of the inputs that the units read.
        weights: (R, H), float32.
        biases: (H,), float32.
    """

    reads: np.ndarray
    weights: np.ndarray
    biases: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Network:
    """A drawn function of this family.

    Args:
        vectors: per code, (V, E), float32.
        layers: `LAYERS` of them.
        readout: (T, H), float32.
    """

    vectors: tuple[np.ndarray, ...]
    layers: tuple[Layer, ...]
    readout: np.ndarray

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        h_NH = np.concatenate(
            [vectors_VE[code_N] for code_N, vectors_VE in zip(codes_NL.T, self.vectors, strict=True)], axis=1
        )
        for layer in self.layers:
            sum_NH = layer.biases
            for reads_H, weights_H in zip(layer.reads, layer.weights, strict=True):
                sum_NH = sum_NH + h_NH.take(reads_H, axis=1) * weights_H
            h_NH = np.sin(sum_NH)
        return weighted_sums(h_NH, self.readout)


def draw(generator: np.random.Generator, num_outputs: int) -> Network:
    """A random function of this family."""
    vectors = [generator.standard_normal((code.levels, EMBEDDING)) for code in CODES]
    of_code = np.arange(EMBEDDING * len(CODES)).reshape(len(CODES), EMBEDDING)
    of_unit = np.arange(UNITS).reshape(UNITS, 1)
    strength = (HEAD + np.arange(1.0, UNITS + 1)) ** -EXPONENT * generator.choice((-1, 1), UNITS)
    return Network(
        vectors=tuple(((v - v.mean(axis=0)) / v.std(axis=0)).astype(np.float32) for v in vectors),
        layers=tuple(_draw_layer(generator, of_unit if i else of_code) for i in range(LAYERS)),
        readout=np.stack([generator.permutation(strength) for _ in range(num_outputs)]).astype(np.float32),
    )


def _draw_layer(generator: np.random.Generator, inputs: np.ndarray) -> Layer:
    """Units that read `FAN_IN` rows of `inputs`, each the inputs that belong together."""
    chosen = [generator.choice(len(inputs), FAN_IN, replace=False) for _ in range(UNITS)]
    reads = inputs[np.array(chosen)].reshape(UNITS, -1).T
    weights = GAIN / np.sqrt(len(reads)) * generator.standard_normal(reads.shape)
    biases = GAIN * generator.standard_normal(UNITS)
    return Layer(reads=reads, weights=weights.astype(np.float32), biases=biases.astype(np.float32))
