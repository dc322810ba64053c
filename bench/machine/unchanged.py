"""What all code of a process shares, put back after code that may have changed it. Free of torch."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def unchanged_state() -> Iterator[None]:
    """Runs the block with what it prints on stderr, and leaves everything that is shared as it was.

    Shared are the random states and settings of Python, and of numpy and torch where they are imported
    already, the current folder, and the filters of warnings.
    """
    restore = [_restorer_of_python(), _restorer_of_numpy(), _restorer_of_torch()]
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            yield
    finally:
        for put_back in restore:
            put_back()


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
