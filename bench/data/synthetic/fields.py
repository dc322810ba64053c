"""What is logged of an event: the schema of the synthetic world, and its rows.

All ids are known ones. Three columns have gaps, in rows drawn at random: city and device (id 0) and
category_minutes (NaN). Affinities are logged twice, as a bucket and as a number, each with noise of its own.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from bench.data.dataset import Rows
from bench.data.schema import FIRST_ID, MISSING_ID, Field, Schema
from bench.data.synthetic import events as e
from bench.data.synthetic import population as p
from bench.data.synthetic.codes import ITEM_LEVELS, USER_LEVELS
from bench.data.synthetic.counter import normal, uniform

TASKS = ("finish", "skip")
ACTIVITY_LEVELS = 10
AFFINITIES = ("category", "author", "tag")
AFFINITY_BUCKETS = 16
NOISE = 0.02
"""Standard deviation of a logged bucket or number from the quantile in [0, 1) that it tells of."""
MISSING_SHARE = 0.02
MOST_PLAYS = 8
HISTORIES = {"recent_items": "item", "recent_categories": "category", "recent_authors": "author"}


def schema() -> Schema:
    """The fields of the synthetic world; the same for every family, seed and size."""
    users = [_ids("user", "user", p.USERS), *(_ids(a.name, "user", a.cardinality) for a in p.USER_ATTRIBUTES)]
    items = [
        _ids("item", "item", p.ITEMS),
        _ids("author", "item", p.AUTHORS),
        _ids("category", "item", p.CATEGORIES),
        _ids("subcategory", "item", p.CATEGORIES * p.SUBCATEGORIES),
        *(_ids(a.name, "item", a.cardinality) for a in p.ITEM_ATTRIBUTES),
    ]
    sizes = {field.name: field.cardinality for field in items}
    return Schema(
        fields=(
            *users,
            _ids("activity_level", "user", ACTIVITY_LEVELS),
            _numbers("activity", "user"),
            _numbers("followers", "user"),
            *items,
            _numbers("duration", "item"),
            _ids("item_age_level", "item", len(e.AGE_EDGES) + 1),
            _numbers("item_age", "item"),
            _ids("hour", "context", e.HOURS),
            _ids("weekday", "context", e.WEEKDAYS),
            _ids("network", "context", e.NETWORKS),
            _ids("position", "context", e.POSITIONS),
            _ids("device", "context", e.DEVICES),
            _ids("tab", "context", e.TABS),
            _ids("app_version", "context", e.APP_VERSIONS),
            *(_ids(f"{of}_affinity", "cross", AFFINITY_BUCKETS) for of in AFFINITIES),
            *(_numbers(f"{of}_minutes", "cross") for of in AFFINITIES),
            *(_ids(f"{of}_plays", "cross", MOST_PLAYS + 1) for of in ("category", "author")),
            *(
                Field(
                    name=name,
                    kind="sequence",
                    group="sequence",
                    cardinality=sizes[table],
                    max_length=e.HISTORY_LENGTH,
                    table=table,
                )
                for name, table in HISTORIES.items()
            ),
        ),
        tasks=TASKS,
        user="user",
        time=True,
    )


def log(seed: int, events: e.Events, probability_NK: np.ndarray) -> Rows:
    """The rows of some events, with labels drawn from their probabilities."""
    history = {
        "recent_items": events.history,
        "recent_categories": events.history % p.CATEGORIES,
        "recent_authors": p.authors(seed, events.history),
    }
    sequences = {
        name: np.where(events.is_history, history[name] + FIRST_ID, MISSING_ID).astype(np.int32)
        for name in HISTORIES
    }
    return Rows(
        categorical=_categorical(seed, events, history),
        numeric=_numeric(seed, events),
        sequences=sequences,
        label=_labels(seed, events.row, probability_NK),
        user=events.user.astype(np.int32),
        time=e.FIRST_SECOND + events.row,
        probability=probability_NK,
    )


def _categorical(seed: int, events: e.Events, history: dict[str, np.ndarray]) -> np.ndarray:
    category = events.item % p.CATEGORIES
    numbers = {
        "user": events.user,
        **events.profile,
        "activity_level": _bucket(seed, "activity_level", events.row, events.activity, ACTIVITY_LEVELS),
        "item": events.item,
        "author": events.author,
        "category": category,
        "item_age_level": events.code("freshness"),
        **events.attributes,
        **events.circumstances,
        **{
            name: _bucket(seed, name, events.row, affinity, AFFINITY_BUCKETS)
            for name, affinity in events.affinities.items()
        },
        "category_plays": _plays(history["recent_categories"], category, events.is_history),
        "author_plays": _plays(history["recent_authors"], events.author, events.is_history),
    }
    fields = schema().of_kind("categorical")
    ids = np.empty((len(events), len(fields)), np.int32)
    for i, field in enumerate(fields):
        ids[:, i] = numbers[field.name] + FIRST_ID
        if field.name in ("city", "device"):
            ids[_is_missing(seed, field.name, events.row), i] = MISSING_ID
    return ids


def _numeric(seed: int, events: e.Events) -> np.ndarray:
    numbers = {
        "activity": _number(seed, "activity", events.row, events.activity),
        "followers": _number(seed, "followers", events.user, (events.code("user_3") + 0.5) / USER_LEVELS[3]),
        "duration": _number(seed, "duration", events.item, (events.code("item_5") + 0.5) / ITEM_LEVELS[5]),
        "item_age": (np.log10(events.age_rows + 1_000) - 6) / 1.2,
        **{
            f"{of}_minutes": _number(seed, f"{of}_minutes", events.row, events.affinities[f"{of}_affinity"])
            for of in AFFINITIES
        },
    }
    numbers["category_minutes"][_is_missing(seed, "category_minutes", events.row)] = np.nan
    return np.stack([numbers[field.name] for field in schema().of_kind("numeric")], axis=1).astype(np.float32)


def _labels(seed: int, row: np.ndarray, probability_NK: np.ndarray) -> np.ndarray:
    """One uniform number decides both labels, from its two ends.

    Each keeps its own probability, and what was finished was not skipped wherever the two leave room.
    """
    draw = uniform(seed, "label", row)
    return np.stack([draw < probability_NK[:, 0], 1 - draw <= probability_NK[:, 1]], axis=1).astype(np.uint8)


def _noisy(seed: int, name: str, counter: np.ndarray, quantile: np.ndarray) -> np.ndarray:
    """`quantile` with noise, still inside (0, 1)."""
    return np.clip(quantile + NOISE * normal(seed, f"{name} noise", counter), 0.001, 0.999)


def _number(seed: int, name: str, counter: np.ndarray, quantile: np.ndarray) -> np.ndarray:
    """Of about the standard normal distribution."""
    return ndtri(_noisy(seed, name, counter, quantile))


def _bucket(seed: int, name: str, row: np.ndarray, quantile: np.ndarray, buckets: int) -> np.ndarray:
    return (_noisy(seed, name, row, quantile) * buckets).astype(np.int64)


def _plays(history: np.ndarray, now: np.ndarray, is_history: np.ndarray) -> np.ndarray:
    return np.minimum(((history == now[:, None]) & is_history).sum(axis=1), MOST_PLAYS)


def _is_missing(seed: int, name: str, row: np.ndarray) -> np.ndarray:
    return uniform(seed, f"{name} missing", row) < MISSING_SHARE


def _ids(name: str, group: str, count: int) -> Field:
    return Field(name=name, kind="categorical", group=group, cardinality=FIRST_ID + count)


def _numbers(name: str, group: str) -> Field:
    return Field(name=name, kind="numeric", group=group)
