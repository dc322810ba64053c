"""The memory of an import does not grow with its rows."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.importing import history
from bench.data.importing.plan import ByUserTime
from bench.data.importing.spool import Spool
from tests.bench.data.test_importing_features import LOG


def peak_of_user_splits(folder: Path, rows: int) -> int:
    """Most bytes allocated while the split of so many rows is told from the times of their users."""
    folder.mkdir()
    with Spool(folder) as spool:
        for first in range(0, rows, 1 << 16):
            number = np.arange(first, first + (1 << 16))
            spool.append({"user": (number % 1000 + 1).astype(np.int32), "time": number})
        tracemalloc.start()
        history.add_user_splits(replace(LOG, split=ByUserTime(fractions=(0.5, 0.25, 0.25))), spool)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        counts = np.bincount(np.concatenate([c["split"] for _, c in spool.blocks("split")]), minlength=3)
    assert counts / rows == pytest.approx([0.5, 0.25, 0.25], abs=0.01)
    return peak


def test_the_memory_of_user_splits_does_not_grow_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PART_ROWS", 1 << 16)
    few, many = (peak_of_user_splits(tmp_path / str(rows), rows) for rows in (1 << 18, 1 << 20))
    assert many - few < 1 << 18  # a byte a row would be 3/4 of 2^20
