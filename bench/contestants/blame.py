"""Errors of your own contestant on one line: what its code raised, and where. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BadInput

_LONGEST_MESSAGE = 300


@contextlib.contextmanager
def blamed(what: str) -> Iterator[None]:
    """Turns whatever the block raises, `sys.exit` too, into one line. An interrupt passes through.

    Args:
        what: names the code that is to blame, such as ``contestant 'my_model:FM'``.

    Raises:
        BadInput: the block raised; the message has the file and line of the code.
    """
    try:
        yield
    except (BadInput, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise BadInput(f"{what} {described(error)}") from error


def described(error: BaseException) -> str:
    """``raised ValueError: too wide (my_model.py:12)``, on one line."""
    message = " ".join(message_of(error).split())
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    if isinstance(error, SystemExit):
        said = f"called sys.exit({message})"
    else:
        said = f"raised {type(error).__name__}" + (f": {message}" if message else "")
    place = place_of(error)
    return f"{said} ({place})" if place else said


def message_of(error: BaseException) -> str:
    """What an error says, as text that UTF-8 can hold; of one that cannot say it, why."""
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception as another:
        message = f"no message: making it raised {type(another).__name__}"
    return message.encode(errors="backslashreplace").decode()


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU."""
    # The CPU allocator of torch has no error class of its own.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in message_of(error)
    )


def place_of(error: BaseException) -> str | None:
    """The file and line of the user's code that raised `error`: the innermost frame outside of libraries.

    None if there is only library code, as for a module that does not exist.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_of_a_tool(f.filename)]
    # A contestant may be installed, but most of what is installed is a library that it uses.
    own = [f for f in frames if not _INSTALLED & set(Path(f.filename).parts)] or frames
    return f"{_shown(own[-1].filename)}:{own[-1].lineno}" if own else None


def _is_of_a_tool(filename: str) -> bool:
    """Code of the harness, of Python itself or of torch, which is never to blame."""
    path = Path(filename).resolve()
    parts = path.parts
    if _INSTALLED & set(parts):
        return bool({"torch", "numpy"} & set(parts))
    return filename.startswith("<") or any(path.is_relative_to(folder) for folder in _TOOLS)


_INSTALLED = {"site-packages", "dist-packages"}
_CHECKOUT = Path(__file__).resolve().parents[2]
_TOOLS = (Path(os.__file__).resolve().parent, _CHECKOUT / "bench", _CHECKOUT / "rankbench")


def _shown(filename: str) -> str:
    """Relative to the current folder, if the file is inside it."""
    path = Path(filename)
    with contextlib.suppress(ValueError, OSError):
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    return str(path)
