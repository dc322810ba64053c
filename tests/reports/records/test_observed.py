"""What models showed of themselves during training."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from reports.records.observed import left_out, observed
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


@pytest.mark.parametrize("damage", ["gone", "torn", "other columns", "no index", "other steps", "other name"])
def test_what_not_all_seeds_show_is_left_out(builder, damage):
    ablate(builder, {"sparse": 0.0}, base="dense", observations=shares)
    path = sorted((builder.directory / "observations").iterdir())[0]
    if damage == "gone":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:50])
    else:
        table = pd.read_parquet(path)
        if damage == "other columns":
            table = table.drop(columns="value")
        else:
            column = {"no index": "index", "other steps": "step", "other name": "name"}[damage]
            table = table.assign(**{column: 7 if column == "step" else "x"})
        table.to_parquet(path, index=False)
    sources = Sources([builder.directory])
    assert observed(builder.comparison(), sources) == []
    assert left_out(builder.comparison(), sources) == ["sparse"]
    assert len(sources.set_aside) == (damage in ("torn", "other columns", "no index"))


@pytest.mark.usefixtures("without_drawing")
def test_files_that_a_record_names_and_no_store_has_are_told(builder, tmp_path):
    """Of all seeds of one entrant; of another there is nothing, and nothing was promised."""
    ablate(builder, {"sparse, wide": 0.0}, base="dense", observations=shares)
    path = builder.directory / "runs.jsonl"
    folders = ("observations", "curves")
    gone = {folder: {file.stem for file in (builder.directory / folder).iterdir()} for folder in folders}
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        record["files"] = {folder: "0" * 64 for folder in folders if record["key"] in gone[folder]}
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    for folder in folders:
        shutil.rmtree(builder.directory / folder)
    page = builder.report(tmp_path / "out").markdown.read_text()
    assert "not all that “sparse, wide” showed during training is here" in page
    assert "These files are damaged or missing" in page
    assert [len(gone[folder]) for folder in folders] == [3, 6]
    for folder, keys in gone.items():
        for key in keys:
            assert f"{folder}/{key}.parquet: the record of its run names the file, but it is missing" in page


@pytest.mark.usefixtures("without_drawing")
def test_what_was_not_asked_to_be_observed_is_not_shown(builder, tmp_path):
    record = ablate(builder, DEPTHS, name="depth", paper=None, base="2 blocks", observations=norms)
    builder.store.append_study(dataclasses.replace(record, observed=False))
    assert "Gradient norm" not in builder.report(tmp_path / "out").markdown.read_text()
