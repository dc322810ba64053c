"""Where to train, and how many runs at a time."""

from __future__ import annotations

import torch

from bench.errors import BadInput
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
            "device is 'cuda', but this machine or this build of torch has none; allowed here: auto, cpu"
        )
    return torch.device(name)


def runs_at_a_time(device: torch.device, planned: int) -> int:
    """On a CPU one run a core, where there are as many to do; on an accelerator one."""
    return min(cores(), planned) if device.type == "cpu" else 1
