"""`show` before, while and after a study is run: what is planned, done and missing, and how long it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

ROWS = 4000  # 2909 of them for training
SMALL = ("--rows", str(ROWS), "--contestants", "dlrm-mlp,rankmixer", "--seeds", "1", "--batch-size", "512")


def counts(shown: dict) -> tuple[int, int, int]:
    return shown["planned"], shown["missing"], shown["failed"]


def test_show_says_what_is_done_and_what_is_missing(bench, tmp_path):
    asked = ("scaling", *SMALL, "--budget", "8k,16k")
    before = bench("show", *asked)
    assert "runs: 4 planned, 0 done, 4 missing in results/local" in before.stdout
    assert "time: not measured; --estimate does that" in before.stdout
    assert list(tmp_path.iterdir()) == []
    bench("run", "scaling", *SMALL, "--budget", "8k")
    shown = json.loads(bench("show", *asked, "--json").stdout)
    assert counts(shown) == (4, 2, 0)
    assert [(line["budget"]["target"], line["missing"]) for line in shown["runs"]] == [
        (8_000, 0),
        (8_000, 0),
        (16_000, 1),
        (16_000, 1),
    ]
    assert {line["train_rows"] for line in shown["runs"]} == {2909}
    assert {line["steps"] for line in shown["runs"]} == {6}  # 2909 rows in batches of 512
    assert {line["seconds_of_one"] for line in shown["runs"]} == {None}
    shutil.rmtree(tmp_path / "data")  # the records know the data, which is the same whoever generates it
    assert counts(json.loads(bench("show", *asked, "--json").stdout)) == (4, 2, 0)
    assert not (tmp_path / "data").exists()
    shutil.move(tmp_path / "results" / "local", tmp_path / "elsewhere")
    assert "0 done, 4 missing" in bench("show", *asked).stdout
    assert "2 done, 2 missing in elsewhere" in bench("show", *asked, "--store", "elsewhere").stdout


def test_show_counts_the_runs_by_the_equal_protocol_too(bench):
    shown = json.loads(bench("show", "compare", *SMALL, "--budget", "20k", "--json").stdout)
    assert [line["label"] for line in shown["runs"]] == [
        "DLRM-MLP",
        "RankMixer",
        "DLRM-MLP by equal protocol",
        "RankMixer by equal protocol",
    ]
    assert counts(shown) == (4, 4, 0)


def test_show_says_what_an_ablation_asks_and_what_each_arm_changes(bench):
    """Also where the new value is the contestant's own default."""
    asked = ("show", "depth", "--rows", "4000")
    lines = bench(*asked).stdout.splitlines()
    assert lines[0].startswith("depth: ")
    assert lines[1] == "base: 2 blocks; arms have its hyper-parameters, but for what they change"
    about = json.loads(bench(*asked, "--json").stdout)["study"]
    assert (about["name"], about["kind"], about["baseline"]) == ("depth", "ablation", "2 blocks")
    assert set(about["sized"].values()) == {"budget", "as_baseline"}


def test_estimate_measures_each_model_and_writes_nothing(bench, tmp_path):
    asked = ("data", *SMALL, "--budget", "8k", "--train-rows", "512,1024,all", "--estimate")
    done = bench("show", *asked, "--processes", "1", "--json")
    assert "measuring some steps of 2 models" in done.stderr
    shown = json.loads(done.stdout)
    assert shown["processes"] == [1]
    assert shown["not_measured"] == {}
    seconds = {(line["label"], line["train_rows"]): line["seconds_of_one"] for line in shown["runs"]}
    assert len(seconds) == 6
    assert all(value > 0 for value in seconds.values())
    for label in ("DLRM-MLP", "RankMixer"):  # 1, 2 and 6 steps of one model: a straight line
        one, two, six = (seconds[label, rows] for rows in (512, 1024, 2909))
        assert six - one == pytest.approx(5 * (two - one))
    assert shown["seconds"] == pytest.approx(sum(seconds.values()))
    assert shown["seconds_missing"] == shown["seconds"]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_measured_is_named_and_the_others_are(bench, tmp_path):
    (tmp_path / "own.py").write_text(
        Path(__file__)
        .parents[2]
        .joinpath("examples", "my_model.py")
        .read_text()
        .replace(
            "        pairs =",
            "        if x_BI.device.type != 'meta' and x_BI.shape[0] == 512:\n"
            "            raise RuntimeError('no more')\n        pairs =",
        )
    )
    asked = ("compare", *SMALL[:2], "--contestants", "dlrm-mlp,own.py:FM", *SMALL[4:], "--budget", "8k")
    shown = bench("show", *asked, "--protocol", "short", "--estimate").stdout
    assert "FM could not be measured: RuntimeError: no more" in shown
    assert "time: about" in shown


def test_each_number_of_training_rows_is_trained_and_judged_by_itself(bench, tmp_path):
    asked = ("data", *SMALL, "--budget", "8k", "--train-rows", "1k,all", "--processes", "1")
    done = bench("run", *asked)
    assert "4/4" in done.stderr
    assert "RankMixer, 1,000 rows seed 0: ok" in done.stderr
    assert f"trees-{ROWS}-1 · 1k training rows" in done.stdout
    assert f"trees-{ROWS}-1 · all training rows" in done.stdout
    assert "0 already" not in bench("run", *asked).stderr
    page = (tmp_path / "results" / "local" / "report" / "report.md").read_text()
    assert "1k training rows" in page


def test_the_budgets_of_a_study_in_flops_stay_in_flops(bench):
    shown = json.loads(bench("show", "scaling-flops", *SMALL, "--budget", "60k", "--json").stdout)[
        "contestants"
    ]
    assert [row["budget"] for row in shown] == [{"kind": "flops_forward", "target": 60_000}] * 2
    for row in shown:
        assert abs(row["cost"]["flops_forward"] / 60_000 - 1) <= 0.02


def test_list_says_the_sizes_and_the_training_rows(bench):
    listed = {one["name"]: one for one in json.loads(bench("list", "studies", "--json").stdout)["studies"]}
    assert listed["scaling"]["kind"] == "ladder"
    assert listed["scaling"]["sizes"] == "30k, 60k, 100k, 300k, 1M, 3M dense"
    assert listed["compare-flops"]["sizes"] == "1M FLOPs"
    assert listed["data"]["training rows"] == "16k, 32k, 64k, 128k, 256k, all"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "data", "--train-rows", "3k"], "training rows are 3,000, but trees-4000-1 has 2,909"),
        (["run", "data", "--train-rows", "3k"], "give --train-rows from 1 to 2909, or 'all'"),
        (["run", "data", "--train-rows", "few"], "--train-rows is 'few'; it must be a whole number above 0"),
        (["run", "data", "--train-rows", "0"], "--train-rows is '0'; it must be a whole number above 0"),
        (["run", "data", "--train-rows", "1k,1000"], "it has '1000' twice; give each number once"),
        (["run", "data", "--train-rows", "all,all"], "it has 'all' twice"),
        (["tune", "data", "--train-rows", "1k"], "--train-rows does not apply to tune"),
        (["speed", "data", "--train-rows", "1k"], "--train-rows does not apply to speed"),
        (["show", "data", "--processes", "0"], "--processes is 0; it must be 1 or more"),
        (["show", "data", "--device", "tpu"], "--device is 'tpu', allowed"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(bench, tmp_path, arguments, says):
    verb, target, *rest = arguments
    refused = bench(verb, target, "--rows", str(ROWS), *rest, code=2)
    assert says in refused.stderr
    assert list(tmp_path.iterdir()) == []
