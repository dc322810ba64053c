"""How each contestant grows, and how some adapt to data of few fields.

A dial takes a size, a whole number from 1, to the hyper-parameters that it decides, and keeps the
contestant's proportions; see `bench.contestants.contract.Dial`. `docs/contestants.md` says for each what is
the paper's and what is ours. What adapts is the number of tokens, which cannot exceed what the fields can
fill; see `adapt` of `bench.contestants.contract.Contestant`.

Tokens made of fields are as wide as `NARROWEST` at least. A small budget has fewer tokens, not narrower ones.
"""

from __future__ import annotations

from bench.contestants.contract import Hyperparameters, InputShape

NARROWEST = 8
"""Width of a token: that of the studies' embeddings. Half of it cost 0.7 points (results/LOG.md)."""


def mlp(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Hidden layers, the first of the size, each next one `taper` times as wide."""
    return {"hidden_dims": _tapered(size, hyperparameters["num_hidden_layers"], hyperparameters)}


def dcnv2(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank is a quarter of the MLP's width, until low rank would cost more than full matrices."""
    rank = max(1, size // 4)
    full = 2 * rank >= sum(shape.field_dims)
    return {**mlp(size, hyperparameters, shape), "rank": None if full else rank}


def rdcn(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank, a multiple of the score tokens, is a quarter of the MLP's width up to half the input's.

    A score token has four numbers or more, unless the rank is too low for two of them.
    """
    largest = max(1, min(size // 4, sum(shape.field_dims) // 2))
    tokens = min(hyperparameters["num_score_tokens"], max(min(2, largest), largest // 4))
    return {"rank": largest - largest % tokens, "num_score_tokens": tokens, "hidden_dim": size}


def residual_units(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Deep Crossing: the inner width of the first unit is the size, of each next one `taper` times that."""
    return {"inner_dims": _tapered(size, hyperparameters["num_units"], hyperparameters)}


def dlrm(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Both MLPs begin with the size."""
    return {
        "bottom_dims": _tapered(size, hyperparameters["num_bottom_layers"], hyperparameters),
        "top_dims": _tapered(size, hyperparameters["num_top_layers"], hyperparameters),
    }


def xdeepfm(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The CIN has so many maps for every unit of the MLP's width."""
    num_maps = max(1, round(hyperparameters["maps_to_width"] * size))
    return {**mlp(size, hyperparameters, shape), "num_maps": num_maps}


def fgcnn(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Rows of the image grow to the number of fields, and with them maps and the classifier's width."""
    return {
        **mlp(8 * size, hyperparameters, shape),
        "max_tokens": min(size, hyperparameters["max_tokens"]),
        "num_maps": max(1, size // 4),
    }


def fignn(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Nodes and their width grow together, as the tokens of `dhen` do; the width in whole steps of heads."""
    num_heads = max(1, hyperparameters["attention_heads"])
    width = num_heads * -(-_width(size, hyperparameters) // num_heads)
    return {
        "max_tokens": min(size, hyperparameters["max_tokens"]),
        "token_dim": width,
        "scoring_dim": 8 * size,
    }


def moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    return {"expert_dim": size, "output_dim": size}


def autoint(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Heads grow; tokens are as wide as a head, from `NARROWEST` up to the width given."""
    token_dim = hyperparameters["token_dim"]
    return {"head_dim": size, "token_dim": min(token_dim, max(NARROWEST, size))}


def autoint_plus(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The MLP is sixteen times as wide as an attention head that is no narrower than a token."""
    attention = autoint(max(NARROWEST, size // 16), hyperparameters, shape)
    return {**attention, **mlp(size, hyperparameters, shape)}


def hiformer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """In the proportions of the paper's own sizes, but for keys that would become too narrow to match."""
    width = _width(size, hyperparameters)
    return {
        "max_tokens": min(size, hyperparameters["max_tokens"]),
        "token_dim": width,
        "key_dim": max(4, width // 8),
        "value_dim": width // 2,
        "key_rank": width,
        "value_rank": 8 * width,
        "hidden_dim": 4 * width,
    }


def dhen(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Every hidden width and rank goes with the width of the tokens, which is in whole steps of the heads.

    Two tokens are the fewest that have a pair.
    """
    num_heads, num_tokens = hyperparameters["num_heads"], size + 1
    width = num_heads * -(-_width(num_tokens, hyperparameters) // num_heads)
    return {
        "max_tokens": min(num_tokens, hyperparameters["max_tokens"]),
        "token_dim": width,
        "attention_hidden_dim": 4 * width,
        "cross_rank": width,
        "fm_hidden_dim": 4 * width,
    }


def wukong(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """n_F = n_L = k, and the MLPs half as wide as the tokens that they make together, as in the paper."""
    token_dim = max(NARROWEST, round(hyperparameters["width_to_tokens"] * size))
    return {
        "token_dim": token_dim,
        "num_fmb_tokens": size,
        "num_lcb_tokens": size,
        "projection_rank": size,
        "hidden_dim": -(-size * token_dim // 2),
        "num_compressed": size,
        "projection_hidden_dim": 4 * size,
    }


def rankmixer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": hyperparameters["expansion"] * token_dim}


def rankmixer_moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The dense model's hidden width, cut into experts."""
    token_dim = size * hyperparameters["num_tokens"]
    hidden_dim = hyperparameters["expansion"] * token_dim // hyperparameters["num_experts"]
    return {"token_dim": token_dim, "hidden_dim": max(1, hidden_dim)}


def tokenmixer_large(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    heads = hyperparameters["num_heads"] or hyperparameters["num_tokens"]
    token_dim = size * heads
    return {"token_dim": token_dim, "hidden_dim": hyperparameters["expansion"] * token_dim}


def tokens_within_fields(hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """RankMixer: as many tokens as there are fields, or columns where fields are cut, to fill them."""
    most = sum(shape.field_dims) if hyperparameters["slicing"] == "equal" else len(shape.field_dims)
    num_tokens = min(hyperparameters["num_tokens"], most)
    return {"num_tokens": num_tokens, "token_dim": _multiple(hyperparameters["token_dim"], num_tokens)}


def tokens_beside_the_global_one(hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """TokenMixer-Large: one token for every field beside the global one, and no more heads than that."""
    most = len(shape.field_dims) + 1
    num_tokens = min(hyperparameters["num_tokens"], most)
    num_heads = None if hyperparameters["num_heads"] is None else min(hyperparameters["num_heads"], most)
    token_dim = _multiple(hyperparameters["token_dim"], num_heads or num_tokens)
    return {"num_tokens": num_tokens, "num_heads": num_heads, "token_dim": token_dim}


def _tapered(size: int, depth: int, hyperparameters: Hyperparameters) -> tuple[int, ...]:
    """Widths of so many layers, the first of the size, each next one `taper` times as wide, 1 without."""
    taper = hyperparameters.get("taper", 1.0)
    return tuple(max(1, round(size * taper**layer)) for layer in range(depth))


def _width(num_tokens: int, hyperparameters: Hyperparameters) -> int:
    """The width of that many tokens: their number over `tokens_to_width`, but never below `NARROWEST`."""
    return max(NARROWEST, round(num_tokens / hyperparameters["tokens_to_width"]))


def _multiple(width: int, divisor: int) -> int:
    """The largest multiple of `divisor` up to `width`; `divisor` itself where there is none."""
    return max(width // divisor, 1) * divisor
