"""How likely an event ends in a finish or a skip: the hidden function that models try to learn.

    logit = intercept + scale · Σ weight · standardised term

    main effects        user, item and circumstances, each on its own; one term per task
    taste               <u, v>: what a user likes in an item, second order
    other taste         <u, v shifted by one dimension>: a second reading of the same latents, for skips
    mood                Σ u v c: taste that depends on hour and device, third order
    history             how many remembered items resemble this one, the latest counting most, saturating
    numbers             a duration that suits the user, freshness and activity, all saturating

Terms are standardised on a sample of events that is no part of the data set, so a weight says how much of the
spread of the logit its term makes; the intercept and the scale then give each task its base rate and spread.

Shapes: N events, H remembered, D latent dimensions, J terms, K tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from bench.synthetic.events import HISTORY_LENGTH, Events
from bench.synthetic.world import TASKS, World

BASE_RATES = (0.35, 0.25)
LOGIT_SPREADS = (1.55, 1.55)
RECENCY = 0.9 ** np.arange(HISTORY_LENGTH)

# One row per term, one column per task.
WEIGHTS = np.array(
    [
        [0.40, -0.20],  # main effects, finish
        [0.00, 0.40],  # main effects, skip
        [0.70, -0.60],  # taste
        [0.00, 0.25],  # other taste
        [0.30, -0.25],  # mood
        [0.30, -0.30],  # history
        [0.25, -0.20],  # numbers
    ]
)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The constants of the hidden function.

    Args:
        mean, std: (J,) of the terms.
        intercept, scale: (K,).
    """

    mean: np.ndarray
    std: np.ndarray
    intercept: np.ndarray
    scale: np.ndarray


def calibrate(world: World, events: Events) -> Truth:
    """The truth under which `events` have the intended base rates and spreads of the logit."""
    terms_NJ = _terms(world, events)
    mean, std = terms_NJ.mean(axis=0), terms_NJ.std(axis=0)
    sum_NK = (terms_NJ - mean) / std @ WEIGHTS
    scale = LOGIT_SPREADS / sum_NK.std(axis=0)
    intercept = [
        brentq(lambda shift, column=column, rate=rate: expit(column + shift).mean() - rate, -20, 20)
        for column, rate in zip((sum_NK * scale).T, BASE_RATES, strict=True)
    ]
    return Truth(mean=mean, std=std, intercept=np.array(intercept), scale=scale)


def probability(world: World, truth: Truth, events: Events) -> np.ndarray:
    """(N, K) float32 probabilities."""
    terms_NJ = (_terms(world, events) - truth.mean) / truth.std
    return expit(terms_NJ @ WEIGHTS * truth.scale + truth.intercept).astype(np.float32)


def _terms(world: World, events: Events) -> np.ndarray:
    user_ND = world.users.latent[events.user]
    item_ND = world.items.latent[events.item]
    context_ND = world.contexts.hour_latent[events.hour] + world.contexts.device_latent[events.device]
    liking_ND = user_ND * item_ND
    terms = [
        *_main_effects(world, events).T,
        liking_ND.sum(axis=1),
        (user_ND * np.roll(item_ND, 1, axis=1)).sum(axis=1),
        (liking_ND * context_ND).sum(axis=1),
        _history_match(world, events),
        _numbers(world, events),
    ]
    assert len(terms) == len(WEIGHTS)
    assert WEIGHTS.shape[1] == len(TASKS)
    return np.stack(terms, axis=1)


def _main_effects(world: World, events: Events) -> np.ndarray:
    contexts = world.contexts
    return (
        world.users.effect[events.user]
        + world.items.effect[events.item]
        + contexts.hour_effect[events.hour]
        + contexts.device_effect[events.device]
        + contexts.network_effect[events.network]
        + contexts.position_effect[events.position]
    )


def _history_match(world: World, events: Events) -> np.ndarray:
    direction = world.items.direction
    cosine_NH = np.einsum("nhd,nd->nh", direction[events.history], direction[events.item])
    resemblance_NH = np.maximum(cosine_NH, 0) ** 2 * events.is_history
    return np.log1p((resemblance_NH * RECENCY).sum(axis=1))


def _numbers(world: World, events: Events) -> np.ndarray:
    distance = world.items.duration[events.item] - world.users.favourite_duration[events.user]
    return np.exp(-(distance**2)) - np.tanh(events.item_age) + 0.5 * np.tanh(events.activity)
