"""Contestants with cross layers."""

from __future__ import annotations

from bench.contestants import dials
from bench.contestants.contract import Contestant, Dial, Paper

DCN = Contestant(
    name="dcn",
    title="DCN",
    model="baselines.dcn:DCN",
    hyperparameters={"num_cross_layers": 4, "hidden_dims": (1024, 1024), "initialisation": "glorot"},
    dial=Dial(name="hidden_dims", settings=dials.mlp, proportions={"num_hidden_layers": 2}),
    trim="hidden_dims",
    search_space={"num_cross_layers": (2, 4, 6), "num_hidden_layers": (2, 3, 4, 5)},
    initialisations=("glorot", "torch"),
    paper=Paper(title="Deep & Cross Network for Ad Click Predictions", year=2017, arxiv="1708.05123"),
)

DCNV2 = Contestant(
    name="dcnv2",
    title="DCNv2",
    model="baselines.dcnv2:DCNv2",
    rev=3,
    hyperparameters={
        "num_cross_layers": 3,
        "rank": None,
        "num_experts": 1,
        "activation": "tanh",
        "shared_gates": True,
        "structure": "parallel",
        "hidden_dims": (256, 256),
        "initialisation": "he",
    },
    dial=Dial(name="hidden_dims", settings=dials.dcnv2, proportions={"num_hidden_layers": 2}),
    trim="hidden_dims",
    search_space={
        "num_cross_layers": (1, 2, 3),
        "num_hidden_layers": (2, 3),
        "structure": ("parallel", "stacked"),
    },
    initialisations=("he", "glorot", "torch"),
    paper=Paper(title="DCN V2: Improved Deep & Cross Network", year=2020, arxiv="2008.13535"),
)

RDCN = Contestant(
    name="rdcn",
    title="RDCN",
    model="baselines.rdcn:RDCN",
    rev=3,
    hyperparameters={
        "num_cross_layers": 2,
        "rank": 64,
        "num_score_tokens": 8,
        "temperature": 1.0,
        "inner_skip": True,
        "num_hidden_layers": 2,
        "hidden_dim": 256,
        "initialisation": "glorot",
    },
    dial=Dial(name="hidden_dim", settings=dials.rdcn),
    trim="hidden_dim",
    search_space={
        "num_cross_layers": (1, 2),
        "num_hidden_layers": (2, 3),
        "temperature": (0.25, 1.0, 4.0),
    },
    initialisations=("glorot", "torch"),
    paper=Paper(title="LiRank: Industrial Large Scale Ranking Models", year=2024, arxiv="2402.06859"),
)

ONLINE_BASE = Contestant(
    name="online-base",
    title="OnlineBase",
    model="baselines.online_base:OnlineBase",
    hyperparameters={
        "max_tokens": 64,
        "num_cross_layers": 3,
        "bottom_dims": (512, 256),
        "top_dims": (512, 256),
        "initialisation": "dlrm",
    },
    dial=Dial(
        name="top_dims",
        settings=dials.dlrm,
        proportions={"num_bottom_layers": 2, "num_top_layers": 2, "taper": 0.5},
    ),
    trim="top_dims",
    search_space={"num_cross_layers": (2, 3, 4), "num_top_layers": (2, 3), "taper": (0.5, 1.0)},
    initialisations=("dlrm", "glorot", "torch"),
    paper=Paper(title="RankMixer: Scaling Up Ranking Models", year=2025, arxiv="2507.15551"),
)
