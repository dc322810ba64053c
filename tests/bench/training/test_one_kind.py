"""Data sets of one kind of field, such as numbers only, from their file to a trained contestant."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch

from bench.contestants.registry import CONTESTANTS
from bench.data.dataset import Dataset
from bench.data.describe import describe
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.columns import FieldPlan, Label
from bench.data.importing.plan import ByRandom
from bench.data.references import logistic_regression_auc
from bench.spec import FeatureSpec, Protocol
from bench.training.ranker import build_ranker, predict
from bench.training.trainer import train

ROWS, FIELDS = 600, 9


def of_one_kind(kind: str, folder) -> Dataset:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(ROWS, FIELDS)).round(1)
    label = (numbers[:, 0] + 0.1 * generator.normal(size=ROWS) > 0).astype(int)
    columns = {f"x{i}": numbers[:, i] for i in range(FIELDS)}
    if kind == "sequence":
        columns = {name: [f"{x > 0}|{x > 1}" for x in column] for name, column in columns.items()}
    pl.DataFrame({"click": label, **columns}).write_csv(folder / "log.csv")
    of_sequence = {"separator": "|", "max_length": 3} if kind == "sequence" else {}
    plan = ImportPlan(
        name="one",
        labels=(Label(name="click"),),
        fields=tuple(FieldPlan(name=name, kind=kind, group="user", **of_sequence) for name in columns),
        split=ByRandom(seed=0, fractions=(0.6, 0.2, 0.2)),
    )
    return import_table(plan, folder / "log.csv", folder / "data")


@pytest.fixture(scope="module", params=["numeric", "sequence", "categorical"])
def dataset(request, tmp_path_factory) -> Dataset:
    return of_one_kind(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_contestant_trains(dataset, name):
    contestant = CONTESTANTS[name]
    ranker = build_ranker(
        dataset,
        FeatureSpec(width=4),
        contestant,
        contestant.hyperparameters,
        seed=0,
        device=torch.device("cpu"),
    )
    training = train(ranker, dataset, Protocol(name="quick", batch_size=128, dense_lr=1e-4), seed=0)
    assert math.isfinite(training.curve[-1].valid_auc)
    assert np.isfinite(predict(ranker, dataset.splits["test"])).all()


def test_it_is_described_and_has_a_reference(dataset):
    assert len(describe(dataset)["fields"]) == FIELDS
    assert logistic_regression_auc(dataset)["click"] > 0.9
