"""A store of 300 runs over 5 studies, and how long its report takes: `python -m tests.reports.large_store`.

Test splits are of 3,000 rows; a larger one makes the reading of predictions longer, and nothing else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.reports.conftest import StoreBuilder
from tests.reports.laddered import TEN, THREE, ladder

FOUR = {label: TEN[label] for label in ("DLRM-MLP", "DCNv2", "RankMixer", "TokenMixer-Large")}
FIVE = {**FOUR, "MoE": "moe"}


def fill(builder: StoreBuilder) -> None:
    """Runs: 150 of a ladder, 30 of one budget, 45 and 45 of small ladders, 30 of sizes × rows."""
    ladder(builder, contestants=TEN, budgets=(30_000, 100_000, 300_000, 1_000_000, 3_000_000), seeds=3)
    ladder(
        builder, contestants=TEN, budgets=(200_000,), seeds=3, name="compare", kind="comparison", paper=True
    )
    for name, data in (("small", "rules-3000-1"), ("other", "network-3000-1")):
        ladder(
            builder, contestants=FIVE, budgets=(30_000, 100_000, 300_000), seeds=3, name=name, dataset=data
        )
    ladder(
        builder,
        contestants={"RankMixer": THREE["RankMixer"]},
        budgets=(30_000, 100_000, 300_000),
        train_rows=(64_000, 256_000, 1_024_000, 1_536_000, None),
        seeds=2,
        name="data",
        dataset="rules-3001-1",
    )


def main() -> None:
    """Prints the number of runs and the seconds of two reports."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "store"
        builder = StoreBuilder(store)
        if not (store / "runs.jsonl").exists():
            fill(builder)
        print(f"{len((store / 'runs.jsonl').read_text().splitlines())} runs")
        contents = []
        for name in ("first", "second"):
            started, computed = time.perf_counter(), time.process_time()
            written = builder.report(Path(folder) / name)
            seconds = time.perf_counter() - started, time.process_time() - computed
            print(f"{name} report: {seconds[0]:.1f} s, {seconds[1]:.1f} s of them computing")
            paths = sorted(path for path in written.page.parent.rglob("*") if path.is_file())
            contents.append({path.relative_to(written.page.parent): path.read_bytes() for path in paths})
        print("the same bytes" if contents[0] == contents[1] else "different bytes")


if __name__ == "__main__":
    main()
