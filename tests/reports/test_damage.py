"""Records with odd values, files that are not what the record says, names that share a slug."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pandas as pd
import pytest

from bench.runs.store import RUNS_FILE
from reports.records.frame import run_frame
from reports.records.sources import Sources
from reports.writing.sections import Section, Table, placed, words

ODD: tuple[Any, ...] = (None, True, -1, 1e308, "text", "\x1b[31m", [], [1, [2]], {}, {"a": {"b": None}})

pytestmark = pytest.mark.usefixtures("without_drawing")


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of every key, of mappings too."""
    if not isinstance(value, dict):
        return [path]
    return [*([path] if path else []), *(each for key in value for each in leaves(value[key], (*path, key)))]


@pytest.mark.parametrize("odd", ODD, ids=lambda value: json.dumps(value)[:12])
def test_an_odd_value_costs_at_most_its_line(builder, odd, tmp_path):
    """Whatever stands in a record's free entries, there is a page, and the other runs are on it."""
    builder.three_contestants(seeds=1)
    path = builder.directory / RUNS_FILE
    first, *others = path.read_text().splitlines()
    for place in leaves(json.loads(first))[ODD.index(odd) :: 2 * len(ODD)]:  # another share for each value
        record = json.loads(first)
        target = record
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = odd
        path.write_text("\n".join([json.dumps(record), *others]) + "\n")
        page = builder.report(tmp_path / "out").markdown.read_text()
        assert "RankMixer" in page, place
        assert "\x1b" not in page, place


def test_a_file_that_is_not_the_one_the_run_wrote_is_left_out(builder):
    """Even where it is a good file with the same AUC: users moved, say."""
    run = builder.ok(builder.spec("dcnv2", 0))
    path = builder.predictions(run)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    line = json.loads((builder.directory / RUNS_FILE).read_text())
    line["files"] = {"predictions": digest}
    (builder.directory / RUNS_FILE).write_text(json.dumps(line) + "\n")
    assert Sources([builder.directory]).predictions(run.key, ["user"]) is not None
    table = pd.read_parquet(path)
    table["user"] = table["user"].to_numpy()[::-1]
    table.to_parquet(path, index=False)
    sources = Sources([builder.directory])
    assert sources.predictions(run.key, ["user"]) is None
    assert "SHA-256" in sources.set_aside[f"predictions/{run.key}.parquet"]


def test_a_file_of_an_older_record_has_no_digest_and_is_read(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    assert run.files == {}
    assert Sources([builder.directory]).predictions(run.key, ["user"]) is not None


def test_metrics_of_a_stored_line_reach_the_frame_to_the_bit(builder):
    """A line of format 1, with the references among the metrics and no later field."""
    run = builder.ok(builder.spec("dcnv2", 0), tasks=("finish", "skip"))
    line = json.loads((builder.directory / RUNS_FILE).read_text())
    for later in ("observed", "files"):
        del line[later]
    line["metrics"] |= line.pop("references")
    line["format"] = 1
    (builder.directory / RUNS_FILE).write_text(json.dumps(line) + "\n")
    frame = run_frame(Sources([builder.directory]).runs.values())
    for part, tasks in line["metrics"].items():
        for task, values in tasks.items():
            for metric, value in values.items():
                assert frame[f"{part}.{task}.{metric}"].iloc[0] == value
    assert frame["key"].iloc[0] == run.key


def test_names_of_one_slug_get_files_of_their_own():
    table = Table(name="t", header=("a",), rows=(words("1"),))
    titles = ("shop.v1", "shop-v1", "点击", "完播", "x" * 230, "x" * 230 + "y", "")
    places = placed([Section(title=title, tables=(table,)) for title in titles])
    names = [name for place in places for name, _ in place.tables] + [place.anchor for place in places]
    assert len(set(names)) == len(names) == 14
    assert names[0] == "t-shop-v1"
    assert all(0 < len(name.encode()) < 200 for name in names)
    assert all(name.isascii() for name in names)


def test_a_figure_added_to_a_section_is_on_page_and_markdown(builder, tmp_path, monkeypatch):
    """One file is touched: `reports.figures`, which lists what is drawn."""
    from reports import study_section
    from reports.answer_figure import answer_figure

    def again(study, found, sources, mark):
        figure = answer_figure([standings for _, standings in found], mark)
        return [Section(title="One more figure", figures=(figure,))]

    monkeypatch.setattr(study_section, "FIGURES", (*study_section.FIGURES, again))
    builder.three_contestants(seeds=2)
    files = builder.report(tmp_path / "out")
    assert "One more figure" in files.page.read_text()
    assert "one-more-figure.png" in files.markdown.read_text()
    assert [path for path in files.figures if path.name.endswith("one-more-figure.pdf")]


def test_a_task_with_one_class_in_test_says_so_and_the_other_is_judged(builder, tmp_path):
    for contestant in builder.titles:
        for seed in range(2):
            builder.ok(builder.spec(contestant, seed), tasks=("click", "skip"))
    path = builder.directory / RUNS_FILE
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        for metric in ("auc", "uauc", "gauc", "gauc_pos"):
            record["metrics"]["test"]["skip"][metric] = None
        record["references"] = {
            name: {"click": tasks["click"]} for name, tasks in record["references"].items()
        }
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    click, skip = builder.standings()
    assert click.leaders()[0].label == "RankMixer"
    assert skip.best is None
    page = builder.report(tmp_path / "out").markdown.read_text()
    section = page.split("task skip\n\n")[1]
    assert section.startswith("**The test split has only one class for this task")
    assert "no AUC: one class" in section
    assert "task skip: no contestant has a test AUC." in page
