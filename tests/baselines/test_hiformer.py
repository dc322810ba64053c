"""Hiformer against its equations, written as loops over rows and tokens, and what each part does."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines import Hiformer
from baselines.hiformer import Block, CompositeProjection
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (3, 4, 2, 4)


def layer_norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + norm.eps) * norm.weight + norm.bias


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def projected(projection: torch.nn.Module, X: Tensor) -> Tensor:
    """(Q, H, width) of the last Q tokens."""
    shape = (projection.num_heads, projection.head_dim)
    if isinstance(projection, CompositeProjection):
        full = projection.right.weight @ projection.left.weight  # L Rᵀ of the paper, transposed
        return (full @ X.reshape(-1)).reshape(-1, *shape)
    weights = projection.linear.weight
    first = len(X) - len(weights)
    return torch.stack([(X[first + i] @ w).reshape(shape) for i, w in enumerate(weights)])


def block_row(block: Block, X: Tensor) -> Tensor:
    q, k, v = projected(block.query, X), projected(block.key, X), projected(block.value, X)
    first = len(X) - len(q)
    rows = []
    for i in range(len(q)):
        heads = []
        for h in range(block.num_heads):
            scores = torch.stack([q[i, h] @ k[j, h] for j in range(len(X))]) / math.sqrt(q.shape[2])
            a = scores.exp() / scores.exp().sum()
            heads.append(sum(a[j] * v[j, h] for j in range(len(X))))
        s = layer_norm(X[first + i] + torch.cat(heads) @ block.out.weight[i], block.attention_norm)
        hidden = gelu(s @ block.up.weight[i] + block.up.bias[i, 0])
        rows.append(layer_norm(s + hidden @ block.down.weight[i] + block.down.bias[i, 0], block.ffn_norm))
    return torch.stack(rows)


def hiformer_row(model: Hiformer, fields_TD: Tensor, num_tasks: int) -> Tensor:
    """Equations of the paper for one example, from the tokens of its fields."""
    X = torch.cat([fields_TD, model.task_tokens[:, 0]])
    for block in model.blocks:
        X = block_row(block, X)
    per_task = len(X) // num_tasks
    return torch.stack(
        [
            X[task * per_task : (task + 1) * per_task].reshape(-1) @ model.head.weight[task, :, 0]
            + model.head.bias[task, 0, 0]
            for task in range(num_tasks)
        ]
    )


@pytest.mark.parametrize("projection", ["composite", "heterogeneous"])
@pytest.mark.parametrize("tokens_per_task", [1, 2])
def test_equations(projection: str, tokens_per_task: int) -> None:
    model = Hiformer(
        FIELD_DIMS,
        2,
        tokens_per_task=tokens_per_task,
        token_dim=6,
        projection=projection,
        num_heads=2,
        key_dim=3,
        value_dim=5,
        key_rank=4,
        value_rank=7,
        hidden_dim=8,
    ).double()
    for parameter in model.parameters():  # so that no scale is one and no shift zero
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(4, sum(FIELD_DIMS), dtype=torch.float64)
    expected = torch.stack([hiformer_row(model, tokens, 2) for tokens in model.tokens(x)])
    assert torch.allclose(model(x), expected)


@pytest.mark.parametrize("projection", ["composite", "heterogeneous"])
def test_the_cost_is_that_of_the_equations(projection: str) -> None:
    I, K, D, H, d_k, d_v, r_k, r_v, d_f = sum(FIELD_DIMS), 2, 6, 2, 3, 5, 4, 7, 8  # noqa: E741
    Q_task = 2 * K
    T = len(FIELD_DIMS) + Q_task
    parameters = I * D + len(FIELD_DIMS) * D + Q_task * D
    products = I * D
    for Q in (T, Q_task):  # the last block has the task tokens alone as queries
        if projection == "composite":
            maps = sum(
                r * (T * D + rows * H * d) for rows, d, r in ((Q, d_k, r_k), (T, d_k, r_k), (T, d_v, r_v))
            )
        else:
            maps = sum(rows * D * H * d for rows, d in ((Q, d_k), (T, d_k), (T, d_v)))
        weights = maps + Q * (H * d_v * D + 2 * D * d_f)
        parameters += weights + Q * (d_f + D) + 4 * D
        products += weights + Q * T * H * (d_k + d_v)
    head = Q_task * D
    cost = cost_of(
        Hiformer,
        FIELD_DIMS,
        K,
        tokens_per_task=2,
        token_dim=D,
        projection=projection,
        num_heads=H,
        key_dim=d_k,
        value_dim=d_v,
        key_rank=r_k,
        value_rank=r_v,
        hidden_dim=d_f,
    )
    assert cost == dense_cost(parameters + head + K, products + head)


def test_only_the_last_block_is_pruned_to_task_tokens() -> None:
    model = Hiformer(FIELD_DIMS, 2, num_layers=3)
    assert [block.num_queries for block in model.blocks] == [6, 6, 2]


def test_pruning_leaves_the_task_tokens_what_they_were() -> None:
    """A last block whose other tokens are queries too gives the task tokens the same values."""
    pruned = Hiformer(FIELD_DIMS, 1, num_layers=1, projection="heterogeneous").double()
    full = Hiformer(FIELD_DIMS, 1, num_layers=2, projection="heterogeneous").double().blocks[0]
    last = pruned.blocks[0]
    with torch.no_grad():
        for name, parameter in last.named_parameters():
            target = full.get_parameter(name)
            target.copy_(parameter) if target.shape == parameter.shape else target[-1:].copy_(parameter)
    x = torch.randn(5, 16, 3, dtype=torch.float64)
    assert torch.allclose(full(x)[-1:], last(x))


def test_a_key_depends_on_one_token_if_heterogeneous_and_on_all_if_composite() -> None:
    x = torch.randn(6, 16, 1)
    changed = x.clone()
    changed[2] += 1
    for projection, expected in (
        ("heterogeneous", [False, False, True, False, False, False]),
        ("composite", [True] * 6),
    ):
        key = Hiformer(FIELD_DIMS, 2, projection=projection).blocks[0].key
        differs = (key(x) != key(changed)).any(dim=1).all(dim=0)
        assert differs.tolist() == expected


def test_heads_share_the_rank() -> None:
    model = Hiformer(FIELD_DIMS, 2, num_heads=3, key_dim=5, key_rank=7, token_dim=4)
    key = model.blocks[0].key
    assert key.left.weight.shape == (7, 6 * 4)
    assert key.right.weight.shape == (6 * 3 * 5, 7)


def test_a_task_reads_its_own_token_alone() -> None:
    model = Hiformer(FIELD_DIMS, 2, num_layers=1, projection="heterogeneous")
    x = torch.randn(3, sum(FIELD_DIMS))
    before = model(x)
    with torch.no_grad():
        model.blocks[0].down.weight[1] += torch.randn_like(model.blocks[0].down.weight[1])
    after = model(x)
    assert torch.equal(after[:, 0], before[:, 0])
    assert (after[:, 1] != before[:, 1]).all()


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"projection": "full"}, "projection is 'full', allowed: composite, heterogeneous"),
        ({"key_rank": 0}, "key_rank is 0; it must be 1 or more"),
        ({"token_dim": 0}, "token_dim is 0; it must be 1 or more"),
    ],
)
def test_refuses_what_fits_no_model(hyperparameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hiformer(FIELD_DIMS, **hyperparameters)
