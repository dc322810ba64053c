"""From the text of a categorical value to its id.

While the file is read a value gets a *provisional* id: 0 for a missing one (`MISSING_ID`), else one of 1, 2,
… that nobody has yet. What is frequent is not known before the last row, so final ids come later, from a
table over the provisional ones. Columns that hold ids already, and hashed ones, get the final ones at once.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from bench.data.importing.columns import FieldPlan
from bench.data.importing.plan import ImportPlan
from bench.data.schema import FIRST_ID, MISSING_ID, UNKNOWN_ID
from bench.data.splitmix import INCREMENT, mix
from bench.errors import BadInput

NOT_AN_ID = -1
"""Marks a cell that should hold an id and does not."""


class Dictionary:
    """Every value met so far with its provisional id; grows with the values. Threads may share it."""

    def __init__(self) -> None:
        self._dtype = pl.Categorical(pl.Categories.random("rankbench"))
        self._keep_alive = pl.Series([], dtype=self._dtype)  # polars drops categories that no series uses

    def encode(self, text: pl.Series) -> np.ndarray:
        """Provisional ids (int32); values not met before are added."""
        places = text.cast(self._dtype).to_physical().cast(pl.Int32)
        return (places + 1).fill_null(MISSING_ID).to_numpy()

    def values(self) -> pl.Series:
        """The values in the order of their provisional ids, the first of which is 1."""
        places = pl.Series(np.arange(len(self) - 1, dtype=np.uint32))
        return places.cat.to(self._dtype).cast(pl.String)

    def __len__(self) -> int:
        """Provisional ids given, the missing one included."""
        given = self._dtype.categories
        return 1 + bisect.bisect_left(range(2**32), True, key=lambda place: place not in given)


@dataclass(frozen=True, kw_only=True)
class GivenIds:
    """Cells that are ids 0 … cardinality − 1 already; stored shifted by `FIRST_ID`."""

    cardinality: int

    def encode(self, text: pl.Series) -> np.ndarray:
        """Final ids (int32); `NOT_AN_ID` where the text is no allowed id."""
        given = text.cast(pl.Int64, strict=False)
        allowed = given.is_between(0, self.cardinality - 1).fill_null(False)
        final = np.where(allowed.to_numpy(), given.fill_null(0).to_numpy() + FIRST_ID, NOT_AN_ID)
        return np.where(text.is_null().to_numpy(), MISSING_ID, final).astype(np.int32)


@dataclass(frozen=True, kw_only=True)
class Hashed:
    """Hashes of the text, `buckets` of them, stored shifted by `FIRST_ID`."""

    buckets: int

    def encode(self, text: pl.Series) -> np.ndarray:
        """Final ids (int32): the same for the same text on every machine and in every version."""
        final = (hash_text(text) % np.uint64(self.buckets)).astype(np.int32) + FIRST_ID
        return np.where(text.is_null().to_numpy(), MISSING_ID, final).astype(np.int32)


class Known:
    """The values of a vocabulary, with their final ids; every other value is unknown. Threads may share it.

    Args:
        vocabulary: `Vocabulary.known`.
    """

    def __init__(self, vocabulary: pl.DataFrame) -> None:
        self._dictionary = Dictionary()
        provisional = self._dictionary.encode(vocabulary["value"])
        self._final = np.full(len(self._dictionary), UNKNOWN_ID, dtype=np.int32)
        self._final[provisional] = vocabulary["id"].to_numpy()
        self._final[MISSING_ID] = MISSING_ID

    def encode(self, text: pl.Series) -> np.ndarray:
        """Final ids (int32)."""
        provisional = self._dictionary.encode(
            text
        )  # a value that is not in the vocabulary gets one beyond it
        known = provisional < len(self._final)
        return np.where(known, self._final[np.where(known, provisional, 0)], UNKNOWN_ID).astype(np.int32)


Ids = Dictionary | GivenIds | Hashed | Known


def hash_text(text: pl.Series) -> np.ndarray:
    """64-bit hashes (uint64) of UTF-8 bytes b_0 … b_n: Σ (b_i + 1) · p^(i+1) mod 2^64, mixed."""
    array = text.fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    if bounds[0] == bounds[-1]:
        return np.zeros(len(array), np.uint64)
    letters = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].astype(np.uint64) + np.uint64(1)
    bounds = bounds - bounds[0]
    lengths = np.diff(bounds)
    powers = np.cumprod(np.full(lengths.max(), INCREMENT))
    place = np.arange(len(letters)) - np.repeat(bounds[:-1], lengths)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(letters * powers[place], dtype=np.uint64)])
    return mix(sums[bounds[1:]] - sums[bounds[:-1]])


def ids_of_fields(plan: ImportPlan, vocabularies: Mapping[str, pl.DataFrame] | None = None) -> dict[str, Ids]:
    """Field name → its ids; a sequence that shares a table has the very object of that field.

    Args:
        vocabularies: `Vocabulary.known` by field, where there are some already; None: values are met now.
    """
    own = {
        field.name: _own_ids(field, vocabularies)
        for field in plan.fields
        if field.kind != "numeric" and not field.table
    }
    return own | {field.name: own[field.table] for field in plan.fields if field.table}


def _own_ids(field: FieldPlan, vocabularies: Mapping[str, pl.DataFrame] | None) -> Ids:
    if field.cardinality:
        return GivenIds(cardinality=field.cardinality)
    if field.buckets:
        return Hashed(buckets=field.buckets)
    return Dictionary() if vocabularies is None else Known(vocabularies[field.name])


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The final ids of a field.

    Args:
        known: columns value, id, count (on the training rows), in the order of the ids from `FIRST_ID` up.
        final: provisional id → final id.
    """

    known: pl.DataFrame
    final: np.ndarray

    @property
    def cardinality(self) -> int:
        return FIRST_ID + len(self.known)


