"""Contestants by name: those of the registry, of installed packages and of your own files.

A name is one of these:

    rankmixer                 in the registry
    my-package-model          in an installed package, through its entry points `rankbench.contestants`
    package.module:NAME       a `Contestant` in a module that can be imported from the current folder
    folder/my_model.py:NAME   a `Contestant` in a file
    folder/my_model.py        the only `Contestant` in a file

Imports no torch for a name in the registry.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bench.contestants.blame import blamed
from bench.contestants.contract import Contestant
from bench.contestants.defaults import check_defaults
from bench.contestants.registry import CONTESTANTS
from bench.contestants.source import source_hash
from bench.errors import BadInput, unknown_name
from bench.machine.unchanged import unchanged_state

ENTRY_POINT_GROUP = "rankbench.contestants"
_FILE = re.compile(r"(?P<file>.+\.py)(?::(?P<name>\w+))?")
_NAME = re.compile(r"[\w.+-]+")
_MODULE = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<name>\w+)")


def registered() -> dict[str, Contestant]:
    """The contestants of this project and of installed packages, by name.

    Raises:
        BadInput: an installed package registers something that is not a contestant, or a name that is taken.
    """
    found = dict(CONTESTANTS)
    return found | {name: contestant for name, (contestant, _) in _installed().items()}


def named(name: str) -> Contestant:
    """The contestant called `name`; see above.

    One that is not in the registry is checked against its constructor, and has its `source`.

    Raises:
        BadInput: an unknown name, or a contestant that cannot be loaded or used.
    """
    if name in CONTESTANTS:
        return CONTESTANTS[name]
    if (own := place_of_ones_own(name, "contestant")) is not None:
        return _of_ones_own(name, *own)
    installed = _installed()
    if name in installed:
        contestant, place = installed[name]
        return checked(contestant, f"entry point {place}", place.partition(":")[0])
    raise BadInput(
        f"{unknown_name('contestant', name, [*CONTESTANTS, *installed])}; "
        "give your own contestant as package.module:NAME or path/to/file.py:NAME"
    )


def contestants(names: Sequence[str]) -> list[Contestant]:
    """The contestants called `names`.

    Raises:
        BadInput: as `named`; or two contestants have one name.
    """
    chosen: dict[str, Contestant] = {}
    for name in names:
        contestant = named(name)
        if contestant.name in chosen:
            raise BadInput(
                f"contestant '{name}' has the name '{contestant.name}', which another one has too; "
                "give each contestant once, and each a different name"
            )
        chosen[contestant.name] = contestant
    return list(chosen.values())


def place_of_ones_own(name: str, kind: str) -> tuple[str, str | None] | None:
    """The module and the name in it that ``package.module:NAME`` or a file says, importable from now on.

    None if `name` has another form.

    Args:
        kind: what it should be, for errors.

    Raises:
        BadInput: a file that does not exist, or that cannot be imported.
    """
    if file := _FILE.fullmatch(name):
        return _module_of_file(Path(file["file"]), kind), file["name"]
    if module := _MODULE.fullmatch(name):
        _make_importable(Path.cwd())
        return module["module"], module["name"]
    return None


def _installed() -> dict[str, tuple[Contestant, str]]:
    """The contestants of installed packages by name, each with its ``package.module:NAME``."""
    found: dict[str, tuple[Contestant, str]] = {}
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        what = f"entry point {entry_point.value}"
        with unchanged_state(), blamed(what):
            contestant = _a_contestant(entry_point.load(), what)
        if contestant.name in found:
            raise BadInput(f"{what} has the name '{contestant.name}', which is taken; choose another name")
        found[contestant.name] = contestant, entry_point.value
    return found


def _of_ones_own(given: str, module_name: str, name: str | None) -> Contestant:
    what = f"contestant '{given}'"
    module = import_own(module_name, what)
    if name is None:
        found = {n: value for n, value in vars(module).items() if isinstance(value, Contestant)}
        if len({id(contestant) for contestant in found.values()}) != 1:
            several = f"several: {', '.join(found)}" if found else "none"
            raise BadInput(
                f"{what}: the file must define one Contestant, but it defines {several}; "
                f"say which one to use: {given}:NAME"
            )
        name = next(iter(found))
    if not hasattr(module, name):
        known = [n for n, value in vars(module).items() if isinstance(value, Contestant)]
        raise unknown_name(f"contestant in {given.removesuffix(f':{name}')}:", name, known)
    return checked(_a_contestant(getattr(module, name), what), what, module_name)


def import_own(name: str, what: str) -> ModuleType:
    """The module called `name`; torch and global state are as before afterwards.

    Raises:
        BadInput: it cannot be imported; the message names `what`.
    """
    # A plug-in that imports torch first of all must not be able to change it: what was there is put back.
    importlib.import_module("torch")
    importlib.invalidate_caches()
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with unchanged_state(), blamed(what):
            try:
                return importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name is not None and f"{name}.".startswith(f"{error.name}."):
                    raise BadInput(
                        f"{what}: module '{error.name}' is neither in {Path.cwd()} nor installed; "
                        "give package.module:NAME or path/to/file.py:NAME"
                    ) from error
                raise
    finally:
        sys.dont_write_bytecode = writes_bytecode


def checked(contestant: Contestant, what: str, contestant_module: str) -> Contestant:
    """`contestant` with its source, after a check that its model takes its hyper-parameters.

    Raises:
        BadInput: its name cannot be used, or its model does not fit what it says of it.
    """
    _check_name(contestant, what)
    with unchanged_state(), blamed(what):
        model = contestant.load()
        check_defaults(contestant)
        return dataclasses.replace(contestant, source=source_hash(contestant_module, model.__module__))


def _a_contestant(found: object, what: str) -> Contestant:
    if not isinstance(found, Contestant):
        raise BadInput(f"{what} is a {type(found).__name__}; it must be a bench.contestants.Contestant")
    _check_name(found, what)
    return found


def _check_name(found: Contestant, what: str) -> None:
    if not isinstance(found.name, str) or not _NAME.fullmatch(found.name):
        raise BadInput(
            f"{what} has the name {found.name!r}; a name can have letters, digits, '-', '_', '.' and '+'"
        )
    if found.name in CONTESTANTS:
        raise BadInput(f"{what} has the name '{found.name}', which is taken; choose another name")


def _module_of_file(path: Path, kind: str) -> str:
    """The name under which the module in `path` can be imported, here and in the worker processes.

    Workers get the search path of this process. A file in a package is named with its packages.
    """
    if not path.is_file():
        raise BadInput(f"{kind} file {path} does not exist; give path/to/file.py:NAME")
    folder, name = path.resolve().parent, path.stem
    while (folder / "__init__.py").is_file():
        folder, name = folder.parent, f"{folder.name}.{name}"
    _make_importable(folder)
    importlib.invalidate_caches()
    top = name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module that was made by hand
        spec = None
    origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    taken_by = origin or "not a valid module name"
    if origin not in (path.resolve(), folder / top / "__init__.py"):
        raise BadInput(
            f"{kind} file {path} cannot be imported as '{top}', which is {taken_by}; "
            "rename the file, or give it as folder.module:NAME from the folder above"
        )
    return name


def _make_importable(folder: Path) -> None:
    """Puts `folder` at the end of the search path, so that its files hide no others."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
