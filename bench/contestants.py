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


def _rankmixer(size: int, hyperparameters: Hyperparameters, shape: InputShape) -> Hyperparameters:
    token_dim = size * hyperparameters["num_tokens"]
    return {"token_dim": token_dim, "hidden_dim": 4 * token_dim}


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
