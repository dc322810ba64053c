"""Every schema that documentation shows imports a file of 5,000 rows, and docs/schema.md is up to date."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from bench.data.describe import describe
from bench.data.importing import ImportPlan, import_table
from tests.made_rows import write_files

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def schemas() -> dict[str, str]:
    """Where a schema is shown → its text."""
    shown = {path.name: path.read_text() for path in sorted((ROOT / "examples" / "schemas").glob("*.toml"))}
    for page in PAGES:
        blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        shown |= {f"{page.name} {number}": block for number, block in enumerate(blocks)}
    return shown


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_schema", ROOT / "docs" / "write_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_and_docs_show_schemas() -> None:
    assert {"README.md 0", "data.md 0", "avazu.toml"} <= schemas().keys()


@pytest.mark.parametrize("shown", schemas())
def test_every_schema_imports_a_file_made_for_it(tmp_path: Path, shown: str) -> None:
    (tmp_path / "schema.toml").write_text(schemas()[shown])
    plan = ImportPlan.from_toml(tmp_path / "schema.toml")
    dataset = import_table(plan, write_files(plan, tmp_path), tmp_path / "data" / plan.name)
    assert sum(dataset.rows.values()) == 5_000
    assert dataset.rows["train"] == pytest.approx(4_000, abs=200)
    assert [field.name for field in dataset.schema.fields] == [field.name for field in plan.fields]
    description = describe(dataset)
    for task in dataset.schema.tasks:
        assert all(0 < rate < 1 for rate in description["base_rate"][task].values())
    assert all(field["missing_share"] < 0.1 for field in description["fields"])


def test_the_page_of_keys_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    assert written == script().page(), "run: python docs/write_schema.py"


def test_the_page_explains_every_key() -> None:
    module = script()
    for _, record in module.TABLES:
        _, meanings = module._documented(record)
        assert meanings.keys() == {field.name for field in dataclasses.fields(record)}, record
        assert all(len(meaning) > 5 for meaning in meanings.values())
