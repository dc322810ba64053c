"""The family `rules`: a sum of thousands of products of random functions of one to four codes.

    output_t = Σ_j w_jt Π_{c ∈ C_j} f_jc(x_c),    |w_jt| = (head + rank_t(j))^−a
    f_jc(level) = Σ_m a_jcm √2 cos(π m (level + ½) / V)

C_j are codes of any groups, as many as the rule's order. f_jc are smooth, a random mixture of the first few
cosines over the V levels of a code, which are orthonormal: f_jc has mean 0 and variance 1 over the levels,
so that a rule of order 3 tells nothing to a model of order 2. Strengths fall as a power law: there is
always a next, weaker rule; the head keeps the first few from being most of the signal. Rules come in bundles
that read the same codes, which makes them quick to evaluate; the orders of the bundles follow a fixed cycle,
so that in every world an order has the same share of the signal at every strength.

Letters: J rules, S bundles, R rules of a bundle, V levels, M cosines, N events, L codes, T outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.synthetic.codes import CODES

RULES = 3_000
BUNDLE = 8
EXPONENT = 0.5
HEAD = 8
COSINES = 3
ORDERS = (2, 1, 2, 3, 2, 1, 2, 4)
"""Of the bundles in turn."""


@dataclass(frozen=True, kw_only=True)
class RulesOfOrder:
    """The rules of one order.

    Args:
        codes: (order, S) indices of the codes that the bundles read.
        starts: (order, S) rows of `factors` for level 0 of these codes.
        factors: (order · Σ V, R) what the R rules of a bundle make of a level, float32.
        weights: (T, S · R), float32.
    """

    codes: np.ndarray
    starts: np.ndarray
    factors: np.ndarray
    weights: np.ndarray

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        product_NSR = np.float32(1)
        for codes_S, starts_S in zip(self.codes, self.starts, strict=True):
            product_NSR = product_NSR * self.factors.take(codes_NL.take(codes_S, axis=1) + starts_S, axis=0)
        return weighted_sums(product_NSR.reshape(len(codes_NL), -1), self.weights)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A drawn function of this family: its rules, order by order."""

    orders: tuple[RulesOfOrder, ...]

    def outputs(self, codes_NL: np.ndarray) -> np.ndarray:
        """(N, T), float32."""
        return np.sum([rules.outputs(codes_NL) for rules in self.orders], axis=0)


def draw(generator: np.random.Generator, num_outputs: int) -> Rules:
    """A random function of this family."""
    orders = np.resize(ORDERS, RULES // BUNDLE)
    weights_SRT = power_law(generator, orders, num_outputs, head=HEAD)
    return Rules(
        orders=tuple(
            _draw_order(generator, order, weights_SRT[orders == order]) for order in sorted(set(ORDERS))
        )
    )


def _draw_order(generator: np.random.Generator, order: int, weights_SRT: np.ndarray) -> RulesOfOrder:
    bundles = len(weights_SRT)
    codes = np.stack([generator.choice(len(CODES), order, replace=False) for _ in range(bundles)], axis=1)
    factors = [_factors(generator, CODES[c].levels) for c in codes.ravel()]
    ends = np.cumsum([len(of_code) for of_code in factors])
    return RulesOfOrder(
        codes=codes,
        starts=(ends - [len(of_code) for of_code in factors]).reshape(codes.shape),
        factors=np.concatenate(factors),
        weights=np.ascontiguousarray(weights_SRT.reshape(bundles * BUNDLE, -1).T),
    )


def _factors(generator: np.random.Generator, levels: int) -> np.ndarray:
    """(V, R): for each rule of a bundle a function of mean 0 and variance 1."""
    frequency_M = np.arange(1, min(COSINES, levels - 1) + 1)
    cosines_VM = np.sqrt(2) * np.cos(np.pi * frequency_M * (np.arange(levels)[:, None] + 0.5) / levels)
    mixture_MR = generator.standard_normal((len(frequency_M), BUNDLE))
    mixture_MR /= np.sqrt((mixture_MR**2).sum(axis=0))
    return (cosines_VM[:, :, None] * mixture_MR).sum(axis=1).astype(np.float32)


def weighted_sums(terms_NJ: np.ndarray, weights_TJ: np.ndarray) -> np.ndarray:
    """(N, T), summed in an order that, unlike that of a matrix product, is the same on every machine."""
    return np.stack([(terms_NJ * weights_J).sum(axis=1) for weights_J in weights_TJ], axis=1)


def power_law(
    generator: np.random.Generator, kinds_S: np.ndarray, num_outputs: int, *, head: int = 0
) -> np.ndarray:
    """(S, R, T) weights of random sign, of strength (head + rank)^−`EXPONENT` over all S · R terms.

    The strongest terms are the first of each bundle, in the order of the bundles; for every output but the
    first, strengths are shuffled among the bundles of one kind.
    """
    rank_SR = np.arange(len(kinds_S))[:, None] + len(kinds_S) * np.arange(BUNDLE)
    bundle_TS = np.tile(np.arange(len(kinds_S)), (num_outputs, 1))
    for bundle_S in bundle_TS[1:]:
        for kind in np.unique(kinds_S):
            (members,) = np.nonzero(kinds_S == kind)
            bundle_S[members] = generator.permutation(members)
    strength_SRT = (1.0 + head + rank_SR[bundle_TS].transpose(1, 2, 0)) ** -EXPONENT
    return (strength_SRT * generator.choice((-1, 1), strength_SRT.shape)).astype(np.float32)
