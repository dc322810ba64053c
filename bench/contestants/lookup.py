"""Contestants by name: those of the registry, of installed packages and of the command line. Free of torch.

A model of your own joins through the entry-point group `rankbench.contestants` or `--contestant
package.module:NAME`; either names a `bench.contestants.contract.Contestant`.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contestants.contract import Contestant, load_object
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput, unknown_name

ENTRY_POINT_GROUP = "rankbench.contestants"


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
