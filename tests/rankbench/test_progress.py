"""What is told on stderr while runs are trained: foreign texts word for word, and nothing that acts."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from bench.runs.plan import plan
from rankbench.console import complain
from rankbench.progress import SweepProgress
from tests.bench.runs.test_plan import TEN_THOUSAND, entrant, study

FOREIGN = "no file [/tmp/x.bin] [red]\x1b[31m\x00\nhere"
TOLD = "no file [/tmp/x.bin] [red]\\x1b[31m\\x00 here"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_a_foreign_title_or_error_is_told_word_for_word(small_world, monkeypatch, stream):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr", stderr := stream())
    ((_, (planned, *_)),) = plan(
        study(entrant("dlrm-mlp"), budgets=(TEN_THOUSAND,)), [small_world], command=""
    ).runs
    failed = SimpleNamespace(
        key=planned.spec.key(), spec=planned.spec, status="failed", timings={}, error={"message": FOREIGN}
    )
    with SweepProgress(1, {failed.key: FOREIGN}) as shown:
        shown.at(planned, 1, 2)
        shown.bars.refresh()
        shown.finished(failed)
    assert f"1/1 {TOLD} seed 0: failed, {TOLD}" in stderr.getvalue()


def test_a_complaint_is_one_line_that_moves_no_cursor(capsys):
    complain(FOREIGN)
    assert capsys.readouterr().err == f"rankbench: {TOLD}\n"
