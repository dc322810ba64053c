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
