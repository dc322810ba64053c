"""`rankbench tune` through real processes: what it trains on what, what it writes, and how that is used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean

from bench.contestants.settings_file import read_settings
from bench.runs.store import RUNS_FILE, Store

TUNE = (
    *("tune", "compare", "--rows", "2k", "--budget", "8k", "--data", "rules", "--processes", "1"),
    *("--contestants", "dlrm-mlp,dcnv2", "--seeds", "1"),
)


def store(folder: Path) -> Store:
    return Store(folder / "results/local")


def lines(folder: Path) -> int:
    path = folder / "results/local" / RUNS_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_what_is_tuned_is_chosen_written_and_used(bench, tmp_path):
    command = (*TUNE, "--trials", "3", "--write", "own.toml", "--storage", "sqlite:///trials.db", "--json")
    (tuning,) = json.loads(bench(*command).stdout)["tuning"]
    assert [one["contestant"] for one in tuning["contestants"]] == ["dlrm-mlp", "dcnv2"]
    view = store(tmp_path).read()
    assert {run.spec.dataset.name for run in view.runs.values()} == {"rules-2000-0"}, "the development world"
    trials, best = view.studies
    assert (trials.name, trials.kind) == ("compare-tuning", "tuning")
    assert (best.name, best.kind) == ("compare-tuned", "comparison")
    first = [(member.seed, member.trial) for member in trials.members if member.seed == 1000]
    assert first == [(1000, 0), (1000, 1), (1000, 2)] * 2
    assert len(trials.members) == 3 * len(first), "all three are finalists"
    assert {member.seed for member in (*best.members, *best.equal)} == {0}
    found = read_settings(tmp_path / "own.toml")
    assert best.tuned == found.told()
    chosen = {one.contestant: one for one in found.settings}
    assert chosen.keys() == {"dlrm-mlp", "dcnv2"}
    for one in tuning["contestants"]:
        aucs = [trial["confirmed_valid_auc"] for trial in one["trials"]]
        for trial, auc in enumerate(aucs):
            of_trial = [m for m in trials.members if (m.contestant, m.trial) == (one["contestant"], trial)]
            valid = [view.runs[member.key].metrics["valid"] for member in of_trial]
            assert abs(auc - fmean(task["auc"] for of_run in valid for task in of_run.values())) < 1e-12
        of_file = chosen[one["contestant"]]
        assert (of_file.size, of_file.valid_auc, of_file.default_valid_auc) == (8_000, max(aucs), aucs[0])
        assert of_file.trial == aucs.index(max(aucs))
        assert of_file.protocol.keys() == {"dense_lr", "sparse_lr", "dense_decay", "batch_size"}
        (tested,) = (member for member in best.members if member.contestant == one["contestant"])
        assert view.runs[tested.key].spec.protocol.dense_lr == of_file.protocol["dense_lr"]

    count = lines(tmp_path)
    done = bench("run", "compare", *TUNE[2:], "--protocol", "own.toml")  # on the world of the studies
    assert "DCNv2 seed 0: ok" in done.stderr
    assert "DCNv2 by equal protocol seed 0: ok" in done.stderr
    view = store(tmp_path).read()
    study = view.studies[-1]
    assert (study.name, study.tuned, study.untuned) == ("compare", found.told(), ())
    for member in study.members:
        spec = view.runs[member.key].spec
        assert (spec.dataset.name, spec.seed) == ("rules-2000-1", 0)
        assert spec.protocol.dense_lr == chosen[member.contestant].protocol["dense_lr"]
    assert {view.runs[member.key].spec.protocol.name for member in study.equal} == {"short"}
    assert lines(tmp_path) == count + len(study.run_keys())

    other = bench(*TUNE, "--trials", "4", "--write", "own.toml", code=2)
    assert (
        "own.toml', but it has settings of another tuning (3 trials each at 8k on rules-2000-0; "
        in other.stderr
    )
    assert lines(tmp_path) == count + len(study.run_keys())


def test_killed_twice_it_ends_with_as_many_trials_each_and_trains_none_twice(tmp_path):
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "rankbench", *TUNE, "--trials", "4"],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    for more in (2, 3):
        goal = lines(tmp_path) + more
        process = start()
        while lines(tmp_path) < goal:
            assert process.poll() is None, "the tuning ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start().wait() == 0
    view = store(tmp_path).read()
    assert lines(tmp_path) == len(view.runs), "nothing is trained twice"
    assert not view.torn
    (tuning,) = (study for study in view.studies if study.kind == "tuning")
    trials = [(member.contestant, member.trial) for member in tuning.members if member.seed == 1000]
    assert trials == [(name, trial) for name in ("dlrm-mlp", "dcnv2") for trial in range(4)]
    assert sum(run.spec.seed == 1000 for run in view.runs.values()) == 8
    assert view.superseded == frozenset()


def test_the_world_of_the_studies_is_refused_and_a_grid_finds_an_equal_rate(bench, tmp_path):
    bench("data", "synthesize", "--family", "trees", "--rows", "2k", "--seed", "1")
    refused = bench("tune", "compare", "--data", "trees-2000-1", code=2)
    assert "trees-2000-1 is of the world that studies are judged on" in refused.stderr
    assert "give --data trees" in refused.stderr
    assert not (tmp_path / "results").exists()
    grid = (
        "tune",
        "dcnv2",
        "--rows",
        "2k",
        "--budget",
        "8k",
        "--data",
        "rules",
        "--equal",
        "--processes",
        "1",
    )
    assert "the median contestant loses least at dense_lr " in bench(*grid).stdout
    view = store(tmp_path).read()
    assert [study.kind for study in view.studies] == ["tuning"]
    assert len({run.spec.protocol.dense_lr for run in view.runs.values()}) == len(view.runs) == 9
    assert {run.spec.seed for run in view.runs.values()} == {1000}
