"""Who is compared with whom where no study says so: data, budgets, revs, hyper-parameters, sources."""

from __future__ import annotations

import pytest

from bench.runs.record import Run
from reports.records.comparison import told_apart
from reports.records.frame import MACHINE_PREFIXES, number, run_frame, tasks_of, without_machine


def test_frame_has_a_flat_row_per_run(builder):
    run = builder.ok(builder.spec("dcnv2", 2), tasks=("finish", "skip"))
    builder.failed(builder.spec("dcnv2", 3))
    frame = run_frame(builder.store.read().runs.values())
    assert list(frame["seed"]) == [2, 3]
    row = frame.iloc[0]
    assert row["key"] == run.key
    assert row["dense_parameters"] == run.cost.dense_parameters
    assert row["test.skip.auc"] == run.metrics["test"]["skip"]["auc"]
    assert row["oracle.finish.auc"] == run.references["oracle"]["finish"]["auc"]
    assert row["environment.libraries.torch"] == "2.13.0"
    assert frame["test.skip.auc"].isna()[1]
    assert frame["error.type"][1] == "Diverged"
    assert tasks_of(frame) == ["finish", "skip"]
    assert not [name for name in without_machine(frame).columns if name.startswith(MACHINE_PREFIXES)]


def test_an_undefined_metric_is_nan_and_its_task_is_still_named(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    metrics = {"test": {"finish": {"auc": None, "log_loss": 0.5}}}
    undefined = Run(**{**vars(run), "metrics": metrics})
    frame = run_frame([undefined])
    assert frame["test.finish.auc"].isna().all()
    assert tasks_of(frame) == ["finish"]


@pytest.mark.parametrize("value", [None, True, "0.5", [0.5], {"a": 1}, float("inf"), float("nan")])
def test_what_is_no_finite_number_counts_as_missing(value):
    assert number(value) != number(value)
    assert number(1) == 1.0


def test_budgets_are_apart_and_in_order(builder):
    for budget in (1_000_000, 30_000, None):
        builder.ok(builder.spec("dcnv2", 0, budget=budget))
    (study,) = builder.studies()
    titles = [comparison.budget for comparison in study.comparisons]
    assert titles == ["sizes as given", "30k dense parameters", "1M dense parameters"]


def test_numbers_of_training_rows_are_never_mixed(builder):
    for count in (None, 20_000):
        builder.ok(builder.spec("dcnv2", 0, train_rows=count))
    studies = {study.title: study for study in builder.studies()}
    assert studies.keys() == {"toy · paper", "toy · 20k training rows · paper"}
    for title, count in (("toy · paper", 0), ("toy · 20k training rows · paper", 20_000)):
        (comparison,) = studies[title].comparisons
        assert comparison.train_rows == count
        (entry,) = comparison.entries
        assert entry.runs["train_rows"].tolist() == [count]


def test_fingerprints_are_never_mixed(builder):
    for fingerprint in ("a", "b"):
        builder.ok(builder.spec("dcnv2", 0, fingerprint=fingerprint))
    first, second = builder.studies()
    assert tuple(study.comparisons[0].fingerprint for study in (first, second)) == ("a" * 64, "b" * 64)
    assert first.title == "toy · paper · fingerprint aaaaaaaa"
    assert second.title == "toy · paper · fingerprint bbbbbbbb"
    assert all(len(study.comparisons[0].entries) == 1 for study in (first, second))


def test_only_the_newest_rev_counts_and_older_ones_are_named(builder):
    for rev, seed in ((1, 0), (1, 1), (2, 0)):
        builder.ok(builder.spec("dcnv2", seed, rev=rev))
    builder.ok(builder.spec("rankmixer", 0, rev=1))
    (study,) = builder.studies()
    dcnv2, rankmixer = study.comparisons[0].entries
    assert list(dcnv2.ok["contestant_rev"]) == [2]
    assert list(rankmixer.ok["contestant_rev"]) == [1]
    assert study.notes == (
        "Excluded, because there are runs of a newer rev of the same contestant: DCNv2 rev 1: 2 runs.",
    )


def test_a_rev_made_at_another_budget_is_set_aside_too(builder):
    builder.ok(builder.spec("dcnv2", 0, rev=1, budget=30_000))
    builder.ok(builder.spec("dcnv2", 0, rev=2, budget=100_000))
    (study,) = builder.studies()
    assert [comparison.budget_target for comparison in study.comparisons] == [100_000]


def test_hyperparameters_tell_entries_of_one_contestant_apart(builder):
    for layers in (2, 3):
        builder.ok(builder.spec("dcnv2", 0, budget=None, hyperparameters={"layers": layers, "width": 8}))
    (study,) = builder.studies()
    labels = [entry.label for entry in study.comparisons[0].entries]
    assert labels == ["DCNv2 (layers 2)", "DCNv2 (layers 3)"]


def test_what_the_budget_decides_is_in_no_label(builder):
    for layers, width in ((2, 32), (3, 24)):
        builder.ok(builder.spec("dcnv2", 0, hyperparameters={"layers": layers, "width": width}))
    assert [entry.label for entry in builder.comparison().entries] == ["DCNv2 (layers 2)", "DCNv2 (layers 3)"]


def test_what_the_budget_decides_is_named_where_nothing_else_differs(builder):
    for width in (24, 32):
        builder.ok(builder.spec("dcnv2", 0, hyperparameters={"width": width}))
    assert [entry.label for entry in builder.comparison().entries] == ["DCNv2 (width 24)", "DCNv2 (width 32)"]


def test_two_contestants_of_one_title_are_told_apart_by_name(builder):
    for name in ("first-fm", "second-fm"):
        builder.ok(builder.spec(name, 0))
    builder.titles = {"first-fm": "FM", "second-fm": "FM"}
    assert [entry.label for entry in builder.comparison().entries] == ["FM (first-fm)", "FM (second-fm)"]


def test_texts_that_are_alike_get_their_identity():
    assert told_apart({"a": "x", "b": "x", "c": "y"}) == {"a": "x (a)", "b": "x (b)", "c": "y"}


def test_missing_seeds_say_what_became_of_them(builder):
    builder.ok(builder.spec("dcnv2", 0))
    builder.ok(builder.spec("dcnv2", 1))
    builder.failed(builder.spec("rankmixer", 0), status="oom")
    missing = {entry.label: entry.missing() for entry in builder.comparison().entries}
    assert missing == {"DCNv2": [], "RankMixer": [(0, "oom"), (1, "not run")]}


@pytest.mark.parametrize("titles", [{}, {"dcnv2": "DCNv2"}])
def test_a_contestant_without_a_title_keeps_its_name(builder, titles):
    builder.ok(builder.spec("dcnv2", 0))
    builder.titles = titles
    assert builder.comparison().entries[0].label == titles.get("dcnv2", "dcnv2")
