"""Weights and a record give the logits of the ranker they are of, for every contestant and every cut."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import torch

from bench.contestants.lookup import named
from bench.contestants.registry import CONTESTANTS
from bench.data.dataset import Dataset, Rows
from bench.data.importing import REV, ImportPlan, import_table
from bench.data.importing.applying import AnotherFile, read_rules
from bench.data.importing.columns import FieldPlan, Label
from bench.data.importing.plan import ByOrder
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.execute import Planned
from bench.runs.plan import plan
from bench.runs.predicting import Batch, batches_of_file, batches_of_split, write_predictions
from bench.runs.record import Run
from bench.runs.studies import Study
from bench.spec import FeatureSpec
from bench.training.ranker import EVALUATION_BATCH, build_ranker, predict

CPU = torch.device("cpu")


def planned(dataset: Dataset, name: str) -> Planned:
    study = Study(
        name="one",
        question="Does it predict?",
        entrants=(Entrant(contestant=named(name)),),
        features=FeatureSpec(width=4),
        seeds=(0,),
    )
    ((_, runs),) = plan(study, [dataset], command="").runs
    return runs[0]


def record_of(one: Planned) -> Run:
    """As it comes from a store: lists in place of tuples among the hyper-parameters."""
    run = Run(
        spec=one.spec,
        status="ok",
        cost=one.cost,
        metrics={},
        training={},
        error=None,
        environment={"threads": 1},
        timings={},
    )
    return Run.from_json(json.loads(json.dumps(run.to_json())))


def weights_of(one: Planned, dataset: Dataset, path: Path, scale: float = 1.0) -> tuple[Path, np.ndarray]:
    """(a file of fresh weights, the logits of the test rows with them)."""
    ranker = build_ranker(
        dataset,
        one.spec.features,
        one.contestant,
        one.spec.contestant.hyperparameters,
        seed=7,
        device=CPU,
    )
    with torch.no_grad():
        for parameter in ranker.parameters():
            parameter.mul_(scale)
    weights = {name: value.numpy() for name, value in ranker.state_dict().items()}
    safetensors.numpy.save_file(weights, path)
    return path, predict(ranker, dataset.splits["test"])


@pytest.mark.parametrize("name", sorted(CONTESTANTS))
def test_every_contestant_predicts_from_its_record_and_weights(small_world, name, tmp_path):
    one = planned(small_world, name)
    path, logits = weights_of(one, small_world, tmp_path / "weights")
    test = small_world.splits["test"]
    predicted = write_predictions(
        record_of(one),
        one.contestant,
        path,
        small_world,
        batches_of_split(test),
        tmp_path / "out",
        device=CPU,
    )
    table = pq.read_table(tmp_path / "out")
    for k, task in enumerate(small_world.schema.tasks):
        assert table[f"logit.{task}"].to_numpy().tobytes() == np.ascontiguousarray(logits[:, k]).tobytes()
        mean = np.mean(1 / (1 + np.exp(-logits[:, k].astype(float))))
        assert predicted.mean_probability[task] == pytest.approx(mean)
    assert predicted.rows == len(test)


def test_logits_that_are_not_finite_are_refused_with_their_row(small_world, tmp_path):
    one = planned(small_world, "dlrm-mlp")
    path, logits = weights_of(one, small_world, tmp_path / "weights", scale=1e20)
    assert not np.isfinite(logits).all()
    row = int((~np.isfinite(logits).all(axis=1)).argmax())
    rows = batches_of_split(small_world.splits["test"])
    with pytest.raises(BadInput, match=rf"returns logits that are not finite .* first for row {row};"):
        write_predictions(
            record_of(one), one.contestant, path, small_world, rows, tmp_path / "out", device=CPU
        )


def test_weights_of_another_shape_are_refused_in_one_line(small_world, tmp_path):
    one = planned(small_world, "dlrm-mlp")
    path, _ = weights_of(one, small_world, tmp_path / "weights")
    spec = one.spec
    wider = dataclasses.replace(spec.contestant, hyperparameters={"hidden_dims": [8]})
    changed = dataclasses.replace(one, spec=dataclasses.replace(spec, contestant=wider))
    rows = batches_of_split(small_world.splits["test"])
    with pytest.raises(
        BadInput, match=r"does not fit contestant 'dlrm-mlp' in its present form: .*size mismatch"
    ):
        write_predictions(
            record_of(changed), one.contestant, path, small_world, rows, tmp_path / "out", device=CPU
        )


def test_the_cut_of_batches_does_not_depend_on_the_cut_of_the_file(tmp_path):
    rows = 2 * EVALUATION_BATCH + 100
    lines = "".join(f"{i % 2},{i % 7},{i}\n" for i in range(rows))
    (tmp_path / "log.csv").write_text("click,item,number\n" + lines)
    plan_ = ImportPlan(
        name="log",
        labels=(Label(name="click"),),
        fields=(
            FieldPlan(name="item", kind="categorical", group="item"),
            FieldPlan(name="number", kind="numeric", group="item"),
        ),
        split=ByOrder(fractions=(0.8, 0.1, 0.1)),
    )
    dataset = import_table(plan_, tmp_path / "log.csv", tmp_path / "data")
    rules = read_rules(dataset, rev=REV)

    def cut(block_bytes: int) -> list[Batch]:
        file = AnotherFile(rules, tmp_path / "log.csv", block_bytes=block_bytes)
        return list(batches_of_file(file, progress=lambda done, total: None))

    whole = cut(1 << 20)
    assert [len(batch) for _, batch in whole] == [EVALUATION_BATCH, EVALUATION_BATCH, 100]
    assert np.concatenate([numbers for numbers, _ in whole]).tolist() == list(range(rows))
    stored = {
        name: np.concatenate([dict(dataset.splits[s].columns())[name] for s in ("train", "valid", "test")])
        for name in ("categorical", "numeric")
    }
    for cuts in (whole, cut(1_000)):
        assert [numbers.tolist() for numbers, _ in cuts] == [numbers.tolist() for numbers, _ in whole]
        for name, expected in stored.items():
            found = np.concatenate([dict(batch.columns())[name] for _, batch in cuts])
            assert found.tobytes() == expected.tobytes()
    assert all(isinstance(batch, Rows) and batch.numeric.flags.owndata for _, batch in whole)
