"""What makes each arm of RankMixer's Table 3 that arm."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ablations.arms.routing import AllConcat, AllShare, BySelfAttention
from rankmixer import RankMixer
from tests.ablations.test_components import D, N, T, model_of, others_reached, tokens


def size(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_all_concat_is_one_mlp_over_all_tokens_as_large_as_their_own():
    block = model_of(AllConcat).blocks[0]
    assert others_reached(block.ffn).all()
    up, _, down = block.ffn
    x_TBD = tokens()
    joined_BJ = torch.cat(list(x_TBD), dim=1)
    y_BJ = F.gelu(joined_BJ @ up.weight.T + up.bias) @ down.weight.T + down.bias
    torch.testing.assert_close(block.ffn(x_TBD), torch.stack(y_BJ.split(D, dim=1)))
    own = size(model_of(RankMixer).blocks[0].ffn)
    assert abs(size(block.ffn) - own) <= (2 * T * D + 1) / 2  # one hidden unit more or less is further away


def test_all_share_gives_every_ffn_all_tokens_at_once():
    block = model_of(AllShare).blocks[0]
    assert others_reached(block.ffn).all()
    x_TBD = tokens()
    joined_BJ = torch.cat(list(x_TBD), dim=1)
    for t, (up, _, down) in enumerate(block.ffn.ffns):
        by_hand = F.gelu(joined_BJ @ up.weight.T + up.bias) @ down.weight.T + down.bias
        torch.testing.assert_close(block.ffn(x_TBD)[t], by_hand)
    widths = [ffn[0].out_features for ffn in block.ffn.ffns]
    assert len(widths) == T
    assert max(widths) - min(widths) <= 1
    own = size(model_of(RankMixer).blocks[0].ffn)
    assert own == T * (2 * D * N + N + D)
    assert abs(size(block.ffn) - own) <= (T * D + D + 1) / 2


def test_self_attention_weighs_the_tokens_by_shares_that_sum_to_one():
    attention = model_of(BySelfAttention).blocks[0].mixing
    assert others_reached(attention).all()
    x_TBD = tokens()
    q, k, v = (x_TBD @ w + b for w, b in zip(attention.qkv.weight, attention.qkv.bias, strict=True))
    H = attention.num_heads
    assert H == 4
    out_TBD = torch.zeros_like(x_TBD)
    for h in range(H):
        of_head = slice(h * D // H, (h + 1) * D // H)
        scores_BTT = torch.einsum("tbe,sbe->bts", q[..., of_head], k[..., of_head]) / (D // H) ** 0.5
        share_BTT = scores_BTT.exp() / scores_BTT.exp().sum(dim=2, keepdim=True)
        torch.testing.assert_close(share_BTT.sum(dim=2), torch.ones(x_TBD.shape[1], T).double())
        out_TBD[..., of_head] = torch.einsum("bts,sbe->tbe", share_BTT, v[..., of_head])
    torch.testing.assert_close(attention(x_TBD), out_TBD @ attention.out.weight.T + attention.out.bias)


def test_where_all_tokens_have_one_value_attention_returns_it():
    attention = model_of(BySelfAttention).blocks[0].mixing
    alike_TBD = tokens()[:1].expand(T, -1, -1)
    value_TBD = alike_TBD @ attention.qkv.weight[2] + attention.qkv.bias[2]
    expected = value_TBD @ attention.out.weight.T + attention.out.bias
    torch.testing.assert_close(attention(alike_TBD), expected)
