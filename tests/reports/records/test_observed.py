"""What models showed of themselves during training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from reports.records.observed import observed
from reports.records.sources import Sources
from tests.reports.ablated import DEPTHS, ablate, norms, shares


def test_observations_are_means_over_seeds_and_experts(builder):
    ablate(builder, {"sparse": 0.0}, base="dense", observations=shares)
    sources = Sources([builder.directory])
    (shown,) = observed(builder.comparison(), sources)
    assert (shown.entry.label, shown.name, shown.is_of_tokens) == ("sparse", "active_share", True)
    found = shown.values.set_index(["step", "layer", "token"])
    for layer in (1, 2):
        for token in (1, 2, 3):
            experts = np.arange(4) + 4 * (token - 1) + 12 * (layer - 1)
            by_seed = [(experts + 100 + seed).mean() / 1000 for seed in range(3)]
            row = found.loc[(100, layer, token)]
            assert row["value"] == pytest.approx(np.mean(by_seed))
            assert (row["low"], row["high"]) == pytest.approx((min(by_seed), max(by_seed)))


@pytest.mark.parametrize("damage", ["gone", "torn", "other columns", "no index"])
def test_what_not_all_seeds_show_is_left_out(builder, damage):
    ablate(builder, {"sparse": 0.0}, base="dense", observations=shares)
    path = sorted((builder.directory / "observations").iterdir())[0]
    if damage == "gone":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:50])
    else:
        table = pd.read_parquet(path)
        table = table.drop(columns="value") if damage == "other columns" else table.assign(index="x")
        table.to_parquet(path, index=False)
    sources = Sources([builder.directory])
    assert observed(builder.comparison(), sources) == []
    assert len(sources.set_aside) == (damage != "gone")


@pytest.mark.usefixtures("without_drawing")
def test_what_was_not_asked_to_be_observed_is_not_shown(builder, tmp_path):
    record = ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
    builder.store.append_study(dataclasses.replace(record, observed=False))
    assert "Gradient norm" not in builder.report(tmp_path / "out").markdown.read_text()
