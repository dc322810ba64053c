"""What happens in the synthetic world: who is shown what, when, where, and after which history.

Every user has a clock that ticks about as often as he comes. At each tick he watched something, and the last
`HISTORY_LENGTH` ticks, or fewer, are his history: it slides from one row of his to the next. What is
recommended often follows the last tick's category, else his interests, else popularity; so a history tells
something that the user alone does not. It is not made of earlier rows, so that a row needs no other row to
be made.

Letters: N events, H ticks of a history, L codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.synthetic import population as p
from bench.data.synthetic.codes import CODES
from bench.data.synthetic.counter import integers, uniform, zipf

HISTORY_LENGTH = 16
FIRST_SECOND = 1_735_689_600
"""2025-01-01, UTC; then one row a second."""
HOURS, WEEKDAYS, NETWORKS, POSITIONS, DEVICES, TABS = 24, 7, 5, 30, 12, 6
APP_VERSIONS = 60
ROWS_PER_APP_VERSION = 250_000

FROM_LAST_CATEGORY = 0.30
FROM_INTERESTS = 0.45
INTERESTS = (0.4, 0.2, 0.15)
"""Shares of the three favourite categories in a user's interests; the rest is what is popular."""
USUAL_DEVICE = 0.85
AGE_EDGES = (30_000, 300_000, 1_500_000, 6_000_000, 15_000_000)
"""Between the levels of freshness, in rows since an item appeared."""
FAVOURITE_BONUS = 0.5
"""How far a favourite category closes the gap to the highest affinity."""


@dataclass(frozen=True, kw_only=True)
class Events:
    """N events.

    Args:
        row, user, item, author: (N,) numbers.
        circumstances: field → (N,) number, of the fields of the context.
        profile, attributes: field → (N,) value, of the user and of the item.
        affinities: field → (N,) quantile in [0, 1) of how much the user likes the category, author and tag.
        activity: (N,) quantile of the user.
        age_rows: (N,) of the item.
        history: (N, H) items, the latest first; `is_history` (N, H) says which of them count.
        codes: (N, L) levels, in the order of `codes.CODES`.
    """

    row: np.ndarray
    user: np.ndarray
    item: np.ndarray
    author: np.ndarray
    circumstances: dict[str, np.ndarray]
    profile: dict[str, np.ndarray]
    attributes: dict[str, np.ndarray]
    affinities: dict[str, np.ndarray]
    activity: np.ndarray
    age_rows: np.ndarray
    history: np.ndarray
    is_history: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def code(self, name: str) -> np.ndarray:
        """(N,) levels of the code called `name`."""
        return self.codes[:, [code.name for code in CODES].index(name)]


