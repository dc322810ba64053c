"""A small shop: files, their data set, and contestants trained on it with their weights, for `predict`."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.special import expit

from bench.data.dataset import SPLITS
from bench.data.importing import ImportPlan, import_table
from bench.runs.record import Run
from bench.runs.store import Store

SCHEMA = """
name = "shop"
[source]
missing = ["", "NA"]
[[tables]]
name = "items"
files = ["items.csv"]
key = "item"
[time]
column = "when"
format = "seconds"
[[labels]]
name = "sold"
positive = "yes"
[[labels]]
name = "liked"
column = "stars"
positive = ">= 4"
[[fields]]
name = "item"
kind = "categorical"
group = "item"
minimum_count = 2
[[fields]]
name = "page"
kind = "categorical"
group = "context"
buckets = 50
[[fields]]
name = "price"
kind = "numeric"
group = "item"
transform = "log1p"
clip = true
[[fields]]
name = "bought"
kind = "sequence"
group = "sequence"
max_length = 4
table = "item"
[[fields]]
name = "colour"
of = "items"
kind = "categorical"
group = "item"
[[fields]]
name = "hour"
part = "hour"
kind = "categorical"
group = "context"
[split]
by = "file"
train = ["train.csv"]
valid = ["valid.csv"]
test = ["test.csv"]
"""
ROWS = {"train": 3_000, "valid": 300, "test": 4_300}  # a batch of the test and a part of one
TRAIN = (
    *("--data", "shop", "--budget", "none", "--seeds", "1", "--batch-size", "512", "--processes", "1"),
    *("--sequence-encoder", "target", "--width", "4", "--keep", "weights"),
    *("--contestants", "dlrm-mlp,dcnv2,fm_of_the_shop.py:FM,wide_fm.py:FM"),
)
OF_ONES_OWN = Path(__file__).parents[2] / "examples" / "my_model.py"
WIDE = (
    OF_ONES_OWN.read_text().replace('name="fm"', 'name="wide-fm", linear=True').replace('="FM"', '="Wide FM"')
)
"""The same model with a linear part over raw ids."""


def some_row(draw: random.Random, split: str) -> dict[str, str]:
    unseen = 0 if split == "train" else 6

    def cell(text: str) -> str:
        return draw.choice(["", "NA"]) if draw.random() < 0.1 else text

    return {
        "sold": draw.choice(["yes", "no"]),
        "stars": draw.choice(["1", "4", "5", ""]),
        "when": str(1_700_000_000 + draw.randrange(10**6)),
        "item": cell(f"i{draw.randrange(20 + unseen)}"),
        "page": cell(f"/p/{draw.randrange(200)}"),
        "price": cell(f"{draw.lognormvariate(1, 1 + unseen / 6):.3f}"),
        "bought": cell(json.dumps([f"i{draw.randrange(20 + unseen)}" for _ in range(draw.randrange(6))])),
    }


def write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", delimiter=",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_shop(folder: Path) -> None:
    """Files, the data set of them, and a store of four trained contestants."""
    draw = random.Random(1)
    for split in SPLITS:
        rows = [some_row(draw, split) for _ in range(ROWS[split])]
        write(folder / f"{split}.csv", list(rows[0]), rows)
    (folder / "items.csv").write_text("item,colour\n" + "".join(f"i{i},{'rgb'[i % 3]}\n" for i in range(22)))
    (folder / "shop.toml").write_text(SCHEMA)
    shutil.copy(OF_ONES_OWN, folder / "fm_of_the_shop.py")
    (folder / "wide_fm.py").write_text(WIDE)
    import_shop(folder, folder / "data")
    trained = subprocess.run(
        [sys.executable, "-m", "rankbench", "run", "compare", *TRAIN],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert trained.returncode == 0, trained.stderr


def import_shop(folder: Path, data: Path, *, name: str = "shop") -> None:
    plan = dataclasses.replace(ImportPlan.from_toml(folder / "shop.toml"), name=name)
    import_table(plan, folder, data / name)


def stored(run: Run) -> dict[str, np.ndarray]:
    return columns(Store(Path("results/local")).path("predictions", run.key))


def columns(path: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def assert_logits_of(run: Run, path: Path) -> None:
    """The file has the logits that the run stored, to the bit."""
    found, expected = columns(path), stored(run)
    assert list(found) == ["row", "logit.sold", "probability.sold", "logit.liked", "probability.liked"]
    assert found["row"].tolist() == list(range(ROWS["test"]))
    for task in ("sold", "liked"):
        logit = found[f"logit.{task}"]
        assert logit.dtype == np.float32
        assert logit.tobytes() == expected[f"logit.{task}"].tobytes()
        np.testing.assert_allclose(found[f"probability.{task}"], expit(logit), rtol=1e-6)
