"""Where a run was made: recorded beside its numbers, never part of its key."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from bench.machine.parallel import cores

LIBRARIES = ("torch", "numpy", "polars", "pyarrow", "scikit-learn", "scipy", "pandas")


@functools.cache
def environment() -> dict[str, Any]:
    """Versions, commit and machine. `commit` and `dirty` are None outside a git checkout."""
    commit, dirty = _checkout()
    return {
        "rankbench": importlib.metadata.version("rankbench"),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
        "commit": commit,
        "dirty": dirty,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
    }


def _checkout() -> tuple[str | None, bool | None]:
    folder = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != folder.parent:
            return None, None  # installed into somebody else's checkout
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
