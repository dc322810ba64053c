"""Memory-mapped columns without their pages: mapping a file is free, but every page read counts as memory.

The kernel takes clean pages back when it needs them; a process that gives them back itself has a peak that
can be foretold and compared. The data stays in the page cache, so coming back costs no reading.
"""

from __future__ import annotations

import mmap
import resource
import sys
from pathlib import Path

import numpy as np


def mapping_of(array: np.ndarray) -> mmap.mmap | None:
    """The memory map that `array`, or what it is a view of, lies in; None if it lies in memory."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def release(array: np.ndarray) -> None:
    """Gives back the pages of a mapped array (all of its file); what is read of it later is read anew."""
    if (mapping := mapping_of(array)) is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def available_bytes() -> int | None:
    """Memory that is available without swapping; None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kibibytes[0] * 1024 if kibibytes else None


def peak_rss_bytes() -> int:
    """The most memory this process has held at once so far.

    On Linux from its own status: `getrusage` also counts what its parent held when it started it.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        lines = []
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    if kibibytes:
        return kibibytes[0] * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
