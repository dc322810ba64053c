"""Memory: a process that loads much more than it may hold stays small, and says how large it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from bench.machine.paging import mapping_of, peak_rss_bytes, release
from bench.machine.parallel import worker_processes

LOADING = """
import sys
from pathlib import Path
import numpy as np
from bench.data.dataset import Rows
from bench.data.loader import batches
from bench.machine.paging import peak_rss_bytes

rows, width = int(sys.argv[2]), 64
categorical = np.memmap(sys.argv[1], dtype=np.int32, mode="r", shape=(rows, width))
split = Rows(
    categorical=categorical,
    numeric=np.empty((rows, 0), np.float32),
    sequences={},
    label=np.zeros((rows, 1), np.uint8),
)
before, seen = peak_rss_bytes(), 0
for shuffle_seed in (0, None):
    for batch in batches(split, batch_size=4096, shuffle_seed=shuffle_seed):
        seen += len(batch) + int(batch.categorical.sum())
print(seen, peak_rss_bytes() - before)
"""


def test_loading_far_more_than_memory_may_hold_keeps_memory_bounded(tmp_path: Path) -> None:
    rows = 1 << 21  # 512 MiB of ids; a window of the loader is 32 MiB
    file = tmp_path / "categorical"
    with file.open("wb") as opened:
        opened.truncate(rows * 64 * 4)
    command = [sys.executable, "-c", LOADING, str(file), str(rows)]
    seen, grown = map(int, subprocess.run(command, check=True, capture_output=True).stdout.split())
    assert seen == 2 * rows
    assert grown < 250 << 20


def test_released_pages_come_back(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(100_000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert mapping_of(mapped[5:]) is mapping_of(mapped)
    assert mapping_of(np.arange(3)) is None
    before = mapped.sum()
    release(mapped[10:20])
    release(np.arange(3))
    assert mapped.sum() == before


def test_the_peak_is_at_least_what_is_held() -> None:
    held = np.ones(10_000_000)
    assert peak_rss_bytes() > held.nbytes


def test_a_worker_is_not_charged_with_what_its_parent_holds() -> None:
    held = np.ones(1 << 27)
    with worker_processes(1) as pool:
        assert pool.submit(peak_rss_bytes).result() < held.nbytes // 2
