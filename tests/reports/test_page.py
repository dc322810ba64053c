"""The whole report: golden files, the same bytes again, and stores that lack something.

To accept a change of the report, run with RANKBENCH_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.errors import BadInput

GOLDEN = Path(__file__).parent / "golden"
MACHINE_FILES = {
    "tables/machine.csv",
    "tables/timings-environment-and-timings.tex",
    "tables/environment-environment-and-timings.tex",
}
COMPARISON = "comparison-runs-outside-any-study-trees-3000-1-paper-100k-dense-parameters-task-finish"


def build(builder, output: Path) -> dict[str, bytes]:
    """Path under the output → content, of every file of the report."""
    found = builder.report(output)
    paths = [found.page, found.markdown, *found.figures, *found.tables]
    assert sorted(paths) == sorted(path for path in output.rglob("*") if path.is_file())
    return {str(path.relative_to(output)): path.read_bytes() for path in paths}


def text(files: dict[str, bytes], name: str = "report.md") -> str:
    return files[name].decode()


def fill(builder, *, reverse: bool = False, elsewhere: bool = False) -> None:
    """Three contestants with two tasks, a failure and an old rev."""
    machine = {"environment": {"commit": "beef", "cores": 64}, "train_s": 99.0} if elsewhere else {}
    data = "trees-3000-1"
    specs = [builder.spec(name, seed, dataset=data) for name in builder.titles for seed in range(3)]
    specs.append(builder.spec("rankmixer", 0, rev=0, dataset=data))
    failing = builder.spec("dcnv2", 2, dataset=data)
    for spec in reversed(specs) if reverse else specs:
        if spec == failing:
            builder.failed(spec)
        else:
            builder.ok(spec, tasks=("finish", "skip"), **machine)


@pytest.fixture(scope="module")
def full(tmp_path_factory, new_store_in) -> dict[str, bytes]:
    """The report on `fill`'s store; made once, read by many tests."""
    directory = tmp_path_factory.mktemp("full")
    builder = new_store_in(directory / "store")
    fill(builder)
    return build(builder, directory / "out")


@pytest.mark.parametrize(
    "name",
    [
        "report.md",
        "tables/comparison.csv",
        "tables/pairs.csv",
        "tables/runs.csv",
        f"tables/{COMPARISON}.tex",
    ],
)
def test_golden(full, name):
    golden = GOLDEN / Path(name).name
    if os.environ.get("RANKBENCH_WRITE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(without_keys(text(full, name)), encoding="utf-8")
    assert without_keys(text(full, name)) == golden.read_text(encoding="utf-8")


def without_keys(table: str) -> str:
    """Keys and specs change with every new field of a spec; no result does."""
    table = re.sub(r"\b[0-9a-f]{32}\b", "KEY", table)
    return re.sub(r'"\{.*?\}"(?=,)', "SPEC", table)


def test_same_bytes_again_and_in_any_order_of_records(full, new_store, tmp_path):
    shuffled = new_store("shuffled")
    fill(shuffled, reverse=True)
    again = build(shuffled, tmp_path / "again")
    assert again.keys() == full.keys()
    assert [name for name in full if full[name] != again[name]] == []


def test_another_machine_changes_the_last_part_only(full, new_store, tmp_path):
    elsewhere = new_store("elsewhere")
    fill(elsewhere, elsewhere=True)
    with (elsewhere.directory / "runs.jsonl").open("a") as file:
        file.write('{"format": 1, "ke')
    files = build(elsewhere, tmp_path / "out")
    assert {name for name in full if full[name] != files[name]} == {
        *MACHINE_FILES,
        "index.html",
        "report.md",
    }
    parts = {"report.md": "## Environment and timings", "index.html": 'id="environment-and-timings"'}
    for name, start in parts.items():
        (ours, ours_last), (theirs, theirs_last) = (text(each, name).split(start) for each in (full, files))
        assert ours == theirs
        assert ours_last != theirs_last
    assert "- runs.jsonl line 11: " in text(files)


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "srcset", "action", "data"):
                self.links.append(value or "")


def test_page_needs_nothing_from_outside(full):
    links = _Links()
    links.feed(text(full, "index.html"))
    assert not {"script", "link", "iframe", "object", "step"} & set(links.tags)
    assert len(links.ids) == len(set(links.ids))
    for link in links.links:
        assert link.startswith("data:image/png;base64,") or link[1:] in links.ids, link[:80]
    assert "url(" not in text(full, "index.html")
    assert "loss is nan | at &lt;step&gt; 12" in text(full, "index.html")


def test_markdown_escapes_pipes_and_links_existing_figures(full):
    page = text(full)
    assert "loss is nan \\| at \\<step\\> 12" in page
    for line in page.splitlines():
        if line.startswith("!["):
            assert line.partition("](")[2].rstrip(")") in full


def test_page_and_markdown_hold_the_same_numbers(full):
    page = text(full, "index.html")
    for line in text(full).splitlines():
        if line.startswith("| 1 |") and "RankMixer" in line:
            auc = line.split("|")[7].strip()
            assert "±" in auc
            assert auc in page


def test_failures_and_missing_seeds_are_listed(full):
    failures = text(full).split("## Failures")[1].split("## How to read")[0]
    assert "| DCNv2 | 2 | diverged | Diverged |" in failures
    assert "| DCNv2 | 2 (diverged) |" in failures


def test_old_rev_is_named_and_not_averaged(full):
    assert (
        "Excluded, because there are runs of a newer rev of the same contestant: RankMixer rev 0: 1 run."
        in text(full)
    )


def test_empty_store_is_refused(builder, tmp_path):
    with pytest.raises(BadInput, match="has no runs"):
        builder.report(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_failures(builder, tmp_path):
    for seed in range(2):
        builder.failed(builder.spec("dcnv2", seed))
    files = build(builder, tmp_path / "out")
    assert "No run succeeded." in text(files)
    assert "0 of 2 runs succeeded" in text(files)
    assert "No run succeeded." in text(files, "index.html")
    assert not [name for name in files if name.startswith("figures/")]


def test_the_page_says_how_the_spread_between_seeds_is_estimated(builder, tmp_path):
    builder.three_contestants()
    pages = {
        intervals: builder.report(tmp_path / intervals, intervals=intervals).markdown.read_text()
        for intervals in ("moderated", "plain")
    }
    assert "Intervals are moderated" in pages["moderated"]
    assert "Intervals are plain" in pages["plain"]
    assert "Intervals are moderated" not in pages["plain"]
    plain, moderated = (
        pd.read_csv(tmp_path / intervals / "tables" / "pairs.csv") for intervals in ("plain", "moderated")
    )
    assert plain["difference"].tolist() == moderated["difference"].tolist()
    assert plain["low"].tolist() != moderated["low"].tolist()
    for table in (plain, moderated):
        assert (table["adjusted_p_value"] >= table["p_value"]).all()
        assert ((table["adjusted_p_value"] <= 0.05) == (table["verdict"] != "tie")).all()
        assert ((table["p_value"] <= 0.05) == (table["low"] * table["high"] > 0)).all()


def test_files_of_numbers_keep_their_precision(full):
    row = text(full, "tables/comparison.csv").splitlines()[1].split(",")
    assert max(len(cell.partition(".")[2]) for cell in row) >= 7


def test_the_judge_imports_no_torch():
    code = (
        "import sys, pkgutil, importlib, reports\n"
        "for module in pkgutil.walk_packages(reports.__path__, 'reports.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(sorted({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
