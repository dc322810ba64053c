"""References for the results on a data set: the best possible result, and that of a simple method.

`oracle_metrics` scores the true probabilities, where a generator knows them. `logistic_regression_auc` is
every field on its own, without any interaction; every data set can have it. The two together make a scale:
the share of the attainable is how far from the second to the first a result lies. Free of torch.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from bench.canonical import digest
from bench.data.dataset import Dataset, Rows
from bench.data.schema import MISSING_ID, Schema
from bench.errors import BadInput
from bench.machine.partial import written_whole
from bench.metrics import auc, evaluate, labelled

References = dict[str, dict[str, dict[str, float | int | None]]]
"""Reference → task → metric → value."""
REFERENCES_FILE = "references.json"
REV = 2
"""Raised by hand whenever the same data would get other references. 1: at most 500 thousand rows."""
INVERSE_PENALTIES = (0.002, 0.01, 0.05, 0.2)
"""Regularisations that logistic regression tries in turn, weakest last (`C` of scikit-learn)."""
MAX_ENTRIES = 1 << 28
"""Most values of training rows that logistic regression holds in memory, 8 bytes each."""
_BLOCK_ROWS = 1 << 17


def references(dataset: Dataset) -> References:
    """The references for results on `dataset`: reference → task → metric, on the test split.

    `logistic_regression` has ``auc`` for every task with both classes in every split. `oracle` has ``auc``,
    ``log_loss`` and, with users, ``uauc``; it is there only where the true probabilities are known. They are
    worked out once, which takes minutes on large sets, and kept beside the data set with the number of rows
    that were fitted (``train_rows``).
    """
    if (known := known_references(dataset)) is not None:
        return known
    rows = rows_to_fit(dataset)
    areas = logistic_regression_auc(dataset, max_train_rows=rows)
    found: References = {}
    if dataset.splits["test"].probability is not None:
        found["oracle"] = oracle_metrics(dataset)
    if areas:
        found["logistic_regression"] = {task: {"auc": area} for task, area in areas.items()}
    content = {
        "rev": REV,
        "fingerprint": dataset.fingerprint,
        "train_rows": rows,
        "references": found,
    }
    file = dataset.directory / REFERENCES_FILE
    # In a folder that cannot be written they are worked out every time.
    with contextlib.suppress(OSError), written_whole(file) as partial:
        partial.write_text(json.dumps({**content, "digest": digest(content)}, indent=1))
    return found


def known_references(dataset: Dataset) -> References | None:
    """What `references` gives, where that takes no work; None where it has yet to be worked out.

    A file of another rev, of other data or with damage counts as none.
    """
    kept = _kept(dataset)
    if kept is None or kept.get("rev") != REV or kept.get("fingerprint") != dataset.fingerprint:
        return None
    found: References | None = kept["references"] if _is_whole(kept) else None
    return found


def references_fault(dataset: Dataset) -> str | None:
    """What is wrong with the kept references of `dataset`, or None; there need not be any."""
    if not (dataset.directory / REFERENCES_FILE).exists():
        return None
    kept = _kept(dataset)
    if kept is None or (kept.get("rev") == REV and not _is_whole(kept)):
        return f"{REFERENCES_FILE} is damaged; remove it, and the next run works it out again"
    return None


def _kept(dataset: Dataset) -> dict[str, Any] | None:
    try:
        kept = json.loads((dataset.directory / REFERENCES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return kept if isinstance(kept, dict) else None


def _is_whole(kept: Mapping[str, Any]) -> bool:
    try:
        return kept["digest"] == digest({name: value for name, value in kept.items() if name != "digest"})
    except (KeyError, TypeError, ValueError):
        return False


def oracle_metrics(dataset: Dataset) -> dict[str, dict[str, float | int | None]]:
    """Task → metrics of the true probabilities on the test split: the best but for luck.

    They are ``auc``, ``log_loss`` and, where the data set has users, ``uauc``.

    Raises:
        BadInput: the data set does not know its probabilities.
    """
    test = dataset.splits["test"]
    if test.probability is None:
        raise BadInput(
            f"data set '{dataset.name}' has no true probabilities; only a synthetic one has an oracle"
        )
    probability = test.probability.astype(np.float64)
    logit = np.log(probability) - np.log1p(-probability)
    metrics = evaluate(test.label, logit, dataset.schema.tasks, test.user)
    kept = ("auc", "log_loss") if test.user is None else ("auc", "log_loss", "uauc")
    return {task: {name: of_task[name] for name in kept} for task, of_task in metrics.items()}


def rows_to_fit(dataset: Dataset, max_entries: int = MAX_ENTRIES) -> int:
    """How many training rows logistic regression is fitted on: all, or the last ones that fit into memory."""
    train = dataset.splits["train"]
    entries = rows = 0
    for start in range(len(train), 0, -_BLOCK_ROWS):
        block = train.take(slice(max(0, start - _BLOCK_ROWS), start))
        entries += _num_entries(block)
        if rows and entries > max_entries:
            break
        rows += len(block)
    return rows


def logistic_regression_auc(
    dataset: Dataset, *, split: str = "test", max_train_rows: int | None = None
) -> dict[str, float]:
    """Task → AUC on `split` of logistic regression on all fields, the penalty chosen by AUC on valid.

    Ids are one-hot, sequences the mean of one-hot ids, numbers stand beside an indicator of the missing ones.
    A task with one class only in a split is left out.

    Args:
        split: which split to score.
        max_train_rows: at most so many training rows are used: the last ones, which are the latest where rows
            are in the order of time; None: all. 400 thousand rows of 20 fields take about a minute a task.
    """
    from sklearn.linear_model import LogisticRegression

    train, valid, scored = (dataset.splits[name] for name in ("train", "valid", split))
    if max_train_rows is not None:
        train = train.take(slice(max(0, len(train) - max_train_rows), None))
    tasks = [
        (k, task)
        for k, task in enumerate(dataset.schema.tasks)
        if all(_has_both_classes(rows.label[:, k]) for rows in (train, valid, scored))
    ]
    if not tasks:
        return {}
    seen = _seen_columns(dataset.schema, train)  # the weight of any other column stays 0
    train_x, valid_x, scored_x = (
        _compact_design(dataset.schema, rows, seen) for rows in (train, valid, scored)
    )
    areas = {}
    for k, task in tasks:
        model = LogisticRegression(solver="newton-cg", warm_start=True)
        best_on_valid = -1.0
        for inverse_penalty in INVERSE_PENALTIES:
            model.set_params(C=inverse_penalty).fit(*_labelled(train_x, train.label[:, k]))
            on_valid = _area(model, valid_x, valid.label[:, k])
            if on_valid <= best_on_valid:  # a weaker penalty only overfits more
                break
            best_on_valid = on_valid
            areas[task] = _area(model, scored_x, scored.label[:, k])
    return areas


def _has_both_classes(label: np.ndarray) -> bool:
    return bool((label == 0).any() and (label == 1).any())


def _labelled(x: sparse.csr_array, label: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
    """The rows that have a label."""
    rows = labelled(label)
    return (x, label) if isinstance(rows, slice) else (x[rows], label[rows])


def _area(model: Any, x: sparse.csr_array, label: np.ndarray) -> float:
    x, label = _labelled(x, label)
    return auc(label, model.decision_function(x))


def _blocks(rows: Rows) -> list[Rows]:
    return [rows.take(slice(start, start + _BLOCK_ROWS)) for start in range(0, len(rows), _BLOCK_ROWS)]


def _seen_columns(schema: Schema, rows: Rows) -> np.ndarray:
    """The columns of the design that are not 0 in every row."""
    counts = np.zeros(_num_columns(schema), dtype=np.int64)
    for block in _blocks(rows):
        counts += np.bincount(_design(schema, block).indices, minlength=len(counts))
    return np.flatnonzero(counts)


def _compact_design(schema: Schema, rows: Rows, columns: np.ndarray) -> sparse.csr_array:
    """Those columns of the design in float32, made block by block: memory is at most twice the result."""
    parts = [_design(schema, block)[:, columns].astype(np.float32) for block in _blocks(rows)]
    return parts[0] if len(parts) == 1 else sparse.vstack(parts, format="csr")


def _num_columns(schema: Schema) -> int:
    ids = sum(field.cardinality for field in schema.fields if field.kind != "numeric")
    return ids + 2 * len(schema.of_kind("numeric"))


def _num_entries(rows: Rows) -> int:
    """Values of the design that are not 0, at most."""
    ids = [rows.categorical, *rows.sequences.values()]
    return sum(int(np.count_nonzero(of_kind != MISSING_ID)) for of_kind in ids) + rows.numeric.size


def _design(schema: Schema, rows: Rows) -> sparse.csr_array:
    """(rows, columns) of every field; the same columns for every split."""
    blocks = [
        _one_hot(rows.categorical[:, i, None], field.cardinality)
        for i, field in enumerate(schema.of_kind("categorical"))
    ]
    blocks += [
        _one_hot(rows.sequences[field.name], field.cardinality) for field in schema.of_kind("sequence")
    ]
    missing = np.isnan(rows.numeric)
    numbers = np.concatenate([np.where(missing, 0, rows.numeric), missing], axis=1)
    return sparse.hstack([*blocks, sparse.csr_array(numbers)], format="csr")


def _one_hot(ids: np.ndarray, cardinality: int) -> sparse.csr_array:
    """(N, cardinality) means of the one-hot vectors of (N, length) ids; missing ids do not count."""
    present = ids != MISSING_ID
    lengths = present.sum(axis=1)
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return sparse.csr_array(
        (1 / np.repeat(lengths, lengths), ids[present], starts), shape=(len(ids), cardinality)
    )
