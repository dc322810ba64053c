"""The command line, and contestants trained by it, for the tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.runs import record
from bench.runs.store import Store
from rankbench.__main__ import main
from tests.rankbench.trained_shop import make_shop

Run = Callable[..., subprocess.CompletedProcess[str]]
Said = Callable[..., tuple[str, str]]


@pytest.fixture
def bench(tmp_path: Path) -> Run:
    """Runs `rankbench` with the given arguments in an empty folder."""

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "rankbench", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tests.rankbench.trained_shop`."""
    folder = tmp_path_factory.mktemp("shop")
    make_shop(folder)
    return folder


@pytest.fixture
def runs(shop: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, record.Run]:
    """The trained contestants by name; the test is in their folder."""
    monkeypatch.chdir(shop)
    return {run.spec.contestant.name: run for run in Store(Path("results/local")).read().runs.values()}


@pytest.fixture
def predict_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs `rankbench predict` with the given arguments in this process; returns its stdout and stderr."""

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["rankbench", "predict", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert (stopped.value.code or 0) == code, said.err
        return said.out, said.err

    return run