def draw_events(seed: int, row: np.ndarray, *, stream: str = "row") -> Events:
    """The events of some row numbers. Another `stream` has other events at the same times."""
    user = p.users(seed, f"{stream} user", row)
    history, is_history = _history(seed, stream, user, row)
    item = _recommended(seed, stream, user, row, history[:, 0] % p.CATEGORIES)
    author = p.authors(seed, item)
    circumstances = _circumstances(seed, stream, user, row)
    item_codes_LN = p.item_codes(seed, item)
    attributes = p.item_attributes(seed, item, item_codes_LN)
    attributes["subcategory"] = p.subcategories(seed, item, item_codes_LN)
    affinities = _affinities(seed, user, item % p.CATEGORIES, author, attributes["tag"])
    activity = uniform(seed, "activity", user)
    age_rows = row - p.birth_row(seed, item)
    levels = {
        **{f"user_{i}": code for i, code in enumerate(p.user_codes(seed, user, row))},
        **{f"item_{i}": code for i, code in enumerate(item_codes_LN)},
        "daypart": circumstances["hour"] // 3,
        "network": circumstances["network"],
        "depth": np.minimum(circumstances["position"] // 2, 5),
        "device": circumstances["device"],
        "tab": circumstances["tab"],
        "activity": (activity * 5).astype(np.int64),
        "freshness": np.searchsorted(AGE_EDGES, age_rows),
        **{name: (quantile * 8).astype(np.int64) for name, quantile in affinities.items()},
        **_history_levels(seed, history, is_history, item % p.CATEGORIES),
    }
    return Events(
        row=row,
        user=user,
        item=item,
        author=author,
        circumstances=circumstances,
        profile=p.user_profile(seed, user),
        attributes=attributes,
        affinities=affinities,
        activity=activity,
        age_rows=age_rows,
        history=history,
        is_history=is_history,
        codes=np.stack([levels[code.name] for code in CODES], axis=1),
    )


def _history(seed: int, stream: str, user: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, H) items, and (N, H) which of them count."""
    between = p.rows_between_visits(user)
    phase = (between * uniform(seed, "clock phase", user)).astype(np.int64)
    tick_NH = ((row + phase) // between)[:, None] - np.arange(HISTORY_LENGTH)
    user_NH = np.broadcast_to(user[:, None], tick_NH.shape)
    category_NH = _interest(
        seed,
        user_NH,
        uniform(seed, "tick interest", user_NH, tick_NH),
        uniform(seed, "tick popular", user_NH, tick_NH),
    )
    item_NH = p.items_of(
        category_NH,
        tick_NH * between[:, None] - phase[:, None],
        uniform(seed, "tick source", user_NH, tick_NH),
        uniform(seed, "tick item", user_NH, tick_NH),
    )
    memory = 1.6 * uniform(seed, "memory", user) + 0.3 * uniform(seed, f"{stream} memory", row) - 0.3
    return item_NH, np.arange(HISTORY_LENGTH) < (memory * HISTORY_LENGTH)[:, None]


def _interest(seed: int, user: np.ndarray, pick: np.ndarray, popular: np.ndarray) -> np.ndarray:
    """A category out of the user's interests, chosen by two uniform numbers."""
    first, second, third = p.favourite_categories(seed, user)
    bounds = np.cumsum(INTERESTS)
    return np.select(
        [pick < bound for bound in bounds],
        [first, second, third],
        zipf(p.CATEGORIES, p.CATEGORY_EXPONENT, popular),
    )


def _recommended(
    seed: int, stream: str, user: np.ndarray, row: np.ndarray, last_category: np.ndarray
) -> np.ndarray:
    def draw(what: str) -> np.ndarray:
        return uniform(seed, f"{stream} {what}", row)

    source, popular = draw("category source"), draw("popular category")
    category = np.select(
        [source < FROM_LAST_CATEGORY, source < FROM_LAST_CATEGORY + FROM_INTERESTS],
        [last_category, _interest(seed, user, draw("interest"), popular)],
        zipf(p.CATEGORIES, p.CATEGORY_EXPONENT, popular),
    )
    return p.items_of(category, row, draw("item source"), draw("item"))


def _circumstances(seed: int, stream: str, user: np.ndarray, row: np.ndarray) -> dict[str, np.ndarray]:
    second = FIRST_SECOND + row + 3600 * integers(HOURS, seed, "time zone", user)
    usual = zipf(DEVICES, 0.7, uniform(seed, "usual device", user))
    other = integers(DEVICES, seed, f"{stream} other device", row)
    versions = row // ROWS_PER_APP_VERSION + 20 - zipf(20, 1.5, uniform(seed, f"{stream} app version", row))
    return {
        "hour": second // 3600 % HOURS,
        "weekday": second // 86_400 % WEEKDAYS,
        "network": zipf(NETWORKS, 0.8, uniform(seed, f"{stream} network", row)),
        "position": zipf(POSITIONS, 0.5, uniform(seed, f"{stream} position", row)),
        "device": np.where(uniform(seed, f"{stream} device", row) < USUAL_DEVICE, usual, other),
        "tab": zipf(TABS, 0.8, uniform(seed, f"{stream} tab", row)),
        "app_version": versions % APP_VERSIONS,
    }


def _affinities(
    seed: int, user: np.ndarray, category: np.ndarray, author: np.ndarray, tag: np.ndarray
) -> dict[str, np.ndarray]:
    to_category = uniform(seed, "category affinity", user, category)
    is_favourite = (p.favourite_categories(seed, user) == category).any(axis=0)
    return {
        "category_affinity": np.where(is_favourite, 1 - (1 - to_category) * FAVOURITE_BONUS, to_category),
        "author_affinity": uniform(seed, "author affinity", user, author),
        "tag_affinity": uniform(seed, "tag affinity", user, tag),
    }


def _history_levels(
    seed: int, history: np.ndarray, is_history: np.ndarray, category: np.ndarray
) -> dict[str, np.ndarray]:
    """How often the category was watched of late; and what the watched categories have in common."""
    categories = history % p.CATEGORIES
    same = ((categories == category[:, None]) & is_history).sum(axis=1)
    moods = uniform(seed, "mood", np.arange(p.CATEGORIES))
    mood = (moods[categories] * is_history).sum(axis=1) / np.maximum(is_history.sum(axis=1), 1)
    return {
        "history_match": np.minimum(same, 4),
        "history_mood": np.searchsorted([0.3, 0.4, 0.5, 0.6, 0.7], mood),
    }
