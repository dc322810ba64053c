"""RankMixer against its equations, written as loops over rows, tokens and slices."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from rankmixer import RankMixer
from tests.costs import cost_of, dense_cost

FIELD_DIMS = (4, 3, 5, 2, 4)
GROUPS = ((2, 0), (1, 3, 4))
T, D, L, K = 4, 12, 3, 2


def model_of(**changes) -> RankMixer:
    torch.manual_seed(0)
    settings = {"num_layers": L, "num_tokens": T, "token_dim": D, "hidden_dim": 7}
    model = RankMixer(FIELD_DIMS, K, groups=GROUPS, **{**settings, **changes}).double()
    with torch.no_grad():  # so that scale and shift of the norms matter
        for module in model.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return model


def batch(rows: int = 5) -> Tensor:
    return torch.randn(rows, sum(FIELD_DIMS), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def layer_norm(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    variance = ((x - x.mean()) ** 2).mean()
    return (x - x.mean()) / torch.sqrt(variance + 1e-5) * norm.weight + norm.bias


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def token_mixing(tokens: list[Tensor]) -> list[Tensor]:
    heads = len(tokens)
    width = len(tokens[0]) // heads
    return [torch.cat([token[h * width : (h + 1) * width] for token in tokens]) for h in range(heads)]


def per_token_ffn(block: nn.Module, t: int, s: Tensor) -> Tensor:
    up, down = block.ffn.up, block.ffn.down
    return gelu(s @ up.weight[t] + up.bias[t, 0]) @ down.weight[t] + down.bias[t, 0]


def post_norm_block(block: nn.Module, x: list[Tensor]) -> list[Tensor]:
    s = [layer_norm(m + x_t, block.mixing_norm) for m, x_t in zip(token_mixing(x), x, strict=True)]
    return [layer_norm(per_token_ffn(block, t, s_t) + s_t, block.ffn_norm) for t, s_t in enumerate(s)]


def pre_norm_block(block: nn.Module, x: list[Tensor]) -> list[Tensor]:
    mixed = token_mixing([layer_norm(x_t, block.mixing_norm) for x_t in x])
    s = [m + x_t for m, x_t in zip(mixed, x, strict=True)]
    return [per_token_ffn(block, t, layer_norm(s_t, block.ffn_norm)) + s_t for t, s_t in enumerate(s)]


def logits_of_row(model: RankMixer, tokens: list[Tensor], norm: str) -> Tensor:
    for block in model.blocks:
        tokens = post_norm_block(block, tokens) if norm == "post" else pre_norm_block(block, tokens)
    if norm == "pre":
        tokens = [layer_norm(x_t, model.final_norm) for x_t in tokens]
    return model.head.weight @ (sum(tokens) / T) + model.head.bias


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_logits_are_those_of_the_equations(norm):
    model, x_BI = model_of(norm=norm), batch()
    x_TBD = model.tokenizer(x_BI)
    expected = [logits_of_row(model, list(x_TBD[:, b]), norm) for b in range(len(x_BI))]
    torch.testing.assert_close(model(x_BI), torch.stack(expected))


def test_blocks_have_the_parameters_and_flops_of_the_paper():
    model = model_of(hidden_dim=4 * D)
    weights = sum(layer.weight.numel() for block in model.blocks for layer in (block.ffn.up, block.ffn.down))
    k = 4
    assert weights == 2 * k * L * T * D**2
    tokens_and_head = sum(FIELD_DIMS) * D + D * K
    cost = cost_of(RankMixer, FIELD_DIMS, K, num_layers=L, num_tokens=T, token_dim=D)
    assert cost["flops_forward"] - 2 * tokens_and_head == 4 * k * L * T * D**2


@pytest.mark.parametrize(("norm", "norms"), [("post", 2 * L), ("pre", 2 * L + 1), ("none", 0)])
def test_the_cost_is_that_of_the_equations(norm, norms):
    I, N = sum(FIELD_DIMS), 7  # noqa: E741
    products = I * D + L * T * 2 * D * N + D * K
    parameters = products - L * T * 2 * D * N + T * D + L * T * (2 * D * N + N + D) + norms * 2 * D + K
    cost = cost_of(RankMixer, FIELD_DIMS, K, num_layers=L, num_tokens=T, token_dim=D, hidden_dim=N, norm=norm)
    assert cost == dense_cost(parameters, products)


def test_weights_of_a_token_change_that_token_alone():
    model, x_BI = model_of(num_layers=1), batch()
    x_TBD = model.tokenizer(x_BI)
    block = model.blocks[0]
    before = block(x_TBD)
    for t in range(T):
        with torch.no_grad():
            block.ffn.up.weight[t] += 0.5
        changed = (block(x_TBD) != before).any(dim=2).any(dim=1)
        assert changed.tolist() == [other == t for other in range(T)]
        with torch.no_grad():
            block.ffn.up.weight[t] -= 0.5


def test_one_block_carries_every_token_to_every_other():
    model, x_BI = model_of(num_layers=1), batch()
    x_TBD = model.tokenizer(x_BI)
    before = model.blocks[0](x_TBD)
    for t in range(T):
        changed = x_TBD.clone()
        changed[t] += torch.randn(D, generator=torch.Generator().manual_seed(t), dtype=torch.float64)
        assert (model.blocks[0](changed) != before).any(dim=2).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_dim": 10}, "token_dim is 10; it must be a multiple of num_tokens, 4"),
        ({"norm": "sandwich"}, "norm is 'sandwich', allowed: post, pre, none"),
        ({"slicing": "any"}, "slicing is 'any', allowed: fields, equal, shuffled"),
        ({"num_tokens": 6}, "num_tokens is 6; 5 whole fields allow 1 … 5"),
    ],
)
def test_impossible_hyperparameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        model_of(**changes)
