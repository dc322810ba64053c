"""Who is in the synthetic world: users, items and their attributes, each a function of seed and id.

Nothing is stored: a code or an attribute is hashed from the id when it is needed. An attribute reads one or
two codes and is quantised and noisy: values 0 … cardinality − 1 are spread over the levels of its codes,
unevenly, and for some ids it says something else. An id thus tells more than its attributes, but only to
who has seen it often.

Items: number = slot × CATEGORIES + category. The first slots of a category are its established items, in
order of popularity; newcomers follow in the order in which they appear, fast at first and ever more slowly.

Letters: N ids or events, L codes. A `row` is the number of a row, the time of this world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.data.synthetic.codes import AUTHOR_CODES, CATEGORY_CODES, ITEM_LEVELS, USER_LEVELS
from bench.data.synthetic.counter import integers, uniform, zipf

USERS = 20_000
ITEMS = 1_000_000
CATEGORIES = 50
SUBCATEGORIES = 10
"""Of each category."""
AUTHORS = 50_000

USER_EXPONENT = 0.5
"""Of the Zipf law of how often a user comes; of 2.75 million rows the last user still has about 70."""
CATEGORY_EXPONENT = 0.6
ITEM_EXPONENT = 0.8
AUTHOR_EXPONENT = 0.6

SLOTS = ITEMS // CATEGORIES
ESTABLISHED_SLOTS = SLOTS // 2
NEWCOMER_SHARE = 0.25
"""Of the events; the newest are shown most."""
BIRTH_ROWS = 4_000_000
"""In so many rows the share of the newcomers that are still to come falls to 1/e."""
ROWS_BEFORE = 500_000
"""The first newcomers appear so many rows before row 0."""
CODE_ROWS = 20_000_000
"""A code of a user lasts so many rows; then it is drawn anew, while the profile stays as it was."""
INHERITANCE = 0.9
"""Share of the items whose code is that of their category or author."""


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A noisy, quantised function of codes.

    Args:
        cardinality: number of values.
        codes: indices of the codes it reads, among those of its owner.
        noise: share of the ids for which it reads something random in their place.
    """

    name: str
    cardinality: int
    codes: tuple[int, ...]
    noise: float


USER_ATTRIBUTES = (
    Attribute(name="age", cardinality=8, codes=(0,), noise=0.03),
    Attribute(name="gender", cardinality=2, codes=(1,), noise=0.02),
    Attribute(name="city", cardinality=400, codes=(2, 3), noise=0.05),
    Attribute(name="occupation", cardinality=30, codes=(4,), noise=0.05),
    Attribute(name="income", cardinality=10, codes=(5,), noise=0.05),
    Attribute(name="education", cardinality=6, codes=(6,), noise=0.03),
    Attribute(name="language", cardinality=20, codes=(7,), noise=0.03),
    Attribute(name="device_model", cardinality=1_000, codes=(0, 5), noise=0.10),
    Attribute(name="interest_cluster", cardinality=200, codes=(1, 2), noise=0.05),
    Attribute(name="install_source", cardinality=16, codes=(3,), noise=0.05),
    Attribute(name="spend_level", cardinality=12, codes=(4, 6), noise=0.10),
)
ITEM_ATTRIBUTES = (
    Attribute(name="tag", cardinality=1_000, codes=(4, 5), noise=0.05),
    Attribute(name="second_tag", cardinality=600, codes=(6, 7), noise=0.05),
    Attribute(name="music", cardinality=20_000, codes=(5, 8), noise=0.10),
    Attribute(name="quality", cardinality=10, codes=(7,), noise=0.03),
    Attribute(name="format", cardinality=8, codes=(6,), noise=0.03),
    Attribute(name="length_class", cardinality=6, codes=(5,), noise=0.03),
    Attribute(name="item_language", cardinality=20, codes=(2,), noise=0.03),
    Attribute(name="region", cardinality=30, codes=(3,), noise=0.05),
    Attribute(name="style", cardinality=40, codes=(8,), noise=0.05),
)


