"""Where to train, and how many runs at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bench.errors import BadInput
from bench.machine.paging import available_bytes
from bench.machine.parallel import cores


def choose_device(name: str) -> torch.device:
    """The device called `name`; ``auto`` is CUDA where there is one, else the CPU.

    Raises:
        BadInput: an unknown or absent device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise BadInput(f"device is '{name}', allowed: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput(
            "--device is 'cuda', but this machine or this build of torch has no CUDA; allowed here: auto, cpu"
        )
    return torch.device(name)


def described(device: torch.device) -> dict[str, Any]:
    """What a record says of the device: `device`, `threads`, flags and, of a GPU, its name and driver."""
    facts: dict[str, Any] = {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }
    if device.type == "cuda":
        of_device = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": of_device.name,
            "gpu_memory_bytes": of_device.total_memory,
            "cuda": torch.version.cuda,
            "driver": _driver(),
        }
    return facts


def _driver() -> str | None:
    """Version of the NVIDIA driver, where the kernel tells it."""
    try:
        return Path("/sys/module/nvidia/version").read_text().strip()
    except OSError:
        return None


def runs_at_a_time(device: torch.device, planned: int, bytes_of_run: int) -> int:
    """On a CPU one run a core, where there are as many to do and memory for each; on an accelerator one.

    Args:
        planned: how many there are to do.
        bytes_of_run: what the largest of them is expected to need.
    """
    if device.type != "cpu":
        return 1
    available = available_bytes()
    fit = planned if available is None else max(1, available // max(1, bytes_of_run))
    return max(1, min(cores(), planned, fit))
