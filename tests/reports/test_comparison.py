"""Who is compared with whom: settings, budgets, revs, hyper-parameters."""

from __future__ import annotations

import pytest

from bench.runs.record import Run
from reports.comparison import Setting, settings
from reports.frame import MACHINE_PREFIXES, run_frame, tasks_of, without_machine


def settings_of(builder) -> list[Setting]:
    return settings(run_frame(builder.store.read().runs.values()), builder.titles)


def test_frame_has_a_flat_row_per_run(builder):
    run = builder.ok(builder.spec("dcnv2", 2), tasks=("finish", "skip"))
    builder.failed(builder.spec("dcnv2", 3))
    frame = run_frame(builder.store.read().runs.values())
    assert list(frame["seed"]) == [2, 3]
    row = frame.iloc[0]
    assert row["key"] == run.key
    assert row["dense_parameters"] == run.cost.dense_parameters
    assert row["test.skip.auc"] == run.metrics["test"]["skip"]["auc"]
    assert row["oracle.finish.auc"] == run.metrics["oracle"]["finish"]["auc"]
    assert row["environment.libraries.torch"] == "2.13.0"
    assert frame["test.skip.auc"].isna()[1]
    assert frame["error.type"][1] == "Diverged"
    assert tasks_of(frame) == ["finish", "skip"]
    assert not [name for name in without_machine(frame).columns if name.startswith(MACHINE_PREFIXES)]


def test_an_undefined_metric_is_nan_and_its_task_is_not_judged(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    metrics = {"test": {"finish": {"auc": None, "log_loss": 0.5}}}
    undefined = Run(**{**vars(run), "metrics": metrics})
    frame = run_frame([undefined])
    assert frame["test.finish.auc"].isna().all()
    assert tasks_of(frame) == []


def test_budgets_are_apart_and_in_order(builder):
    for budget in (1_000_000, 30_000, None):
        builder.ok(builder.spec("dcnv2", 0, budget=budget))
    (setting,) = settings_of(builder)
    titles = [comparison.title for comparison in setting.comparisons]
    assert titles == ["sizes as given", "30K dense parameters", "1M dense parameters"]
    assert len({comparison.slug for comparison in setting.comparisons}) == 3


def test_fingerprints_are_never_mixed(builder):
    for fingerprint in ("a", "b"):
        builder.ok(builder.spec("dcnv2", 0, fingerprint=fingerprint))
    first, second = settings_of(builder)
    assert (first.fingerprint, second.fingerprint) == ("a" * 64, "b" * 64)
    assert first.title == "toy · paper · fingerprint aaaaaaaa"
    assert second.title == "toy · paper · fingerprint bbbbbbbb"
    assert all(len(setting.comparisons[0].entries) == 1 for setting in (first, second))


def test_only_the_newest_rev_counts_and_older_ones_are_named(builder):
    for rev, seed in ((1, 0), (1, 1), (2, 0)):
        builder.ok(builder.spec("dcnv2", seed, rev=rev))
    builder.ok(builder.spec("rankmixer", 0, rev=1))
    (setting,) = settings_of(builder)
    dcnv2, rankmixer = setting.comparisons[0].entries
    assert list(dcnv2.ok["contestant_rev"]) == [2]
    assert list(rankmixer.ok["contestant_rev"]) == [1]
    assert setting.set_aside == ("DCNv2 rev 1: 2 runs",)


def test_a_rev_made_at_another_budget_is_set_aside_too(builder):
    builder.ok(builder.spec("dcnv2", 0, rev=1, budget=30_000))
    builder.ok(builder.spec("dcnv2", 0, rev=2, budget=100_000))
    (setting,) = settings_of(builder)
    assert [comparison.budget_target for comparison in setting.comparisons] == [100_000]


def test_hyperparameters_tell_entries_of_one_contestant_apart(builder):
    for layers in (2, 3):
        builder.ok(builder.spec("dcnv2", 0, budget=None, hyperparameters={"layers": layers, "width": 8}))
    (setting,) = settings_of(builder)
    labels = [entry.label for entry in setting.comparisons[0].entries]
    assert labels == ["DCNv2 (layers 2)", "DCNv2 (layers 3)"]


def test_missing_seeds_say_what_became_of_them(builder):
    builder.ok(builder.spec("dcnv2", 0))
    builder.ok(builder.spec("dcnv2", 1))
    builder.failed(builder.spec("rankmixer", 0), status="oom")
    (setting,) = settings_of(builder)
    missing = [(entry.label, seed, why) for entry, seed, why in setting.comparisons[0].missing()]
    assert missing == [("RankMixer", 0, "oom"), ("RankMixer", 1, "not run")]


@pytest.mark.parametrize("titles", [{}, {"dcnv2": "DCNv2"}])
def test_a_contestant_without_a_title_keeps_its_name(builder, titles):
    builder.ok(builder.spec("dcnv2", 0))
    (setting,) = settings(run_frame(builder.store.read().runs.values()), titles)
    assert setting.comparisons[0].entries[0].label == titles.get("dcnv2", "dcnv2")
