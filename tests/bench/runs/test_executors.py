"""Several runs at a time: the same records as one after another, and no loss where a process dies."""

from __future__ import annotations

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
from bench.errors import WorkerDied
from bench.runs.store import Store
from bench.runs.sweep import Request, missing, plan, sweep
from bench.spec import Budget, FeatureSpec, Protocol

CPU = torch.device("cpu")


def planned_on(dataset, chosen, seeds=2):
    return plan(
        Request(
            contestants=chosen,
            dataset=dataset,
            features=FeatureSpec(width=4),
            protocol=Protocol(name="quick", batch_size=1024, dense_optimizer="adam", dense_lr=0.003),
            budgets=(Budget(kind="dense_parameters", target=8_000),),
            seeds=range(seeds),
        )
    )


def test_side_by_side_gives_the_numbers_of_one_after_another(small_world, tmp_path):
    planned = planned_on(small_world, contestants(["dlrm-mlp", "rankmixer"]))
    one, two, told = Store(tmp_path / "one"), Store(tmp_path / "two"), {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each of the workers has
    try:
        sweep(planned, small_world, one, device=CPU)
    finally:
        torch.set_num_threads(threads)
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
        assert two.prediction_path(key).read_bytes() == one.prediction_path(key).read_bytes()
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


def test_a_worker_that_dies_is_named_and_what_had_finished_is_kept(small_world, tmp_path):
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
    planned = planned_on(small_world, contestants(["dlrm-mlp"]), 1)
    store = Store(tmp_path)
    with pytest.raises(WorkerDied, match="a worker process died"):
        sweep(planned + planned_on(small_world, [fatal], 3), small_world, store, device=CPU, processes=2)
    assert all(run.status == "ok" for run in store.read().runs.values())


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
    assert lines[-1] == "rankbench: interrupted; what had finished is in the store"
    assert not any("Traceback" in line for line in lines)
