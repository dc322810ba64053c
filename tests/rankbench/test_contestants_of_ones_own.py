"""A contestant of one's own through the command line, as a process."""

from __future__ import annotations

from pathlib import Path

from bench.runs.store import Store

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_model.py"
OPTIONS = ["--rows", "4000", "--budget", "8k", "--protocol", "short", "--batch-size", "512"]


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


def test_an_edited_file_is_trained_again_and_the_old_result_leaves_the_study(bench, tmp_path):
    file = tmp_path / "my_model.py"
    file.write_text(EXAMPLE.read_text())
    asked = ("run", "my_model.py:FM", *OPTIONS, "--seeds", "1")
    assert "runs: 1 planned, 0 already in the store" in bench(*asked).stderr
    assert "runs: 1 planned, 1 already in the store" in bench(*asked).stderr
    file.write_text(EXAMPLE.read_text() + "\n# another thought\n")
    assert "runs: 1 planned, 0 already in the store" in bench(*asked).stderr
    view = Store(tmp_path / "results" / "local").read()
    (study,) = view.studies
    (member,) = study.members
    sources = {run.spec.contestant.source for run in view.runs.values()}
    assert len(view.runs) == len(sources) == 2
    assert None not in sources
    assert list(view.runs) != [member.key]
    assert view.runs[member.key].spec.contestant.source in sources
    assert view.superseded == set(view.runs) - {member.key}
    assert "outside" not in bench("report").stdout.lower()


def test_one_that_breaks_is_named_with_its_line_and_the_others_go_on(bench, tmp_path):
    (tmp_path / "broken.py").write_text(
        EXAMPLE.read_text().replace("pairs = self.v(x_BI) ** 2", "pairs = self.w(x_BI) ** 2")
    )
    done = bench(
        *("run", "compare", *OPTIONS, "--seeds", "1"), *("--contestants", "dlrm-mlp,broken.py:FM"), code=1
    )
    (told,) = [line for line in done.stderr.splitlines() if "FM cannot take part" in line]
    assert "has no attribute 'w' (broken.py:" in told
    assert "1/1 DLRM-MLP seed 0: ok" in done.stderr
    (impossible,) = [
        member for member in Store(tmp_path / "results/local").read().studies[0].members if member.reason
    ]
    assert impossible.label == "FM"
