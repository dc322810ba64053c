"""Arms whose parts get another size at the budget than those of the base."""

from __future__ import annotations

import pytest

from tests.reports.ablated import COMPONENTS, ablate, section

pytestmark = pytest.mark.usefixtures("without_drawing")

ARMS = ("no a, no b", "wider", "as base", "trimmed")
VALUES = {
    "no a, no b": {"width": 8, "hidden": 12},
    "wider": {"width": 256},
    "as base": {"width": 32},
    "trimmed": {"hidden": 39},
    "RankMixer": {"hidden": 40},
}


def test_arms_sized_at_the_budget_say_what_it_gives_them_in_place_of_the_bases(builder, tmp_path):
    """`wider` sets its width itself, and `as base` is not sized at the budget."""
    builder.decided = {"rankmixer": {"width", "hidden"}}
    ablate(
        builder,
        dict.fromkeys(ARMS, 0.0),
        seeds=2,
        values=VALUES,
        sized={"no a, no b": "budget", "wider": "budget", "trimmed": "budget"},
        settings={"wider": {"width": 256}},
    )
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    assert (
        "\nAt the budget, “no a, no b” has hidden 12 and width 8, trimmed has hidden 39; the base has hidden "
        "40 and width 64.\n"
    ) in page


def test_of_many_such_arms_only_their_number_is_told_and_of_each_budget(builder, tmp_path):
    arms = {**COMPONENTS, "k = 8": 0.0}
    ablate(
        builder,
        arms,
        seeds=2,
        sizes=(100_000, 1_000_000),
        values={label: {"width": 32} for label in arms},
        sized=dict.fromkeys(arms, "budget"),
    )
    page = section(builder.report(tmp_path / "out").markdown.read_text(), "components")
    for budget in ("100k", "1M"):
        told = "At the budget, five arms have another width than the base."
        assert f"\ntrees-3000-1, {budget} dense parameters. {told}\n" in page


def test_without_another_size_nothing_is_said(builder, tmp_path):
    ablate(builder, seeds=2, sized=dict.fromkeys(COMPONENTS, "budget"))
    assert "At the budget" not in builder.report(tmp_path / "out").markdown.read_text()
