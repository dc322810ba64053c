"""Warnings about a data set that a user should know before training on it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

FEW_POSITIVES = 30
"""With fewer positive test rows, an AUC is too uncertain."""
FEW_USERS = 30
"""With fewer test users that have both classes, a per-user AUC is too uncertain."""
MANY_UNMATCHED = 0.05
MANY_UNKNOWN = 0.5


def findings(description: Mapping[str, Any]) -> list[str]:
    """One line per warning, from what `bench.data.describe.describe` returns."""
    return [
        *description["source"].get("warnings", []),
        *_of_rows(description),
        *_of_labels(description),
        *_of_fields(description["fields"]),
    ]


def one_class_splits(dataset: Dataset) -> Iterator[str]:
    """One line per task and split whose labels all say the same: there is no AUC to measure there."""
    for split, rows in dataset.splits.items():
        for k, task in enumerate(dataset.schema.tasks):
            positive, negative = (int(np.count_nonzero(rows.label[:, k] == value)) for value in (1, 0))
            if not positive or not negative:
                yield (
                    f"{dataset.name}: task '{task}' has only one class in {split} ({positive} positive, "
                    f"{negative} negative), so it has no AUC there"
                )


def _of_rows(description: Mapping[str, Any]) -> Iterator[str]:
    source, rows = description["source"], sum(description["rows"].values())
    for reason, skipped in source.get("skipped_rows", {}).items():
        yield f"skipped {skipped} rows: {reason}"
    for table, unmatched in source.get("unmatched_keys", {}).items():
        if unmatched > MANY_UNMATCHED * rows:
            yield (
                f"{unmatched} of {rows} rows have a key that table '{table}' does not have; "
                "the fields of the table are missing in these rows"
            )


def _of_labels(description: Mapping[str, Any]) -> Iterator[str]:
    for task, positives in description["positives"].items():
        labels = description["rows"]["test"] - description["missing_labels"][task]["test"]
        fewest = min(positives["test"], labels - positives["test"])
        if 0 < fewest < FEW_POSITIVES:  # the import has warned about a single class already
            yield (
                f"task '{task}' has {positives['test']} positives among {labels} labels in test: "
                f"with fewer than {FEW_POSITIVES} of a class, differences between models cannot be judged"
            )
        both = (description["users_with_both_classes"] or {}).get(task, FEW_USERS)
        if both < FEW_USERS:
            yield (
                f"task '{task}' has {both} users with both classes in test; its per-user AUC is very "
                "uncertain"
            )


def _of_fields(fields: list[dict[str, Any]]) -> Iterator[str]:
    for field in fields:
        if field["constant"]:
            yield (
                f"field '{field['name']}' has the same value in every training row, so it carries no "
                "information"
            )
        elif (field["unknown_test_share"] or 0) >= MANY_UNKNOWN:
            yield (
                f"field '{field['name']}': {field['unknown_test_share']:.0%} of its values in test do not "
                "occur in the training rows"
            )
