"""From the text of a categorical value to its id.

While the file is read a value gets a *provisional* id: 0 for a missing one (`MISSING_ID`), else 1 + its place
in the order of appearance. What is frequent is not known before the last row, so final ids come later, from a
table over the provisional ones. Columns that hold ids already get the final ones at once.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from bench.errors import BadInput
from bench.importing.columns import FieldPlan
from bench.importing.plan import ImportPlan
from bench.schema import FIRST_ID, MISSING_ID, UNKNOWN_ID

NOT_AN_ID = -1
"""Marks a cell that should hold an id and does not."""


class Dictionary:
    """Every value met so far, with its provisional id; grows with the distinct values."""

    def __init__(self) -> None:
        self._dtype = pl.Categorical(pl.Categories.random("rankbench"))
        self._keep_alive = pl.Series([], dtype=self._dtype)  # polars drops categories that no series uses

    def expression(self, text: pl.Expr) -> pl.Expr:
        """Provisional ids (int32) of a text column; values not met before are added."""
        return (text.cast(self._dtype).to_physical().cast(pl.Int32) + 1).fill_null(MISSING_ID)

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

    def expression(self, text: pl.Expr) -> pl.Expr:
        """Final ids (int32) of a text column; `NOT_AN_ID` where the text is no allowed id."""
        given = text.cast(pl.Int64, strict=False)
        allowed = given.is_between(0, self.cardinality - 1)
        final = pl.when(allowed).then(given + FIRST_ID).otherwise(NOT_AN_ID)
        return pl.when(text.is_null()).then(MISSING_ID).otherwise(final).cast(pl.Int32)


Ids = Dictionary | GivenIds


def ids_of_fields(plan: ImportPlan) -> dict[str, Ids]:
    """Field name → its ids; a sequence that shares a table has the very object of that field."""
    own: dict[str, Ids] = {
        field.name: GivenIds(cardinality=field.cardinality) if field.cardinality else Dictionary()
        for field in plan.fields
        if field.kind != "numeric" and field.table is None
    }
    shared = {field.name: own[field.table] for field in plan.fields if field.table is not None}
    return own | shared


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


def vocabulary(field: FieldPlan, dictionary: Dictionary, counts: np.ndarray) -> Vocabulary:
    """Final ids by falling count, equal counts in the order of their text; rare and new values are unknown.

    Args:
        counts: int64 (provisional ids,), occurrences on the training rows.

    Raises:
        BadInput: no value is frequent enough.
    """
    every = pl.DataFrame(
        {
            "value": dictionary.values(),
            "count": counts[1:],
            "provisional": np.arange(1, len(counts), dtype=np.int64),
        }
    )
    known = every.filter(pl.col("count") >= field.minimum_count).sort(
        ["count", "value"], descending=[True, False]
    )
    if known.is_empty():
        raise BadInput(
            f"field '{field.name}': no value of column '{field.column}' occurs {field.minimum_count} or more "
            "times in the train split; lower minimum_count or drop the field"
        )
    known = known.with_columns(id=np.arange(FIRST_ID, FIRST_ID + len(known), dtype=np.int32))
    final = np.full(len(counts), UNKNOWN_ID, dtype=np.int32)
    final[MISSING_ID] = MISSING_ID
    final[known["provisional"].to_numpy()] = known["id"].to_numpy()
    return Vocabulary(known=known.select("value", "id", "count"), final=final)


def dense_user_index(dictionary: Dictionary) -> np.ndarray:
    """Provisional id → 0 … users − 1 in the order of the users' text (int32; −1 for the missing one)."""
    final = np.full(len(dictionary), -1, dtype=np.int32)
    final[1 + dictionary.values().arg_sort().to_numpy()] = np.arange(len(dictionary) - 1)
    return final


def final_ids(
    provisional: np.ndarray, field: FieldPlan, vocabularies: Mapping[str, Vocabulary]
) -> np.ndarray:
    """The ids that the data set stores for `field`."""
    owner = vocabularies.get(field.table or field.name)
    return provisional if owner is None else owner.final[provisional]
