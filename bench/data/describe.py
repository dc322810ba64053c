"""Describes a data set in numbers. It is read block by block: memory grows with the users, not the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.schema import MISSING_ID, MISSING_LABEL, UNKNOWN_ID, Field, Schema
from bench.metrics import auc, labelled

BLOCK_ROWS = 1 << 18


def describe(dataset: Dataset) -> dict[str, Any]:
    """Plain JSON types:

    - ``name``, ``rev``, ``fingerprint``, ``source``, ``rows`` (split → rows)
    - ``fields``: list of ``name``, ``kind``, ``group``, ``cardinality`` (rows of the table; 0 for numeric),
      ``max_length``, ``table``, ``missing_share`` (of all rows: no value, or an empty sequence),
      ``unknown_test_share`` (of the values present on test: those that share the unknown id; numeric, or
      without a value on test: None) and ``constant`` (every training row has the same)
    - ``base_rate``: task → split → share of positives among the labels present, or None without any
    - ``positives``, ``missing_labels``: task → split → rows with a label of 1, rows without a label
    - ``users``: split → distinct users, or None where the data set has no users
    - ``users_with_both_classes``: task → users with a positive and a negative row on test, or None as above
    - ``oracle_auc``: task → AUC of the true probabilities on test, or None where they are not known; this
      holds the test rows of a task in memory
    """
    schema, test = dataset.schema, dataset.splits["test"]
    description: dict[str, Any] = {
        "name": dataset.name,
        "rev": dataset.rev,
        "fingerprint": dataset.fingerprint,
        "source": dict(dataset.source),
        "rows": dict(dataset.rows),
        "fields": _describe_fields(dataset),
        "base_rate": {
            task: {split: _base_rate(dataset.splits[split].label[:, k]) for split in SPLITS}
            for k, task in enumerate(schema.tasks)
        },
        "positives": _rows_labelled(dataset, 1),
        "missing_labels": _rows_labelled(dataset, MISSING_LABEL),
        "users": None,
        "users_with_both_classes": None,
        "oracle_auc": None,
    }
    if schema.user is not None:
        positives = {split: _positives_of_users(dataset.splits[split]) for split in SPLITS}
        _, labels, positive = positives["test"]
        description["users"] = {
            split: int(np.count_nonzero(rows)) for split, (rows, _, _) in positives.items()
        }
        both = (positive > 0) & (positive < labels)
        description["users_with_both_classes"] = dict(
            zip(schema.tasks, np.count_nonzero(both, axis=0).tolist(), strict=True)
        )
    if test.probability is not None:
        present = [labelled(test.label[:, k]) for k in range(len(schema.tasks))]
        description["oracle_auc"] = {
            task: auc(test.label[present[k], k], test.probability[present[k], k])
            for k, task in enumerate(schema.tasks)
        }
    return description


def _base_rate(label: np.ndarray) -> float | None:
    present = label[labelled(label)]
    return float(present.mean()) if len(present) else None


def _rows_labelled(dataset: Dataset, label: int) -> dict[str, dict[str, int]]:
    """Task → split → rows with that label."""
    return {
        task: {split: int(np.count_nonzero(dataset.splits[split].label[:, k] == label)) for split in SPLITS}
        for k, task in enumerate(dataset.schema.tasks)
    }


def _describe_fields(dataset: Dataset) -> list[dict[str, Any]]:
    fields = dataset.schema.fields
    missing = {field.name: 0 for field in fields}
    present_test, unknown_test = missing.copy(), missing.copy()
    first = {field.name: values for field, values in _columns(dataset.schema, _first(dataset))}
    constant = {field.name: True for field in fields}
    for split in SPLITS:
        for block in _blocks(dataset.splits[split]):
            for field, values in _columns(dataset.schema, block):
                absent = np.isnan(values) if field.kind == "numeric" else values == MISSING_ID
                missing[field.name] += int(np.count_nonzero(absent.all(axis=1)))
                if split == "test":
                    present_test[field.name] += int(np.count_nonzero(~absent))
                    unknown_test[field.name] += int(np.count_nonzero(values == UNKNOWN_ID))
                if split == "train" and constant[field.name]:
                    same = np.array_equal(
                        values,
                        np.broadcast_to(first[field.name], values.shape),
                        equal_nan=field.kind == "numeric",
                    )
                    constant[field.name] = same
    all_rows = sum(dataset.rows.values())
    return [
        {
            "name": field.name,
            "kind": field.kind,
            "group": field.group,
            "cardinality": field.cardinality,
            "max_length": field.max_length,
            "table": field.table,
            "missing_share": missing[field.name] / all_rows,
            "unknown_test_share": (
                None
                if field.kind == "numeric" or not present_test[field.name]
                else unknown_test[field.name] / present_test[field.name]
            ),
            "constant": constant[field.name],
        }
        for field in fields
    ]


def _first(dataset: Dataset) -> Rows:
    return dataset.splits["train"].take(slice(0, 1))


def _blocks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), BLOCK_ROWS):
        yield rows.take(slice(start, start + BLOCK_ROWS))


def _columns(schema: Schema, rows: Rows) -> Iterator[tuple[Field, np.ndarray]]:
    """Every field with its values, (rows, 1) or (rows, max_length)."""
    for i, field in enumerate(schema.of_kind("categorical")):
        yield field, rows.categorical[:, i : i + 1]
    for i, field in enumerate(schema.of_kind("numeric")):
        yield field, rows.numeric[:, i : i + 1]
    for field in schema.of_kind("sequence"):
        yield field, rows.sequences[field.name]


def _positives_of_users(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each user: rows (users,), and of each task labels and positives (users, tasks)."""
    assert rows.user is not None
    users = 1 + int(rows.user.max())
    count = np.zeros(users, dtype=np.int64)
    labels, positive = np.zeros((2, users, rows.label.shape[1]), dtype=np.int64)
    for start in range(0, len(rows), BLOCK_ROWS):
        user, label = (column[start : start + BLOCK_ROWS] for column in (rows.user, rows.label))
        np.add.at(count, user, 1)
        np.add.at(labels, user, label != MISSING_LABEL)
        np.add.at(positive, user, label == 1)
    return count, labels, positive
