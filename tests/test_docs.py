"""The pages in docs say what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

from bench.data.importing import ImportPlan
from bench.data.public import NAMED
from bench.data.synthetic import FAMILIES
from bench.data.synthetic.generate import REV

DOCS = Path(__file__).parents[1] / "docs"
DATA = (DOCS / "data.md").read_text(encoding="utf-8")


def test_the_schema_of_ones_own_logs_is_a_schema(tmp_path: Path) -> None:
    (schema,) = re.findall(r"^```toml\n(.*?)^```", DATA, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "feed.toml").write_text(schema)
    plan = ImportPlan.from_toml(tmp_path / "feed.toml")
    assert plan.columns() == ("finish", "skip", "user_id", "video_id", "timestamp")


def test_the_table_has_every_set_with_a_loader() -> None:
    rows = [line.split("|")[1] for line in DATA.splitlines() if line.startswith("| `")]
    listed = []
    for row in rows:
        first, *more = re.findall(r"`([^`]+)`", row)
        listed += [first, *(first.rpartition("-")[0] + other for other in more)]
    assert sorted(listed) == sorted(NAMED)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_world_is_the_one_that_was_calibrated_and_leaves_room(family: str) -> None:
    spec = importlib.util.spec_from_file_location("calibrate", DOCS / "calibrate.py")
    assert spec is not None
    assert spec.loader is not None
    calibrate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(calibrate)
    figures = pd.read_csv(calibrate.TABLE)
    of_family = figures[(figures["family"] == family) & (figures["world_seed"] == 1)]
    assert set(of_family["rev"]) == {REV}
    assert set(of_family["rows"]) == {2_750_000}
    assert [what for what, holds in calibrate.checks(of_family).items() if not holds] == []
