"""The hash of the source of your own contestant. Imports no torch.

It covers the modules of the contestant and of its model, and what they import, directly or indirectly, from
their package, or from files in their folder or below. It does not cover installed packages and this project,
which have versions.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_PROJECT = {"bench", "rankbench", "rankmixer", "baselines", "ablations", "reports"}
_INSTALLED = {
    Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib", "platstdlib")
}


def source_hash(*modules: str) -> str | None:
    """SHA-256 of the source files of `modules`, which are imported, and of what they import from beside them.

    The names and places of the files do not matter. None where there are no files.
    """
    digests = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in source_files(*modules))
    return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else None


def source_files(*modules: str) -> list[Path]:
    """The files that `source_hash` covers, sorted."""
    found: dict[str, Path] = {}
    to_do = list(modules)
    while to_do:
        name = to_do.pop()
        file = _file_of(name)
        if file is None or name in found:
            continue
        found[name] = file
        to_do += [other for other in _imported_by(name, file) if _is_beside(other, name, file)]
    return sorted(set(found.values()))


def _imported_by(name: str, file: Path) -> Iterator[str]:
    """Names that may be modules which the file of module `name` imports, and the packages it is in.

    They are read from its text: a constant that is imported does not know where it comes from.
    """
    parents = name.split(".")
    yield from (".".join(parents[:end]) for end in range(1, len(parents)))
    if file.suffix != ".py":
        return
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*above, *([module] if module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _is_beside(other: str, name: str, file: Path) -> bool:
    top = other.partition(".")[0]
    if "." in name and top == name.partition(".")[0]:
        return True
    if not other or top in _PROJECT:
        return False
    place = _place_of(top)
    if place is None or not place.is_relative_to(file.parent):
        return False
    return not any(place.is_relative_to(folder) for folder in _INSTALLED) and (
        "site-packages" not in place.relative_to(file.parent).parts  # of an environment beside the file
    )


def _file_of(name: str) -> Path | None:
    """The file of a module, if it has one."""
    place = _place_of(name)
    return place if place is not None and place.is_file() else None


def _place_of(name: str) -> Path | None:
    """The file of a module, or the folder of a package without one. Its packages may be imported for that."""
    try:
        spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):  # no module, or no package
        return None
    if spec is None:
        return None
    if spec.has_location and spec.origin is not None:
        return Path(spec.origin).resolve()
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]).resolve() if folders else None
