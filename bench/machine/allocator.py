"""Keeps freed memory for the next training step instead of handing it back to the kernel, in large pages.

A training step frees and asks for the same large buffers over and over. By default glibc serves them by
`mmap` and returns them at once, so that every step pays for the page faults. What it keeps lies in pages of
4 KiB, of which a large model touches some hundred thousand a step; glibc asks for pages of 2 MiB only if its
environment says so when the process starts.
"""

from __future__ import annotations

import ctypes
import os
import platform

# Parameters and their numbers, from <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_MMAP_FROM_BYTES = 1 << 30
_NEVER = -1
_PAD_BYTES = 1 << 26
_TUNABLES, _HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"


def huge_pages() -> dict[str, str]:
    """The variable with which a process must start for its memory to lie in large pages, as glibc reads it.

    Tunables that this process got are kept, and a choice of pages among them is not overruled.
    """
    given = [one for one in os.environ.get(_TUNABLES, "").split(":") if one]
    if not any(one.startswith("glibc.malloc.hugetlb=") for one in given):
        given.append(_HUGE_PAGES)
    return {_TUNABLES: ":".join(given)}


def keep_buffers() -> bool:
    """Tells glibc to keep freed memory, all of it. False, and nothing done, where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {_M_MMAP_THRESHOLD: _MMAP_FROM_BYTES, _M_TRIM_THRESHOLD: _NEVER, _M_TOP_PAD: _PAD_BYTES}
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())
