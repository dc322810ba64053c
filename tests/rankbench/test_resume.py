"""A sweep killed at any moment and started again ends where an undisturbed one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.runs.store import RUNS_FILE, Store

COMMAND = [
    *(sys.executable, "-m", "rankbench", "run", "compare", "--rows", "30k", "--budget", "8k", "--seeds", "2"),
    *("--protocol", "short", "--contestants", "dlrm-mlp,dcnv2,rankmixer", "--batch-size", "256"),
]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
MACHINE_FILES = {
    "machine.csv",
    "timings-environment-and-timings.tex",
    "environment-environment-and-timings.tex",
}


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        COMMAND, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def num_records(folder: Path) -> int:
    path = folder / "results/local" / RUNS_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_after(folder: Path, records: int, seconds: float) -> None:
    """Starts the sweep and kills it some time after it has put that many more records into the store."""
    goal = num_records(folder) + records
    process = start(folder)
    deadline = time.monotonic() + 120
    while num_records(folder) < goal:
        assert process.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def report_without_machine(folder: Path) -> dict[str, bytes]:
    """Every file of the report, but for what says when and where its runs were made."""
    report = folder / "results/local/report"
    files = {str(path.relative_to(report)): path for path in sorted(report.rglob("*")) if path.is_file()}
    contents = {name: path.read_bytes() for name, path in files.items() if path.name not in MACHINE_FILES}
    for name, heading in (("report.md", b"## Environment"), ("index.html", b'id="environment-and-timings"')):
        assert heading in contents[name]
        contents[name] = contents[name].partition(heading)[0]
    return contents


def test_killed_at_three_moments_the_store_and_the_report_are_those_of_an_undisturbed_sweep(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    assert start(whole).wait() == 0
    for records, seconds in ((1, 0.0), (1, 0.15), (2, 0.05)):
        kill_after(killed, records, seconds)
    assert start(killed).wait() == 0

    view = Store(killed / "results/local").read()
    statuses = [json.loads(line)["status"] for line in (killed / "results/local" / RUNS_FILE).open()]
    assert statuses == ["ok"] * 6
    assert not view.torn
    undisturbed = Store(whole / "results/local").read()
    assert view.runs.keys() == undisturbed.runs.keys()
    for key, run in view.runs.items():
        assert run.metrics == undisturbed.runs[key].metrics
    assert report_without_machine(killed) == report_without_machine(whole)
