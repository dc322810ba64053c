"""What of the figures can be checked without eyes: labels, marks, captions, and nothing to draw."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from reports.answer_figure import answer_figure
from reports.figures import curve_figure, size_figure, spread
from reports.records.curves import mean_curves
from reports.records.sources import Sources
from reports.writing.drawing import MARKERS, PALETTE, marks


def test_spread_leaves_distant_labels_alone():
    assert spread([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])


def test_spread_parts_labels_evenly_around_their_place():
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])


def test_spread_keeps_order_and_gap_and_the_mean():
    rng = np.random.default_rng(0)
    positions = rng.random(12).tolist()
    found = np.array(spread(positions, 0.06))
    assert np.array_equal(np.argsort(found), np.argsort(positions))
    assert np.diff(np.sort(found)).min() >= 0.06 - 1e-12
    assert found.mean() == pytest.approx(np.mean(positions))


def test_marks_differ_and_the_baseline_keeps_its_own():
    names = [f"contestant {i:02d}" for i in range(40)]
    found = marks([*names, "dlrm-mlp"], ["dlrm-mlp"])
    assert len({(mark.colour, mark.marker) for mark in found.values()}) == 41
    assert found["dlrm-mlp"] == marks([], ["dlrm-mlp"])["dlrm-mlp"]
    assert found["dlrm-mlp"].colour not in PALETTE
    assert found["dlrm-mlp"].marker not in MARKERS


def test_figures_are_png_and_pdf_without_a_date(builder):
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    image = size_figure([("dense_parameters", standings)], marks(builder.titles.values()))
    assert image.png.startswith(b"\x89PNG")
    assert image.pdf.startswith(b"%PDF")
    for trace in (b"CreationDate", b"Producer", b"matplotlib"):
        assert trace not in image.pdf
    assert b"Software" not in image.png
    assert "mean over 2 seeds" in image.caption


def test_oracle_is_drawn_or_told(builder):
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    image = size_figure([("dense_parameters", standings)], marks(builder.titles.values()))
    assert f"{standings.references['oracle']['auc']:.4f}" in image.caption


def test_points_at_several_budgets_are_joined(builder):
    for budget in (30_000, 1_000_000):
        for seed in range(2):
            builder.ok(builder.spec("dcnv2", seed, budget=budget))
    by_budget = [("dense_parameters", standings) for standings in builder.standings()]
    assert len(by_budget) == 2
    assert "are joined" in size_figure(by_budget, marks(["DCNv2"])).caption


def test_nothing_to_draw():
    assert size_figure([], {}) is None
    assert curve_figure([], {}) is None


def curves_of(builder):
    return mean_curves(builder.comparison(), Sources([builder.directory]))


def test_curves_are_means_over_the_steps_that_all_seeds_have(builder):
    runs = [builder.ok(builder.spec("dcnv2", seed)) for seed in (0, 1)]
    paths = [builder.curve(run) for run in runs]
    first, second = (pd.read_parquet(path) for path in paths)
    second.iloc[:30].to_parquet(paths[1], index=False)
    (curve,) = curves_of(builder)
    assert curve.quantity == "training loss"
    assert curve.step.tolist() == first["step"].iloc[:30].tolist()
    expected = (first["train_loss"] + second["train_loss"]).iloc[:30] / 2
    assert curve.value == pytest.approx(expected.to_numpy())
    image = curve_figure([curve], marks(["DCNv2"]))
    assert image is not None
    assert "own terms" in image.caption


def test_a_contestant_without_curves_is_left_out(builder):
    run = builder.ok(builder.spec("dcnv2", 0))
    builder.ok(builder.spec("rankmixer", 0))
    builder.curve(run).unlink()
    assert [curve.label for curve in curves_of(builder)] == ["RankMixer"]


def test_the_answer_is_drawn_against_the_baseline_and_in_auc_without_one(builder, new_store):
    builder.three_contestants(seeds=2)
    alone = new_store("alone")
    for seed in range(2):
        alone.ok(alone.spec("rankmixer", seed))
    image = answer_figure(builder.standings(), marks(builder.titles.values()))
    assert image.caption.startswith("Test AUC minus that of DLRM-MLP, in points")
    assert answer_figure(alone.standings(), marks(["RankMixer"])).caption.startswith("Test AUC, with")
    assert answer_figure([], {}) is None


def test_a_model_without_a_matrix_product_can_be_drawn(builder):
    builder.three_contestants(seeds=2)
    (standings,) = builder.standings()
    rows = tuple(
        dataclasses.replace(row, cost=dict.fromkeys(row.cost, 0) if row.label == "DCNv2" else row.cost)
        for row in standings.rows
    )
    free = dataclasses.replace(standings, rows=rows)
    assert size_figure([("", free)], marks(builder.titles.values())) is not None
    nothing = dataclasses.replace(
        standings, rows=tuple(dataclasses.replace(row, cost=dict.fromkeys(row.cost, 0)) for row in rows)
    )
    assert size_figure([("", nothing)], marks(builder.titles.values())) is not None