def user_codes(seed: int, user: np.ndarray, row: np.ndarray) -> np.ndarray:
    """(L, N) levels of `user` at the time `row`."""
    starts = (CODE_ROWS * uniform(seed, f"user code {i} phase", user) for i in range(len(USER_LEVELS)))
    epochs = ((row + start).astype(np.int64) // CODE_ROWS for start in starts)
    return np.stack(
        [
            integers(levels, seed, f"user code {i}", user, epoch)
            for i, (levels, epoch) in enumerate(zip(USER_LEVELS, epochs, strict=True))
        ]
    )


def user_profile(seed: int, user: np.ndarray) -> dict[str, np.ndarray]:
    """Attribute → value: what users once said of themselves."""
    codes_LN = user_codes(seed, user, np.zeros_like(user))
    return {a.name: _attribute(seed, a, user, codes_LN, USER_LEVELS) for a in USER_ATTRIBUTES}


def users(seed: int, purpose: str, row: np.ndarray) -> np.ndarray:
    """The user of each row."""
    return zipf(USERS, USER_EXPONENT, uniform(seed, purpose, row))


def rows_between_visits(user: np.ndarray) -> np.ndarray:
    """How many rows go by, on average, from one of a user's to the next."""
    return (2 * np.sqrt(USERS * (user + 1.0))).astype(np.int64)


def favourite_categories(seed: int, user: np.ndarray) -> np.ndarray:
    """(3, N), the first being the most liked; two may be the same."""
    return np.stack(
        [
            zipf(CATEGORIES, CATEGORY_EXPONENT, uniform(seed, f"favourite category {i}", user))
            for i in range(3)
        ]
    )


def items_of(category: np.ndarray, row: np.ndarray, source: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """The items shown at the time `row`: established ones by popularity, newcomers by how new they are.

    Args:
        source: uniform, decides between the two.
        popularity: uniform, decides among them.
    """
    born = born_slots(row)
    is_newcomer = source < NEWCOMER_SHARE
    rank = zipf(np.where(is_newcomer, born, ESTABLISHED_SLOTS), ITEM_EXPONENT, popularity)
    slot = np.where(is_newcomer, ESTABLISHED_SLOTS + born - 1 - rank, rank)
    return slot * CATEGORIES + category


def born_slots(row: np.ndarray) -> np.ndarray:
    """How many newcomers each category has by then, 1 or more."""
    share = -np.expm1(-(row + ROWS_BEFORE) / BIRTH_ROWS)
    return np.clip((share * (SLOTS - ESTABLISHED_SLOTS)).astype(np.int64), 1, SLOTS - ESTABLISHED_SLOTS)


def birth_row(seed: int, item: np.ndarray) -> np.ndarray:
    """When an item appeared: established ones up to 30 million rows before row 0."""
    newcomer = item // CATEGORIES - ESTABLISHED_SLOTS
    share = np.clip(newcomer, 0, None) / (SLOTS - ESTABLISHED_SLOTS)
    long_ago = -ROWS_BEFORE - 30_000_000 * uniform(seed, "item birth", item)
    return np.where(newcomer >= 0, -BIRTH_ROWS * np.log1p(-share) - ROWS_BEFORE, long_ago)


def authors(seed: int, item: np.ndarray) -> np.ndarray:
    """The author of each item, who stays within one category."""
    rank = zipf(AUTHORS // CATEGORIES, AUTHOR_EXPONENT, uniform(seed, "author", item))
    return rank * CATEGORIES + item % CATEGORIES


def item_codes(seed: int, item: np.ndarray) -> np.ndarray:
    """(L, N) levels."""
    author = authors(seed, item)
    owner = {
        **dict.fromkeys(CATEGORY_CODES, ("category", item % CATEGORIES)),
        **dict.fromkeys(AUTHOR_CODES, ("author", author)),
    }
    codes = []
    for i, levels in enumerate(ITEM_LEVELS):
        own = integers(levels, seed, f"item code {i}", item)
        if i in owner:
            whose, number = owner[i]
            inherits = uniform(seed, f"item code {i} inheritance", item) < INHERITANCE
            own = np.where(inherits, integers(levels, seed, f"{whose} code {i}", number), own)
        codes.append(own)
    return np.stack(codes)


def item_attributes(seed: int, item: np.ndarray, codes_LN: np.ndarray) -> dict[str, np.ndarray]:
    """Attribute → value."""
    return {a.name: _attribute(seed, a, item, codes_LN, ITEM_LEVELS) for a in ITEM_ATTRIBUTES}


def subcategories(seed: int, item: np.ndarray, codes_LN: np.ndarray) -> np.ndarray:
    """The category, and within it what `SUBCATEGORIES` values can tell of code 4."""
    part = (codes_LN[4] + uniform(seed, "subcategory", item)) / ITEM_LEVELS[4]
    return item % CATEGORIES * SUBCATEGORIES + (part * SUBCATEGORIES).astype(np.int64)


def _attribute(
    seed: int, attribute: Attribute, ids: np.ndarray, codes_LN: np.ndarray, levels: tuple[int, ...]
) -> np.ndarray:
    cell, cells = np.zeros_like(ids), 1
    for code in attribute.codes:
        cell, cells = cell * levels[code] + codes_LN[code], cells * levels[code]
    is_noise = uniform(seed, f"{attribute.name} noise", ids) < attribute.noise
    cell = np.where(is_noise, integers(cells, seed, f"{attribute.name} cell", ids), cell)
    uneven = uniform(seed, f"{attribute.name} value", ids) ** 2  # the first value of a cell is the commonest
    return ((cell + uneven) * (attribute.cardinality / cells)).astype(np.int64)
