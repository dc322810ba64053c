"""The sentences of an ablation."""

from __future__ import annotations

import dataclasses

import pytest

from reports.ablation.prose import agreement, answer, changed
from reports.ablation.table import ablation_table
from reports.judge.statistics import Difference
from tests.reports.ablated import COMPONENTS, DEPTHS, ablate, only


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("no token mixing", "without token mixing"),
        ("no LayerNorm", "without LayerNorm"),
        ("No skip", "without skip"),
        (
            "no residual between blocks, no auxiliary loss",
            "without residual between blocks and auxiliary loss",
        ),
        ("shared FFN", "with shared FFN"),
        ("All-Share", "with All-Share"),
        ("k = 8", "with k = 8"),
        ("without a router", "without a router"),
        ("up 1, gate 1, down 0.1", "with “up 1, gate 1, down 0.1”"),
        ("notes as tokens", "with notes as tokens"),
    ],
)
def test_an_arm_in_a_sentence(label, expected):
    assert changed(label) == expected


def told(one, gains: dict[str, tuple[float, float] | None]):
    """The ablation with these differences, (mean, half of the interval) in points; None: 1 seed.

    Arms without one have no result.
    """
    arms = []
    for arm in one.arms:
        if arm.label not in gains:
            standing = dataclasses.replace(arm.standing, to_baseline=None)
            arms.append(dataclasses.replace(arm, standing=standing))
            continue
        value = gains[arm.label]
        mean, half = value or (0.1, None)
        difference = Difference(
            mean=mean / 100,
            half_width=None if half is None else half / 100,
            num_seeds=3 if value else 1,
            doubt="" if value else "1 seed",
        )
        standing = dataclasses.replace(arm.standing, to_baseline=difference)
        arms.append(dataclasses.replace(arm, standing=standing))
    return dataclasses.replace(one, arms=tuple(arms))


SMALL = {"no skip connections": (0.02, 0.05), "no token mixing": (0.01, 0.05)}


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        (
            {**SMALL, "no token mixing": (-0.31, 0.09), "no LayerNorm": (0.0, 0.1), "shared FFN": (0.0, 0.1)},
            "Without token mixing, RankMixer loses 0.31 [0.22, 0.40] points of AUC; the other three arms "
            "tie.",
        ),
        (
            {**SMALL, "All-Share": (-0.1, 0.02), "k = 8": (0.2, 0.1)},
            "With All-Share, RankMixer loses 0.10 [0.08, 0.12] points of AUC; with k = 8, it gains "
            "0.20 [0.10, 0.30] points of AUC; the other two arms tie.",
        ),
        (
            {"a": (-0.1, 0.02), "b": (-0.3, 0.02), "no c": (0.0, 0.1)},
            "With b, RankMixer loses 0.30 [0.28, 0.32] points of AUC, with a 0.10 [0.08, 0.12]; the other "
            "arm ties.",
        ),
        ({**SMALL}, "Both arms tie with RankMixer."),
        ({"k = 8": (0.0, 0.1)}, "No difference to RankMixer is found with k = 8."),
        (
            {"k = 8": None, "k = 4": (0.0, 0.1)},
            "No difference to RankMixer is found with k = 4; no difference can be judged of k = 8 (1 seed).",
        ),
        (
            {f"k = {n}": (-0.1 * n, 0.02) for n in range(1, 7)},
            "With k = 6, RankMixer loses 0.60 [0.58, 0.62] points of AUC, with k = 5 0.50 [0.48, 0.52], with "
            "k = 4 0.40 [0.38, 0.42], with k = 3 0.30 [0.28, 0.32], with two more arms less.",
        ),
    ],
)
def test_the_answer(builder, gains, expected):
    ablate(builder, dict.fromkeys(gains, 0.0), seeds=1)
    assert answer(told(only(builder), gains)) == expected


