"""Code of a contestant of one's own, kept from harming what runs after it. Free of torch.

Such code may raise anything, print, end the process, change the folder, or seed and configure what all share.
`isolated` turns an error into one `BadInput` that names the contestant and the line of its code, and puts
everything back.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.errors import BadInput

_LONGEST_MESSAGE = 300


@contextlib.contextmanager
def isolated(what: str) -> Iterator[None]:
    """Runs the block with what it prints on stderr, and leaves everything that is shared as it was.

    Shared are the random states and settings of Python, and of numpy and torch where they are imported
    already, the current folder, and the filters of warnings. An interrupt passes through.

    Args:
        what: who is to blame, for the error: ``contestant 'my_model:FM'``.

    Raises:
        BadInput: the block raised or called `sys.exit`; one line, with the file and line of the code.
    """
    with unchanged_state(), blamed(what):
        yield


@contextlib.contextmanager
def blamed(what: str) -> Iterator[None]:
    """The half of `isolated` that is about errors.

    Raises:
        BadInput: as `isolated`.
    """
    try:
        yield
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        raise BadInput(f"{what} {described(error)}") from error


@contextlib.contextmanager
def unchanged_state() -> Iterator[None]:
    """The half of `isolated` that is about what is shared."""
    restore = [_restorer_of_python(), _restorer_of_numpy(), _restorer_of_torch()]
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            yield
    finally:
        for put_back in restore:
            put_back()


def described(error: BaseException) -> str:
    """``raised ValueError: too wide (my_model.py:12)``, on one line."""
    message = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    if isinstance(error, SystemExit):
        said = f"called sys.exit({message})"
    else:
        said = f"raised {type(error).__name__}" + (f": {message}" if message else "")
    place = place_of(error)
    return f"{said} ({place})" if place else said


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU."""
    # The CPU allocator of torch has no error class of its own.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in str(error)
    )


def place_of(error: BaseException) -> str | None:
    """The file and line of the user's code where `error` was raised: the innermost that is no library's.

    None where there is only library code, as for a module that is not there.
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
    """Relative to the current folder where it lies below it."""
    path = Path(filename)
    with contextlib.suppress(ValueError, OSError):
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    return str(path)


def _restorer_of_python() -> Callable[[], None]:
    state, folder = random.getstate(), Path.cwd()

    def put_back() -> None:
        random.setstate(state)
        os.chdir(folder)

    return put_back


def _restorer_of_numpy() -> Callable[[], None]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return lambda: None
    state, errors = numpy.random.get_state(), numpy.geterr()

    def put_back() -> None:
        numpy.random.set_state(state)
        numpy.seterr(**errors)

    return put_back


def _restorer_of_torch() -> Callable[[], None]:
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    generators = [torch.random.get_rng_state()]
    on_cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
    if on_cuda:
        generators += torch.cuda.get_rng_state_all()
    settings: dict[Callable[[Any], None], tuple[Callable[[], Any], Any]] = {
        write: (read, read())
        for read, write in (
            (torch.get_default_dtype, torch.set_default_dtype),
            (torch.get_default_device, torch.set_default_device),
            (torch.is_grad_enabled, torch.set_grad_enabled),
            (torch.get_num_threads, torch.set_num_threads),
            (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
            (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
            (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        )
    }

    def put_back() -> None:
        torch.random.set_rng_state(generators[0])
        if on_cuda:
            torch.cuda.set_rng_state_all(generators[1:])
        for write, (read, value) in settings.items():
            if read() != value:  # writing even the same may cost, as a default device does
                write(value)

    return put_back
