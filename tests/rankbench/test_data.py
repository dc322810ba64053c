"""`rankbench data` and `rankbench list data` through real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.data.public import NAMED
from tests.rankbench.conftest import Run

SCHEMA = """
name = "clicks"
[source]
on_bad_row = "skip"
[[labels]]
name = "click"
[[fields]]
name = "item"
kind = "categorical"
group = "item"
[split]
by = "order"
fractions = [0.6, 0.2, 0.2]
"""


def test_skipped_rows_are_told(bench: Run, tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    (tmp_path / "clicks.csv").write_text("click,item\n" + "1,a\n0,b\n" * 10 + "2,a\n1\n1\n")
    done = bench("data", "import", "clicks.csv", "--schema", "schema.toml")
    assert done.stdout == "data/clicks\n"
    told = done.stderr.splitlines()
    assert told[0].startswith("rankbench: skipped 1 rows: column 'click' is not 0 or 1")
    assert told[1:] == ["rankbench: skipped 2 rows: wrong number of cells"]
    source = json.loads(bench("data", "describe", "clicks", "--json").stdout)["source"]
    assert sum(source["skipped_rows"].values()) == 3


def test_a_named_set_is_imported_from_where_fetch_puts_it(bench: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "downloads" / "frappe"
    folder.mkdir(parents=True)
    columns = "label,user,item,daytime,weekday,isweekend,homework,cost,weather,country,city"
    for split in ("train", "valid", "test"):
        (folder / f"{split}.csv").write_text(f"{columns}\n{'1' + ',7' * 10}\n{'0' + ',7' * 10}\n")
    assert bench("data", "import", "--as", "frappe").stdout == "data/frappe\n"
    said = bench("data", "fetch", "frappe", code=2).stderr  # what is there is not the published file
    assert "train.csv has MD5" in said or "cannot be reached" in said


def test_what_must_be_brought_by_hand_is_said_in_one_line(bench: Run) -> None:
    said = bench("data", "fetch", "avazu", code=2).stderr
    assert said.count("\n") == 1
    assert all(part in said for part in ("Kaggle", "train.gz", "data/downloads/avazu"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "criteo-x5"], "did you mean 'criteo-x"),
        (["import", "--as", "frapp"], "did you mean 'frappe'?"),
        (["import", "a", "b", "--as", "frappe"], "--as takes one folder, but 2 were named"),
        (["import", "--schema", "schema.toml"], "name the files to import"),
        (["import", "none.csv", "--schema", "schema.toml"], "no file at none.csv"),
        (["import", "--as", "criteo"], "'rankbench data fetch criteo' gets it"),
    ],
)
def test_bad_usage_is_one_clear_line(bench: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    said = bench("data", *arguments, code=2).stderr
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_the_list_says_what_a_user_must_know(bench: Run) -> None:
    listed = {row["name"]: row for row in json.loads(bench("list", "data", "--json").stdout)["data"]}
    assert listed.keys() == NAMED.keys()
    assert listed["criteo"]["rows"] == "45,840,617"
    assert listed["kuairand-1k"]["terms"] == "CC BY-SA 4.0"
    assert (listed["criteo-x4"]["fetched"], listed["avazu"]["fetched"]) == ("yes", "by hand")
    assert "grouplens.org" in listed["movielens-20m"]["from"]
