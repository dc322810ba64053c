"""The README's Python blocks run, and its schema is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.contestants.budget import solve
from bench.contestants.contract import InputShape
from bench.data.importing import ImportPlan
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


def test_every_folder_of_the_tree_is_there():
    tree = README[README.index("rankbench/    the door") :]
    for name in re.findall(r"^(\w+/) ", tree, flags=re.MULTILINE):
        assert (Path(__file__).parents[1] / name).is_dir(), name
