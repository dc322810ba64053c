"""`rankbench predict` refuses what it cannot predict, in one line and before any work."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.runs.kept import run_called
from bench.runs.store import RUNS_FILE, JoinedStores, Store, View
from rankbench import predict
from tests.rankbench.trained_shop import assert_logits_of, import_shop


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("KEY", "--data", "tset.csv"),
            "no file 'tset.csv', and no data set of that name in data/ (known: shop)",
        ),
        (("KEY", "--data", "shp"), "did you mean 'shop'?"),
        (("KEY", "--data", "test.csv", "--split", "test"), "--split is 'test', but test.csv is a file"),
        (("KEY", "--data", "shop", "--split", "tset"), "unknown split 'tset'; did you mean 'test'?"),
        (("abc", "--data", "shop"), "'abc' is no key; give at least the first 6 digits of one of: "),
        (("0" * 32, "--data", "shop"), f"no run in results/local has the key '{'0' * 32}'"),
        (("KEY", "--data", "shop", "--device", "gpu"), "device is 'gpu', allowed: auto, cpu, cuda"),
        (("KEY", "--data", "shop", "--output", "data"), "--output is data, which is a folder"),
        (("KEY", "--data", "test.csv", "--output", "test.csv", "--replace"), "which is also the input file"),
        (
            ("KEY", "--data", "shop", "--output", "p.csv"),
            "p.csv, but Parquet is written; give a name that ends",
        ),
        (("KEY", "--data", "shop", "--output", "here.pq"), "here.pq already exists; add --replace"),
        (("KEY", "--data", "shop", "--output", "/proc/nope/x.parquet"), "/proc/nope cannot be written"),
        (
            ("KEY", "--data", "shop.toml"),
            "shop.toml has no column 'item', which the schema needs (it has: name = \"shop\")",
        ),
        (("KEY", "--data", "shop", "--contestant", "dcnv2"), "--contestant is 'dcnv2', but run"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(runs, predict_command, arguments, message):
    Path("here.pq").touch()
    before = sorted(Path().rglob("*"))
    out, err = predict_command(*(runs["dlrm-mlp"].key if a == "KEY" else a for a in arguments), code=2)
    assert message in err
    assert len(err.splitlines()) == 1
    assert out == ""
    assert sorted(Path().rglob("*")) == before


def test_a_wrong_key_names_the_nearest_and_those_with_weights(runs):
    key = runs["dcnv2"].key
    wrong = key[:7] + ("0" if key[7] != "0" else "1")
    with pytest.raises(BadInput, match=rf"did you mean '{key[:8]}'\?.*{key} \(dcnv2, shop, seed 0\)"):
        predict.run(wrong, "shop")


def test_a_store_without_weights_says_how_to_get_some(tmp_path):
    with pytest.raises(
        BadInput, match=rf"^'fm' is no key, and {tmp_path} has no run with weights; train one"
    ):
        predict.run("fm", "shop", store=[tmp_path])


def test_digits_that_several_keys_begin_with_are_refused_with_those_keys(runs):
    keys = [f"abcdef{i}{'0' * 25}" for i in range(2)]
    two = {key: dataclasses.replace(run, key=key) for key, run in zip(keys, runs.values(), strict=False)}
    view = View(runs=two, studies=(), superseded=frozenset(), torn=())
    stores = JoinedStores([Store(Path("results/local"))])
    with pytest.raises(BadInput, match=f"2 runs have keys that begin with 'abcdef'; .*{keys[0]} .*{keys[1]}"):
        run_called(view, "abcdef", stores)
    assert run_called(view, "abcdef1", stores).key == keys[1]


def test_a_contestant_that_computes_something_else_now_is_refused(runs, monkeypatch):
    later = dataclasses.replace(CONTESTANTS["dcnv2"], rev=99)
    monkeypatch.setitem(CONTESTANTS, "dcnv2", later)
    with pytest.raises(
        BadInput, match=r"'dcnv2' is at rev 99, but run .* trained rev \d+, .* train it again"
    ):
        predict.run(runs["dcnv2"].key, "test.csv")


def copy_of_store(to: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> Path:
    """The store with every record changed."""
    shutil.copytree("results/local", to)
    lines = (to / RUNS_FILE).read_text().splitlines()
    (to / RUNS_FILE).write_text("".join(json.dumps(change(json.loads(line))) + "\n" for line in lines))
    return to


def test_weights_that_are_not_there_or_not_those_of_the_run_are_refused(runs, tmp_path):
    one, other = runs["dlrm-mlp"], runs["dcnv2"]
    store = Store(copy_of_store(tmp_path / "store", lambda record: record))
    file = store.path("weights", one.key)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadInput, match="is damaged: its SHA-256 is not that of the record"):
        predict.run(one.key, "shop", store=[store.directory])
    file.unlink()
    again = f"--keep weights --store {store.directory}' trains it again"
    with pytest.raises(BadInput, match=rf"\({file} is missing\); 'rankbench run compare .* {again}"):
        predict.run(one.key, "shop", store=[store.directory])
    predict.run(  # another store has it
        one.key, "shop", store=[store.directory, Path("results/local")], output=tmp_path / "out.parquet"
    )
    assert_logits_of(one, tmp_path / "out.parquet")
    undigested = Store(copy_of_store(tmp_path / "old", lambda record: {**record, "files": {}}))
    shutil.copy(undigested.path("weights", other.key), undigested.path("weights", one.key))
    with pytest.raises(BadInput, match=f"does not hold the weights of run {one.key}"):
        predict.run(one.key, "shop", store=[undigested.directory])


def test_a_run_that_is_not_ok_has_no_weights(runs, tmp_path):
    store = copy_of_store(
        tmp_path / "store",
        lambda record: {**record, "status": "diverged", "metrics": None, "error": {"type": "Diverged"}},
    )
    with pytest.raises(BadInput, match=r"is diverged, so it has no weights to predict with"):
        predict.run(runs["dlrm-mlp"].key, "shop", store=[store])


def test_the_data_set_must_be_the_one_of_the_run_or_mean_the_same(shop, runs, tmp_path):
    run = runs["dlrm-mlp"]
    files, data, both = tmp_path / "files", tmp_path / "data", tmp_path / "both"
    files.mkdir()
    for name in ("train.csv", "valid.csv", "test.csv", "items.csv", "shop.toml"):
        shutil.copy(name, files)
    with (files / "train.csv").open("a") as file:
        file.write("yes,5,1700000000,i3,/p/1,2,\r\n")
    import_shop(files, data)
    with pytest.raises(BadInput, match=f"run {run.key} was trained on data set 'shop' with fingerprint"):
        predict.run(run.key, "test.csv", data_dir=data)
    shutil.copytree("data", both)
    import_shop(files, both, name="more")
    with pytest.raises(BadInput, match=r"'more' has a different schema from 'shop', .*: field 'price'"):
        predict.run(run.key, "more", data_dir=both)
    import_shop(shop, both, name="same")
    predict.run(run.key, "same", data_dir=both, output=tmp_path / "out.parquet")
    assert_logits_of(run, tmp_path / "out.parquet")
    (both / "shop" / "test" / "label.npy").write_bytes(b"damaged")
    with pytest.raises(BadInput, match=r"label\.npy cannot be read"):
        predict.run(run.key, "shop", data_dir=both)


def test_equal_schemas_with_other_ids_are_refused(runs, tmp_path):
    """Other words, as often each: the same schema, and every id means something else."""
    shutil.copytree("data", tmp_path / "data")
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("train.csv", "valid.csv", "test.csv", "items.csv"):
        text = Path(name).read_text()
        text = text.replace("yes,5", "no,5", 1)  # else the content, and so the fingerprint, is the same
        (folder / name).write_text(re.sub(r"\bi(\d+)\b", r"j\1", text))
    shutil.copy("shop.toml", folder)
    import_shop(folder, tmp_path / "data", name="other")
    with pytest.raises(BadInput, match=r"'other' has different ids from 'shop', on which run .* was trained"):
        predict.run(runs["dlrm-mlp"].key, "other", data_dir=tmp_path / "data")


def test_what_is_wrong_with_the_request_is_said_without_torch(runs):
    program = (
        "import sys; from rankbench.__main__ import main\nsys.argv = ['rankbench', 'predict', 'KEY', "
        "'--data', 'DATA']\ntry: main()\nexcept SystemExit as stop: assert stop.code == 2\nassert 'torch' "
        "not in sys.modules"
    )
    for key, data in (("0" * 32, "shop"), (runs["dcnv2"].key, "shp")):
        asked = program.replace("KEY", key).replace("DATA", data)
        subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True)


def test_a_full_disk_leaves_no_file(runs, no_file_larger_than, tmp_path):
    out = tmp_path / "out.parquet"
    no_file_larger_than(10_000)
    with pytest.raises(BadInput, match=r"out\.parquet cannot be written: .*no usable file is left"):
        predict.run(runs["dcnv2"].key, "shop", output=out)
    assert list(tmp_path.iterdir()) == []