def vocabulary(field: FieldPlan, values: pl.Series, counts: np.ndarray) -> Vocabulary:
    """Final ids by falling count, equal counts in the order of their text; rare and new values are unknown.

    Args:
        values: the text of the provisional ids from 1 up.
        counts: int64 (provisional ids,), occurrences on the training rows.

    Raises:
        BadInput: no value is frequent enough.
    """
    provisional = np.flatnonzero(counts >= field.minimum_count)
    provisional = provisional[provisional != MISSING_ID]
    if not len(provisional):
        raise BadInput(
            f"field '{field.name}': no value of column '{field.column}' occurs {field.minimum_count} or more "
            "times in the train split; lower minimum_count or drop the field"
        )
    known = pl.DataFrame(
        {"value": values.gather(provisional - 1), "count": counts[provisional], "provisional": provisional}
    ).sort(["count", "value"], descending=[True, False])
    known = known.with_columns(id=np.arange(FIRST_ID, FIRST_ID + len(known), dtype=np.int32))
    final = np.full(len(counts), UNKNOWN_ID, dtype=np.int32)
    final[MISSING_ID] = MISSING_ID
    final[known["provisional"].to_numpy()] = known["id"].to_numpy()
    return Vocabulary(known=known.select("value", "id", "count"), final=final)


def dense_user_index(values: pl.Series) -> np.ndarray:
    """Provisional id → 0 … users − 1 in the order of the users' text (int32; −1 for the missing one)."""
    final = np.full(len(values) + 1, -1, dtype=np.int32)
    final[1 + values.arg_sort().to_numpy()] = np.arange(len(values))
    return final


def final_ids(
    provisional: np.ndarray, field: FieldPlan, vocabularies: Mapping[str, Vocabulary]
) -> np.ndarray:
    """The ids that the data set stores for `field`."""
    owner = vocabularies.get(field.table or field.name)
    return provisional if owner is None else owner.final[provisional]
