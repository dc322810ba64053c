from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bench.data.dataset import Rows
from bench.data.schema import Field, Schema
from bench.errors import BadInput
from bench.spec import FeatureSpec
from bench.training.features import Features, features_on_meta
from bench.training.tables import Table

SCHEMA = Schema(
    fields=(
        Field(name="price", kind="numeric", group="item"),
        Field(name="user", kind="categorical", group="user", cardinality=7),
        Field(name="history", kind="sequence", group="sequence", cardinality=9, max_length=3, table="item"),
        Field(name="item", kind="categorical", group="item", cardinality=9),
        Field(name="tags", kind="sequence", group="item", cardinality=5, max_length=2),
        Field(name="hour", kind="categorical", group="context", cardinality=4),
    ),
    tasks=("click",),
)
WIDTHS = {"user": 6, "price": 2}


def rows(**columns: object) -> Rows:
    given = {
        "categorical": [[2, 3, 0], [6, 8, 3]],
        "numeric": [[0.5], [np.nan]],
        "history": [[4, 5, 0], [0, 0, 0]],
        "tags": [[2, 2], [3, 0]],
        **columns,
    }
    return Rows(
        categorical=np.array(given["categorical"], np.int32),
        numeric=np.array(given["numeric"], np.float32),
        sequences={n: np.array(given[n], np.int32) for n in ("history", "tags")},
        label=np.zeros((2, 1), np.uint8),
    )


def features(encoder: str = "mean") -> Features:
    torch.manual_seed(0)
    return Features(SCHEMA, FeatureSpec(width=4, widths=WIDTHS, sequence_encoder=encoder))


def piece(x_BI: torch.Tensor, built: Features, name: str) -> torch.Tensor:
    index = [f.name for f in SCHEMA.fields].index(name)
    start = sum(built.field_dims[:index])
    return x_BI[:, start : start + built.field_dims[index]]


def row_of(built: Features, name: str, row: int) -> torch.Tensor:
    table = table_of(built, name)
    return table.rows.weight[table.first_row[name] + row]


def table_of(built: Features, name: str) -> Table:
    return next(table for table in built.tables.values() if name in table.first_row)


def test_every_field_stands_where_the_schema_says():
    built = features()
    assert built.field_dims == (2, 6, 4, 4, 4, 4)
    x_BI = built(rows())
    assert x_BI.shape == (2, 24)
    torch.testing.assert_close(piece(x_BI, built, "user")[1], row_of(built, "user", 6))
    torch.testing.assert_close(piece(x_BI, built, "item")[0], row_of(built, "item", 3))
    torch.testing.assert_close(piece(x_BI, built, "hour")[0], row_of(built, "hour", 0))


def test_numeric_is_scaled_and_its_absence_has_a_vector_of_its_own():
    built = features()
    price = piece(built(rows()), built, "price")
    encoder = built.numeric_encoder
    torch.testing.assert_close(price[0], 0.5 * encoder.weight + encoder.bias)
    torch.testing.assert_close(price[1], encoder.missing)


def test_sequence_mean_leaves_padding_out_and_shares_the_table():
    built = features()
    x_BI = built(rows())
    expected = (row_of(built, "item", 4) + row_of(built, "item", 5)) / 2
    torch.testing.assert_close(piece(x_BI, built, "history")[0], expected)
    assert not piece(x_BI, built, "history")[1].any()
    torch.testing.assert_close(piece(x_BI, built, "tags")[1], row_of(built, "tags", 3))
    assert all("history" not in table.first_row for table in built.tables.values())


def test_target_attention_is_the_sum_of_rows_weighted_by_the_unit():
    built = features("target")
    x_BI = built(rows())
    unit, target = built.attention[built.attention_of["history"]].unit, row_of(built, "item", 3)
    expected = torch.zeros(4)
    for row in (4, 5):
        e = row_of(built, "item", row)
        expected += unit(torch.cat([e, target, e - target, e * target])) * e
    torch.testing.assert_close(piece(x_BI, built, "history")[0], expected)
    assert not piece(x_BI, built, "history")[1].any()
    assert "tags" not in built.attention, "a sequence without a target has none to attend to"
    torch.testing.assert_close(piece(x_BI, built, "tags")[1], row_of(built, "tags", 3))


