"""The last step of an import: spool columns as the data set stores them, numbers clipped and standardised."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from bench.data.dataset import Rows
from bench.data.importing.ids import final_ids
from bench.data.importing.plan import ImportPlan
from bench.data.importing.splits import SPLIT_COLUMN
from bench.data.importing.survey import Survey


def final_rows(
    columns: Mapping[str, np.ndarray], plan: ImportPlan, found: Survey, user_index: np.ndarray | None
) -> Rows:
    """Spool columns as rows of the data set.

    Args:
        found: says the ids of the fields that have a vocabulary there; the others have final ids already.
        user_index: provisional id of a user → the final one; None: there are no users.
    """
    raw = Rows.from_columns({name: array for name, array in columns.items() if name != SPLIT_COLUMN})
    categorical = np.empty_like(raw.categorical)
    for i, field in enumerate(plan.of_kind("categorical")):
        categorical[:, i] = final_ids(raw.categorical[:, i], field, found.vocabularies)
    return dataclasses.replace(
        raw,
        categorical=categorical,
        numeric=((_clipped(raw.numeric, plan, found) - found.mean) / found.std).astype(np.float32),
        sequences={
            field.name: final_ids(raw.sequences[field.name], field, found.vocabularies)
            for field in plan.of_kind("sequence")
        },
        user=None if raw.user is None or user_index is None else user_index[raw.user],
    )


def _clipped(numeric: np.ndarray, plan: ImportPlan, found: Survey) -> np.ndarray:
    """Numbers of fields that clip set to the ends of the training range; a range of nothing clips nothing."""
    clip = np.array([field.clip for field in plan.of_kind("numeric")], dtype=bool) & (found.low <= found.high)
    return np.clip(numeric, np.where(clip, found.low, -np.inf), np.where(clip, found.high, np.inf))
