"""How each contestant grows, and how some adapt to data of few fields.

A dial takes a size, a whole number from 1, to the hyper-parameters that it decides. Each follows the way
the contestant's paper makes it larger; see `bench.contestants.contract.Dial`. What adapts is the number of
tokens, which cannot exceed what the fields can fill; see `adapt` of `bench.contestants.contract.Contestant`.
"""

from __future__ import annotations

from bench.contestants.contract import Hyperparameters, InputShape


def equal_widths(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    return {"hidden_dims": (size,) * len(hyperparameters["hidden_dims"])}


def dcnv2(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank is a quarter of the MLP's width, until low rank would cost more than full matrices."""
    rank = max(1, size // 4)
    full = 2 * rank >= sum(shape.field_dims)
    return {**equal_widths(size, hyperparameters, shape), "rank": None if full else rank}


def rdcn(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank, a multiple of the score tokens, is a quarter of the MLP's width up to half the input's."""
    largest = max(1, min(size // 4, sum(shape.field_dims) // 2))
    tokens = min(hyperparameters["num_score_tokens"], largest)
    return {"rank": largest - largest % tokens, "num_score_tokens": tokens, "hidden_dim": size}


def moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    return {"expert_dim": size, "output_dim": size}


def autoint(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Attention grows from narrow tokens up to those of the given width, then beyond them."""
    return {"head_dim": size, "token_dim": min(hyperparameters["token_dim"], size)}


def autoint_plus(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The MLP is sixteen times as wide as an attention head."""
    attention = autoint(max(1, size // 16), hyperparameters, shape)
    return {**attention, **equal_widths(size, hyperparameters, shape)}


def hiformer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """In the proportions of the paper's own sizes, but for keys that would become too narrow to match.

    The FFN's hidden width leads, the tokens' is a quarter of it; few and narrow tokens come first.
    """
    token_dim = -(-size // 4)
    return {
        "max_tokens": min(2 * size, hyperparameters["max_tokens"]),
        "token_dim": token_dim,
        "key_dim": max(4, token_dim // 8),
        "value_dim": max(1, token_dim // 2),
        "key_rank": token_dim,
        "value_rank": 8 * token_dim,
        "hidden_dim": size,
    }


def dhen(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The FM's hidden width leads, the tokens' is a quarter of it, in whole steps of the heads.

    Few and narrow tokens come first.
    """
    num_heads = hyperparameters["num_heads"]
    token_dim = num_heads * -(-size // (4 * num_heads))
    return {
        "max_tokens": min(2 * size, hyperparameters["max_tokens"]),
        "token_dim": token_dim,
        "attention_hidden_dim": 4 * token_dim,
        "cross_rank": token_dim,
        "fm_hidden_dim": size,
    }


def wukong(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The paper's ladder: layers first, up to 8, then n_F, n_L, k and the MLPs together.

    What one layer cannot have for a budget is first taken from the tokens, their number and width.
    """
    token_dim = min(size, hyperparameters["token_dim"])
    num_layers = min(1 + size - token_dim, 8)
    width = 8 + size - token_dim - (num_layers - 1)
    return {
        "max_tokens": min(8 * token_dim, hyperparameters["max_tokens"]),
        "token_dim": token_dim,
        "num_layers": num_layers,
        "num_fmb_tokens": width,
        "num_lcb_tokens": width,
        "projection_rank": width,
        "hidden_dim": width * width,
        "num_compressed": width,
        "projection_hidden_dim": 4 * width,
    }


def rankmixer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": 4 * token_dim}


def rankmixer_moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The dense model's hidden width, cut into experts."""
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": max(1, 4 * token_dim // hyperparameters["num_experts"])}


def tokenmixer_large(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_heads"]
    return {"token_dim": token_dim, "hidden_dim": 2 * token_dim}


def tokens_within_fields(hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """RankMixer: as many tokens as there are fields, or columns where fields are cut, to fill them."""
    most = sum(shape.field_dims) if hyperparameters["slicing"] == "equal" else len(shape.field_dims)
    num_tokens = min(hyperparameters["num_tokens"], most)
    return {"num_tokens": num_tokens, "token_dim": _multiple(hyperparameters["token_dim"], num_tokens)}


def tokens_beside_the_global_one(hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """TokenMixer-Large: one token for every field beside the global one, and no more heads than that."""
    most = len(shape.field_dims) + 1
    adapted = {name: min(hyperparameters[name], most) for name in ("num_tokens", "num_heads")}
    return {**adapted, "token_dim": _multiple(hyperparameters["token_dim"], adapted["num_heads"])}


def _multiple(width: int, divisor: int) -> int:
    """The largest multiple of `divisor` up to `width`; `divisor` itself where there is none."""
    return max(width // divisor, 1) * divisor
