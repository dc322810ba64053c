"""Contestants that are a perceptron, or several, over all fields."""

from __future__ import annotations

from bench.contestants import dials
from bench.contestants.contract import Contestant, Dial, Paper

DLRM_MLP = Contestant(
    name="dlrm-mlp",
    title="DLRM-MLP",
    model="baselines.dlrm_mlp:DLRMMLP",
    rev=3,
    hyperparameters={"hidden_dims": (256, 256, 256), "initialisation": "dlrm"},
    dial=Dial(
        name="hidden_dims",
        settings=dials.mlp,
        proportions={"num_hidden_layers": 3, "taper": 1.0},
    ),
    trim="hidden_dims",
    search_space={"num_hidden_layers": (1, 2, 3, 4, 5, 6), "taper": (0.5, 1.0)},
    initialisations=("dlrm", "glorot", "torch"),
    paper=Paper(title="Deep Learning Recommendation Model", year=2019, arxiv="1906.00091"),
)

WIDE_DEEP = Contestant(
    name="wide-deep",
    title="Wide&Deep",
    model="baselines.wide_deep:WideDeep",
    rev=2,
    linear=True,
    hyperparameters={"hidden_dims": (1024, 512, 256), "initialisation": "glorot"},
    dial=Dial(name="hidden_dims", settings=dials.mlp, proportions={"num_hidden_layers": 3, "taper": 0.5}),
    trim="hidden_dims",
    search_space={"num_hidden_layers": (1, 2, 3, 4, 5, 6), "taper": (0.5, 1.0)},
    initialisations=("glorot", "torch"),
    paper=Paper(title="Wide & Deep Learning for Recommender Systems", year=2016, arxiv="1606.07792"),
)

DEEP_CROSSING = Contestant(
    name="deep-crossing",
    title="Deep Crossing",
    model="baselines.deep_crossing:DeepCrossing",
    hyperparameters={"inner_dims": (512, 512, 256, 128, 64), "initialisation": "glorot"},
    dial=Dial(name="inner_dims", settings=dials.residual_units, proportions={"num_units": 5, "taper": 1.0}),
    trim="inner_dims",
    search_space={"num_units": (1, 2, 3, 4, 5, 6), "taper": (0.5, 1.0)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="Deep Crossing: Web-Scale Modeling", year=2016, arxiv=None),
)

MOE = Contestant(
    name="moe",
    title="MoE",
    model="baselines.moe:MoE",
    rev=3,
    hyperparameters={
        "num_experts": 4,
        "num_expert_layers": 2,
        "expert_dim": 128,
        "output_dim": 128,
        "top_k": None,
        "balance_weight": 0.01,
        "initialisation": "glorot",
    },
    dial=Dial(name="expert_dim", settings=dials.moe),
    trim="output_dim",
    search_space={"num_experts": (2, 4, 8), "num_expert_layers": (1, 2, 3, 4)},
    initialisations=("glorot", "torch"),
    paper=Paper(title="The Sparsely-Gated Mixture-of-Experts Layer", year=2017, arxiv="1701.06538"),
)
