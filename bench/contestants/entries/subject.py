"""The subject: RankMixer and its descendants."""

from __future__ import annotations

import dataclasses

from bench.contestants import dials
from bench.contestants.contract import Contestant, Dial, Paper

RANKMIXER = Contestant(
    name="rankmixer",
    title="RankMixer",
    model="rankmixer.rankmixer:RankMixer",
    rev=4,
    hyperparameters={
        "num_layers": 2,
        "num_tokens": 8,
        "token_dim": 64,
        "hidden_dim": 256,
        "norm": "post",
        "slicing": "fields",
        "initialisation": "glorot",
    },
    adapt=dials.tokens_within_fields,
    dial=Dial(name="token_dim", settings=dials.rankmixer, proportions={"expansion": 4}),
    trim="hidden_dim",
    search_space={"num_layers": (1, 2, 3), "num_tokens": (8, 16), "expansion": (2, 4)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="RankMixer: Scaling Up Ranking Models", year=2025, arxiv="2507.15551"),
)

RANKMIXER_MOE = Contestant(
    name="rankmixer-moe",
    title="RankMixer-MoE",
    model="rankmixer.sparse_moe:SparseRankMixer",
    rev=4,
    hyperparameters={
        "num_layers": 2,
        "num_tokens": 8,
        "token_dim": 64,
        "num_experts": 8,
        "hidden_dim": 32,
        "routing": "relu",
        "active_fraction": 0.5,
        "offset_rate": 0.1,
        "balance_weight": 0.0,
        "slicing": "fields",
        "initialisation": "glorot",
    },
    adapt=dials.tokens_within_fields,
    dial=Dial(name="token_dim", settings=dials.rankmixer_moe, proportions={"expansion": 4}),
    trim="hidden_dim",
    search_space={"num_layers": (1, 2, 3), "num_experts": (4, 8), "expansion": (2, 4)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="RankMixer: Scaling Up Ranking Models", year=2025, arxiv="2507.15551"),
)

TOKENMIXER_LARGE = Contestant(
    name="tokenmixer-large",
    title="TokenMixer-Large",
    model="rankmixer.tokenmixer_large:TokenMixerLarge",
    rev=4,
    hyperparameters={
        "num_layers": 3,
        "num_tokens": 8,
        "num_heads": None,
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
        "balance_weight": 0.0,
        "initialisation": "glorot",
    },
    adapt=dials.tokens_beside_the_global_one,
    dial=Dial(name="token_dim", settings=dials.tokenmixer_large, proportions={"expansion": 2}),
    trim="hidden_dim",
    search_space={"num_layers": (1, 2, 3), "num_tokens": (8, 16), "expansion": (2, 4)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="TokenMixer-Large", year=2026, arxiv="2602.06563"),
)

TOKENMIXER_LARGE_MOE = dataclasses.replace(
    TOKENMIXER_LARGE,
    name="tokenmixer-large-moe",
    title="TokenMixer-Large S-P MoE",
    rev=5,
    hyperparameters={
        **TOKENMIXER_LARGE.hyperparameters,
        "num_experts": 8,
        "active_experts": 4,
        "router_softmax": "chosen",
    },
)
