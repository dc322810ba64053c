"""What `rankbench report` prints: the same columns as the page, reasons of failures, titles as they are."""

from __future__ import annotations

import json

import pytest

from bench.errors import BadInput
from rankbench import report
from tests.reports.ablated import COMPONENTS, ablate

pytestmark = pytest.mark.usefixtures("without_drawing")


def printed(capsys, builder, *others, **options) -> str:
    report.run(
        store=[builder.directory, *others],
        output=builder.directory / "report",
        **{"study": None, "json": False, **options},
    )
    return capsys.readouterr().out


def test_the_reason_of_a_failure_is_on_the_terminal(builder, capsys):
    builder.three_contestants(seeds=2)
    builder.failed(builder.spec("dcnv2", 2))
    shown = printed(capsys, builder)
    assert "loss is nan | at <step> 12" in shown
    assert "diverged" in shown
    assert "2 (of 3)" in shown


def test_labels_with_brackets_and_escape_codes_are_shown_as_they_are(builder, capsys):
    label = "RankMixer [bold]x[/bold] \x1b[31m"
    for seed in range(2):
        builder.ok(builder.spec("rankmixer", seed))
    builder.study({label: [builder.spec("rankmixer", seed) for seed in range(2)]}, baseline=None)
    shown = printed(capsys, builder)
    assert r"RankMixer [bold]x[/bold] \x1b[31m" in shown
    assert "\x1b" not in shown


def test_for_machines_every_number_is_finite(builder, capsys):
    builder.three_contestants(seeds=2)
    standings = json.loads(printed(capsys, builder, json=True), parse_constant=pytest.fail)["standings"]
    (only,) = standings
    assert {row["label"] for row in only["rows"]} == {"DLRM-MLP", "DCNv2", "RankMixer"}
    auc = only["rows"][0]["metrics"]["auc"]
    assert auc["low"] < auc["mean"] < auc["high"]
    assert len(only["pairs"]) == 6
    assert only["pairs"][0].keys() >= {"first", "second", "mean", "verdict", "doubt"}


def test_several_stores_and_one_study(builder, new_store, capsys):
    second = new_store("second")
    for seed in range(2):
        builder.ok(builder.spec("dlrm-mlp", seed))
        second.ok(second.spec("rankmixer", seed))
    specs = {title: [builder.spec(name, seed) for seed in range(2)] for name, title in builder.titles.items()}
    builder.study({title: specs[title] for title in ("DLRM-MLP", "RankMixer")})
    shown = printed(capsys, builder, second.directory, study="compare")
    assert "better" in shown
    page = (builder.directory / "report/report.md").read_text()
    assert f"rankbench report --store {builder.directory} --store {second.directory} --study compare" in page
    with pytest.raises(BadInput, match="unknown study of the store 'comparing'"):
        printed(capsys, builder, study="comparing")


def test_an_ablation_prints_its_arms_against_the_base_and_the_answer(builder, capsys):
    ablate(builder)
    shown = printed(capsys, builder)
    assert "Δ AUC, points" in shown
    assert "log loss" not in shown  # its column and what is said of it are on the page
    assert "FLOPs may be counted" not in shown
    assert "RankMixer (base)" in shown
    last = shown.splitlines()[-2]
    assert last.startswith("Without token mixing, RankMixer loses ")
    assert "signs" in last


def test_for_machines_an_ablation_has_a_row_per_arm(builder, capsys):
    ablate(builder)
    answered = json.loads(printed(capsys, builder, json=True), parse_constant=pytest.fail)
    assert {row["label"] for row in answered["standings"][0]["rows"]} == {"RankMixer", *COMPONENTS}
    arms = {row["arm"]: row for row in answered["arms"]}
    assert list(arms) == list(COMPONENTS)
    assert arms["no token mixing"]["verdict"] == "worse"
    assert arms["no token mixing"]["auc_high"] < 0
    assert arms["no token mixing"]["paper_auc"] == pytest.approx(-0.005)
