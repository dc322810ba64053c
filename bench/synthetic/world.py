"""Who is in the synthetic world: users, items and contexts, drawn once from the seed.

Users and items are numbered from 0 in order of popularity, their attributes roughly so. A latent is a hidden
taste of unit variance per dimension; an effect is what someone or something adds to the logit of each task on
its own. Both are blends of what is private to a user or item and what it shares with others (age, city,
category, author), so that a model learns something of rare ids from their attributes.

Shapes: U users, I items, C categories, A authors, D latent dimensions, K tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TASKS = ("finish", "skip")
LATENT_WIDTH = 4

USERS = 20_000
AGES = 8
GENDERS = 2
CITIES = 100
ITEMS = 10_000
AUTHORS = 2_000
CATEGORIES = 50
MUSIC = 500
HOURS = 24
DEVICES = 12
NETWORKS = 4
POSITIONS = 20

ANY_CATEGORY = CATEGORIES
"""Stands for all categories together, where an item is chosen by its popularity alone."""
INTEREST_SLOTS = (26, 13, 9, 16)
"""Of 64 equally likely interests: those in a user's first, second and third favourite, and in anything."""
QUANTILES = 1 << 16
"""Equal slices of popularity that an item is drawn by."""


@dataclass(frozen=True, kw_only=True)
class Users:
    """One row per user.

    Args:
        cumulative_share: (U,) of the events, up to and with this user.
        age, gender, city, device: (U,) numbers; the device is the one used mostly.
        time_zone: (U,) hours.
        interests: (U, 64) categories or `ANY_CATEGORY`, equally likely.
        history_mean: (U,) events remembered on average.
        activity, favourite_duration: (U,), unit variance.
        latent: (U, D).
        effect: (U, K).
    """

    cumulative_share: np.ndarray
    age: np.ndarray
    gender: np.ndarray
    city: np.ndarray
    device: np.ndarray
    time_zone: np.ndarray
    interests: np.ndarray
    history_mean: np.ndarray
    activity: np.ndarray
    favourite_duration: np.ndarray
    latent: np.ndarray
    effect: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Items:
    """One row per item.

    Args:
        author, category, music: (I,) numbers; an author stays within one category.
        by_popularity: (C + 1, QUANTILES) item at each slice of popularity, within a category or in all.
        duration, age: (I,), unit variance; the age is an average that events vary.
        latent: (I, D), and `direction`, the same with length 1.
        effect: (I, K).
        category_latent: (C, D).
    """

    author: np.ndarray
    category: np.ndarray
    music: np.ndarray
    by_popularity: np.ndarray
    duration: np.ndarray
    age: np.ndarray
    latent: np.ndarray
    direction: np.ndarray
    effect: np.ndarray
    category_latent: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """What hour and device do to taste, (…, D), and what each circumstance does by itself, (…, K)."""

    hour_latent: np.ndarray
    device_latent: np.ndarray
    hour_effect: np.ndarray
    device_effect: np.ndarray
    network_effect: np.ndarray
    position_effect: np.ndarray


@dataclass(frozen=True, kw_only=True)
class World:
    """All that is fixed before the first event."""

    users: Users
    items: Items
    contexts: Contexts


def draw_world(generator: np.random.Generator) -> World:
    """The world of a generator's state."""
    category_latent = generator.standard_normal((CATEGORIES, LATENT_WIDTH))
    return World(
        users=_draw_users(generator, category_latent),
        items=_draw_items(generator, category_latent),
        contexts=_draw_contexts(generator),
    )


def zipf_shares(count: int, exponent: float) -> np.ndarray:
    """(count,) shares that fall with the rank to the power of -`exponent` and sum to 1."""
    weights = np.arange(1.0, count + 1) ** -exponent
    return weights / weights.sum()


