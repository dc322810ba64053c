"""What the numbers of a comparison are read against: the best possible, and what simple methods reach.

`oracle_metrics` scores the true probabilities, where a generator knows them. `logistic_regression_auc` is
every field on its own, without any interaction. The two together make a scale: the share of the attainable is
how far from the second to the first a result lies. `entity_means` ranks by the mean label of an item, and of
a user and an item. Free of torch.
"""

from __future__ import annotations

import json
import os

import numpy as np
from scipy import sparse

from bench.data.dataset import Dataset, Rows
from bench.data.schema import MISSING_ID, Schema
from bench.errors import BadInput, unknown_name
from bench.metrics import auc, evaluate, labelled, per_user_auc

References = dict[str, dict[str, dict[str, float | int | None]]]
"""Reference → task → metric → value."""
REFERENCES_FILE = "references.json"
INVERSE_PENALTIES = (0.002, 0.01, 0.05, 0.2)
"""Regularisations that logistic regression tries in turn, weakest last (`C` of scikit-learn)."""


def references(dataset: Dataset) -> References:
    """What every result on `dataset` is read against: reference → task → metric, on the test split.

    `oracle` has ``auc``, ``log_loss`` and, with users, ``uauc``; `logistic_regression` has ``auc``. They are
    worked out once, which takes minutes on large sets, and kept beside the data set. Empty where the true
    probabilities are not known.
    """
    if (known := known_references(dataset)) is not None:
        return known
    areas = logistic_regression_auc(dataset)
    found: References = {
        "oracle": oracle_metrics(dataset),
        "logistic_regression": {task: {"auc": area} for task, area in areas.items()},
    }
    file = dataset.directory / REFERENCES_FILE
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    partial.write_text(json.dumps({"fingerprint": dataset.fingerprint, "references": found}, indent=1))
    partial.replace(file)
    return found


def known_references(dataset: Dataset) -> References | None:
    """What `references` gives, where that takes no work; None where it has yet to be worked out."""
    if dataset.splits["test"].probability is None:
        return {}
    file = dataset.directory / REFERENCES_FILE
    if not file.is_file():
        return None
    kept = json.loads(file.read_text())
    found: References = kept["references"]
    return found if kept["fingerprint"] == dataset.fingerprint else None


def oracle_metrics(dataset: Dataset) -> dict[str, dict[str, float | int | None]]:
    """Task → metrics of the true probabilities on the test split: the best but for luck.

    They are ``auc``, ``log_loss`` and, where the data set has users, ``uauc``.

    Raises:
        BadInput: the data set does not know its probabilities.
    """
    test = dataset.splits["test"]
    if test.probability is None:
        raise BadInput(
            f"data set '{dataset.name}' holds no true probabilities; only a generated one has an oracle"
        )
    probability = test.probability.astype(np.float64)
    logit = np.log(probability) - np.log1p(-probability)
    metrics = evaluate(test.label, logit, dataset.schema.tasks, test.user)
    kept = ("auc", "log_loss") if test.user is None else ("auc", "log_loss", "uauc")
    return {task: {name: of_task[name] for name in kept} for task, of_task in metrics.items()}


