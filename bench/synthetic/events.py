"""What happens in the synthetic world: blocks of events, each drawn from a generator of its own.

A session has a topic, one of the user's interests. It shows in part of the history and in part of what is
recommended next, so that the history tells something about an event that the user alone does not. Histories
are drawn from the user's interests rather than from the rows before: an event then needs no other event to be
made.

Shapes: N events of a block, H events remembered, D latent dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.synthetic.world import (
    ANY_CATEGORY,
    DEVICES,
    HOURS,
    NETWORKS,
    POSITIONS,
    QUANTILES,
    World,
    zipf_shares,
)

HISTORY_LENGTH = 16
SECONDS_PER_EVENT = 1
FIRST_SECOND = 1_735_689_600  # 2025-01-01, UTC

# Where a category comes from: the topic of the session, an interest of the user, or (what is recommended
# only) any.
HISTORY_FROM_TOPIC = 0.4
ITEM_FROM_TOPIC = 0.3
ITEM_FROM_INTEREST = 0.4
USUAL_DEVICE = 0.8


@dataclass(frozen=True, kw_only=True)
class Events:
    """N events, numbered as in `world`.

    Args:
        second: (N,) Unix time.
        user, item, hour, device, network, position: (N,) numbers.
        history: (N, H) items, the latest first; `is_history` (N, H) says which of them count.
        item_age, activity: (N,), unit variance, of this item and user at this time.
    """

    second: np.ndarray
    user: np.ndarray
    item: np.ndarray
    hour: np.ndarray
    device: np.ndarray
    network: np.ndarray
    position: np.ndarray
    history: np.ndarray
    is_history: np.ndarray
    item_age: np.ndarray
    activity: np.ndarray


def draw_events(world: World, generator: np.random.Generator, *, first: int, count: int) -> Events:
    """Events `first` to `first + count`, all of them drawn from `generator`."""
    users, items = world.users, world.items
    second = FIRST_SECOND + SECONDS_PER_EVENT * np.arange(first, first + count)
    user = np.searchsorted(users.cumulative_share, generator.random(count) * users.cumulative_share[-1])
    topic = _interests(world, generator, user)
    item = _popular_items(world, generator, _recommended_category(world, generator, user, topic))

    past_users = np.broadcast_to(user[:, None], (count, HISTORY_LENGTH))
    from_topic = generator.random(past_users.shape, np.float32) < HISTORY_FROM_TOPIC
    past_category = np.where(from_topic, topic[:, None], _interests(world, generator, past_users))
    remembered = generator.poisson(users.history_mean[user])

    usual = generator.random(count) < USUAL_DEVICE
    return Events(
        second=second,
        user=user,
        item=item,
        hour=(second // 3600 + users.time_zone[user]) % HOURS,
        device=np.where(usual, users.device[user], generator.integers(0, DEVICES, count)),
        network=generator.choice(NETWORKS, count, p=zipf_shares(NETWORKS, 1.0)),
        position=np.minimum(generator.geometric(0.15, count), POSITIONS) - 1,
        history=_popular_items(world, generator, past_category),
        is_history=np.arange(HISTORY_LENGTH) < remembered[:, None],
        item_age=0.6 * items.age[item] + 0.8 * generator.standard_normal(count),
        activity=0.95 * users.activity[user] + 0.31 * generator.standard_normal(count),
    )


def _recommended_category(
    world: World, generator: np.random.Generator, user: np.ndarray, topic: np.ndarray
) -> np.ndarray:
    source = generator.random(len(user))
    interest = _interests(world, generator, user)
    category = np.where(source < ITEM_FROM_TOPIC + ITEM_FROM_INTEREST, interest, ANY_CATEGORY)
    return np.where(source < ITEM_FROM_TOPIC, topic, category)


def _interests(world: World, generator: np.random.Generator, user: np.ndarray) -> np.ndarray:
    slots = world.users.interests.shape[1]
    return world.users.interests[user, generator.integers(0, slots, user.shape, np.uint8)]


def _popular_items(world: World, generator: np.random.Generator, category: np.ndarray) -> np.ndarray:
    table = world.items.by_popularity
    return table[category, generator.integers(0, QUANTILES, category.shape, np.uint16)]
