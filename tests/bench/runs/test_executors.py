"""Several runs at a time: the same records as one after another, and no loss where a process dies."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.contestants import Contestant, Dial
from bench.contestants.lookup import contestants
from bench.machine.device import runs_at_a_time
from bench.machine.paging import available_bytes
from bench.machine.parallel import cores
from bench.runs.entrants import Entrant
from bench.runs.executors import bytes_of_run
from bench.runs.store import Store
from bench.runs.sweep import missing, sweep
from bench.spec import Budget
from tests.bench.runs.quick import CPU, entrant, planned_runs

EIGHT_THOUSAND = (Budget(kind="dense_parameters", target=8_000),)


def planned_on(dataset, chosen, seeds=2):
    entrants = [Entrant(contestant=contestant) for contestant in chosen]
    return planned_runs(dataset, *entrants, budgets=EIGHT_THOUSAND, seeds=tuple(range(seeds)))


def test_side_by_side_gives_the_numbers_of_one_after_another(small_world, tmp_path):
    planned = planned_on(small_world, contestants(["dlrm-mlp", "rankmixer"]))
    one, two, told = Store(tmp_path / "one"), Store(tmp_path / "two"), {}
    sweep(planned, small_world, one, device=CPU)
    sweep(
        planned,
        small_world,
        two,
        device=CPU,
        processes=2,
        progress=lambda run, done, rows: told.update({run.spec.key(): (done, rows)}),
    )
    assert missing(planned, two) == []
    assert sweep([], small_world, two, device=CPU, processes=2) == []
    for key, run in one.read().runs.items():
        twin = two.read().runs[key]
        assert twin.metrics == run.metrics
        assert twin.training == run.training
        assert twin.files == run.files
        for kind in ("predictions", "curves"):
            assert two.path(kind, key).read_bytes() == one.path(kind, key).read_bytes()
            assert run.files[kind] == hashlib.sha256(one.path(kind, key).read_bytes()).hexdigest()
    assert told.keys() <= {run.spec.key() for run in planned}
    assert all(0 < done <= rows == len(small_world.splits["train"]) for done, rows in told.values())


def test_a_contestant_that_no_module_holds_is_sent_too(small_world, tmp_path):
    class Local(nn.Linear):
        def __init__(self, field_dims, num_tasks=1, *, width=1):
            super().__init__(sum(field_dims), num_tasks)
            self.inner = nn.Linear(sum(field_dims), width)

        def forward(self, x_BI):
            return super().forward(x_BI) + self.inner(x_BI).sum(dim=1, keepdim=True)

    dial = Dial(name="width", settings=lambda size, hyperparameters, shape: {"width": size})
    local = Contestant(name="local", title="L", model=Local, hyperparameters={"width": 1}, dial=dial)
    done = sweep(planned_on(small_world, [local]), small_world, Store(tmp_path), device=CPU, processes=2)
    assert [run.status for run in done] == ["ok", "ok"]


def test_what_a_contestant_writes_past_python_is_no_answer(small_world, tmp_path, capfd):
    class Writes(nn.Linear):
        def __init__(self, field_dims, num_tasks=1, *, width=1):
            super().__init__(sum(field_dims), num_tasks)
            self.inner = nn.Linear(sum(field_dims), width)

        def forward(self, x_BI):
            os.write(1, b"written to the descriptor")
            return super().forward(x_BI) + self.inner(x_BI).sum(dim=1, keepdim=True)

    dial = Dial(name="width", settings=lambda size, hyperparameters, shape: {"width": size})
    writes = Contestant(name="writes", title="W", model=Writes, hyperparameters={"width": 1}, dial=dial)
    planned = planned_on(small_world, [writes])
    capfd.readouterr()
    sweep(planned, small_world, Store(tmp_path), device=CPU, processes=2)
    told = capfd.readouterr()
    assert told.out == ""
    assert "written to the descriptor" in told.err


def test_a_run_whose_process_dies_is_recorded_as_killed_and_the_others_go_on(small_world, tmp_path):
    class FatalModel(nn.Linear):
        """Ends the process that builds it for training."""

        def __init__(self, field_dims, num_tasks=1, *, width=1):
            super().__init__(sum(field_dims), num_tasks)
            self.inner = nn.Linear(sum(field_dims), width)
            if not self.weight.is_meta:
                os.kill(os.getpid(), signal.SIGKILL)

    fatal = Contestant(
        name="fatal", title="F", model=FatalModel, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    killed = planned_on(small_world, [fatal], 2)
    well = planned_on(small_world, contestants(["dlrm-mlp"]), 3)
    store = Store(tmp_path)
    sweep([*killed[:1], *well, *killed[1:]], small_world, store, device=CPU, processes=2)
    runs = store.read().runs
    assert [runs[run.spec.key()].status for run in killed] == ["killed", "killed"]
    assert "twice, the second time alone" in runs[killed[0].spec.key()].error["message"]
    assert [runs[run.spec.key()].status for run in well] == ["ok"] * 3
    left = missing([*killed, *well], store)
    assert left == list(killed)  # tried again, after what was not tried yet
    new = planned_on(small_world, contestants(["dcnv2"]), 1)
    assert missing([*killed, *new], store) == [*new, *killed]


def test_an_innocent_run_in_flight_with_a_fatal_one_is_done_again(small_world, tmp_path):
    died = tmp_path / "died"

    class FatalOnce(nn.Linear):
        """Ends its process the first time."""

        def __init__(self, field_dims, num_tasks=1, *, width=1):
            super().__init__(sum(field_dims), num_tasks)
            if not self.weight.is_meta and not died.exists():
                died.touch()
                time.sleep(0.5)
                os.kill(os.getpid(), signal.SIGKILL)

    once = Contestant(
        name="o", title="O", model=FatalOnce, hyperparameters={"width": 1}, dial=Dial(name="width")
    )
    planned = planned_runs(small_world, Entrant(contestant=once), entrant("dlrm-mlp"), budgets=(None,))
    store = Store(tmp_path / "store")
    done = sweep(planned, small_world, store, device=CPU, processes=2)
    assert sorted(run.status for run in done) == ["ok"] * 4
    assert len({run.key for run in done}) == 4


def test_no_more_processes_than_memory_allows(small_world):
    (run,) = planned_on(small_world, contestants(["dlrm-mlp"]), 1)
    needed = bytes_of_run(run)
    assert needed > 8 * run.cost.embedding_parameters
    again = dataclasses.replace(run.spec.protocol, epochs=2)
    twice = dataclasses.replace(run, spec=dataclasses.replace(run.spec, protocol=again))
    assert bytes_of_run(twice) > needed
    assert runs_at_a_time(CPU, planned=9, bytes_of_run=1) == cores()
    assert runs_at_a_time(CPU, planned=1, bytes_of_run=1) == 1
    assert runs_at_a_time(CPU, planned=9, bytes_of_run=available_bytes()) == 1
    assert runs_at_a_time(torch.device("cuda"), planned=9, bytes_of_run=1) == 1


@pytest.fixture
def sweep_in_flight(tmp_path, interruptible):
    """A `rankbench run` that trains in two processes, and the processes it has started."""
    options = (
        "--rows 6k --budget 100k --contestants dlrm-mlp,dcnv2 --processes 2 --epochs 1000 --patience 1000"
    )
    command = [sys.executable, "-m", "rankbench", "run", "compare", *options.split()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    parent = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    wait_until(lambda: parent.poll() is not None or len(children.read_text().split()) >= 2)
    assert parent.poll() is None, parent.stderr.read()
    yield parent, [Path("/proc", child) for child in children.read_text().split()]
    parent.kill()


def wait_until(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_end_with_a_parent_that_is_killed(sweep_in_flight):
    parent, workers = sweep_in_flight
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(worker.exists() for worker in workers))


def test_an_interrupt_ends_workers_quietly(sweep_in_flight):
    parent, workers = sweep_in_flight
    parent.send_signal(signal.SIGINT)
    assert parent.wait(60) == 130, parent.stderr.read()
    wait_until(lambda: not any(worker.exists() for worker in workers))
    lines = parent.stderr.read().splitlines()
    assert lines[-1] == "rankbench: interrupted; 'run' keeps finished runs, and the same command resumes"
    assert not any("Traceback" in line for line in lines)
