"""Contestants whose tokens are made of fields: attention and stacked interactions."""

from __future__ import annotations

import dataclasses

from bench.contestants import dials
from bench.contestants.contract import Contestant, Dial, Paper

AUTOINT = Contestant(
    name="autoint",
    title="AutoInt",
    model="baselines.autoint:AutoInt",
    rev=3,
    hyperparameters={
        "max_tokens": 40,
        "token_dim": 16,
        "num_layers": 3,
        "num_heads": 2,
        "head_dim": 32,
        "scaled_scores": False,
        "hidden_dims": (),
        "initialisation": "autoint",
    },
    dial=Dial(name="head_dim", settings=dials.autoint),
    trim="token_dim",
    search_space={"num_layers": (2, 3, 4), "num_heads": (2, 4), "scaled_scores": (False, True)},
    initialisations=("autoint", "glorot", "torch"),
    paper=Paper(title="AutoInt: Automatic Feature Interaction", year=2018, arxiv="1810.11921"),
)

AUTOINT_PLUS = dataclasses.replace(
    AUTOINT,
    name="autoint-plus",
    title="AutoInt+",
    rev=3,
    hyperparameters={**AUTOINT.hyperparameters, "hidden_dims": (400, 400)},
    dial=Dial(name="hidden_dims", settings=dials.autoint_plus, proportions={"num_hidden_layers": 2}),
    trim="hidden_dims",
    search_space={"num_layers": (1, 2, 3), "num_heads": (2, 4), "num_hidden_layers": (2, 3)},
)

HIFORMER = Contestant(
    name="hiformer",
    title="Hiformer",
    model="baselines.hiformer:Hiformer",
    rev=3,
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
        "initialisation": "glorot",
    },
    dial=Dial(name="token_dim", settings=dials.hiformer, proportions={"tokens_to_width": 1.0}),
    trim="hidden_dim",
    search_space={"num_layers": (1, 2, 3, 4), "tokens_to_width": (1.0, 2.0, 4.0)},
    initialisations=("glorot", "torch"),
    paper=Paper(title="Hiformer: Heterogeneous Feature Interactions", year=2023, arxiv="2311.05884"),
)

DHEN = Contestant(
    name="dhen",
    title="DHEN",
    model="baselines.dhen:DHEN",
    rev=3,
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
        "initialisation": "glorot",
    },
    dial=Dial(name="token_dim", settings=dials.dhen, proportions={"tokens_to_width": 1.0}),
    trim="fm_hidden_dim",
    search_space={"num_layers": (1, 2, 3, 4), "tokens_to_width": (0.5, 1.0, 2.0)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="DHEN: A Deep and Hierarchical Ensemble Network", year=2022, arxiv="2203.11014"),
)

WUKONG = Contestant(
    name="wukong",
    title="Wukong",
    model="baselines.wukong:Wukong",
    rev=3,
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
        "initialisation": "glorot",
    },
    dial=Dial(name="num_fmb_tokens", settings=dials.wukong, proportions={"width_to_tokens": 2.0}),
    trim="hidden_dim",
    search_space={"num_layers": (1, 2, 3, 4), "width_to_tokens": (1.0, 2.0, 4.0)},
    initialisations=("glorot", "torch"),
    initialisation_is_open=True,
    paper=Paper(title="Wukong: Towards a Scaling Law for Recommendation", year=2024, arxiv="2403.02545"),
)
