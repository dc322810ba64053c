"""Where to train."""

from __future__ import annotations

import torch

from bench.errors import BadInput


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
