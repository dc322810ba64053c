"""Encoders of sequences, the gate and the study `sequence`, by the command line."""

from __future__ import annotations

import json

import pytest

from bench.errors import BadInput
from bench.runs.store import Store
from bench.spec import FeatureSpec
from rankbench.choices import Choices
from rankbench.request import study

QUICK = ("--rows", "4000", "--budget", "20k", "--seeds", "1", "--processes", "1", "--protocol", "short")
ENCODERS = ("mean", "target", "hstu")
LABELS = {
    f"{title} with {encoder}": (name, own)
    for name, title in (("dlrm-mlp", "DLRM-MLP"), ("rankmixer", "RankMixer"))
    for encoder, own in zip(("mean", "DIN", "HSTU"), ENCODERS, strict=True)
}


def test_the_study_of_sequences_is_listed_shown_run_and_reported(bench, tmp_path):
    listed = {one["name"] for one in json.loads(bench("list", "studies", "--json").stdout)["studies"]}
    assert "sequence" in listed
    shown = {
        one["label"]: one["cost"]
        for one in json.loads(bench("show", "sequence", "--json").stdout)["contestants"]
    }
    assert list(shown) == list(LABELS)
    module = {
        label: cost["encoder_parameters"] - 168 for label, cost in shown.items()
    }  # seven numbers of 3 × 8
    for label, (_, encoder) in LABELS.items():
        assert module[label] == {"mean": 0, "target": 3 * 1226}.get(encoder, module[label])
        if encoder == "hstu":
            assert abs(module[label] / (3 * 1226) - 1) < 0.02
    header = next(line for line in bench("show", "sequence").stdout.splitlines() if "FLOPs/dense" in line)
    assert "encoder" in header

    done = bench("run", "sequence", *QUICK)
    assert "runs: 6 planned, 0 already in the store" in done.stderr
    view = Store(tmp_path / "results" / "local").read()
    (record,) = view.studies
    found = {one.label: view.runs[one.key].spec for one in record.members}
    assert {
        label: (spec.contestant.name, spec.features.sequence_encoder) for label, spec in found.items()
    } == LABELS
    assert {spec.features.gate for spec in found.values()} == {"none"}
    page = (tmp_path / "results/local/report/report.md").read_text()
    assert "they differ between contestants" in page
    assert "Features of DLRM-MLP with HSTU and RankMixer with HSTU" in page
    assert "sequences by hstu" in page
    assert "Encoder parameters" in page
    assert "runs: 6 planned, 6 already in the store" in bench("run", "sequence", *QUICK).stderr


def test_the_features_of_a_study_are_changed_by_options(bench, tmp_path):
    asked = ("run", "dlrm-mlp", *QUICK, "--gate", "lhuc", "--sequence-encoder", "hstu", "--width", "4")
    bench(*asked, "--keep", "weights")
    store = Store(tmp_path / "results" / "local")
    (run,) = store.read().runs.values()
    assert run.spec.features == FeatureSpec(width=4, sequence_encoder="hstu", gate="lhuc")
    (record,) = store.read().studies
    assert "--sequence-encoder hstu --gate lhuc" in record.command
    page = (tmp_path / "results/local/report/report.md").read_text()
    assert "sequences by hstu; multiplied by a gate, lhuc" in page
    said = bench("predict", run.key[:8], "--data", run.spec.dataset.name, "--json").stdout
    assert json.loads(said)["rows"] > 0


def test_what_the_entrants_differ_in_cannot_be_set_for_all():
    says = "--sequence-encoder is mean, but the entrants of 'sequence' differ in it; leave it out"
    with pytest.raises(BadInput, match=says):
        study("sequence", Choices(sequence_encoder="mean"))
    asked = study("sequence", Choices(gate="lhuc", width=16))
    assert asked.features == FeatureSpec(width=16, gate="lhuc")


def test_a_contestant_is_chosen_with_all_the_ways_it_takes_part():
    asked = study("sequence", Choices(contestants="rankmixer,dcnv2"))
    assert [one.label for one in asked.entrants] == [*list(LABELS)[3:], "DCNv2"]
    assert asked.baseline == "RankMixer with mean"


def test_unknown_ways_are_refused_before_anything_is_read(bench):
    assert "gate is 'open', allowed: none, lhuc" in bench("show", "compare", "--gate", "open", code=2).stderr
    refused = bench("show", "compare", "--sequence-encoder", "gru", code=2)
    assert "sequence encoder is 'gru', allowed: mean, target, hstu" in refused.stderr
