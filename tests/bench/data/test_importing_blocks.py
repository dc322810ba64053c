"""An import does not depend on how its files are cut into blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.data.dataset import SPLITS
from bench.data.importing import ImportPlan, import_table
from bench.data.importing import spool as spool_module
from bench.data.importing.columns import FieldPlan, Label, Time
from bench.data.importing.plan import ByRandom, ByTime
from tests.bench.data.test_importing import write_csv

LARGE = ImportPlan(
    name="large",
    user="who",
    time=Time(column="when"),
    labels=(Label(name="click"),),
    fields=(
        FieldPlan(name="brand", kind="categorical", group="item", minimum_count=2),
        FieldPlan(name="price", kind="numeric", group="item", transform="log1p"),
        FieldPlan(name="seen", kind="sequence", group="sequence", separator=" ", max_length=4, table="brand"),
    ),
    split=ByTime(fractions=(0.7, 0.1, 0.2)),
)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """3,000 rows, about 100 kB."""
    generator = np.random.default_rng(0)
    brands = generator.zipf(1.3, 3000) % 997
    columns = {
        "when": generator.integers(0, 400, 3000),
        "who": generator.integers(0, 99, 3000),
        "click": generator.integers(0, 2, 3000),
        "brand": brands,
        "price": generator.lognormal(size=3000),
        "seen": [" ".join(map(str, brands[max(0, i - i % 7) : i])) for i in range(3000)],
    }
    return write_csv(tmp_path / "large.csv", columns)


@pytest.mark.parametrize("split", [LARGE.split, ByRandom(seed=0, fractions=(0.8, 0.1, 0.1))])
def test_the_size_of_the_blocks_changes_nothing(
    large: Path, tmp_path: Path, split: ByTime | ByRandom
) -> None:
    plan = replace(LARGE, split=split)
    parquet = tmp_path / "large.parquet"
    pl.read_csv(large, infer_schema=False).write_parquet(parquet, row_group_size=700)
    fingerprints = {
        import_table(plan, file, tmp_path / "data", block_bytes=block_bytes).fingerprint
        for file in (large, parquet)
        for block_bytes in (500, 7_000, 1 << 22)
    }
    assert len(fingerprints) == 1


def test_several_spool_blocks_give_the_rows_of_one(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = import_table(LARGE, large, tmp_path / "whole")
    monkeypatch.setattr(spool_module, "SPOOL_ROWS", 101)
    pieces = import_table(LARGE, large, tmp_path / "pieces")
    for split in SPLITS:
        expected = dict(whole.splits[split].columns())
        for name, array in pieces.splits[split].columns():
            np.testing.assert_allclose(array, expected[name], rtol=1e-6)


def test_a_split_by_time_never_divides_a_time(large: Path, tmp_path: Path) -> None:
    dataset = import_table(LARGE, large, tmp_path / "data")
    train, valid, test = (dataset.splits[split].time for split in SPLITS)
    when = np.sort(pl.read_csv(large)["when"].to_numpy())
    assert train.max() < valid.min() == when[2100]
    assert valid.max() < test.min() == when[2400]


def test_a_split_at_random_is_a_function_of_seed_and_row(large: Path, tmp_path: Path) -> None:
    def users_of_train(seed: int, folder: str) -> list[int]:
        plan = replace(LARGE, split=ByRandom(seed=seed, fractions=(0.5, 0.25, 0.25)))
        return import_table(plan, large, tmp_path / folder).splits["train"].user.tolist()

    first = users_of_train(0, "first")
    assert users_of_train(0, "again") == first
    assert users_of_train(1, "other") != first
    assert abs(len(first) - 1500) < 150  # 5.5 standard deviations


def test_progress_counts_the_rows_twice(large: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    import_table(
        LARGE,
        large,
        tmp_path / "data",
        block_bytes=10_000,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[0][0] < 3000
    assert told[0][1] == pytest.approx(3000, rel=0.1)  # an estimate, from the share of the file that is read
    assert told.count((3000, 3000)) == 2
