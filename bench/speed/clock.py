"""Timing, and what the machine can do at best: the product of two matrices."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import torch

ROUNDS = 3
"""How often everything is repeated; a figure is that of the median round."""
_GEMM_SIZE = 2048


def gemm_peak(device: torch.device, *, seconds: float) -> float:
    """The best FLOP/s of a float32 product of two 2048 × 2048 matrices within about `seconds`."""
    a, b = (torch.rand(_GEMM_SIZE, _GEMM_SIZE, device=device) for _ in range(2))
    best = min(timed(lambda: torch.mm(a, b), device) for _ in for_seconds(seconds, least=3))
    return 2 * _GEMM_SIZE**3 / best


def timed(work: Callable[[], object], device: torch.device) -> float:
    """The seconds that `work` takes."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def for_seconds(seconds: float, *, least: int) -> Iterator[None]:
    """Goes on for about `seconds`, and at least so many times."""
    end = time.perf_counter() + seconds
    for turn in itertools.count():
        if turn >= least and time.perf_counter() > end:
            return
        yield


def percentile(values: Sequence[float], share: float) -> float:
    """The value at `share` (0 to 1) of `values` in ascending order, without interpolation."""
    return sorted(values)[round(share * (len(values) - 1))]
