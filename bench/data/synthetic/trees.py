"""The family `trees`: a sum of random oblivious decision trees over the codes.

    output_t = Σ_j w_jt v_j[Σ_d 2^d [x_{c_jd} > θ_jd]],    |w_jt| = rank_t(j)^−a

An oblivious tree asks the same question at every node of a depth (as in CatBoost, arXiv 1706.09516): a code
and a threshold among its levels. Leaf values v_j are normal numbers, of mean 0 and variance 1 over the
leaves. As in `rules`, trees come in bundles that read the same codes, whose depths follow a fixed cycle.

Letters: J trees, S bundles, R trees of a bundle, V levels, N events, L codes, T outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.synthetic.codes import CODES
from bench.data.synthetic.rules import BUNDLE, power_law, weighted_sums

TREES = 2_400
DEPTHS = (4, 2, 5, 3, 6, 3, 4, 5)
"""Of the bundles in turn."""


@dataclass(frozen=True, kw_only=True)
class TreesOfDepth:
    """The trees of one depth.

    Args:
        codes: (depth, S) indices of the codes that the bundles ask about.
        starts: (depth, S) rows of `bits` for level 0 of these codes.
        bits: (depth · Σ V, R) what a level adds to the number of the leaf in the R trees of a bundle, uint8.
        leaves: (J · 2^depth,) values, tree after tree, float32.
        weights: (T, J), float32.
    """

    codes: np.ndarray
    starts: np.ndarray
    bits: np.ndarray
    leaves: np.ndarray
    weights: np.ndarray

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        leaf_NSR = np.uint8(0)
        for codes_S, starts_S in zip(self.codes, self.starts, strict=True):
            leaf_NSR = leaf_NSR + self.bits.take(codes_NL.take(codes_S, axis=1) + starts_S, axis=0)
        first_J = np.arange(self.weights.shape[1]) << len(self.codes)
        value_NJ = self.leaves.take(leaf_NSR.reshape(len(codes_NL), -1) + first_J)
        return weighted_sums(value_NJ, self.weights)


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A drawn function of this family: its trees, depth by depth."""

    depths: tuple[TreesOfDepth, ...]

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        return np.sum([trees.outputs(codes_NL) for trees in self.depths], axis=0)


def draw(generator: np.random.Generator, num_outputs: int) -> Trees:
    """A random function of this family."""
    depths = np.resize(DEPTHS, TREES // BUNDLE)
    weights_SRT = power_law(generator, depths, num_outputs)
    return Trees(
        depths=tuple(
            _draw_depth(generator, depth, weights_SRT[depths == depth]) for depth in sorted(set(DEPTHS))
        )
    )


def _draw_depth(generator: np.random.Generator, depth: int, weights_SRT: np.ndarray) -> TreesOfDepth:
    bundles = len(weights_SRT)
    codes = np.stack([generator.choice(len(CODES), depth, replace=False) for _ in range(bundles)], axis=1)
    bits = [_bits(generator, CODES[c].levels) << d for d in range(depth) for c in codes[d]]
    ends = np.cumsum([len(of_code) for of_code in bits])
    leaves = generator.standard_normal((bundles * BUNDLE, 1 << depth))
    leaves -= leaves.mean(axis=1, keepdims=True)
    leaves /= leaves.std(axis=1, keepdims=True)
    return TreesOfDepth(
        codes=codes,
        starts=(ends - [len(of_code) for of_code in bits]).reshape(codes.shape),
        bits=np.concatenate(bits).astype(np.uint8),
        leaves=leaves.ravel().astype(np.float32),
        weights=np.ascontiguousarray(weights_SRT.reshape(bundles * BUNDLE, -1).T),
    )


def _bits(generator: np.random.Generator, levels: int) -> np.ndarray:
    """(V, R): for each tree of a bundle, which levels are above its threshold."""
    return (np.arange(levels)[:, None] > generator.integers(levels - 1, size=BUNDLE)).astype(np.int64)