def test_the_answer_along_lines_skips_points_without_a_result(builder):
    ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", seeds=1)
    one = only(builder)
    gains = {
        "residual between blocks · 4 blocks": (0.2, 0.05),
        "no residual between blocks · 8 blocks": (-0.3, 0.05),
    }
    assert answer(told(one, gains)) == (
        "At 4 blocks, in points of AUC against 2 blocks: residual between blocks +0.20 [+0.15, +0.25]. "
        "At 8 blocks, in points of AUC against 2 blocks: no residual between blocks −0.30 [−0.35, −0.25]. "
        "There is no result to compare for residual between blocks · 8 blocks and no residual between blocks "
        "· 4 blocks."
    )
    assert answer(told(one, {})) == (
        "There is no result to compare for residual between blocks · 4 blocks, residual between blocks · 8 "
        "blocks, no residual between blocks · 4 blocks and no residual between blocks · 8 blocks."
    )


NO_RESULT, ONE_SEED = object(), object()


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ((-0.1, -0.1, -0.1, -0.1), "All four signs of the paper are found here."),
        (
            (-0.1, 0.0, 0.1, -0.1),
            "Of the paper's four signs, two are found here, one is the opposite and one cannot be told "
            "from 0.",
        ),
        (
            (0.0, 0.0, 0.0, 0.0),
            "Of the paper's four signs, none is found here and four cannot be told from 0.",
        ),
        (
            (0.0, -0.1, NO_RESULT, NO_RESULT),
            "Of the paper's four signs, one is found here, one cannot be told from 0 and two have no verdict "
            "here.",
        ),
        (
            (-0.1, -0.1, -0.1, ONE_SEED),
            "Of the paper's four signs, three are found here and one has no verdict here.",
        ),
        (
            (NO_RESULT, NO_RESULT, NO_RESULT, ONE_SEED),
            "None of the paper's four signs has a verdict here.",
        ),
    ],
)
def test_signs_of_the_paper_are_counted(builder, gains, expected):
    ablate(builder, seeds=1)
    values = {
        label: None if gain is ONE_SEED else (gain, 0.05)
        for label, gain in zip(COMPONENTS, gains, strict=True)
        if gain is not NO_RESULT
    }
    assert agreement(told(only(builder), values)) == expected


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ({"k = 8": (-0.1, 0.05)}, ""),  # the paper has no such arm
        ({"no LayerNorm": (-0.1, 0.05)}, "The sign that the paper has is found here."),
        ({"no LayerNorm": (0.1, 0.05)}, "The sign that the paper has is the opposite here."),
        ({"no LayerNorm": (0.0, 0.05)}, "The sign that the paper has cannot be told from 0 here."),
        ({"no LayerNorm": None}, "The sign that the paper has gets no verdict here."),
    ],
)
def test_a_single_sign_of_the_paper(builder, gains, expected):
    ablate(builder, dict.fromkeys(gains, 0.0), seeds=1)
    assert agreement(told(only(builder), gains)) == expected


def test_a_difference_that_is_0_at_one_of_the_papers_sizes_has_no_sign(builder):
    """Table 9 has +0.09, +0.04 and +0.00."""
    ablate(builder, {"DCN in front": 0.0}, seeds=1, paper="tokenmixer_large/table_9")
    assert agreement(told(only(builder), {"DCN in front": (0.1, 0.05)})) == ""


def test_a_difference_within_the_error_of_reading_a_figure_has_no_sign(builder):
    """Figure 3 has 0.00, 0.00, -0.01 and -0.02 for DTSI, each within 0.01 points."""
    arms = {f"DTSI + ReLU · {share} active": (-0.1, 0.05) for share in ("1", "1/2", "1/4", "1/8")}
    ablate(builder, dict.fromkeys(arms, 0.0), seeds=1, paper="rankmixer/figure_3")
    one = told(only(builder), arms)
    assert agreement(one) == "The sign that the paper has is found here."  # at 1/8
    assert "read off a figure, within 0.01 points" in " ".join(ablation_table(one).notes)
