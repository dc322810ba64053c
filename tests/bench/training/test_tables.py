"""The features' own look-up and gradients against plain PyTorch: `nn.Embedding`, dense autograd, Adagrad."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.data.dataset import Rows
from bench.data.schema import Field, Schema
from bench.spec import FeatureSpec
from bench.training.features import Features
from bench.training.optimizers import RowAdagrad
from bench.training.tables import summed

MANY = 70_000  # rows that 16 bits cannot count
FIELDS = (
    Field(name="seen", kind="sequence", group="sequence", cardinality=MANY, max_length=4, table="item"),
    Field(name="user", kind="categorical", group="user", cardinality=9),
    Field(name="price", kind="numeric", group="item"),
    Field(name="item", kind="categorical", group="item", cardinality=MANY),
    Field(name="tags", kind="sequence", group="item", cardinality=5, max_length=3),
    Field(name="age", kind="numeric", group="user"),
    Field(name="hour", kind="categorical", group="context", cardinality=4),
)
WIDTHS = [{}, {"user": 2, "tags": 2, "age": 2}, {"item": 2}, {"price": 3, "age": 3}]


def schema_of(fields: tuple[Field, ...]) -> Schema:
    return Schema(fields=fields, tasks=("click",))


def random_rows(schema: Schema, seed: int, batch: int = 50) -> Rows:
    generator = np.random.default_rng(seed)

    def ids(f: Field, *shape: int) -> np.ndarray:
        return (f.cardinality * generator.random((batch, *shape)) ** 4).astype(np.int32)  # many repeat

    categorical = [ids(f) for f in schema.of_kind("categorical")]
    sequences = {f.name: ids(f, f.max_length) for f in schema.of_kind("sequence")}
    for array in sequences.values():
        array[np.arange(array.shape[1]) >= generator.integers(0, array.shape[1] + 1, (batch, 1))] = 0
    numeric = generator.normal(size=(batch, len(schema.of_kind("numeric")))).astype(np.float32)
    numeric[generator.random(numeric.shape) < 0.2] = np.nan
    return Rows(
        categorical=np.stack(categorical, axis=1) if categorical else np.empty((batch, 0), np.int32),
        numeric=numeric,
        sequences=sequences,
        label=np.zeros((batch, 1), np.uint8),
    )


def plain(built: Features, rows: Rows) -> Tensor:
    """The input vector written field by field, with dense gradients."""
    schema, parts = built.schema, []
    columns = [f.name for f in schema.of_kind("categorical")]
    encoder = built.numeric_encoder
    widths = dict(zip((f.name for f in schema.fields), built.field_dims, strict=True))
    numeric = [f.name for f in schema.of_kind("numeric")]
    ends = np.cumsum([0, *(widths[name] for name in numeric)]).tolist()
    of_numeric = dict(zip(numeric, pairwise(ends), strict=True))
    looked_up = {}
    for f in schema.fields:
        if f.kind != "numeric":
            table = built.tables[str(widths[f.name])]
            ids = (
                rows.sequences[f.name] if f.kind == "sequence" else rows.categorical[:, columns.index(f.name)]
            )
            at = torch.from_numpy(ids).long() + table.first_row[f.table or f.name]
            looked_up[f.name] = torch.nn.functional.embedding(at, table.rows.weight)
    for f in schema.fields:
        if f.kind == "numeric":
            v_B1 = torch.from_numpy(rows.numeric[:, numeric.index(f.name)]).unsqueeze(1)
            some = slice(*of_numeric[f.name])
            present = v_B1.nan_to_num() * encoder.weight[some] + encoder.bias[some]
            parts.append(torch.where(v_B1.isnan(), encoder.missing[some], present))
        elif f.kind == "categorical":
            parts.append(looked_up[f.name])
        elif f.name in built.attention_of:
            present_BN = torch.from_numpy(rows.sequences[f.name]) != 0
            attention = built.attention[built.attention_of[f.name]]
            parts.append(attention(looked_up[f.name], looked_up[f.table], present_BN))
        else:
            present_BN = (torch.from_numpy(rows.sequences[f.name]) != 0).float()
            total_BD = (looked_up[f.name] * present_BN.unsqueeze(2)).sum(dim=1)
            parts.append(total_BD / present_BN.sum(dim=1, keepdim=True).clamp(min=1))
    return torch.cat(parts, dim=1)


def no_sequences() -> tuple[Field, ...]:
    return tuple(f for f in FIELDS if f.kind != "sequence")


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize(
    ("fields", "encoder"),
    [
        (FIELDS, "mean"),
        (FIELDS, "target"),
        (FIELDS[::-1], "mean"),
        (FIELDS[::-1], "target"),
        (no_sequences(), "mean"),
        ((FIELDS[4],), "mean"),
    ],
    ids=["all", "all-target", "reversed", "reversed-target", "flat", "tags"],
)
def test_equals_the_plain_form_forward_and_backward(fields, widths, encoder):
    torch.manual_seed(0)
    schema = schema_of(fields)
    names = {f.name for f in fields}
    widths = {name: width for name, width in widths.items() if name in names}
    ours = Features(schema, FeatureSpec(width=4, widths=widths, sequence_encoder=encoder))
    theirs = copy.deepcopy(ours)
    rows = random_rows(schema, seed=1)
    x_BI, expected_BI = ours(rows), plain(theirs, rows)
    torch.testing.assert_close(x_BI, expected_BI, rtol=1e-5, atol=1e-8)
    toward = torch.randn(x_BI.shape)
    (x_BI * toward).sum().backward()
    (expected_BI * toward).sum().backward()
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        gradient = a.grad.to_dense() if a.grad.is_sparse else a.grad
        torch.testing.assert_close(gradient, b.grad, rtol=1e-5, atol=2e-6, msg=name)


def test_several_steps_equal_those_of_adagrad_on_plain_embeddings():
    torch.manual_seed(0)
    schema = schema_of(tuple(f for f in FIELDS if f.kind != "numeric"))
    ours = Features(schema, FeatureSpec(width=4))
    theirs = copy.deepcopy(ours)
    own = RowAdagrad(ours.embedding_parameters(), lr=0.05, initial_accumulator=0.1)
    reference = torch.optim.Adagrad(theirs.embedding_parameters(), lr=0.05, initial_accumulator_value=0.1)
    for step in range(5):
        rows = random_rows(schema, seed=step)
        for built, look_up, optimizer in ((ours, ours, own), (theirs, lambda r: plain(theirs, r), reference)):
            optimizer.zero_grad()
            ((look_up(rows) - 0.3) ** 2).sum().backward()
            optimizer.step()
            assert all(p.grad is not None for p in built.embedding_parameters())
    for a, b in zip(ours.embedding_parameters(), theirs.embedding_parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_sequences_that_are_all_empty_give_zeros_and_touch_nothing():
    schema = schema_of((FIELDS[4],))
    built = Features(schema, FeatureSpec(width=4))
    rows = random_rows(schema, seed=0)
    rows.sequences["tags"][:] = 0
    x_BI = built(rows)
    assert not x_BI.any()
    x_BI.sum().backward()
    (table,) = built.embedding_parameters()
    before = table.detach().clone()
    RowAdagrad([table], lr=0.05, initial_accumulator=0.0).step()
    assert torch.equal(table, before)


@pytest.mark.parametrize("highest", [3, 1 << 16, 1 << 20])
@pytest.mark.parametrize("count", [0, 1, 5000])
def test_rows_are_summed_in_ascending_order(highest, count):
    generator = np.random.default_rng(0)
    rows = generator.integers(0, highest, count).astype(np.int32)
    sources = generator.integers(0, 100, count).astype(np.int32)
    values = generator.normal(size=(100, 3)).astype(np.float32)
    found, sums = summed(*map(torch.from_numpy, (rows, sources, values)))
    distinct, place = np.unique(rows, return_inverse=True)
    expected = np.zeros((len(distinct), 3))
    np.add.at(expected, place, values[sources].astype(np.float64))
    np.testing.assert_array_equal(found.numpy(), distinct)
    np.testing.assert_allclose(sums.numpy(), expected, rtol=1e-5, atol=1e-4)
