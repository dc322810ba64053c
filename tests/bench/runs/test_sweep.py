from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bench.contestants import Contestant, Dial
from bench.contestants.lookup import contestants
from bench.data.writing import DatasetWriter
from bench.errors import BadInput
from bench.metrics import auc
from bench.runs.audit import audit_datasets, audit_store
from bench.runs.store import RUNS_FILE, Store
from bench.runs.sweep import Request, missing, plan, size, sweep
from bench.spec import Budget, FeatureSpec, Protocol

CPU = torch.device("cpu")


def request(dataset, **changes) -> Request:
    given = {
        "contestants": contestants(["dlrm-mlp", "rankmixer"]),
        "dataset": dataset,
        "features": FeatureSpec(width=4),
        "protocol": Protocol(name="quick", batch_size=1024, dense_optimizer="adam", dense_lr=0.003),
        "budgets": (Budget(kind="dense_parameters", target=10_000),),
        "seeds": range(2),
        **changes,
    }
    return Request(**given)


def run(dataset, store, **changes):
    return sweep(missing(plan(request(dataset, **changes)), store), dataset, store, device=CPU)


def test_plan_goes_seed_by_seed_and_meets_the_budget(small_world):
    planned = plan(request(small_world))
    assert [(p.spec.contestant.name, p.spec.seed) for p in planned] == [
        ("dlrm-mlp", 0),
        ("rankmixer", 0),
        ("dlrm-mlp", 1),
        ("rankmixer", 1),
    ]
    assert len({p.spec.key() for p in planned}) == 4
    for sized in size(request(small_world)):
        assert sized.cost is not None
        assert abs(sized.cost.dense_parameters / 10_000 - 1) <= 0.02
    unsolved = plan(request(small_world, budgets=(None,), hyperparameters={}))
    assert unsolved[0].spec.budget is None
    assert unsolved[0].spec.contestant.hyperparameters["hidden_dims"] == (256, 256, 256)


def test_a_budget_out_of_reach_is_refused_before_training(small_world):
    tiny = (Budget(kind="dense_parameters", target=50),)
    with pytest.raises(BadInput, match=r"dlrm-mlp cannot have 50 dense.*rankmixer cannot"):
        plan(request(small_world, budgets=tiny))
    assert all(s.reason for s in size(request(small_world, budgets=tiny)))


def test_runs_are_recorded_once_with_predictions_that_give_their_metrics(small_world, tmp_path):
    store = Store(tmp_path)
    records = run(small_world, store)
    assert [r.status for r in records] == ["ok"] * 4
    assert run(small_world, store) == []
    assert len((tmp_path / RUNS_FILE).read_text().splitlines()) == 4
    record = records[0]
    predictions = pq.read_table(store.prediction_path(record.key)).to_pandas()
    assert list(predictions) == ["row", "user", "logit.finish", "label.finish", "logit.skip", "label.skip"]
    np.testing.assert_array_equal(predictions["label.skip"], small_world.splits["test"].label[:, 1])
    assert auc(
        predictions["label.finish"].to_numpy(), predictions["logit.finish"].to_numpy()
    ) == pytest.approx(record.metrics["test"]["finish"]["auc"])
    assert record.metrics["oracle"]["finish"]["auc"] > record.metrics["test"]["finish"]["auc"]
    assert pq.read_table(store.curve_path(record.key)).column_names == [
        "step",
        "epoch",
        "train_loss",
        "valid_auc",
    ]
    assert record.training["rows"] == len(small_world.splits["train"])
    assert record.environment["device"] == "cpu"
    assert list(audit_store(store)) == []


def test_running_again_does_only_what_is_missing_and_gives_the_same_numbers(small_world, tmp_path):
    whole, halves = Store(tmp_path / "whole"), Store(tmp_path / "halves")
    run(small_world, whole)
    run(small_world, halves, seeds=[1])
    later = run(small_world, halves)
    assert [r.spec.seed for r in later] == [0, 0]
    for key, record in whole.read().runs.items():
        assert halves.read().runs[key].metrics == record.metrics


class Failing(torch.nn.Module):
    """Goes wrong in a way of its choice."""

    def __init__(self, field_dims, num_tasks=1, *, how="error"):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)
        self.how = how

    def forward(self, x_BI):
        if x_BI.device.type != "meta":
            if self.how == "error":
                raise RuntimeError("a fault of the model")
            if self.how == "memory":
                raise MemoryError("no more")
            return self.head(x_BI) * float("nan")
        return self.head(x_BI)


FAILING = Contestant(
    name="failing", title="Failing", model=Failing, hyperparameters={"how": "error"}, dial=Dial(name="how")
)


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [("error", "failed", "RuntimeError"), ("memory", "oom", "MemoryError"), ("nan", "diverged", "Diverged")],
)
def test_failures_are_records_and_do_not_stop_the_sweep(small_world, tmp_path, how, status, kind):
    store = Store(tmp_path)
    failing = {"contestants": [FAILING], "hyperparameters": {"how": how}, "budgets": (None,)}
    records = run(small_world, store, **failing)
    assert [r.status for r in records] == [status, status]
    assert records[0].error["type"] == kind
    assert records[0].error["message"]
    assert records[0].metrics is None
    assert records[0].cost.dense_parameters > 0
    assert not store.prediction_path(records[0].key).exists()
    again = run(small_world, store, **failing)
    assert len(again) == (0 if status == "diverged" else 2)


class Wide(torch.nn.Module):
    """One logit too many."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks + width)

    def forward(self, x_BI):
        return self.head(x_BI)


def test_logits_of_another_shape_are_refused_before_training(small_world):
    wide = Contestant(
        name="wide", title="Wide", model=Wide, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    with pytest.raises(BadInput, match=r"logits of shape \[4, 3\] for 4 rows, expected \[4, 2\]"):
        plan(request(small_world, contestants=[wide], budgets=(None,)))


def test_audit_finds_what_was_tampered_with(small_world, tmp_path):
    store = Store(tmp_path / "store")
    first, second = run(small_world, store, seeds=[0])
    store.prediction_path(first.key).unlink()
    path = store.prediction_path(second.key)
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "logit.finish", table["label.finish"].cast("float32")), path)
    (tmp_path / "store" / RUNS_FILE).open("a").write('{"format": 1, "key"')
    faults = list(audit_store(store))
    assert len(faults) == 3
    assert any("test AUC of finish is recorded as" in fault for fault in faults)
    assert any(f"{store.prediction_path(first.key)} cannot be read" in fault for fault in faults)


def test_audit_computes_fingerprints_again(small_world, tmp_path):
    target = tmp_path / "copy"
    with DatasetWriter(
        target,
        name="copy",
        rev=1,
        schema=small_world.schema,
        rows=small_world.rows,
        source={},
        probability=True,
    ) as writer:
        for split, rows in small_world.splits.items():
            writer.append(split, rows.take(slice(0, len(rows))))
    assert dict(audit_datasets(tmp_path)) == {"copy": None}
    label = np.load(target / "test" / "label.npy", mmap_mode="r+")
    label[0] ^= 1
    label.flush()
    assert "fingerprint is" in dict(audit_datasets(tmp_path))["copy"]


def test_requests_differ_in_key_by_protocol(small_world):
    first = plan(request(small_world))[0].spec
    slower = dataclasses.replace(request(small_world).protocol, dense_lr=0.001)
    assert plan(request(small_world, protocol=slower))[0].spec.key() != first.key()
