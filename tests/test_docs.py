"""The pages in docs say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from bench.importing import ImportPlan
from bench.named import NAMED

DATA = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")


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