@pytest.mark.parametrize("encoder", ["mean", "target"])
def test_gradients_touch_the_rows_of_the_batch_only(encoder):
    built = features(encoder)
    (built(rows()) * torch.arange(24)).sum().backward()
    for name, used in (("user", {2, 6}), ("tags", {2, 3})):
        table = table_of(built, name)
        offset, gradient = table.first_row[name], table.rows.weight.grad.coalesce()
        touched = {
            int(row) - offset
            for row, values in zip(gradient.indices()[0], gradient.values(), strict=True)
            if 0 <= row - offset < {"user": 7, "tags": 5}[name] and values.any()
        }
        assert touched == used
    for parameter in built.encoder_parameters():
        assert parameter.grad is not None
        assert not parameter.grad.is_sparse


def test_parameter_counts_are_rows_times_width():
    built = features()
    counted = sum(p.numel() for p in built.embedding_parameters())
    assert counted == 7 * 6 + 9 * 4 + 5 * 4 + 4 * 4
    assert sum(p.numel() for p in built.encoder_parameters()) == 3 * 2
    assert sum(p.numel() for p in features("target").encoder_parameters()) == 6 + (16 * 36 + 36) + 1 + 37


def test_only_numeric_fields_and_only_one_kind_work():
    schema = Schema(fields=(Field(name="v", kind="numeric", group="context"),), tasks=("click",))
    built = Features(schema, FeatureSpec(width=3))
    alone = Rows(
        categorical=np.empty((2, 0), np.int32),
        numeric=np.array([[1.0], [np.nan]], np.float32),
        sequences={},
        label=np.zeros((2, 1), np.uint8),
    )
    assert built(alone).shape == (2, 3)


def test_width_of_an_unknown_field_is_refused():
    with pytest.raises(BadInput, match="unknown field 'usr'; did you mean 'user'"):
        Features(SCHEMA, FeatureSpec(widths={"usr": 3}))


def test_more_rows_than_ids_can_tell_apart_are_refused():
    tables = [
        Field(name=name, kind="categorical", group="user", cardinality=cardinality)
        for name, cardinality in (("first", 1_500_000_000), ("second", 647_483_648))
    ]
    large = Schema(fields=tuple(tables), tasks=("click",))
    with pytest.raises(BadInput, match="of width 16 have 2147483648 rows in all; at most 2147483647 can be"):
        features_on_meta(large, FeatureSpec())
    apart = features_on_meta(large, FeatureSpec(widths={"first": 8}))  # two tables, each within 32 bits
    assert apart.field_dims == (8, 16)


@pytest.mark.parametrize("name", ["items", "keys", "values", "pop", "shop.seen", "forward", "training"])
def test_a_sequence_may_have_any_name(name):
    schema = Schema(
        fields=(
            Field(name=name, kind="sequence", group="sequence", cardinality=9, max_length=3, table="item"),
            Field(name="item", kind="categorical", group="item", cardinality=9),
        ),
        tasks=("click",),
    )
    renamed = Rows(
        categorical=np.array([[3], [4]], np.int32),
        numeric=np.empty((2, 0), np.float32),
        sequences={name: np.array([[4, 5, 0], [0, 0, 0]], np.int32)},
        label=np.zeros((2, 1), np.uint8),
    )
    torch.manual_seed(0)
    built = Features(schema, FeatureSpec(width=4, sequence_encoder="target"))
    x_BI = built(renamed)
    assert x_BI[0, :4].abs().sum() > 0
    assert x_BI[1, :4].abs().sum() == 0
    assert len(built.encoder_parameters()) == 5


@pytest.mark.parametrize("encoder", ["target", "hstu"])
def test_an_encoder_that_would_read_no_sequence_is_refused(encoder):
    of_tags = dataclasses.replace(SCHEMA, fields=tuple(f for f in SCHEMA.fields if f.name != "history"))
    with pytest.raises(
        BadInput, match=r"its sequences \(tags\) share the table of no field; use --sequence-e"
    ):
        Features(of_tags, FeatureSpec(width=4, sequence_encoder=encoder))
    without = dataclasses.replace(of_tags, fields=tuple(f for f in of_tags.fields if f.kind != "sequence"))
    with pytest.raises(BadInput, match=f"encoder {encoder} .* the data has none: it has no sequences"):
        Features(without, FeatureSpec(width=4, sequence_encoder=encoder))


def test_a_width_for_a_sequence_that_shares_a_table_is_refused():
    with pytest.raises(BadInput, match=r"'history' has its own width \(8\), but shares the table of 'item'"):
        Features(SCHEMA, FeatureSpec(width=4, widths={"history": 8}))
