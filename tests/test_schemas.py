"""Every schema that documentation shows imports, compares and reports; docs/schema.md is up to date."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from bench.data.dataset import Dataset
from bench.data.describe import describe
from bench.data.importing import ImportPlan, import_table
from bench.runs.plan import plan
from bench.runs.store import Store
from bench.runs.studies import STUDIES
from bench.runs.sweep import sweep
from bench.training.protocols import PROTOCOLS, changed
from reports.page import build_report
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
def test_every_schema_imports_a_file_made_for_it_and_is_compared_on(tmp_path: Path, shown: str) -> None:
    (tmp_path / "schema.toml").write_text(schemas()[shown])
    schema = ImportPlan.from_toml(tmp_path / "schema.toml")
    dataset = import_table(schema, write_files(schema, tmp_path), tmp_path / "data" / schema.name)
    assert sum(dataset.rows.values()) == 5_000
    assert dataset.rows["train"] == pytest.approx(4_000, abs=200)
    assert [field.name for field in dataset.schema.fields] == [field.name for field in schema.fields]
    description = describe(dataset)
    for task in dataset.schema.tasks:
        assert all(0 < rate < 1 for rate in description["base_rate"][task].values())
    assert all(field["missing_share"] < 0.1 for field in description["fields"])
    page = page_of_a_comparison(dataset, tmp_path)
    for entrant in STUDIES["compare"].entrants:
        assert f"| {entrant.label} |" in page


def page_of_a_comparison(dataset: Dataset, folder: Path) -> str:
    """All ten, one seed, in as few steps as can be."""
    study = dataclasses.replace(
        STUDIES["compare"],
        seeds=(0,),
        protocol=changed(PROTOCOLS["short"], {"batch_size": 4096}),
        tuned=None,
    )
    planned = plan(study, [dataset], command="rankbench run compare")
    ((_, runs),) = planned.runs
    assert len(runs) + len(planned.impossible) == 10
    store = Store(folder / "store")
    store.append_study(planned.record)
    done = sweep(runs, dataset, store, device=torch.device("cpu"))
    assert {run.status for run in done} == {"ok"}
    report = build_report([store.directory], folder / "report", command="", titles={}, decided={}, study=None)
    return report.markdown.read_text()


def test_the_page_of_keys_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    assert written == script().page(), "run: python docs/write_schema.py"


def test_the_page_explains_every_key() -> None:
    module = script()
    for _, record in module.TABLES:
        _, meanings = module._documented(record)
        assert meanings.keys() == {field.name for field in dataclasses.fields(record)}, record
        assert all(len(meaning) > 5 for meaning in meanings.values())
