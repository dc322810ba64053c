"""The schema files in examples/schemas, on the heads of the files they are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import SPLITS
from bench.data.importing import ImportPlan, import_table
from bench.data.importing.plan import ByRandom
from bench.data.schema import MISSING_ID
from bench.errors import BadInput

CHECKOUT = Path(__file__).parents[3]
SCHEMAS = CHECKOUT / "examples" / "schemas"


@pytest.mark.parametrize("file", sorted(SCHEMAS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_parses(file: Path) -> None:
    plan = ImportPlan.from_toml(file)
    assert plan.name.replace("-", "_") == file.stem


def test_criteo(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    plan = ImportPlan.from_toml(SCHEMAS / "criteo_kaggle.toml")
    assert (len(plan.of_kind("numeric")), len(plan.of_kind("categorical"))) == (13, 26)
    file = real_data("criteo-head/train.txt")
    dataset = import_table(plan, file, tmp_path / "criteo")
    assert sum(dataset.rows.values()) == 10_000
    raw = pl.read_csv(file, separator="\t", has_header=False, quote_char=None, infer_schema=False)
    labels = np.concatenate([dataset.splits[split].label[:, 0] for split in SPLITS])
    assert labels.sum() == raw.to_series(0).cast(pl.Int64).sum()
    missing = sum(int(np.isnan(dataset.splits[split].numeric).sum()) for split in SPLITS)
    missing += sum(int((dataset.splits[split].categorical == MISSING_ID).sum()) for split in SPLITS)
    assert missing == sum(raw[:, 1:].null_count().row(0))
    train = dataset.splits["train"].numeric
    np.testing.assert_allclose(np.nanmean(train, axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.nanstd(train, axis=0), 1, atol=1e-4)


def test_avazu(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    plan = ImportPlan.from_toml(SCHEMAS / "avazu.toml")
    file = real_data("avazu-head/train.csv")
    with pytest.raises(BadInput, match="train split has no rows"):  # its rows are all of one hour
        import_table(plan, file, tmp_path / "avazu")
    plan = replace(plan, split=ByRandom(seed=0, fractions=(0.8, 0.1, 0.1)))
    dataset = import_table(plan, file, tmp_path / "avazu")
    assert sum(dataset.rows.values()) == 8_087
    assert len(dataset.schema.fields) == 21
    assert set(dataset.splits["train"].time.tolist()) == {14102100}


def test_movielens_100k_ratings(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    plan = ImportPlan.from_toml(SCHEMAS / "movielens_100k_ratings.toml")
    dataset = import_table(plan, real_data("movielens-100k/ml-100k.inter"), tmp_path / "ratings")
    assert sum(dataset.rows.values()) == 100_000
    train, valid, test = (dataset.splits[split] for split in SPLITS)
    assert train.time.max() < valid.time.min() <= valid.time.max() < test.time.min()
    assert sum(int(part.label.sum()) for part in (train, valid, test)) == 55_375
    assert 1 + max(int(part.user.max()) for part in (train, valid, test)) == 943
