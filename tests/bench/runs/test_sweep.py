from __future__ import annotations

import asyncio

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bench.contestants import Contestant, Dial
from bench.metrics import auc
from bench.runs.audit import audit_store
from bench.runs.entrants import Entrant
from bench.runs.execute import execute
from bench.runs.store import RUNS_FILE, Store
from bench.runs.sweep import missing, sweep
from bench.training.trainer import OBSERVED_ROWS
from tests.bench.runs.quick import CPU, entrant, planned_runs, run


def test_runs_are_recorded_once_with_predictions_that_give_their_metrics(small_world, tmp_path):
    store = Store(tmp_path)
    records = run(small_world, store)
    assert [r.status for r in records] == ["ok"] * 4
    assert run(small_world, store) == []
    assert len((tmp_path / RUNS_FILE).read_text().splitlines()) == 4
    record = records[0]
    predictions = pq.read_table(store.path("predictions", record.key)).to_pandas()
    assert list(predictions) == ["row", "user", "logit.finish", "label.finish", "logit.skip", "label.skip"]
    np.testing.assert_array_equal(predictions["label.skip"], small_world.splits["test"].label[:, 1])
    assert auc(
        predictions["label.finish"].to_numpy(), predictions["logit.finish"].to_numpy()
    ) == pytest.approx(record.metrics["test"]["finish"]["auc"])
    assert pq.read_table(store.path("curves", record.key)).column_names == [
        "step",
        "epoch",
        "train_loss",
        "valid_auc",
    ]
    assert record.training["rows"] == len(small_world.splits["train"])
    assert record.environment["device"] == "cpu"
    assert record.environment["threads"] == 1
    assert list(audit_store(store)) == []


