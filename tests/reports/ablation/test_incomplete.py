"""Ablations of which something did not run, or has no interval."""

from __future__ import annotations

import dataclasses
import math

import pytest

from reports.ablation.prose import answer
from reports.ablation.table import ablation_table, flat_rows
from tests.reports.ablated import COMPONENTS, ablate, only, section

pytestmark = pytest.mark.usefixtures("without_drawing")


def test_an_ablation_of_which_only_the_base_ran(builder, tmp_path):
    ablate(builder, without=tuple(COMPONENTS))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    unknown = "no skip connections, no token mixing, no LayerNorm and shared FFN"
    assert f"There is no result to compare for {unknown}." in page
    assert "figures/answer-" not in page
    assert page.count("not run") == 4


def test_an_ablation_of_which_the_base_did_not_run(builder, tmp_path):
    ablate(builder, without=("RankMixer",))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    assert "There is no result to compare for" in page
    one = only(builder)
    table = ablation_table(one)
    times = [str(row[table.header.index("Δ training time, %")]) for row in table.rows]
    assert times == ["–"] * 5  # without the base's time there is nothing to compare with
    for row in flat_rows(one):
        assert row["train_s_relative"] is row["train_s_relative_low"] is row["train_s_relative_high"] is None


def test_a_budget_at_which_nothing_ran_is_on_the_page(builder, tmp_path):
    """At 3k nobody could take part, at 30k all but one arm ran, at 1M nothing has run yet."""
    first = ablate(builder, sizes=(30_000,), impossible={"All-Share": "it is too large"})
    last = ablate(builder, sizes=(1_000_000,), without=("RankMixer", *COMPONENTS))
    none = [
        dataclasses.replace(member, budget=budget, seed=None, key=None, reason="it has 4,000 at least")
        for member in first.members
        if member.seed in (0, None) and (budget := dataclasses.replace(member.budget, target=3_000))
    ]
    builder.store.append_study(dataclasses.replace(first, members=(*none, *first.members, *last.members)))
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    lead, *sections = page.split("\n### ")
    assert "trees-3000-1, 3k dense parameters: no run succeeded." in lead
    assert "trees-3000-1, 30k dense parameters, task finish: without token mixing, RankMixer loses" in lead
    assert "trees-3000-1, 1M dense parameters: no run succeeded." in lead
    small, middle, large = sections[:3]
    assert small.startswith("trees-3000-1, 3k dense parameters\n\nNo run succeeded.\n")
    assert "| no token mixing | not possible: it has 4,000 at least |" in small
    assert middle.startswith("trees-3000-1, 30k dense parameters, task finish\n")
    assert large.startswith("trees-3000-1, 1M dense parameters\n\nNo run succeeded.\n")
    assert "| shared FFN | seed 0: not run, seed 1: not run, seed 2: not run |" in large


def test_no_training_time_is_less_than_none_at_all(builder):
    """2 and 14 times the base's 10 s, by seed: 8 ± 6 · 12.7062 (Student's t with one degree of freedom)."""
    ablate(builder, {"slow": 0.0}, seeds=2, times={"RankMixer": (10.0, 10.0), "slow": (20.0, 140.0)})
    one = only(builder)
    table = ablation_table(one)
    assert str(table.rows[1][table.header.index("Δ training time, %")]) == "+700 [−100, +8,324]"
    (row,) = flat_rows(one)
    assert row["train_s_relative_low"] == -1
    assert row["train_s_relative_high"] == pytest.approx(7 + 6 * 12.7062, abs=1e-3)


def test_an_interval_without_bounds_is_not_written(builder):
    ablate(builder, {"k = 8": 0.0})
    one = only(builder)
    (arm,) = one.arms
    loss = dataclasses.replace(arm.standing.log_loss_to_baseline, mean=0.0012, half_width=math.inf)
    standing = dataclasses.replace(arm.standing, log_loss_to_baseline=loss)
    endless = dataclasses.replace(one, arms=(dataclasses.replace(arm, standing=standing),))
    (row,) = flat_rows(endless)
    assert (row["log_loss"], row["log_loss_low"], row["log_loss_high"]) == (0.0012, None, None)
    table = ablation_table(endless)
    assert str(table.rows[1][table.header.index("Δ log loss")]) == "+0.0012"


def test_an_ablation_without_an_arm(builder, tmp_path):
    """As a contestant list that leaves only the base makes it, in versions that did not refuse that."""
    ablate(builder, {})
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    assert "There is no arm to judge." in page
    assert "All are trained" not in page
    assert answer(only(builder)) == "There is no arm to judge."
