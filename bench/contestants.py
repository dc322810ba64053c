"""The registry: every contestant, explicitly. Free of torch until one is built.

Registering a model puts it under every contract test, the budget solver, the command line and the tables. A
model of your own joins through the entry-point group `rankbench.contestants` or `--contestant
package.module:NAME`.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contract import Contestant, Dial, Hyperparameters, InputShape, Paper, load_object
from bench.errors import BadInput, unknown_name

ENTRY_POINT_GROUP = "rankbench.contestants"


def _equal_widths(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    return {"hidden_dims": (size,) * len(hyperparameters["hidden_dims"])}


def _dcnv2(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank is a quarter of the MLP's width, until low rank would cost more than full matrices."""
    rank = max(1, size // 4)
    full = 2 * rank >= sum(shape.field_dims)
    return {**_equal_widths(size, hyperparameters, shape), "rank": None if full else rank}


def _rdcn(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The rank, a multiple of the score tokens, is a quarter of the MLP's width up to half the input's."""
    largest = max(1, min(size // 4, sum(shape.field_dims) // 2))
    tokens = min(hyperparameters["num_score_tokens"], largest)
    return {"rank": largest - largest % tokens, "num_score_tokens": tokens, "hidden_dim": size}


def _moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    return {"expert_dim": size, "output_dim": size}


def _autoint(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """Attention grows from narrow tokens up to those of the given width, then beyond them."""
    return {"head_dim": size, "token_dim": min(hyperparameters["token_dim"], size)}


def _autoint_plus(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The MLP is sixteen times as wide as an attention head."""
    attention = _autoint(max(1, size // 16), hyperparameters, shape)
    return {**attention, **_equal_widths(size, hyperparameters, shape)}


def _hiformer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """In the proportions of the paper's own sizes, but for keys that would become too narrow to match."""
    token_dim = -(-size // 4)
    return {
        "max_tokens": _fewer_tokens(token_dim, hyperparameters),
        "token_dim": token_dim,
        "key_dim": max(4, token_dim // 8),
        "value_dim": max(1, token_dim // 2),
        "key_rank": token_dim,
        "value_rank": 8 * token_dim,
        "hidden_dim": size,
    }


def _dhen(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The FM's hidden width leads, the tokens' follows at a quarter of it in whole steps of the heads."""
    num_heads = hyperparameters["num_heads"]
    token_dim = num_heads * -(-size // (4 * num_heads))
    return {
        "max_tokens": _fewer_tokens(token_dim, hyperparameters),
        "token_dim": token_dim,
        "attention_hidden_dim": 4 * token_dim,
        "cross_rank": token_dim,
        "fm_hidden_dim": size,
    }


def _wukong(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The paper's ladder: layers first, up to 8, then n_F, n_L, k and the MLPs together.

    The steps of the smallest models are those of one layer's token width.
    """
    token_dim = min(size, hyperparameters["token_dim"])
    num_layers = min(1 + size - token_dim, 8)
    width = 8 + size - token_dim - (num_layers - 1)
    return {
        "max_tokens": _fewer_tokens(token_dim, hyperparameters),
        "token_dim": token_dim,
        "num_layers": num_layers,
        "num_fmb_tokens": width,
        "num_lcb_tokens": width,
        "projection_rank": width,
        "hidden_dim": width * width,
        "num_compressed": width,
        "projection_hidden_dim": 4 * width,
    }


def _fewer_tokens(token_dim: int, hyperparameters: Hyperparameters) -> int:
    """Tokens below a width of 6 are fewer, so that many fields fit a small budget too."""
    return min(hyperparameters["max_tokens"], 2 * token_dim * token_dim)


def _rankmixer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": 4 * token_dim}


def _rankmixer_moe(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    """The dense model's hidden width, cut into experts."""
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": max(1, 4 * token_dim // hyperparameters["num_experts"])}


def _tokenmixer_large(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_heads"]
    return {"token_dim": token_dim, "hidden_dim": max(1, 2 * token_dim // hyperparameters["num_experts"])}


CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for contestant in (
        Contestant(
            name="dlrm-mlp",
            title="DLRM-MLP",
            model="baselines.dlrm_mlp:DLRMMLP",
            hyperparameters={"hidden_dims": (256, 256, 256)},
            dial=Dial(name="hidden_dims", settings=_equal_widths),
            trim="hidden_dims",
            search_space={"hidden_dims": tuple((256,) * depth for depth in range(1, 7))},
            paper=Paper(title="Deep Learning Recommendation Model", year=2019, arxiv="1906.00091"),
        ),
        Contestant(
            name="dcnv2",
            title="DCNv2",
            model="baselines.dcnv2:DCNv2",
            hyperparameters={
                "num_cross_layers": 3,
                "rank": None,
                "num_experts": 1,
                "activation": "tanh",
                "shared_gates": True,
                "structure": "parallel",
                "hidden_dims": (256, 256),
            },
            dial=Dial(name="hidden_dims", settings=_dcnv2),
            trim="hidden_dims",
            search_space={"num_cross_layers": (1, 2, 3), "structure": ("parallel", "stacked")},
            paper=Paper(title="DCN V2: Improved Deep & Cross Network", year=2020, arxiv="2008.13535"),
        ),
        Contestant(
            name="rdcn",
            title="RDCN",
            model="baselines.rdcn:RDCN",
            hyperparameters={
                "num_cross_layers": 2,
                "rank": 64,
                "num_score_tokens": 8,
                "temperature": 1.0,
                "inner_skip": True,
                "num_hidden_layers": 2,
                "hidden_dim": 256,
            },
            dial=Dial(name="hidden_dim", settings=_rdcn),
            trim="hidden_dim",
            search_space={"num_cross_layers": (1, 2), "temperature": (0.25, 1.0, 4.0)},
            paper=Paper(title="LiRank: Industrial Large Scale Ranking Models", year=2024, arxiv="2402.06859"),
        ),
        Contestant(
            name="moe",
            title="MoE",
            model="baselines.moe:MoE",
            hyperparameters={
                "num_experts": 4,
                "num_expert_layers": 2,
                "expert_dim": 128,
                "output_dim": 128,
                "top_k": None,
                "balance_weight": 0.01,
            },
            dial=Dial(name="expert_dim", settings=_moe),
            trim="output_dim",
            search_space={"num_experts": (2, 4, 8), "num_expert_layers": (2, 3)},
            paper=Paper(title="The Sparsely-Gated Mixture-of-Experts Layer", year=2017, arxiv="1701.06538"),
        ),
        Contestant(
            name="autoint",
            title="AutoInt",
            model="baselines.autoint:AutoInt",
            hyperparameters={
                "max_tokens": 40,
                "token_dim": 16,
                "num_layers": 3,
                "num_heads": 2,
                "head_dim": 32,
                "scaled_scores": False,
                "hidden_dims": (),
            },
            dial=Dial(name="head_dim", settings=_autoint),
            trim="token_dim",
            search_space={"num_layers": (2, 3, 4), "num_heads": (2, 4)},
            paper=Paper(title="AutoInt: Automatic Feature Interaction", year=2018, arxiv="1810.11921"),
        ),
        Contestant(
            name="autoint-plus",
            title="AutoInt+",
            model="baselines.autoint:AutoInt",
            hyperparameters={
                "max_tokens": 40,
                "token_dim": 16,
                "num_layers": 3,
                "num_heads": 2,
                "head_dim": 32,
                "scaled_scores": False,
                "hidden_dims": (400, 400),
            },
            dial=Dial(name="hidden_dims", settings=_autoint_plus),
            trim="hidden_dims",
            search_space={"num_layers": (2, 3, 4), "num_heads": (2, 4)},
            paper=Paper(title="AutoInt: Automatic Feature Interaction", year=2018, arxiv="1810.11921"),
        ),
        Contestant(
            name="hiformer",
            title="Hiformer",
            model="baselines.hiformer:Hiformer",
            hyperparameters={
                "max_tokens": 64,
                "tokens_per_task": 1,
                "token_dim": 16,
                "num_layers": 2,
                "projection": "composite",
                "num_heads": 4,
                "key_dim": 4,
                "value_dim": 8,
                "key_rank": 16,
                "value_rank": 128,
                "hidden_dim": 64,
            },
            dial=Dial(name="token_dim", settings=_hiformer),
            trim="hidden_dim",
            search_space={"num_layers": (1, 2, 3), "projection": ("composite", "heterogeneous")},
            paper=Paper(title="Hiformer: Heterogeneous Feature Interactions", year=2023, arxiv="2311.05884"),
        ),
        Contestant(
            name="dhen",
            title="DHEN",
            model="baselines.dhen:DHEN",
            hyperparameters={
                "max_tokens": 64,
                "token_dim": 16,
                "num_layers": 2,
                "interactions": ("attention", "linear", "dcn", "fm"),
                "ensemble": "concat",
                "num_heads": 2,
                "attention_hidden_dim": 64,
                "cross_rank": 16,
                "fm_hidden_dim": 64,
            },
            dial=Dial(name="token_dim", settings=_dhen),
            trim="fm_hidden_dim",
            search_space={"num_layers": (2, 3), "ensemble": ("concat", "sum", "weighted")},
            paper=Paper(
                title="DHEN: A Deep and Hierarchical Ensemble Network", year=2022, arxiv="2203.11014"
            ),
        ),
        Contestant(
            name="wukong",
            title="Wukong",
            model="baselines.wukong:Wukong",
            hyperparameters={
                "max_tokens": 64,
                "token_dim": 16,
                "num_layers": 4,
                "num_fmb_tokens": 8,
                "num_lcb_tokens": 8,
                "projection_rank": 8,
                "num_hidden": 2,
                "hidden_dim": 64,
                "projection": "static",
                "num_compressed": 8,
                "projection_hidden_dim": 32,
            },
            dial=Dial(name="num_layers", settings=_wukong),
            trim="hidden_dim",
            search_space={"num_hidden": (1, 2, 3), "projection": ("static", "attentive")},
            paper=Paper(
                title="Wukong: Towards a Scaling Law for Recommendation", year=2024, arxiv="2403.02545"
            ),
        ),
        Contestant(
            name="rankmixer",
            title="RankMixer",
            model="rankmixer.rankmixer:RankMixer",
            hyperparameters={
                "num_layers": 2,
                "num_tokens": 8,
                "token_dim": 64,
                "hidden_dim": 256,
                "norm": "post",
                "slicing": "fields",
            },
            dial=Dial(name="token_dim", settings=_rankmixer),
            trim="hidden_dim",
            search_space={"num_layers": (1, 2, 3), "norm": ("post", "pre")},
            paper=Paper(title="RankMixer: Scaling Up Ranking Models", year=2025, arxiv="2507.15551"),
        ),
        Contestant(
            name="rankmixer-moe",
            title="RankMixer-MoE",
            model="rankmixer.sparse_moe:SparseRankMixer",
            hyperparameters={
                "num_layers": 2,
                "num_tokens": 8,
                "token_dim": 64,
                "num_experts": 8,
                "hidden_dim": 32,
                "routing": "relu",
                "active_fraction": 0.5,
                "balance_weight": 0.0,
                "slicing": "fields",
            },
            dial=Dial(name="token_dim", settings=_rankmixer_moe),
            trim="hidden_dim",
            search_space={"num_layers": (1, 2, 3), "num_experts": (4, 8)},
            paper=Paper(title="RankMixer: Scaling Up Ranking Models", year=2025, arxiv="2507.15551"),
        ),
        Contestant(
            name="tokenmixer-large",
            title="TokenMixer-Large",
            model="rankmixer.tokenmixer_large:TokenMixerLarge",
            hyperparameters={
                "num_layers": 3,
                "num_tokens": 8,
                "num_heads": 8,
                "token_dim": 64,
                "hidden_dim": 128,
                "tokenizer_layers": 1,
                "norm": "pre",
                "residual": "input",
                "inter_residual": 2,
                "auxiliary_weight": 0.1,
                "output": "mean",
                "down_init": 0.01,
                "num_experts": 1,
                "active_experts": 1,
                "gate_scale": None,
                "router_softmax": "all",
            },
            dial=Dial(name="token_dim", settings=_tokenmixer_large),
            trim="hidden_dim",
            search_space={"num_layers": (2, 3, 4), "norm": ("pre", "post")},
            paper=Paper(title="TokenMixer-Large", year=2026, arxiv="2602.06563"),
        ),
        Contestant(
            name="tokenmixer-large-moe",
            title="TokenMixer-Large S-P MoE",
            model="rankmixer.tokenmixer_large:TokenMixerLarge",
            hyperparameters={
                "num_layers": 3,
                "num_tokens": 8,
                "num_heads": 8,
                "token_dim": 64,
                "hidden_dim": 32,
                "tokenizer_layers": 1,
                "norm": "pre",
                "residual": "input",
                "inter_residual": 2,
                "auxiliary_weight": 0.1,
                "output": "mean",
                "down_init": 0.01,
                "num_experts": 4,
                "active_experts": 2,
                "gate_scale": None,
                "router_softmax": "all",
            },
            dial=Dial(name="token_dim", settings=_tokenmixer_large),
            trim="hidden_dim",
            search_space={"num_layers": (2, 3, 4), "norm": ("pre", "post")},
            paper=Paper(title="TokenMixer-Large", year=2026, arxiv="2602.06563"),
        ),
    )
}


def registered() -> dict[str, Contestant]:
    """The contestants of this project and of installed packages, by name.

    Raises:
        BadInput: an installed package registers something else, or a name that is taken.
    """
    found = dict(CONTESTANTS)
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        _add(found, entry_point.load(), f"entry point {entry_point.value}")
    return found


def contestants(names: Sequence[str], plugins: Sequence[str] = ()) -> list[Contestant]:
    """Those called `names` (all, if there are none), then those at ``package.module:NAME`` of `plugins`.

    Raises:
        BadInput: an unknown name, or a plug-in that cannot be had.
    """
    known = registered()
    chosen = []
    for name in names or known:
        if name not in known:
            raise unknown_name("contestant", name, known)
        chosen.append(known[name])
    for plugin in plugins:
        chosen.append(_add(known, _load_plugin(plugin), plugin))
    return chosen


def _add(known: dict[str, Contestant], contestant: object, source: str) -> Contestant:
    if not isinstance(contestant, Contestant):
        raise BadInput(
            f"{source} is a {type(contestant).__name__}; it must be a bench.contestants.Contestant"
        )
    if contestant.name in known:
        raise BadInput(f"{source} is called '{contestant.name}', a name that is taken; give it another")
    known[contestant.name] = contestant
    return contestant


def _load_plugin(path: str) -> object:
    if ":" not in path:
        raise BadInput(f"contestant '{path}' must be given as package.module:NAME")
    if (here := str(Path.cwd())) not in sys.path:  # so that a file beside you can be named
        sys.path.insert(0, here)
    try:
        return load_object(path)
    except (ImportError, AttributeError) as error:
        raise BadInput(f"contestant '{path}' cannot be loaded: {error}") from error
