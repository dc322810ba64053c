"""The sentences of an ablation."""

from __future__ import annotations

import dataclasses

import pytest

from reports.ablation.prose import agreement, answer, changed
from reports.judge.statistics import Difference
from tests.reports.ablated import COMPONENTS, ablate, only


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
    """The ablation with these differences, (mean, half of the interval) in points; None: 1 seed."""
    arms = []
    for arm, value in zip(one.arms, gains.values(), strict=True):
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
    ],
)
def test_signs_of_the_paper_are_counted(builder, gains, expected):
    ablate(builder, seeds=1)
    one = told(only(builder), {label: (gain, 0.05) for label, gain in zip(COMPONENTS, gains, strict=True)})
    assert agreement(one) == expected
