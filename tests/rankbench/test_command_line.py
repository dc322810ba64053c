"""The command line through real processes: exit codes, what goes where, what is refused before any work."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.runs.store import RUNS_FILE, Store
from rankbench.console import answer_json

ROWS = 4_000


def small_run(*more: str) -> list[str]:
    options = ["--rows", str(ROWS), "--budget", "8k", "--seeds", "2", "--contestants", "dlrm-mlp,dcnv2"]
    return ["run", "compare", *options, "--protocol", "short", "--batch-size", "512", *more]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "models", "--json"],
        ["run", "--help"],
        ["tune", "--help"],
        ["predict", "--help"],
        ["fit", "--help"],
    ],
)
def test_quick_answers_import_no_torch(arguments, tmp_path):
    program = (
        "import sys; from rankbench.__main__ import main\n"
        f"sys.argv = ['rankbench', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'polars', 'sklearn', 'matplotlib', 'optuna'}\n"
        "slow = heavy & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)


def test_arguments_are_checked_before_torch_is_imported(tmp_path):
    program = (
        "import sys; from rankbench.__main__ import main\nsys.argv = ['rankbench', *sys.argv[1:]]\ntry: "
        "main()\nexcept SystemExit as stop: assert stop.code == 2\nassert 'torch' not in sys.modules"
    )
    for arguments in (
        ["run", "compare", "--protocol", "papr"],
        ["run", "compare", "--device", "tpu"],
        ["run", "compare", "--store", "/proc/nope"],
        ["show", "compare", "--budget", "lots"],
        ["speed", "compare", "--seconds", "0"],
    ):
        command = [sys.executable, "-c", program, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)


def test_the_version_is_said(bench):
    assert re.fullmatch(r"rankbench \d+\.\d+\.\d+\n", bench("--version").stdout)


def test_json_has_null_where_it_has_no_number(capsys):
    answer_json({"a": [float("inf"), float("nan"), 1.5], "b": (float("-inf"),)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": [None]}


def test_what_stdout_cannot_encode_is_replaced_and_in_json_escaped(bench, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "hidden layer ? 1 ? D" in bench("show", "expansion").stdout
    printed = bench("show", "expansion", "--json").stdout
    assert printed.isascii()
    assert json.loads(printed)["contestants"][0]["label"] == "hidden layer · 1 × D"


def test_report_imports_no_torch(bench, tmp_path):
    bench(*small_run())
    program = (
        "import sys; from rankbench.__main__ import main\nsys.argv = ['rankbench', 'report']\ntry: "
        "main()\nexcept SystemExit as stop: assert not stop.code\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)


def test_list_for_machines_names_every_contestant(bench):
    listed = json.loads(bench("list", "--json").stdout)
    assert {"dlrm-mlp", "dcnv2", "rankmixer"} <= {row["name"] for row in listed["models"]}
    assert {row["name"] for row in listed["protocols"]} == {*("tuned", "paper", "adam", "short", "epochs")}


def test_run_trains_reports_and_then_has_nothing_to_do(bench, tmp_path):
    first = bench(*small_run())
    assert "report: results/local/report/index.html" in first.stdout
    assert "DLRM-MLP" in first.stdout
    assert "4/4 " in first.stderr
    assert "DCNv2 seed 1: ok" in first.stderr
    assert "peak memory of a training process: " in first.stderr
    page = tmp_path / "results/local/report/index.html"
    before = page.read_bytes()
    again = bench(*small_run())
    assert "runs: 4 planned, 4 already in the store" in again.stderr
    assert len((tmp_path / "results/local" / RUNS_FILE).read_text().splitlines()) == 4
    assert page.read_bytes() == before
    assert bench("report").stdout == again.stdout
    checked = bench("check")
    assert "4 runs, 0 faults" in checked.stdout
    assert "matches its fingerprint" in checked.stdout


def test_standings_for_machines(bench):
    answer = json.loads(bench(*small_run("--json")).stdout)
    assert Path(answer["page"]).name == "index.html"
    assert {standing["task"] for standing in answer["standings"]} == {"finish", "skip"}


def test_show_prints_costs_and_trains_nothing(bench, tmp_path):
    shown = bench(
        "show", "compare", "--rows", str(ROWS), "--budget", "10k,50", "--contestants", "dlrm-mlp,rankmixer"
    )
    assert "RankMixer: rankmixer cannot reach 50 dense parameters within 2%" in shown.stdout
    assert "RankMixer" in shown.stdout
    rows = json.loads(bench("show", "rankmixer", "--rows", str(ROWS), "--budget", "20k", "--json").stdout)[
        "contestants"
    ]
    assert abs(rows[0]["cost"]["dense_parameters"] / 20_000 - 1) <= 0.02
    assert abs(rows[0]["error"]) <= 0.02
    assert list(tmp_path.iterdir()) == []  # no record, and no data set either


def test_a_contestant_of_ones_own_joins(bench, tmp_path):
    source = Path(__file__).parents[2] / "examples" / "my_model.py"
    (tmp_path / "my_model.py").write_text(source.read_text())
    small = ["run", "compare", "--rows", str(ROWS), "--budget", "8k", "--seeds", "2", "--batch-size", "512"]
    done = bench(*small, "--protocol", "short", "--contestants", "dlrm-mlp,my_model:FM")
    assert re.search(r" [1-4]/4 FM seed 1: ok", done.stderr)  # of two side by side either may end last
    assert " 4/4 " in done.stderr
    assert " FM " in done.stdout
    shown = json.loads(bench("show", "compare", "--contestants", "+my_model:FM", "--json").stdout)[
        "contestants"
    ]
    assert [row["contestant"] for row in shown][-2:] == ["tokenmixer-large", "fm"]
    alone = bench("run", "my_model:FM", *small[2:], "--budget", "none", "--seeds", "1")
    assert "1/1 FM seed 0: ok" in alone.stderr


def test_a_failed_run_gives_exit_code_one_and_is_on_the_page(bench, tmp_path):
    asked = ["run", "dlrm-mlp", "--rows", str(ROWS), "--budget", "8k", "--seeds", "1", "--dense-lr", "1e30"]
    done = bench(*asked, code=1)
    assert "DLRM-MLP seed 0: diverged, loss is nan at step 2 of epoch 1" in done.stderr
    assert "diverged" in (tmp_path / "results/local/report/index.html").read_text()
    again = bench(*asked, code=1)  # nothing to train, and still not well
    assert "1 planned, 1 already in the store" in again.stderr


def test_speed_measures_every_possible_point_of_a_grid_and_names_the_others(bench):
    small = ["--rows", str(ROWS), "--budget", "none", "--threads", "1", "--seconds", "0.1", "--profile"]
    grid = ["--grid", "token_dim=16,30", "--grid", "batch_size=64,512"]
    asked = ["speed", "rankmixer", *small, "--set", "num_tokens=4", *grid]
    done = bench(*asked, "--json", code=1)
    answer = json.loads(done.stdout)
    assert answer["loader_rows_per_second"] > 0
    assert answer["batches_rows_per_second"] > 0
    labels = [
        f"RankMixer (num_tokens 4, token_dim {dim}, batch_size {size})"
        for dim in (16, 30)
        for size in (64, 512)
    ]
    assert [one["label"] for one in answer["contestants"]] == labels
    for label, one in zip(labels[:2], answer["contestants"], strict=False):
        assert one["reason"] is None
        assert f"{label}: rankmixer" not in done.stderr
        assert one["step_p10_ms"] <= one["step_p50_ms"]
        assert one["mfu"] == pytest.approx(
            sorted(
                1e3 * one["batch_size"] * one["flops_train"] / r["step_p50_ms"] / r["gemm_flops_per_second"]
                for r in one["rounds"]
            )[1]
        )
        assert one["dense_parameters"] > 0
        assert one["peak_memory_bytes"] > 0
        assert sum(one["profile"]["shares"].values()) == pytest.approx(1)
    for label, one in zip(labels[2:], answer["contestants"][2:], strict=True):
        assert "it must be a multiple of num_tokens, 4" in one["reason"]
        assert f"{label}: {one['reason']}" in done.stderr


def test_speed_on_random_fields_prints_a_table(bench, tmp_path):
    options = ["--random-fields", "6", "--random-table-rows", "600", "--contestants", "dlrm-mlp,dcnv2"]
    done = bench("speed", "compare", *options, "--budget", "8k,16k", "--threads", "1", "--seconds", "0.1")
    assert "Training on random-6" in done.stdout
    for label in ("DLRM-MLP, 8k", "DCNv2, 8k", "DLRM-MLP, 16k", "DCNv2, 16k"):
        assert f" {label} " in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_data_names_a_family_of_the_synthetic_world(bench, tmp_path):
    options = ["--rows", str(ROWS), "--budget", "8k", "--contestants", "dlrm-mlp"]
    shown = bench("show", "compare", "--data", "network", *options)
    assert f"network-{ROWS}-1: 49 fields" in shown.stdout
    bench("run", "compare", "--data", "network", *options, "--seeds", "1")
    assert (tmp_path / "data" / f"network-{ROWS}-1" / "dataset.json").is_file()


def test_describe_says_what_a_data_set_holds(bench):
    made = bench("data", "synthesize", "--family", "trees", "--rows", str(ROWS), "--seed", "3")
    name = Path(made.stdout.strip()).name
    assert name == f"trees-{ROWS}-3"
    described = bench("data", "describe", name).stdout
    assert "fingerprint" in described
    assert "logistic regression" not in described
    fitted = json.loads(bench("data", "describe", name, "--references", "--json").stdout)
    assert fitted["logistic_regression_auc"].keys() == {"finish", "skip"}
    assert (
        f"logistic regression auc: finish {fitted['logistic_regression_auc']['finish']:.4f}"
        in bench("data", "describe", name).stdout
    )  # found where it was put, without being asked for
    assert json.loads(bench("data", "describe", name, "--json").stdout)["rows"] == {
        "train": 2_909,
        "valid": 363,
        "test": 728,
    }


def test_several_data_sets_are_taken_in_turn_and_set_side_by_side(bench):
    small = ["--rows", str(ROWS), "--budget", "8k", "--contestants", "dlrm-mlp,dcnv2"]
    shown = json.loads(bench("show", "worlds", *small, "--json").stdout)["contestants"]
    names = [f"{family}-{ROWS}-1" for family in ("rules", "trees", "network")]
    assert [row["dataset"] for row in shown] == [name for name in names for _ in range(2)]
    done = bench("run", "compare", "--data", "rules,trees", *small, "--seeds", "1", "--batch-size", "512")
    assert done.stderr.count("once per data set") == 2
    assert all(name in done.stdout for name in names[:2])
    refused = bench("speed", "compare", "--data", "rules,trees", "--rows", str(ROWS), code=2).stderr
    assert "speed needs one data set, but the study has 2" in refused


def test_three_studies_are_kept_apart(bench, tmp_path):
    small = ["--rows", str(ROWS), "--seeds", "1", "--batch-size", "512", "--contestants", "dlrm-mlp,dcnv2"]
    bench("run", "compare", *small, "--budget", "8k")
    bench("run", "compare", *small, "--budget", "8k", "--set", "dcnv2.num_cross_layers=1")
    bench("run", "dcnv2", *small[:-2], "--budget", "none")
    studies = Store(tmp_path / "results/local").read().studies
    assert [study.name for study in studies] == ["compare", "compare", "dcnv2"]
    labels = [sorted({member.label for member in study.members}) for study in studies]
    assert labels == [["DCNv2", "DLRM-MLP"], ["DCNv2 (num_cross_layers 1)", "DLRM-MLP"], ["DCNv2"]]
    assert [study.baseline for study in studies] == ["DLRM-MLP", "DLRM-MLP", None]
    keys = [{member.key for member in study.members} for study in studies]
    assert len(keys[0] & keys[1]) == 1  # the baseline's run, done once
    assert not keys[2] & (keys[0] | keys[1])
    assert studies[1].command.endswith("--set dcnv2.num_cross_layers=1 --seeds 1 --batch-size 512")


def test_a_run_of_another_store_is_not_done_again(bench, tmp_path):
    bench(*small_run("--store", "one"))
    done = bench(*small_run("--store", "two", "--store", "one"))
    assert "runs: 4 planned, 4 already in the store" in done.stderr
    assert len(Store(tmp_path / "two").read().studies) == 1
    assert (tmp_path / "two/report/index.html").is_file()
    checked = bench("check", "--store", "one", "--store", "two").stdout
    assert "one: 4 runs, 0 faults\ntwo: 0 runs, 0 faults\n" in checked


def test_where_the_data_is_makes_no_other_study(bench, tmp_path):
    bench(*small_run("--seeds", "1"))
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    again = bench(*small_run("--seeds", "1", "--data-dir", "elsewhere"))
    assert "2 planned, 2 already in the store" in again.stderr
    assert len(Store(tmp_path / "results/local").read().studies) == 1
