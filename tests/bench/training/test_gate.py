"""LHUC: amplitudes from the user's fields, written element by element."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

from bench.data.schema import Schema
from bench.errors import BadInput
from bench.spec import FeatureSpec
from bench.training.features import Features
from tests.bench.training.test_features import SCHEMA, WIDTHS, rows


def features(gate: str, schema: Schema = SCHEMA) -> Features:
    torch.manual_seed(0)
    return Features(schema, FeatureSpec(width=4, widths=WIDTHS, gate=gate))


def with_random_weights(built: Features) -> Features:
    for parameter in built.gate.parameters():
        nn.init.normal_(parameter)
    return built


def test_every_element_is_multiplied_by_its_amplitude():
    built = with_random_weights(features("lhuc"))
    x_BI = features("none")(rows())
    hidden, _, outer = built.gate.unit
    for x_I, gated_I in zip(x_BI.tolist(), built(rows()).tolist(), strict=True):
        user = x_I[2:8]  # behind the price, which is two wide
        within = [
            max(0.0, bias + sum(w * u for w, u in zip(row, user, strict=True)))
            for row, bias in zip(hidden.weight.tolist(), hidden.bias.tolist(), strict=True)
        ]
        for i, (row, bias) in enumerate(zip(outer.weight.tolist(), outer.bias.tolist(), strict=True)):
            r = bias + sum(w * h for w, h in zip(row, within, strict=True))
            assert gated_I[i] == pytest.approx(2 / (1 + math.exp(-r)) * x_I[i], rel=1e-5)


def test_it_starts_at_one_and_leaves_the_start_of_everything_else():
    gated, plain = features("lhuc"), features("none")
    assert torch.equal(gated(rows()), plain(rows()))
    own = {name: value for name, value in gated.state_dict().items() if not name.startswith("gate.")}
    assert own.keys() == plain.state_dict().keys()


def test_it_learns_and_so_do_the_fields_of_the_user_through_it():
    built = with_random_weights(features("lhuc"))
    x_BI = built(rows())
    x_BI[:, 8:].sum().backward()  # of no element of the user
    assert all(p.grad.any() for p in built.gate.parameters())
    table = built.tables["6"]
    assert table.rows.weight.grad.coalesce().values().any()


def test_it_counts_with_the_encoders_and_only_there():
    gated, plain = (features(gate).parameter_counts() for gate in ("lhuc", "none"))
    of_gate = (6 * 32 + 32) + (32 * 24 + 24)
    assert gated == {**plain, "encoder_parameters": plain["encoder_parameters"] + of_gate}


def test_data_without_fields_of_the_user_are_refused():
    fields = tuple(dataclasses.replace(f, group="item") if f.group == "user" else f for f in SCHEMA.fields)
    says = r"from fields of group 'user', but the data has none \(its groups: item, sequence, context\)"
    with pytest.raises(BadInput, match=says):
        features("lhuc", dataclasses.replace(SCHEMA, fields=fields))
