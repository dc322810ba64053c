"""How weights start. Neither paper says (arXiv 2507.15551, 2602.06563), but for the small last matrix.

    glorot   W uniform within ±s √(6 / (in + out)), b = 0    Glorot & Bengio 2010
    torch    W and b uniform within ±s/√in                   what `torch.nn.Linear` does

s is 1, but for the last matrix of TokenMixer-Large's SwiGLU (`init_scale`, its paper's small initialisation).
Stacks of matrices, one per token or expert, start matrix by matrix: the fans are those of one. A model is
built as torch does it, and `initialise` then draws anew.
"""

from __future__ import annotations

import math

import torch
from torch import nn

INITIALISATIONS = ("glorot", "torch")


@torch.no_grad()
def initialise(model: nn.Module, initialisation: str) -> None:
    """Draws the weights of every linear map of `model` anew, unless they start as torch's.

    A module may have `init_scales`, name of a parameter → s.

    Raises:
        ValueError: an unknown initialisation.
    """
    if initialisation not in INITIALISATIONS:
        raise ValueError(f"initialisation is '{initialisation}', allowed: {', '.join(INITIALISATIONS)}")
    if initialisation == "torch":
        return
    for module in model.modules():
        scales = getattr(module, "init_scales", {})
        for name, parameter in module.named_parameters(recurse=False):
            if "bias" in name:
                parameter.zero_()
            elif parameter.dim() >= 2:
                bound = scales.get(name, 1.0) * math.sqrt(6 / (parameter.shape[-2] + parameter.shape[-1]))
                parameter.uniform_(-bound, bound)
