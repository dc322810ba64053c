"""Undoes what a run changes in its process, so that runs do not depend on the runs before them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

from bench.machine.unchanged import unchanged_state


@contextlib.contextmanager
def isolated(seed: int, *, threads: int) -> Iterator[None]:
    """Seeds every generator that a contestant may draw from, and restores all shared state afterwards.

    Args:
        seed: for the global generators of `random`, numpy and torch, from 0.
        threads: of torch. Another number of threads changes the last bits of sums.
    """
    with unchanged_state():
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  a contestant may draw from the global generator
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)
        yield
