"""`rankbench predict`: a trained contestant gives outside what it gave in its run."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from bench.canonical import digest_of_file
from bench.runs.store import Store
from rankbench import predict
from tests.rankbench.trained_shop import OF_ONES_OWN, ROWS, assert_logits_of, columns, write


@pytest.mark.parametrize("name", ["dlrm-mlp", "dcnv2"])
def test_the_test_file_gets_the_stored_logits_to_the_bit(runs, name, tmp_path):
    run = runs[name]
    predict.run(run.key, "test.csv", output=tmp_path / "of_file.parquet")
    assert_logits_of(run, tmp_path / "of_file.parquet")
    predict.run(run.key[:6], "shop", output=tmp_path / "of_name.parquet")
    assert_logits_of(run, tmp_path / "of_name.parquet")


def test_another_order_of_columns_and_no_labels_change_nothing(runs, tmp_path):
    with Path("test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    order = ["note", "bought", "when", "price", "page", "item"]
    write(tmp_path / "new.csv", order, [{**row, "note": "x"} for row in rows])
    shutil.copy("items.csv", tmp_path)
    predict.run(runs["dcnv2"].key, str(tmp_path / "new.csv"), output=tmp_path / "out.parquet")
    assert_logits_of(runs["dcnv2"], tmp_path / "out.parquet")


def test_what_the_command_prints_and_where_it_writes(runs, predict_command):
    run = runs["dlrm-mlp"]
    out, _ = predict_command(run.key[:8], "--data", "shop", "--split", "valid")
    path = Path(f"{run.key[:8]}-shop-valid.parquet")
    mean = columns(path)["probability.sold"].mean(dtype=np.float64)
    assert out.splitlines()[0] == f"{path}: 300 rows, dlrm-mlp seed 0"
    assert f"mean probability of sold: {mean:.6f}" in out
    out, err = predict_command(run.key[:8], "--data", "test.csv", "--output", "new/out.parquet", "--json")
    told = json.loads(out)
    assert told["file"] == "new/out.parquet"
    assert told["rows"] == ROWS["test"]
    assert told["mean_probability"].keys() == {"sold", "liked"}
    assert f"{told['unmatched_keys']['items']:,} rows have a key that table 'items' does not have" in err
    assert [p.name for p in Path("new").iterdir()] == ["out.parquet"]  # nothing partial is left


def test_a_contestant_of_ones_own_is_named_and_must_be_of_the_same_source(runs, predict_command, tmp_path):
    run = runs["fm"]
    out = str(tmp_path / "out.parquet")
    asked = (run.key, "--data", "test.csv", "--output", out)
    _, err = predict_command(*asked, code=2)
    assert "trained 'fm', which is your own contestant; give it with --contestant" in err
    predict_command(*asked, "--contestant", "fm_of_the_shop.py:FM")
    assert_logits_of(run, Path(out))
    text = OF_ONES_OWN.read_text()
    (tmp_path / "changed_fm.py").write_text(text.replace("sum(2) / 2", "sum(2) / 3"))
    _, err = predict_command(*asked, "--replace", "--contestant", str(tmp_path / "changed_fm.py"), code=2)
    assert f"has changed since run {run.key} trained it" in err
    assert len(err.splitlines()) == 1
    assert_logits_of(run, Path(out))


def test_the_weights_are_a_file_for_anybody(runs):
    for run in runs.values():
        weights = safetensors.numpy.load_file(Store(Path("results/local")).path("weights", run.key))
        dense = sum(array.size for name, array in weights.items() if name.startswith("contestant."))
        tables = sum(array.size for name, array in weights.items() if name.startswith("features.tables."))
        features = sum(array.size for name, array in weights.items() if name.startswith("features."))
        assert dense == run.cost.dense_parameters
        assert tables == run.cost.embedding_parameters
        assert features - tables == run.cost.encoder_parameters
        linear = sum(array.size for name, array in weights.items() if name.startswith("linear."))
        assert linear == run.cost.linear_parameters
        expected = {"contestant", "features"} | (
            {"linear"} if run.spec.contestant.name == "wide-fm" else set()
        )
        assert {name.partition(".")[0] for name in weights} == expected


def test_a_linear_part_is_trained_kept_and_predicted_with(runs, tmp_path):
    run = runs["wide-fm"]
    ids = {
        "item": 22,
        "page": 52,
        "bought": 22,
        "colour": 5,
        "hour": 26,
    }  # the missing and the unknown row too
    assert run.cost.linear_parameters == 2 * (sum(ids.values()) + 2)  # of two tasks; two of the only number
    assert runs["fm"].cost.linear_parameters == 0
    weights = safetensors.numpy.load_file(Store(Path("results/local")).path("weights", run.key))
    assert all(array.any() for name, array in weights.items() if name.startswith("linear."))
    predict.run(run.key, "test.csv", output=tmp_path / "out.parquet", contestant="wide_fm.py:FM")
    assert_logits_of(run, tmp_path / "out.parquet")
    assert run.metrics["test"] != runs["fm"].metrics["test"]


def test_weights_without_the_linear_part_that_the_contestant_has_are_refused(runs, predict_command, tmp_path):
    run, shorn = runs["wide-fm"], tmp_path / "store"
    shutil.copytree("results/local", shorn)
    file = Store(shorn).path("weights", run.key)
    with safetensors.safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
    kept = {name: array for name, array in safetensors.numpy.load_file(file).items() if "linear" not in name}
    safetensors.numpy.save_file(kept, file, metadata=metadata)
    record = (shorn / "runs.jsonl").read_text().replace(run.files["weights"], digest_of_file(file))
    (shorn / "runs.jsonl").write_text(record)
    asked = (run.key, "--data", "shop", "--contestant", "wide_fm.py:FM", "--store", str(shorn))
    _, err = predict_command(*asked, "--output", str(tmp_path / "out.parquet"), code=2)
    assert "does not fit contestant 'wide-fm' in its present form" in err
