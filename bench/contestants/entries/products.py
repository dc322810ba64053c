"""Contestants that multiply the vectors of fields with one another."""

from __future__ import annotations

import dataclasses

from bench.contestants import dials
from bench.contestants.contract import Contestant, Dial, Paper

_MLP_SPACE = {"num_hidden_layers": (1, 2, 3, 4, 5, 6), "taper": (0.5, 1.0)}

DEEPFM = Contestant(
    name="deepfm",
    title="DeepFM",
    model="baselines.deepfm:DeepFM",
    rev=2,
    linear=True,
    hyperparameters={"hidden_dims": (400, 400, 400), "initialisation": "glorot"},
    dial=Dial(name="hidden_dims", settings=dials.mlp, proportions={"num_hidden_layers": 3, "taper": 1.0}),
    trim="hidden_dims",
    search_space=_MLP_SPACE,
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="DeepFM: A Factorization-Machine based Neural Network", year=2017, arxiv="1703.04247"),
)

IPNN = Contestant(
    name="ipnn",
    title="IPNN",
    model="baselines.pnn:PNN",
    hyperparameters={
        "product": "inner",
        "max_tokens": 64,
        "hidden_dims": (400, 400, 400),
        "initialisation": "glorot",
    },
    dial=Dial(name="hidden_dims", settings=dials.mlp, proportions={"num_hidden_layers": 3, "taper": 1.0}),
    trim="hidden_dims",
    search_space=_MLP_SPACE,
    initialisations=("glorot", "torch"),
    paper=Paper(title="Product-based Neural Networks", year=2016, arxiv="1611.00144"),
)

OPNN = dataclasses.replace(
    IPNN, name="opnn", title="OPNN", hyperparameters={**IPNN.hyperparameters, "product": "outer"}
)

XDEEPFM = Contestant(
    name="xdeepfm",
    title="xDeepFM",
    model="baselines.xdeepfm:XDeepFM",
    rev=3,
    linear=True,
    hyperparameters={
        "max_tokens": 64,
        "num_cin_layers": 2,
        "num_maps": 100,
        "hidden_dims": (400, 400),
        "initialisation": "glorot",
    },
    dial=Dial(
        name="hidden_dims",
        settings=dials.xdeepfm,
        proportions={"num_hidden_layers": 2, "maps_to_width": 0.25},
    ),
    trim="hidden_dims",
    search_space={"num_cin_layers": (1, 2, 3), "maps_to_width": (0.25, 0.5), "num_hidden_layers": (2, 3)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="xDeepFM: Explicit and Implicit Feature Interactions", year=2018, arxiv="1803.05170"),
)

FGCNN = Contestant(
    name="fgcnn",
    title="FGCNN",
    model="baselines.fgcnn:FGCNN",
    hyperparameters={
        "max_tokens": 64,
        "num_conv_layers": 2,
        "kernel_height": 9,
        "num_maps": 8,
        "num_new_maps": 1,
        "hidden_dims": (256, 256),
        "initialisation": "glorot",
    },
    dial=Dial(name="max_tokens", settings=dials.fgcnn, proportions={"num_hidden_layers": 2}),
    trim="hidden_dims",
    search_space={"num_conv_layers": (1, 2, 3), "num_new_maps": (1, 2), "num_hidden_layers": (1, 2)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="Feature Generation by Convolutional Neural Network", year=2019, arxiv="1904.04447"),
)

FIGNN = Contestant(
    name="fignn",
    title="Fi-GNN",
    model="baselines.fignn:FiGNN",
    rev=2,
    hyperparameters={
        "max_tokens": 64,
        "token_dim": 16,
        "num_layers": 2,
        "attention_heads": 2,
        "scoring_dim": 64,
        "initialisation": "glorot",
    },
    dial=Dial(name="token_dim", settings=dials.fignn, proportions={"tokens_to_width": 1.0}),
    trim="scoring_dim",
    search_space={"num_layers": (1, 2, 3, 4), "tokens_to_width": (0.5, 1.0, 2.0)},
    initialisations=("glorot", "torch"),
    paper=Paper(title="Fi-GNN: Feature Interactions via Graph Networks", year=2019, arxiv="1910.05552"),
)

DLRM = Contestant(
    name="dlrm",
    title="DLRM",
    model="baselines.dlrm:DLRM",
    hyperparameters={
        "max_tokens": 64,
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
    search_space={"num_bottom_layers": (1, 2, 3), "num_top_layers": (2, 3), "taper": (0.5, 1.0)},
    initialisations=("dlrm", "glorot", "torch"),
    paper=Paper(title="Deep Learning Recommendation Model", year=2019, arxiv="1906.00091"),
)
