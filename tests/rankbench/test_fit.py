"""`rankbench fit`: from a CSV file to the table, the figure and JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from rankbench.__main__ import main
from reports.scaling import fit_surface
from reports.scaling.tables import surface_table

EXAMPLE = Path(__file__).parents[2] / "examples" / "scaling.csv"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Runs `rankbench fit` in an empty folder; returns stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["rankbench", "fit", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out = capsys.readouterr()
        assert (stopped.value.code or 0) == code, out.err
        return out.out, out.err

    return run


def test_the_example_of_the_readme(said, tmp_path):
    """Its true laws are in the README: exponents 0.3 and 0.2, equal at 2.62M."""
    shown, _ = said(str(EXAMPLE), "--size", "dense parameters", "--output", str(tmp_path))
    readme = (EXAMPLE.parents[1] / "README.md").read_text()
    (block,) = (part for part in readme.split("```") if "rankbench fit examples/scaling.csv" in part)
    for line in block.strip().splitlines()[1:]:
        for cell in filter(None, (cell.strip() for cell in line.split("  "))):
            assert cell in shown
    assert "diverged at step 812" in shown
    assert "nan" not in shown
    assert (tmp_path / "scaling.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "scaling.pdf").read_bytes()[:4] == b"%PDF"


def test_for_machines(said, tmp_path):
    shown, _ = said(str(EXAMPLE), "--json", "--output", str(tmp_path))
    found = json.loads(shown, parse_constant=pytest.fail)
    wide, deep = found["fits"]
    assert (wide["series"], wide["law"], wide["identified"]) == ("wide", "power", True)
    assert wide["exponent"]["low"] < 0.3 < wide["exponent"]["high"]
    assert deep["asymptote"]["low"] < 0.790 < deep["asymptote"]["high"]
    (pair,) = found["pairs"]
    assert pair["crossing"]["low"] < 2.62e6 < pair["crossing"]["high"]
    assert pair["saving"]["better"] == "deep"
    assert [point["exclude"] for point in found["excluded"]] == [
        "trained with the wrong learning rate",
        "diverged at step 812",
    ]
    assert found["excluded"][1]["value"] is None
    assert {each["what"] for each in wide["leave_one_out"]} == {"size", "seed"}
    assert {"constant", "log", "power", "optimum"} == set(wide["candidates"])


def test_a_series_with_too_few_sizes_is_listed(said):
    lines = [f"A,{size},{0.7 + 0.002 * i}" for i, size in enumerate(("10k", "100k", "1M", "10M"))]
    Path("points.csv").write_text("\n".join(["series,size,value", *lines, "B,10k,0.7", "B,100k,0.71"]))
    shown, _ = said("points.csv")
    assert "no law" in shown
    assert "B: the points of B have 2 different sizes; a law needs at least 3." in shown
    assert Path("points.png").exists()


def test_a_law_in_size_and_rows(said):
    generator = np.random.default_rng(0)
    lines = ["size,rows,value"]
    for size in (1e5, 1e6, 1e7, 1e8):
        for rows in (3e5, 3e6, 3e7):
            value = 0.45 + 1.5 * size**-0.3 + 2.0 * rows**-0.25 + 1e-4 * generator.standard_normal()
            lines.append(f"{size:.0f},{rows:.0f},{value:.6f}")
    Path("grid.csv").write_text("\n".join(lines))
    shown, _ = said("grid.csv", "--metric", "log-loss", "--json")
    (surface,) = json.loads(shown)["surfaces"]
    assert surface["size_exponent"]["low"] < 0.3 < surface["size_exponent"]["high"]
    assert surface["rows_exponent"]["low"] < 0.25 < surface["rows_exponent"]["high"]
    assert Path("grid.png").exists()


def test_the_table_of_a_law_in_size_and_rows():
    size, rows = (part.ravel() for part in np.meshgrid([1e5, 1e6, 1e7], [3e5, 3e6, 3e7]))
    noise = 1e-4 * np.random.default_rng(0).standard_normal(9)
    one = fit_surface(size, rows, 0.45 + 1.5 * size**-0.3 + 2.0 * rows**-0.25 + noise, num_draws=20)
    shown = surface_table({"A": one}, {"B": "2 different sizes"}, "dense parameters")
    assert [cell.text for cell in shown.rows[1]] == ["B", "no law", *["–"] * 6]
    assert shown.rows[0][1].text.startswith(f"{one.size_exponent.value:.3f} [")
    assert len(shown.header) == len(shown.rows[0])
    assert "B: 2 different sizes." in shown.notes


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("size,value\n1,0.7\n2,0.71\n", (), "2 different sizes; a law needs at least 3"),
        ("size,value\n1,0.7\n", ("--metric", "acu"), "unknown metric 'acu'; did you mean 'auc'?"),
        ("size,value\n1,0.7\n2,1.71\n3,0.8\n", (), "a value is 1.71, but no AUC can be above 1"),
        ("size,value\n1,0.7\n2,0.71\n3,0.8\n", ("--bound", "0.75"), "no AUC can be above 0.75"),
        ("size,value,rows\n1,0.7,2\n", ("--asymptote", "1"), "--asymptote does not apply"),
        ("size,value,exclude\n1,0.7,bad\n", (), "0 different sizes"),
        ("size,value\n1,0.7\n", ("--output", "points.csv/x"), "cannot be written"),
    ],
)
def test_bad_input_is_one_line(said, text, options, message):
    Path("points.csv").write_text(text)
    shown, complaint = said("points.csv", *options, code=2)
    assert shown == ""
    assert message in complaint
    assert complaint.count("\n") == 1
    assert not Path("points.png").exists()
