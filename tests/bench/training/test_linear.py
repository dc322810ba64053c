"""The linear part over raw ids, by hand; nothing that trains, counts or predicts can leave it out."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.contestants import Contestant, Dial
from bench.contestants.defaults import check_defaults
from bench.contestants.registry import CONTESTANTS
from bench.data.dataset import Dataset, Rows
from bench.data.schema import Field, Schema
from bench.data.synthetic import schema as world_schema
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.sizing import Sizes
from bench.spec import FeatureSpec, Protocol
from bench.training.linear import LinearPart
from bench.training.ranker import Ranker, build_ranker, predict
from bench.training.trainer import Trainer

CPU = torch.device("cpu")
SCHEMA = Schema(
    fields=(
        Field(name="price", kind="numeric", group="item"),
        Field(name="seen", kind="sequence", group="sequence", cardinality=9, max_length=3, table="item"),
        Field(name="item", kind="categorical", group="item", cardinality=9),
        Field(name="age", kind="numeric", group="user"),
        Field(name="hour", kind="categorical", group="context", cardinality=4),
    ),
    tasks=("click", "buy"),
)
ROWS = Rows(
    categorical=np.array([[2, 3], [8, 0], [2, 1]], np.int32),
    numeric=np.array([[0.5, -1.0], [np.nan, 2.0], [0.0, np.nan]], np.float32),
    sequences={"seen": np.array([[4, 4, 2], [0, 0, 0], [5, 0, 0]], np.int32)},
    label=np.array([[1, 0], [0, 0], [1, 1]], np.uint8),
)


class TwoHeads(nn.Module):
    """A model whose own loss asks for two logits of each row and task."""

    def __init__(self, field_dims, num_tasks=1, *, width=1):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(sum(field_dims), num_tasks) for _ in range(2))

    def forward(self, x_BI):
        return self.heads[0](x_BI)

    def loss(self, x_BI, y_BK, criterion):
        return sum(criterion(head(x_BI), y_BK) for head in self.heads)


TWO_HEADS = Contestant(
    name="two-heads",
    title="2",
    model=TwoHeads,
    hyperparameters={"width": 1},
    dial=Dial(name="width"),
    linear=True,
)


def ranker_of(contestant: Contestant, schema: Schema = SCHEMA, seed: int = 0) -> Ranker:
    data = Dataset(
        directory=Path(), name="d", rev=1, schema=schema, rows={}, source={}, fingerprint="", splits={}
    )
    return build_ranker(data, FeatureSpec(width=4), contestant, {"width": 1}, seed=seed, device=CPU)


def with_random_weights(ranker: Ranker) -> Ranker:
    torch.manual_seed(1)
    for weight in ranker.linear.parameters():
        nn.init.normal_(weight)
    return ranker


def by_hand(part: LinearPart, rows: Rows, row: int, task: int) -> float:
    """The sum over fields, one after the other."""
    weight, first = part.table.rows.weight.detach()[:, task].tolist(), part.table.first_row
    total = 0.0
    for column, name in enumerate(("item", "hour")):
        total += weight[first[name] + rows.categorical[row, column]]
    present = [i for i in rows.sequences["seen"][row].tolist() if i != 0]
    for i in present:
        total += weight[first["seen"] + i] / len(present)
    for column in range(2):
        value = float(rows.numeric[row, column])
        absent = math.isnan(value)
        of_value, of_absence = (float(part.numeric.detach()[column + 2 * place, task]) for place in range(2))
        total += of_absence if absent else of_value * value
    return total


def test_it_is_the_sum_of_a_weight_for_every_field():
    ranker = with_random_weights(ranker_of(TWO_HEADS))
    expected = [[by_hand(ranker.linear, ROWS, row, task) for task in range(2)] for row in range(3)]
    torch.testing.assert_close(ranker.linear(ROWS), torch.tensor(expected))
    logits = ranker.contestant(ranker.features(ROWS)) + torch.tensor(expected)
    torch.testing.assert_close(torch.from_numpy(predict(ranker, ROWS)), logits)


def test_a_sequence_shares_no_weights_with_the_field_whose_table_it_shares():
    part = ranker_of(TWO_HEADS).linear
    assert part.table.first_row == {"seen": 0, "item": 9, "hour": 18}
    assert sum(p.numel() for p in part.parameters()) == 2 * (9 + 9 + 4 + 2 * 2)


def test_it_starts_at_zero_and_leaves_the_start_of_everything_else():
    with_part, without = ranker_of(TWO_HEADS), ranker_of(dataclasses.replace(TWO_HEADS, linear=False))
    assert without.linear is None
    assert not any(p.any() for p in with_part.linear.parameters())
    assert predict(with_part, ROWS).tobytes() == predict(without, ROWS).tobytes()
    own = {name: value for name, value in with_part.state_dict().items() if not name.startswith("linear.")}
    assert own.keys() == without.state_dict().keys()
    assert all(torch.equal(value, without.state_dict()[name]) for name, value in own.items())


@pytest.mark.parametrize("kinds", [("numeric",), ("categorical",), ("sequence",), ("numeric", "sequence")])
def test_any_kinds_of_fields_will_do(kinds):
    fields = tuple(dataclasses.replace(f, table=None) for f in SCHEMA.fields if f.kind in kinds)
    part = LinearPart(Schema(fields=fields, tasks=("click", "buy")))
    for weight in part.parameters():
        nn.init.ones_(weight)
    rows = dataclasses.replace(
        ROWS,
        categorical=ROWS.categorical if "categorical" in kinds else np.empty((3, 0), np.int32),
        numeric=ROWS.numeric if "numeric" in kinds else np.empty((3, 0), np.float32),
        sequences=ROWS.sequences if "sequence" in kinds else {},
    )
    of_kind = {"numeric": [-0.5, 3.0, 1.0], "categorical": [2, 2, 2], "sequence": [1, 0, 1]}
    expected = np.sum([of_kind[kind] for kind in kinds], axis=0)
    np.testing.assert_allclose(part(rows).detach(), np.stack([expected, expected], axis=1))


def test_every_logit_that_a_loss_asks_for_has_it():
    ranker = with_random_weights(ranker_of(TWO_HEADS))
    objective, task_loss = ranker.losses(ROWS)
    x_BI, linear_BK = ranker.features(ROWS), ranker.linear(ROWS)
    y_BK = torch.from_numpy(ROWS.label).float()
    first, second = (
        F.binary_cross_entropy_with_logits(head(x_BI) + linear_BK, y_BK) for head in ranker.contestant.heads
    )
    torch.testing.assert_close(objective, first + second)
    torch.testing.assert_close(task_loss, first.detach())


def test_it_learns_by_the_adagrad_of_the_tables():
    """PyTorch's, on dense gradients; ids that no row has stay at zero."""
    ranker = ranker_of(TWO_HEADS)
    protocol = Protocol(name="p", dense_lr=1e-9, sparse_lr=0.25, sparse_initial_accumulator=0.5)
    trainer = Trainer(ranker, protocol)
    reference = [p.detach().clone().requires_grad_() for p in ranker.linear.parameters()]
    theirs = torch.optim.Adagrad(reference, lr=0.25, initial_accumulator_value=0.5)
    for _ in range(3):
        gradients = torch.autograd.grad(ranker.losses(ROWS)[0], list(ranker.linear.parameters()))
        for copy, gradient in zip(reference, gradients, strict=True):
            copy.grad = gradient.to_dense()
        trainer.step(ROWS)
        theirs.step()
    for own, copy in zip(ranker.linear.parameters(), reference, strict=True):
        torch.testing.assert_close(own, copy)
    table = ranker.linear.table
    touched = {first + i for first, ids in ((0, (2, 4, 5)), (9, (2, 8)), (18, (0, 1, 3))) for i in ids}
    assert {int(row) for row in table.rows.weight.any(dim=1).nonzero()} == touched


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
@pytest.mark.parametrize("linear", [None, True])
def test_what_is_counted_is_what_is_built(contestant, linear):
    entered = contestant if linear is None else dataclasses.replace(contestant, linear=linear)
    schema = world_schema()
    small = Schema(
        fields=tuple(dataclasses.replace(f, cardinality=min(f.cardinality, 50)) for f in schema.fields),
        tasks=schema.tasks,
    )
    sized = Sizes(FeatureSpec(width=4)).sized(Entrant(contestant=entered), small, None, None)
    data = Dataset(
        directory=Path(), name="d", rev=1, schema=small, rows={}, source={}, fingerprint="", splits={}
    )
    built = build_ranker(data, FeatureSpec(width=4), entered, sized.hyperparameters, seed=0, device=CPU)
    counted = {"features": 0, "contestant": 0, "linear": 0}
    for name, parameter in built.named_parameters():
        counted[name.partition(".")[0]] += parameter.numel()
    assert counted == {
        "features": sized.cost.embedding_parameters + sized.cost.encoder_parameters,
        "contestant": sized.cost.dense_parameters,
        "linear": sized.cost.linear_parameters,
    }
    ids = sum(f.cardinality for f in small.fields)
    expected = 2 * (ids + 2 * len(small.of_kind("numeric")))
    assert counted["linear"] == (expected if entered.linear else 0)
    learnt = {id(p) for p in [*built.dense_parameters(), *built.sparse_parameters()]}
    assert learnt == {id(p) for p in built.parameters()}


def test_those_whose_papers_have_it_have_it():
    assert {name for name, one in CONTESTANTS.items() if one.linear} == {"wide-deep", "deepfm", "xdeepfm"}


def test_a_value_that_is_no_bool_is_refused():
    with pytest.raises(BadInput, match="linear of two-heads is 'yes'; it must be True or False"):
        check_defaults(dataclasses.replace(TWO_HEADS, linear="yes"))
