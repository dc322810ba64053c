"""A pool of processes that is interrupted while it starts."""

from __future__ import annotations

import signal

import loky
import pytest

from bench.machine.parallel import interrupts_afterwards, worker_processes


@pytest.fixture
def interrupted_start(monkeypatch, interruptible):
    """Sends an interrupt at the very moment at which a pool starts its processes."""
    submit = loky.ProcessPoolExecutor.submit
    started = []

    def interrupted(pool, function, *arguments):
        signal.raise_signal(signal.SIGINT)
        started.append(submit(pool, function, *arguments))
        return started[-1]

    monkeypatch.setattr(loky.ProcessPoolExecutor, "submit", interrupted)
    return started


def test_an_interrupt_waits_until_the_pool_stands_and_can_be_ended(interrupted_start):
    with pytest.raises(KeyboardInterrupt), worker_processes(2):
        pytest.fail("nobody should get the pool")
    assert len(interrupted_start) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_waits_for_nothing(interruptible):
    waited = []

    def interrupted_twice():
        with interrupts_afterwards():
            signal.raise_signal(signal.SIGINT)
            waited.append("the first")
            signal.raise_signal(signal.SIGINT)
            waited.append("the second")

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert waited == ["the first"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_is_ignored_stays_ignored(interrupted_start):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until the fixture `interruptible` ends
    with worker_processes(1) as pool:
        assert pool.submit(abs, -1).result() == 1
