"""What `rankbench tune` prints of trials that are given by hand."""

from __future__ import annotations

from bench.contestants.tuned import Setting
from bench.runs.entrants import Entrant
from bench.runs.space import space_of
from bench.runs.trials import Search, Trial
from bench.spec import Budget
from bench.training.protocols import PROTOCOLS
from rankbench.tune_tables import print_losses, print_trials
from tests.bench.runs.test_space import contestant

HUNDRED = Budget(kind="dense_parameters", target=100_000)


def search(title: str, *values: float | None, reason: str | None = None) -> Search:
    """Trials of the default and of the rates 0.003, 0.01, …"""
    space = space_of(Entrant(contestant=contestant(), label=title), PROTOCOLS["short"])
    rates = [{}, {"dense_lr": 0.003}, {"dense_lr": 0.01}]
    trials = [
        Trial(number=n, setting=Setting(protocol=rate), value=value)
        for n, (rate, value) in enumerate(zip(rates, values, strict=False))
    ]
    return Search(space=space, budget=HUNDRED, trials=trials, reason=reason)


def printed(capsys) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_trials_and_gains(capsys):
    print_trials(
        HUNDRED,
        [
            search("One", 0.70, 0.712, 0.71),
            search("Two", 0.75, 0.74),
            search("Half", 0.6, None),
            search("None", None, None),
            search("Out", reason="too large"),
        ],
    )
    rows = printed(capsys)
    assert ["One", "3", "0.7000", "0.7120", "+1.20", "1", "dense_lr", "0.003"] in rows
    assert ["Two", "2", "0.7500", "0.7500", "+0.00", "0", "as", "by", "default"] in rows
    assert ["Half", "1", "0.6000", "0.6000", "+0.00", "0", "as", "by", "default"] in rows
    assert ["None", "0"] in rows
    assert ["Out:", "too", "large"] in rows


def test_what_each_loses_at_one_rate_for_all(capsys):
    searches = [
        search("One", 0.70, 0.712, 0.71),
        search("Two", 0.75, 0.74, 0.70),
        search("Three", 0.60, 0.61, 0.65),
        search("Out", reason="too large"),
    ]
    print_losses(HUNDRED, searches, 0.001)
    rows = printed(capsys)
    assert ["contestant", "0.001", "0.003", "0.01"] in rows
    assert ["One", "1.20", "0.00", "0.20"] in rows
    assert ["Two", "0.00", "1.00", "5.00"] in rows
    assert ["Three", "5.00", "4.00", "0.00"] in rows
    assert ["median", "1.20", "1.00", "0.20"] in rows
    assert " ".join(rows[-1]) == (
        "the median contestant loses least at dense_lr 0.01: 0.20 points; at 0.001, the rate now, 1.20 points"
    )
