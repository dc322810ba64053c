"""The standard lines can be built, and are as large as their labels say."""

from __future__ import annotations

import re

import pytest

from bench.data.synthetic import schema as schema_of_the_world
from bench.speed.random_data import TABLE_ROWS, random_schema
from bench.speed.standard import LINES, RANDOM_FIELDS, RATES, Line, sized, study_of, target_of
from bench.speed.training import Round, Speed

SCHEMAS = {"random": random_schema(RANDOM_FIELDS, TABLE_ROWS), "trees": schema_of_the_world()}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.label)
def test_a_line_is_as_large_as_its_label_says(line: Line) -> None:
    of_line = sized(line, SCHEMAS[line.data])
    assert of_line.cost is not None, of_line.reason
    (said,) = re.findall(r"(?:\(|of )([\d.]+)([kM])", line.label)
    number = float(said[0]) * {"k": 1e3, "M": 1e6}[said[1]]
    assert of_line.cost.dense_parameters == pytest.approx(number, rel=0.03)


def test_embeddings_of_a_line_are_those_of_the_issue() -> None:
    cost = sized(LINES[0], SCHEMAS["random"]).cost
    assert cost is not None
    assert cost.embedding_parameters == pytest.approx(709_000 * 16, rel=1e-3)
    assert {study_of(line).protocol.dense_optimizer for line in LINES} == {"adam"}


def test_labels_differ_and_every_line_beside_another_names_one() -> None:
    labels = [line.label for line in (*LINES, *RATES)]
    assert len(set(labels)) == len(labels)
    assert {line.beside for line in LINES if line.beside} <= set(labels)


def test_a_target_beside_another_line_moves_with_its_figure() -> None:
    one = Round(step_p10_ms=900.0, step_p50_ms=1000.0, gemm_flops_per_second=2e9)
    speed = Speed(
        rounds=(one,),
        batch_size=1000,
        threads=1,
        dense_parameters=1,
        flops_train=1_000_000,
        peak_memory_bytes=1,
    )
    (line,) = (line for line in LINES if line.label.startswith("TokenMixer-Large D 64"))
    assert target_of(line, {line.beside: speed}) == pytest.approx(0.5 - 0.05)
    assert target_of(line, {line.beside: "its process died"}) is None
    assert target_of(LINES[0], {}) == 0.48
