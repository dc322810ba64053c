"""What is logged of the synthetic world, and the data set on disk.

Events are made in blocks of fixed size, each from a generator keyed by (seed, block): row i is the same
however many rows are asked for, in whatever pieces they are written, and memory does not grow with their
number.

All ids are known ones, in order of popularity or, where values are ordered, in theirs. Three columns have
gaps, in rows drawn at random: city and device (id 0) and category_minutes (NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.dataset import SPLITS, Dataset, DatasetWriter, Rows
from bench.errors import BadInput
from bench.schema import FIRST_ID, MISSING_ID, Field, Schema
from bench.synthetic import world as sizes
from bench.synthetic.events import HISTORY_LENGTH, Events, draw_events
from bench.synthetic.truth import Truth, calibrate, probability
from bench.synthetic.world import World, draw_world

REV = 1
BLOCK_ROWS = 8192
CALIBRATION_ROWS = 65_536
MISSING_SHARE = 0.02
AFFINITY_SHARE = 0.1  # of the variance of what is logged about it; a hint, so that taste has to be learned
AFFINITY_EDGES = np.linspace(-2, 2, 9)
MOST_AUTHOR_PLAYS = 3

# What a generator is for; with the seed and a block it decides all that is drawn from it.
_WORLD, _CALIBRATION, _EVENTS, _LOG = range(4)


def schema() -> Schema:
    """The fields of the synthetic world; the same for every seed and size."""
    item_rows = FIRST_ID + sizes.ITEMS
    category_rows = FIRST_ID + sizes.CATEGORIES
    return Schema(
        fields=(
            _ids("user", "user", sizes.USERS),
            _ids("age", "user", sizes.AGES),
            _ids("gender", "user", sizes.GENDERS),
            _ids("city", "user", sizes.CITIES),
            Field(name="activity", kind="numeric", group="user"),
            _ids("item", "item", sizes.ITEMS),
            _ids("author", "item", sizes.AUTHORS),
            _ids("category", "item", sizes.CATEGORIES),
            _ids("music", "item", sizes.MUSIC),
            Field(name="duration", kind="numeric", group="item"),
            Field(name="item_age", kind="numeric", group="item"),
            _ids("hour", "context", sizes.HOURS),
            _ids("device", "context", sizes.DEVICES),
            _ids("network", "context", sizes.NETWORKS),
            _ids("position", "context", sizes.POSITIONS),
            _ids("category_affinity", "cross", len(AFFINITY_EDGES) + 1),
            _ids("author_plays", "cross", MOST_AUTHOR_PLAYS + 1),
            Field(name="category_minutes", kind="numeric", group="cross"),
            _history("recent_items", "item", item_rows),
            _history("recent_categories", "category", category_rows),
        ),
        tasks=sizes.TASKS,
        user="user",
        time=True,
    )


def dataset_name(rows: int, seed: int) -> str:
    """Name of the data set of that size and seed."""
    return f"synthetic-{rows}-{seed}"


def synthesize(
    directory: Path, *, rows: int, seed: int, progress: Callable[[int], None] | None = None
) -> Dataset:
    """Writes the data set of that size and seed, and opens it.

    Rows are in the order of time: the first 80 % are for training, the next 10 % valid, the rest test.

    Args:
        directory: where the data set will stand; what is there is replaced at the end.
        rows: of all splits together, 10 or more.
        seed: decides the world and every row; 0 or more.
        progress: called after each block with the number of rows written so far.

    Raises:
        BadInput: too few rows or a negative seed.
    """
    if rows < 10:
        raise BadInput(f"rows is {rows}; it must be 10 or more, so that every split has some")
    if seed < 0:
        raise BadInput(f"seed is {seed}; it must be 0 or more")
    valid_start, test_start = rows * 8 // 10, rows * 9 // 10
    bounds = {"train": (0, valid_start), "valid": (valid_start, test_start), "test": (test_start, rows)}
    world = draw_world(_generator(seed, _WORLD))
    sample = draw_events(world, _generator(seed, _CALIBRATION), first=0, count=CALIBRATION_ROWS)
    truth = calibrate(world, sample)
    with DatasetWriter(
        directory,
        name=dataset_name(rows, seed),
        rev=REV,
        schema=schema(),
        rows={split: stop - start for split, (start, stop) in bounds.items()},
        source={"generator": "synthetic", "seed": seed, "rows": rows},
        probability=True,
    ) as writer:
        for first in range(0, rows, BLOCK_ROWS):
            block = _block(world, truth, seed, first // BLOCK_ROWS)
            for split in SPLITS:
                start, stop = (min(max(bound - first, 0), BLOCK_ROWS) for bound in bounds[split])
                writer.append(split, block.take(slice(start, stop)))
            if progress is not None:
                progress(min(first + BLOCK_ROWS, rows))
    return Dataset.open(directory)


def _generator(seed: int, purpose: int, block: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, block))))


def _block(world: World, truth: Truth, seed: int, block: int) -> Rows:
    """All `BLOCK_ROWS` rows of a block."""
    events = draw_events(world, _generator(seed, _EVENTS, block), first=block * BLOCK_ROWS, count=BLOCK_ROWS)
    return _log(world, events, probability(world, truth, events), _generator(seed, _LOG, block))


def _log(world: World, events: Events, chance_NK: np.ndarray, generator: np.random.Generator) -> Rows:
    user_ND = world.users.latent[events.user]
    category = world.items.category
    affinity = (user_ND * world.items.category_latent[category[events.item]]).sum(axis=1)
    affinity /= np.sqrt(sizes.LATENT_WIDTH)
    return Rows(
        categorical=_categorical(world, events, _with_noise(affinity, generator), generator),
        numeric=_numeric(world, events, _with_noise(affinity, generator), generator),
        sequences={
            "recent_items": _padded(events.history, events.is_history),
            "recent_categories": _padded(category[events.history], events.is_history),
        },
        label=_labels(chance_NK, generator),
        user=events.user.astype(np.int32),
        time=events.second,
        probability=chance_NK,
    )


def _categorical(
    world: World, events: Events, affinity: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    users, items = world.users, world.items
    author = items.author[events.item]
    played_author = (items.author[events.history] == author[:, None]) & events.is_history
    numbers = {
        "user": events.user,
        "age": users.age[events.user],
        "gender": users.gender[events.user],
        "city": users.city[events.user],
        "item": events.item,
        "author": author,
        "category": items.category[events.item],
        "music": items.music[events.item],
        "hour": events.hour,
        "device": events.device,
        "network": events.network,
        "position": events.position,
        "category_affinity": np.searchsorted(AFFINITY_EDGES, affinity),
        "author_plays": np.minimum(played_author.sum(axis=1), MOST_AUTHOR_PLAYS),
    }
    ids = {name: number + FIRST_ID for name, number in numbers.items()}
    for name in ("city", "device"):
        ids[name] = np.where(_is_missing(len(affinity), generator), MISSING_ID, ids[name])
    return np.stack([ids[field.name] for field in schema().of_kind("categorical")], axis=1).astype(np.int32)


def _numeric(
    world: World, events: Events, affinity: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    numbers = {
        "activity": events.activity,
        "duration": world.items.duration[events.item],
        "item_age": events.item_age,
        "category_minutes": np.where(_is_missing(len(affinity), generator), np.nan, affinity),
    }
    return np.stack([numbers[field.name] for field in schema().of_kind("numeric")], axis=1).astype(np.float32)


def _labels(chance_NK: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One uniform number decides both labels, from its two ends.

    Each keeps its own probability, and what was finished was not skipped wherever the two leave room for
    that.
    """
    draw = generator.random(len(chance_NK))
    return np.stack([draw < chance_NK[:, 0], 1 - draw <= chance_NK[:, 1]], axis=1).astype(np.uint8)


def _with_noise(affinity: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    noise = generator.standard_normal(len(affinity))
    return np.sqrt(AFFINITY_SHARE) * affinity + np.sqrt(1 - AFFINITY_SHARE) * noise


def _is_missing(count: int, generator: np.random.Generator) -> np.ndarray:
    return generator.random(count) < MISSING_SHARE


def _padded(numbers: np.ndarray, is_history: np.ndarray) -> np.ndarray:
    return np.where(is_history, numbers.astype(np.int32) + np.int32(FIRST_ID), np.int32(MISSING_ID))


def _ids(name: str, group: str, count: int) -> Field:
    return Field(name=name, kind="categorical", group=group, cardinality=FIRST_ID + count)


def _history(name: str, table: str, cardinality: int) -> Field:
    return Field(
        name=name,
        kind="sequence",
        group="sequence",
        cardinality=cardinality,
        max_length=HISTORY_LENGTH,
        table=table,
    )
