"""`rankbench data` and `rankbench list data` through real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.data.importing import REV
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


def write_clicks(folder: Path) -> None:
    (folder / "schema.toml").write_text(SCHEMA)
    (folder / "clicks.csv").write_text("click,item\n" + "1,a\n0,b\n" * 10 + "2,a\n1\n1\n")


IMPORT = ("data", "import", "clicks.csv", "--schema", "schema.toml")


def test_an_import_says_what_it_made(bench: Run, tmp_path: Path) -> None:
    write_clicks(tmp_path)
    done = bench(*IMPORT)
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert said[:2] == ["data/clicks", "rows: train 12, valid 4, test 4"]
    for line in (
        "task split labels positives base rate labels missing",
        "click train 12 6 0.5000 0",
        "click valid 4 2 0.5000 0",
        "click test 4 2 0.5000 0",
        "fields: 1 (1 categorical)",
        "skipped rows: 3",
        "2: wrong number of cells",
    ):
        assert line in said
    told = done.stderr.splitlines()
    assert told[0].startswith("rankbench: warning: skipped 1 rows: column 'click' is not 0 or 1")
    assert told[1:] == [
        "rankbench: warning: skipped 2 rows: wrong number of cells",
        "rankbench: warning: task 'click' has 2 positives among 4 labels in test: "
        "with fewer than 30 of a class, differences between models cannot be judged",
    ]
    source = json.loads(bench("data", "describe", "clicks", "--json").stdout)["source"]
    assert sum(source["skipped_rows"].values()) == 3


def test_a_data_set_is_replaced_only_when_asked_to(bench: Run, tmp_path: Path) -> None:
    write_clicks(tmp_path)
    bench(*IMPORT)
    before = (tmp_path / "data" / "clicks" / "dataset.json").stat().st_mtime_ns
    said = bench(*IMPORT, code=2).stderr
    assert said == (
        f"rankbench: data/clicks already holds a data set of 20 rows (rev {REV}, clicks.csv); "
        "add --replace to replace it, or choose another name or --data-dir\n"
    )
    assert (tmp_path / "data" / "clicks" / "dataset.json").stat().st_mtime_ns == before
    wrong = [word.replace("clicks", "nope") for word in IMPORT]
    assert bench(*wrong, code=2).stderr == "rankbench: file nope.csv does not exist\n"
    (tmp_path / "clicks.csv").write_text("click,item\n" + "1,a\n0,b\n" * 20)
    made = json.loads(bench(*IMPORT, "--replace", "--json").stdout)
    assert (made["directory"], made["rows"]) == ("data/clicks", {"train": 24, "valid": 8, "test": 8})
    assert made["positives"]["click"] == {"train": 12, "valid": 4, "test": 4}
    assert [line[:30] for line in made["warnings"]] == ["task 'click' has 4 positives a"]
    (tmp_path / "data" / "clicks" / "dataset.json").write_text("{")
    assert "already holds a damaged data set; add --replace" in bench(*IMPORT, code=2).stderr


def test_what_is_no_data_set_is_never_replaced(bench: Run, tmp_path: Path) -> None:
    write_clicks(tmp_path)
    (tmp_path / "data" / "clicks").mkdir(parents=True)
    (tmp_path / "data" / "clicks" / "thesis.tex").write_text("x")
    for more in ((), ("--replace",)):
        assert "data/clicks exists and is not a data set" in bench(*IMPORT, *more, code=2).stderr


def test_a_named_set_is_imported_from_where_fetch_puts_it(bench: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "downloads" / "frappe"
    folder.mkdir(parents=True)
    columns = "label,user,item,daytime,weekday,isweekend,homework,cost,weather,country,city"
    for split in ("train", "valid", "test"):
        (folder / f"{split}.csv").write_text(f"{columns}\n{'1' + ',7' * 10}\n{'0' + ',7' * 10}\n")
    assert bench("data", "import", "--as", "frappe").stdout.startswith("data/frappe\nrows: train 2, valid 2,")
    assert "already holds a data set of 6 rows" in bench("data", "import", "--as", "frappe", code=2).stderr
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
        (["import", "a", "b", "--as", "frappe"], "--as takes one folder, but 2 paths were given"),
        (["import", "--schema", "schema.toml"], "name the files to import"),
        (["import", "none.csv", "--schema", "schema.toml"], "file none.csv does not exist"),
        (["import", "--as", "criteo"], "'rankbench data fetch criteo' downloads it"),
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


def test_a_missing_command_is_said_beside_the_help(bench: Run) -> None:
    done = bench("data", code=2)
    assert done.stderr.endswith("rankbench: no command was given; --help lists the commands\n")
    assert "synthesize" in done.stdout + done.stderr


def test_a_drafted_schema_is_printed_or_written_and_imports(bench: Run, tmp_path: Path) -> None:
    write_clicks(tmp_path)
    (tmp_path / "clicks.csv").write_text("click,item\n" + "1,a\n0,b\n" * 10)
    printed = bench("data", "draft", "clicks.csv").stdout
    assert bench("data", "draft", "clicks.csv", "--output", "new.toml").stdout == "new.toml\n"
    assert (tmp_path / "new.toml").read_text() == printed
    assert bench("data", "import", "clicks.csv", "--schema", "new.toml").stdout.startswith("data/clicks\n")
    said = bench("data", "draft", "clicks.csv", "--output", "new.toml", code=2).stderr
    assert said == "rankbench: new.toml exists; remove it or choose another --output\n"


def test_nothing_is_trained_on_a_data_set_that_was_changed(bench: Run, tmp_path: Path) -> None:
    write_clicks(tmp_path)
    bench(*IMPORT)
    label = tmp_path / "data" / "clicks" / "train" / "label.npy"
    content = bytearray(label.read_bytes())
    content[-1] ^= 1
    label.write_bytes(content)
    said = bench("run", "dlrm-mlp", "--data", "clicks", "--budget", "none", code=2).stderr
    assert "data/clicks: its content is damaged: the fingerprint is" in said
    assert not list((tmp_path / "results").rglob("runs.jsonl"))
