"""The README's Python blocks run, and its schema is one."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ablations import ABLATIONS
from bench.contestants.budget import solve
from bench.contestants.contract import InputShape
from bench.data.importing import ImportPlan
from bench.runs.studies import STUDIES
from bench.spec import Budget

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code):
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    if "FM" in names:
        shape = InputShape(field_dims=(8,) * 10, groups=(tuple(range(10)),), num_tasks=2)
        assert (
            abs(solve(names["FM"], shape, Budget(kind="dense_parameters", target=10_000)).reached - 10_000)
            < 200
        )


def test_the_schema_is_a_schema(tmp_path):
    (schema,) = blocks("toml")
    (tmp_path / "shop.toml").write_text(schema)
    assert [f.name for f in ImportPlan.from_toml(tmp_path / "shop.toml").fields] == ["item", "price"]


def test_the_shop_example_imports_compares_and_reports(tmp_path):
    """Word for word, with a file of 5,000 rows."""
    (schema,) = blocks("toml")
    (tmp_path / "shop.toml").write_text(schema)
    generator = np.random.default_rng(0)
    item, price = generator.integers(0, 200, 5_000), generator.lognormal(2, 1, 5_000).round(2)
    bought = generator.random(5_000) < 0.2 + 0.4 * (item % 3 == 0)
    lines = ["timestamp,customer,item,price,bought"]
    lines += [
        f"{1_700_000_000 + 60 * n},c{generator.integers(0, 300)},i{item[n]},{price[n]},{int(bought[n])}"
        for n in range(5_000)
    ]
    (tmp_path / "purchases.csv").write_text("\n".join(lines) + "\n")
    commands = re.search(
        r"^```\n(rankbench data import purchases\.csv .*?)^```", README, re.DOTALL | re.MULTILINE
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    assert commands is not None
    for command in commands[1].splitlines():
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    assert "60/60 " in done.stderr
    for entrant in STUDIES["compare"].entrants:
        assert f" {entrant.label} " in done.stdout
    assert "shop" in (tmp_path / "results/local/report/index.html").read_text()


def test_every_folder_of_the_tree_is_there():
    tree = README[README.index("rankbench/    the command line") :]
    for name in re.findall(r"^(\w+/) ", tree, flags=re.MULTILINE):
        assert (Path(__file__).parents[1] / name).is_dir(), name


def test_every_ablation_is_in_the_table_of_the_papers():
    table = README[README.index("## The papers' ablations") : README.index("## The data")]
    commands = "\n".join(re.findall(r"^\| .*? \| (.*?) \|", table, flags=re.MULTILINE))
    named = set(re.findall(r"`(?:rankbench run )?([\w-]+)`", commands))
    assert named == {"compare", *ABLATIONS}


def test_the_question_is_that_of_the_example():
    (code,) = (block for block in blocks("python") if "STUDY" in block)
    example = (Path(__file__).parents[1] / "examples" / "my_question.py").read_text()
    assert example.endswith(code)


PAPERS = {"rankmixer": "RankMixer", "tokenmixer_large": "TokenMixer-Large"}
WITH_TABLES = [study for study in ABLATIONS.values() if study.paper and "_scaling" not in study.paper]


@pytest.mark.parametrize("study", WITH_TABLES, ids=lambda study: study.name)
def test_a_study_is_beside_the_papers_item_whose_values_it_has(study):
    assert study.paper is not None
    paper, item = study.paper.split("/")
    item = item.replace("_", " ").capitalize()
    assert f"| {PAPERS[paper]}, {item} | `rankbench run {study.name}` |" in README
