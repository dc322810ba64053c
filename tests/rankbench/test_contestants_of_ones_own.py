"""A contestant of one's own through the command line, as a process."""

from __future__ import annotations

from pathlib import Path

from bench.runs.store import Store

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_model.py"
OPTIONS = ["--rows", "4000", "--budget", "8k", "--batch-size", "512"]


def test_a_file_joins_by_its_path_in_several_processes(bench, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "my_model.py").write_text("print('imported')\n" + EXAMPLE.read_text())
    done = bench(
        *("run", "compare", *OPTIONS, "--seeds", "2", "--processes", "2"),
        *("--contestants", "dlrm-mlp,models/my_model.py:FM"),
    )
    records = Store(tmp_path / "results" / "local").read().runs.values()
    assert sorted((r.spec.contestant.name, r.status) for r in records) == [
        *[("dlrm-mlp", "ok")] * 2,
        *[("fm", "ok")] * 2,
    ]
    assert "imported" in done.stderr
