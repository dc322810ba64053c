"""What a sweep has written is held against itself, and data sets against their fingerprints."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.schema import MISSING_LABEL
from bench.data.writing import DatasetWriter
from bench.runs.audit import audit_datasets, audit_store
from bench.runs.store import RUNS_FILE, Store
from tests.bench.runs.quick import run


def test_audit_finds_what_was_tampered_with(small_world, tmp_path):
    store = Store(tmp_path / "store")
    first, second = run(small_world, store, seeds=(0,))
    store.path("predictions", first.key).unlink()
    path = store.path("predictions", second.key)
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "logit.finish", table["label.finish"].cast("float32")), path)
    with (tmp_path / "store" / RUNS_FILE).open("a") as file:
        file.write('{"format": 1, "key"')
    faults = list(audit_store(store))
    assert any("runs.jsonl line 3" in fault for fault in faults)
    assert any("test auc of finish is " in fault for fault in faults)
    assert any(f"{store.path('predictions', first.key)} cannot be read" in fault for fault in faults)


def test_audit_takes_tasks_of_one_class_and_missing_labels(small_world, relabelled, tmp_path):
    def change(split, label):
        label[::2, 0] = MISSING_LABEL
        label[:, 1] = label[:, 1] if split == "train" else 0
        return label

    dataset = relabelled(small_world, tmp_path / "data", change)
    store = Store(tmp_path / "store")
    record, _ = run(dataset, store, seeds=[0])
    assert record.status == "ok"
    assert record.metrics["test"]["finish"]["auc"] > 0.5
    assert record.metrics["test"]["skip"]["auc"] is None
    assert list(audit_store(store)) == []
    path = store.path("predictions", record.key)
    table = pq.read_table(path)
    label = table["label.skip"].to_numpy().copy()
    label[0] = 1
    place = table.column_names.index("label.skip")
    pq.write_table(table.set_column(place, "label.skip", pa.array(label)), path)
    assert any("test auc of skip is None in the record" in fault for fault in audit_store(store))


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
