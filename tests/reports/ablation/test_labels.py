"""Labels of arms that are long, or have commas of their own."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from reports.ablation.forest_figure import forest_figure
from reports.ablation.prose import made
from reports.ablation.table import ablation_table
from tests.reports.ablated import ablate, only

LONG = "an arm with a name of very many letters " * 10
COMMAS = ("up 1, gate 1, down 0.1", "all 0.01")


def norms(label: str, step: int) -> dict[str, np.ndarray]:
    return {"gradient_norm": np.full(3, float(step))}


@pytest.mark.parametrize(
    "labels",
    [(f"{LONG}x", f"{LONG}y"), (f"{LONG} · 4 blocks", f"{LONG} · 8 blocks"), (f"4 {LONG}", f"8 {LONG}")],
)
def test_labels_of_400_letters_leave_room_to_draw(builder, tmp_path, labels):
    """Without it matplotlib warns that it cannot lay the figure out, and lays it out badly."""
    ablate(builder, dict.fromkeys(labels, 0.1), base=f"base {LONG}", paper=None, observations=norms, seeds=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        builder.report(tmp_path / "out")


def test_labels_with_commas_are_quoted_where_they_are_listed(builder):
    ablate(builder, dict.fromkeys((*COMMAS, "k = 8"), 0.0), sized={"k = 8": "budget"})
    (study,) = builder.studies()
    one = only(builder)
    listed = "“up 1, gate 1, down 0.1” and all 0.01"
    assert f"Size of {listed}: the hyper-parameters of the base" in made(study, [one])
    arms = []
    for arm in one.arms:
        value = arm.standing.to_baseline
        if arm.label in COMMAS:
            value = dataclasses.replace(value, mean=0.002, half_width=0.001, adjusted_p_value=0.07)
        standing = dataclasses.replace(arm.standing, to_baseline=value)
        arms.append(dataclasses.replace(arm, standing=standing))
    tied = dataclasses.replace(one, arms=tuple(arms))
    assert f"because arms are judged together: {listed}." in forest_figure([tied]).caption
    assert f"the verdict is a tie: {listed}." in " ".join(ablation_table(tied).notes)