def _draw_users(generator: np.random.Generator, category_latent: np.ndarray) -> Users:
    shares = zipf_shares(USERS, 0.6)
    age = generator.choice(AGES, USERS, p=zipf_shares(AGES, 0.5))
    gender = generator.integers(0, GENDERS, USERS)
    city = generator.choice(CITIES, USERS, p=zipf_shares(CITIES, 0.8))
    favourites = generator.choice(CATEGORIES, (USERS, 3), p=zipf_shares(CATEGORIES, 0.5))
    interests = np.pad(favourites, ((0, 0), (0, 1)), constant_values=ANY_CATEGORY).astype(np.int8)
    taste = _blend(
        (0.40, category_latent[favourites[:, 0]]),
        (0.20, category_latent[favourites[:, 1]]),
        (0.15, category_latent[favourites[:, 2]]),
        (0.25, generator.standard_normal((USERS, LATENT_WIDTH))),
    )
    activity = generator.standard_normal(USERS)

    def blend_with_attributes(rest: np.ndarray) -> np.ndarray:
        width = rest.shape[1]
        return _blend(
            (0.45, generator.standard_normal((AGES, width))[age]),
            (0.25, generator.standard_normal((GENDERS, width))[gender]),
            (0.15, generator.standard_normal((CITIES, width))[city]),
            (0.15, rest),
        )

    return Users(
        cumulative_share=np.cumsum(shares),
        age=age,
        gender=gender,
        city=city,
        device=generator.choice(DEVICES, USERS, p=zipf_shares(DEVICES, 1)),
        time_zone=generator.integers(0, HOURS, CITIES)[city],
        interests=np.repeat(interests, INTEREST_SLOTS, axis=1),
        history_mean=np.exp(2.3 + 0.5 * activity),
        activity=activity,
        favourite_duration=_blend(
            (0.6, generator.standard_normal(AGES)[age]), (0.4, generator.standard_normal(USERS))
        ),
        latent=_centred(blend_with_attributes(taste), shares),
        effect=blend_with_attributes(generator.standard_normal((USERS, len(TASKS)))),
    )


def _draw_items(generator: np.random.Generator, category_latent: np.ndarray) -> Items:
    shares = zipf_shares(ITEMS, 0.8)
    # The first authors and items cover every category and author once, so that none stays empty.
    some_categories = generator.choice(CATEGORIES, AUTHORS - CATEGORIES, p=zipf_shares(CATEGORIES, 0.5))
    author_category = np.concatenate([np.arange(CATEGORIES), some_categories])
    some_authors = generator.choice(AUTHORS, ITEMS - AUTHORS, p=zipf_shares(AUTHORS, 0.6))
    author = generator.permutation(np.concatenate([np.arange(AUTHORS), some_authors]))
    category = author_category[author]
    music = generator.choice(MUSIC, ITEMS, p=zipf_shares(MUSIC, 0.8))
    blended = _blend(
        (0.75, category_latent[category]),
        (0.15, generator.standard_normal((AUTHORS, LATENT_WIDTH))[author]),
        (0.10, generator.standard_normal((ITEMS, LATENT_WIDTH))),
    )
    latent = _centred(blended, shares)
    effect = _blend(
        (0.45, generator.standard_normal((CATEGORIES, len(TASKS)))[category]),
        (0.20, generator.standard_normal((AUTHORS, len(TASKS)))[author]),
        (0.20, generator.standard_normal((MUSIC, len(TASKS)))[music]),
        (0.15, generator.standard_normal((ITEMS, len(TASKS)))),
    )
    return Items(
        author=author,
        category=category,
        music=music,
        by_popularity=_items_by_popularity(category, shares),
        duration=_blend(
            (0.5, generator.standard_normal(CATEGORIES)[category]), (0.5, generator.standard_normal(ITEMS))
        ),
        age=generator.standard_normal(ITEMS),
        latent=latent,
        direction=latent / np.linalg.norm(latent, axis=1, keepdims=True),
        effect=effect,
        category_latent=category_latent,
    )


def _items_by_popularity(category: np.ndarray, shares: np.ndarray) -> np.ndarray:
    slices = (np.arange(QUANTILES) + 0.5) / QUANTILES
    table = np.empty((CATEGORIES + 1, QUANTILES), np.int16)
    for row in range(CATEGORIES + 1):
        members = np.arange(ITEMS) if row == ANY_CATEGORY else np.flatnonzero(category == row)
        cumulative = np.cumsum(shares[members])
        table[row] = members[np.searchsorted(cumulative, slices * cumulative[-1])]
    return table


def _draw_contexts(generator: np.random.Generator) -> Contexts:
    depth = np.log1p(np.arange(POSITIONS))[:, None]
    return Contexts(
        hour_latent=_centred(generator.standard_normal((HOURS, LATENT_WIDTH)), zipf_shares(HOURS, 0)),
        device_latent=_centred(generator.standard_normal((DEVICES, LATENT_WIDTH)), zipf_shares(DEVICES, 1)),
        hour_effect=0.5 * generator.standard_normal((HOURS, len(TASKS))),
        device_effect=0.3 * generator.standard_normal((DEVICES, len(TASKS))),
        network_effect=0.3 * generator.standard_normal((NETWORKS, len(TASKS))),
        position_effect=depth * (-0.25, 0.35),
    )


def _blend(*parts: tuple[float, np.ndarray]) -> np.ndarray:
    """A sum of independent parts of unit variance in which each has its share of the variance."""
    return np.sum([np.sqrt(share) * part for share, part in parts], axis=0)


def _centred(latent: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """`latent` with mean 0 over events, so that products of latents are interactions and little else."""
    return latent - (latent * shares[:, None]).sum(axis=0)