def test_an_execution_writes_nothing_and_says_all(small_world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = planned_runs(small_world)[0]
    outcome = execute(first, small_world, device=CPU, keep_weights=True)
    assert list(tmp_path.iterdir()) == []
    assert outcome.run.status == "ok"
    assert outcome.run.cost is first.cost
    assert outcome.predictions.num_rows == len(small_world.splits["test"])
    assert outcome.curves["valid_auc"].to_pylist()[-1] > 0.5
    assert outcome.observations is None
    dense = {name: array for name, array in outcome.weights.items() if name.startswith("contestant.")}
    assert sum(array.size for array in dense.values()) == first.cost.dense_parameters


def test_weights_are_kept_on_request_and_then_missing_where_they_are_not(small_world, tmp_path):
    store = Store(tmp_path)
    mlp = entrant("dlrm-mlp")
    (record,) = run(small_world, store, mlp, seeds=(0,))
    assert not store.path("weights", record.key).exists()
    planned = planned_runs(small_world, mlp, seeds=(0,))
    assert missing(planned, store) == []
    assert missing(planned, store, weights=True) == planned
    (again,) = sweep(planned, small_world, store, device=CPU, keep_weights=True)
    assert missing(planned, store, weights=True) == []
    assert again.metrics == record.metrics
    assert again.files.keys() == {"predictions", "curves", "weights"}


class Showing(torch.nn.Module):
    """Would change the training, did observing not put back what it disturbs: it has dropout."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)
        self.norm = torch.nn.BatchNorm1d(sum(field_dims))
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        return self.head(self.dropout(self.norm(x_BI)))

    def observe(self, x_BI):
        torch.rand(3)
        return {
            "bias": self.head.bias,
            "mean": self(x_BI).mean(),
            "rows": torch.tensor(len(x_BI)),
            "gradient": self.head.weight.grad.norm(),
        }


SHOWING = Entrant(
    contestant=Contestant(
        name="s", title="S", model=Showing, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
)


def test_what_a_contestant_shows_of_itself_is_kept_where_the_study_asks(small_world, tmp_path):
    store = Store(tmp_path)
    given = {"budgets": (None,), "seeds": (0,)}
    (plain,) = run(small_world, store, SHOWING, **given)
    assert not store.path("observations", plain.key).exists()
    assert run(small_world, store, SHOWING, **given) == []
    (record,) = run(small_world, store, SHOWING, **given, observed=True)
    assert (record.key, record.metrics) == (plain.key, plain.metrics)
    assert run(small_world, store, SHOWING, **given, observed=True) == []
    table = pq.read_table(store.path("observations", record.key)).to_pandas()
    steps = pq.read_table(store.path("curves", record.key))["step"].to_pylist()
    bias = table[table["name"] == "bias"]
    assert bias["step"].tolist() == [step for step in steps for _ in range(2)]
    assert [list(index) for index in bias["index"][:2]] == [[0], [1]]
    assert bias["value"].nunique() > 2
    assert set(table.loc[table["name"] == "rows", "value"]) == {OBSERVED_ROWS}
    assert (table.loc[table["name"] == "gradient", "value"] > 0).all()


def test_one_that_shows_nothing_is_not_asked_again_and_again(small_world, tmp_path):
    store = Store(tmp_path)
    given = {"seeds": (0,), "observed": True}
    (record,) = run(small_world, store, entrant("dlrm-mlp"), **given)
    assert "observations" not in record.files
    assert run(small_world, store, entrant("dlrm-mlp"), **given) == []


def test_running_again_does_only_what_is_missing_and_gives_the_same_numbers(small_world, tmp_path):
    whole, halves = Store(tmp_path / "whole"), Store(tmp_path / "halves")
    run(small_world, whole)
    run(small_world, halves, seeds=(1,))
    later = run(small_world, halves)
    assert [r.spec.seed for r in later] == [0, 0]
    for key, record in whole.read().runs.items():
        assert halves.read().runs[key].metrics == record.metrics


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError


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
            if self.how == "exit":
                raise SystemExit(3)
            if self.how == "cancelled":  # no Exception
                raise asyncio.CancelledError("too late")
            if self.how == "unspeakable":
                raise Unspeakable
            if self.how == "surrogate":
                raise OSError(2, "no such file", "\udcff.bin")
            return self.head(x_BI) * float("nan")
        return self.head(x_BI)


FAILING = Contestant(
    name="failing", title="Failing", model=Failing, hyperparameters={"how": "error"}, dial=Dial(name="how")
)


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ("error", "failed", "RuntimeError"),
        ("memory", "oom", "MemoryError"),
        ("exit", "failed", "SystemExit"),
        ("cancelled", "failed", "CancelledError"),
        ("unspeakable", "failed", "Unspeakable"),
        ("surrogate", "failed", "FileNotFoundError"),
        ("nan", "diverged", "Diverged"),
    ],
)
def test_failures_are_records_and_do_not_stop_the_sweep(small_world, tmp_path, how, status, kind):
    store = Store(tmp_path)
    failing = Entrant(contestant=FAILING, hyperparameters={"how": how})
    records = run(small_world, store, failing, budgets=(None,))
    assert [r.status for r in records] == [status, status]
    assert records[0].error["type"] == kind
    assert records[0].error["message"]
    assert records[0].metrics is None
    assert records[0].cost.dense_parameters > 0
    assert not store.path("predictions", records[0].key).exists()
    again = run(small_world, store, failing, budgets=(None,))
    assert len(again) == (0 if status == "diverged" else 2)


class LoudObjective(torch.nn.Module):
    """A healthy model whose objective is a thousand times its task loss."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)

    def forward(self, x_BI):
        return self.head(x_BI)

    def loss(self, x_BI, y_BK, criterion):
        return 1000 * criterion(self(x_BI), y_BK)


def test_divergence_is_judged_by_the_task_loss(small_world, tmp_path):
    loud = Contestant(
        name="l", title="L", model=LoudObjective, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    store = Store(tmp_path)
    (record,) = run(small_world, store, Entrant(contestant=loud), budgets=(None,), seeds=(0,))
    assert record.status == "ok"
    curve = pq.read_table(store.path("curves", record.key))
    assert curve["train_loss"].to_pylist()[0] > 100  # what is minimised


class Meddling(torch.nn.Module):
    """Draws from numpy, and changes what others rely on."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.head = torch.nn.Linear(sum(field_dims), num_tasks)
        if self.head.weight.device.type != "meta":
            with torch.no_grad():
                self.head.weight += float(np.random.rand())  # noqa: NPY002
            torch.set_default_dtype(torch.float64)
            torch.set_num_threads(2)
            np.random.seed(7)  # noqa: NPY002

    def forward(self, x_BI):
        return self.head(x_BI.to(self.head.weight.dtype))


def test_a_run_in_company_is_a_run_alone(small_world, tmp_path):
    meddling = Contestant(
        name="m", title="M", model=Meddling, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    both = (Entrant(contestant=meddling), entrant("dlrm-mlp"))
    alone, company = Store(tmp_path / "alone"), Store(tmp_path / "company")
    for one in both:
        run(small_world, alone, one, seeds=(0,), budgets=(None,))
    threads = torch.get_num_threads()
    np.random.seed(1)  # noqa: NPY002
    run(small_world, company, *both, seeds=(0,), budgets=(None,))
    assert torch.get_default_dtype() is torch.float32
    assert torch.get_num_threads() == threads
    for key, record in alone.read().runs.items():
        assert company.read().runs[key].metrics == record.metrics


def test_a_data_set_exchanged_under_the_sweep_is_not_trained_on(small_world, tmp_path):
    import dataclasses

    store = Store(tmp_path)
    planned = planned_runs(small_world, seeds=(0,))
    exchanged = dataclasses.replace(small_world, fingerprint="0" * 64)
    for record in sweep(planned, exchanged, store, device=CPU):
        assert record.status == "failed"
        assert "it was replaced in between" in record.error["message"]


def test_the_longest_runs_are_done_first(small_world, tmp_path):
    planned = planned_runs(small_world, entrant("dlrm-mlp"), entrant("autoint"), entrant("wukong"))
    flops = [run.cost.flops_train for run in missing(planned, Store(tmp_path))]
    assert len(set(flops)) == 3
    assert flops == sorted(flops, reverse=True)