def logistic_regression_auc(
    dataset: Dataset, *, split: str = "test", max_train_rows: int = 500_000
) -> dict[str, float]:
    """Task → AUC on `split` of logistic regression on all fields, the penalty chosen by AUC on valid.

    Ids are one-hot, sequences the mean of one-hot ids, numbers stand beside an indicator of the missing ones.

    Args:
        dataset: any with both classes of every task in the rows that are trained on.
        split: which split to score.
        max_train_rows: at most so many training rows are used: the last ones, which are the latest where rows
            are in the order of time. 400 thousand rows of 20 fields take about a minute a task.

    Raises:
        BadInput: the training rows of a task have one class only.
    """
    from sklearn.linear_model import LogisticRegression

    train, valid, scored = (dataset.splits[name] for name in ("train", "valid", split))
    train = train.take(slice(-max_train_rows, None))
    for k, task in enumerate(dataset.schema.tasks):
        label = train.label[labelled(train.label[:, k]), k]
        if len(np.unique(label)) < 2:
            raise BadInput(
                f"task '{task}': all {len(label)} training labels are {label.max(initial=0)}; both are needed"
            )
    train_x = _design(dataset.schema, train)
    seen = np.flatnonzero(np.bincount(train_x.indices))  # the weight of any other column stays 0
    train_x = train_x[:, seen].astype(np.float32)
    valid_x, scored_x = (
        _design(dataset.schema, rows)[:, seen].astype(np.float32) for rows in (valid, scored)
    )
    areas = {}
    for k, task in enumerate(dataset.schema.tasks):
        model = LogisticRegression(solver="newton-cg", warm_start=True)
        best_on_valid = -1.0
        train_rows, valid_rows, scored_rows = (labelled(rows.label[:, k]) for rows in (train, valid, scored))
        for inverse_penalty in INVERSE_PENALTIES:
            model.set_params(C=inverse_penalty).fit(train_x[train_rows], train.label[train_rows, k])
            on_valid = auc(valid.label[valid_rows, k], model.decision_function(valid_x)[valid_rows])
            if on_valid <= best_on_valid:  # a weaker penalty only overfits more
                break
            best_on_valid = on_valid
            areas[task] = auc(scored.label[scored_rows, k], model.decision_function(scored_x)[scored_rows])
    return areas


def entity_means(
    dataset: Dataset, *, item: str, user: str, split: str = "test", prior_rows: float = 10.0
) -> dict[str, dict[str, dict[str, float]]]:
    """Task → `item` or `user_item` → `auc`, and `uauc` where the data set has users, of mean training labels.

    A mean is drawn towards the base rate as by `prior_rows` rows that have it. The score of `item` is the
    mean of the item, that of `user_item` the sum of the means of both.

    Args:
        dataset: any with two categorical fields that stand for items and users.
        item, user: their names.
        split: which split to score.
        prior_rows: above 0.

    Raises:
        BadInput: no categorical field of that name.
    """
    train, scored = dataset.splits["train"], dataset.splits[split]
    columns = {name: _column_of(dataset.schema, name) for name in (item, user)}
    metrics = {}
    for k, task in enumerate(dataset.schema.tasks):
        means = {
            name: _smoothed_means(train.categorical[:, column], train.label[:, k], cardinality, prior_rows)[
                scored.categorical[:, column]
            ]
            for name, (column, cardinality) in columns.items()
        }
        scores = {"item": means[item], "user_item": means[item] + means[user]}
        metrics[task] = {
            name: _ranking(scored.user, scored.label[:, k], score) for name, score in scores.items()
        }
    return metrics


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


def _column_of(schema: Schema, name: str) -> tuple[int, int]:
    """(column of the categorical matrix, cardinality) of a categorical field."""
    fields = schema.of_kind("categorical")
    names = [field.name for field in fields]
    if name not in names:
        raise unknown_name("categorical field", name, names)
    return names.index(name), fields[names.index(name)].cardinality


def _smoothed_means(ids: np.ndarray, label: np.ndarray, cardinality: int, prior_rows: float) -> np.ndarray:
    """(cardinality,) mean label per id, drawn towards the mean of all."""
    rows = np.bincount(ids, minlength=cardinality)
    positive = np.bincount(ids, weights=label, minlength=cardinality)
    return (positive + prior_rows * label.mean()) / (rows + prior_rows)


def _ranking(user: np.ndarray | None, label: np.ndarray, score: np.ndarray) -> dict[str, float]:
    ranking = {"auc": auc(label, score)}
    if user is not None:
        ranking["uauc"] = per_user_auc(user, label, score).uauc
    return ranking
