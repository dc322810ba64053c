"""A store is held against itself: files against digests, metrics against predictions."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.runs.audit import audit_store
from bench.runs.store import RUNS_FILE, Store
from tests.bench.runs.quick import entrant, run


@pytest.fixture(scope="module")
def made(small_world, tmp_path_factory) -> Store:
    store = Store(tmp_path_factory.mktemp("made"))
    one = entrant("dlrm-mlp", hyperparameters={"hidden_dims": (8,)})
    run(small_world, store, one, budgets=(None,), seeds=(0,))
    return store


@pytest.fixture
def store(made, tmp_path) -> Store:
    """A copy to damage."""
    for path in made.directory.rglob("*.*"):
        target = tmp_path / path.relative_to(made.directory)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    return Store(tmp_path)


def without_digests(store: Store) -> None:
    """Makes the record one of those that were written before there were digests."""
    path = store.directory / RUNS_FILE
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "files": {}}) + "\n")


def test_a_sound_store_has_no_faults(store):
    assert list(audit_store(store)) == []
    without_digests(store)
    assert list(audit_store(store)) == []


@pytest.mark.parametrize("kind", ["predictions", "curves"])
def test_one_flipped_bit_is_found(store, kind):
    (run,) = store.read().runs.values()
    path = store.path(kind, run.key)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    faults = list(audit_store(store))
    assert any("has changed since it was written" in fault for fault in faults)


def scaled(table: pa.Table) -> pa.Table:
    return table.set_column(
        table.column_names.index("logit.finish"),
        "logit.finish",
        pa.array(table["logit.finish"].to_numpy() * 2),
    )


def permuted(table: pa.Table) -> pa.Table:
    return table.take(np.random.default_rng(0).permutation(len(table)))


def with_other_users(table: pa.Table) -> pa.Table:
    users = np.roll(table["user"].to_numpy(), 7)
    return table.set_column(table.column_names.index("user"), "user", pa.array(users))


def without_a_task(table: pa.Table) -> pa.Table:
    return table.drop_columns(["logit.skip"])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (scaled, "test log_loss of finish is "),
        (permuted, "has rows out of order"),
        (with_other_users, "test uauc of finish is "),
        (without_a_task, "cannot be read as predictions of finish, skip"),
    ],
)
def test_damage_that_the_auc_does_not_show_is_found_without_digests(store, damage, told):
    (run,) = store.read().runs.values()
    without_digests(store)
    path = store.path("predictions", run.key)
    pq.write_table(damage(pq.read_table(path)), path)
    faults = list(audit_store(store))
    assert any(told in fault for fault in faults), faults
    assert not any("AUC of finish" in fault for fault in faults)


def test_a_missing_file_is_named(store):
    (run,) = store.read().runs.values()
    path = store.path("predictions", run.key)
    path.unlink()
    (fault,) = audit_store(store)
    assert f"{path} cannot be read: No such file" in fault
