"""Keeps freed memory for the next training step instead of handing it back to the kernel.

A training step frees and asks for the same large buffers over and over. By default glibc serves them by
`mmap` and returns them at once, so that every step pays for the page faults.
"""

from __future__ import annotations

import ctypes
import platform

# Parameters and their numbers, from <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_KEEP_BYTES = 1 << 30
_PAD_BYTES = 1 << 26


def keep_buffers() -> bool:
    """Tells glibc to keep up to 1 GiB of freed memory. False, and nothing done, where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {_M_MMAP_THRESHOLD: _KEEP_BYTES, _M_TRIM_THRESHOLD: _KEEP_BYTES, _M_TOP_PAD: _PAD_BYTES}
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())
