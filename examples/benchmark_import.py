"""Import speed and memory on files in the format of Criteo, made by perturbing the rows of its real head.

    python examples/benchmark_import.py PATH/TO/train.txt [--rows 1000000 2000000 5000000] [--work FOLDER]

Every category of a made row is, with probability 1/20, another one: value number ⌊u⁻³⌋ of at most 200,000
for a uniform u, so that the distinct values grow as they do in real logs, fast at first, then hardly. Counts
are changed by ±1 with probability 1/5. Every size is imported by a process of its own, whose peak memory is
then its own; the file is written before the clock starts and is in the page cache, as after a download.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNTS, CATEGORIES = range(1, 14), range(14, 40)
MOST_VALUES = 200_000


def write_rows(head: Path, rows: int, to: Path) -> None:
    """Repeats the rows of `head`, perturbed, until there are so many."""
    originals = [line.split("\t") for line in head.read_text().splitlines()]
    generator = random.Random(0)
    with to.open("w") as file:
        for i in range(rows):
            cells = originals[i % len(originals)].copy()
            for column in CATEGORIES:
                if generator.random() < 0.05:
                    value = min(MOST_VALUES, int((1 - generator.random()) ** -3.0))
                    cells[column] = f"{value * 2654435761 % 2**32:08x}"
            for column in COUNTS:
                if cells[column] and generator.random() < 0.2:
                    cells[column] = str(int(cells[column]) + generator.choice((-1, 1)))
            file.write("\t".join(cells) + "\n")


def measure(file: Path, directory: Path) -> dict[str, float]:
    """Imports `file`, as `rankbench data import` does, in this process."""
    from bench.machine.parallel import leave_polars_one_thread

    leave_polars_one_thread()

    from bench.data.importing import import_table
    from bench.data.public.criteo import PLANS
    from bench.machine.allocator import keep_buffers
    from bench.machine.paging import peak_rss_bytes

    keep_buffers()
    started, cpu_started = time.perf_counter(), time.process_time()
    dataset = import_table(PLANS["criteo"], file, directory)
    rows = sum(dataset.rows.values())
    return {
        "rows": rows,
        "rows_per_s": rows / (time.perf_counter() - started),
        "rows_per_cpu_s": rows / (time.process_time() - cpu_started),
        "peak_rss_bytes": peak_rss_bytes(),
        "known_values": sum(field.cardinality for field in dataset.schema.fields),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Import speed and memory in the format of Criteo.")
    parser.add_argument("head", type=Path, help="rows of the raw Criteo file, tab-separated")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 2_000_000, 5_000_000])
    parser.add_argument("--work", type=Path, help="folder for the files in between")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.head, arguments.measure)))
        return
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
            file = Path(folder) / "train.txt"
            write_rows(arguments.head, rows, file)
            command = [sys.executable, __file__, str(file), "--measure", str(Path(folder) / "criteo")]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            print(
                f"{found['rows']:>10,} rows: {found['rows_per_s']:>9,.0f} rows/s, "
                f"{found['rows_per_cpu_s']:>9,.0f} rows per CPU second, "
                f"peak {found['peak_rss_bytes'] / 2**20:,.0f} MiB, "
                f"{found['known_values']:,} known values",
                flush=True,
            )


if __name__ == "__main__":
    main()
