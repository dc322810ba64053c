"""What tests of several folders share."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.synthetic import synthesize
from bench.data.writing import DatasetWriter

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Finds a file or folder of the real data, which is not part of the project; skips where it is absent."""
    root = Path(os.environ.get("RANKBENCH_DATA", CHECKOUT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        if not (root / name).exists():
            pytest.skip(f"real data is absent: {root / name}")
        return root / name

    return find


@pytest.fixture
def no_file_larger_than() -> Iterator[Callable[[int], None]]:
    """Sets the most bytes that a file of this process may have, which stands in for a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C interrupt this process and those it starts, though the tests may run in the background."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A synthetic data set of 12,000 rows."""
    return synthesize(tmp_path_factory.mktemp("data") / "world", family="rules", rows=12_000, seed=0)


@pytest.fixture(scope="session")
def relabelled() -> Callable[[Dataset, Path, Callable[[str, np.ndarray], np.ndarray]], Dataset]:
    """Copies a data set into a folder with the labels ``change(split, labels)``; no true probabilities."""

    def copy(dataset: Dataset, folder: Path, change: Callable[[str, np.ndarray], np.ndarray]) -> Dataset:
        with DatasetWriter(
            folder / "relabelled",
            name="relabelled",
            rev=1,
            schema=dataset.schema,
            rows=dataset.rows,
            source={},
        ) as writer:
            for split in SPLITS:
                columns = {name: np.asarray(array) for name, array in dataset.splits[split].columns()}
                columns["label"] = change(split, columns["label"].copy())
                columns.pop("probability", None)
                writer.append(split, Rows.from_columns(columns))
        return Dataset.open(folder / "relabelled")

    return copy
