"""How the weights of the baselines start, where no paper says more.

    glorot   W uniform within ±√(6 / (in + out)), b = 0     Glorot & Bengio 2010; what dense layers and
                                                            variables of TensorFlow do
    torch    W and b uniform within ±1/√in                  what `torch.nn.Linear` does

and where it is the authors':

    dlrm     W normal with variance 2 / (in + out),         facebookresearch/dlrm, `create_mlp`
             b normal with variance 1 / out

A stack of matrices, (count, in, out) or (count, out, in), and a matrix that holds several maps start map by
map: each has the fans of its own. A model is built as torch does it, and `initialise` then draws anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

INITIALISATIONS = ("glorot", "torch")


class FusedLinear(nn.Linear):
    """Several linear maps in one product: `outputs` maps above one another, `inputs` of them side by side."""

    def __init__(
        self, in_dim: int, out_dim: int, *, outputs: int = 1, inputs: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_dim, out_dim, bias=bias)
        self.outputs, self.inputs = outputs, inputs


def require_known(initialisation: str, known: Sequence[str] = INITIALISATIONS) -> None:
    """Raises ValueError for an initialisation that is not among `known`."""
    if initialisation not in known:
        raise ValueError(f"initialisation is '{initialisation}', allowed: {', '.join(known)}")


def initialise(model: nn.Module, initialisation: str) -> None:
    """Draws the weights of every linear map of `model` anew, unless they start as torch's.

    ``dlrm`` is for linear layers; all other maps start as with ``glorot``. Parameters of one dimension that
    are no biases, such as the scales of norms, stay.
    """
    if initialisation == "torch":
        return
    for module in model.modules():
        if initialisation == "dlrm" and isinstance(module, nn.Linear):
            _as_dlrm(module)
            continue
        for name, parameter in module.named_parameters(recurse=False):
            if "bias" in name:
                nn.init.zeros_(parameter)
            elif parameter.dim() >= 2:
                outputs, inputs = (
                    (module.outputs, module.inputs) if isinstance(module, FusedLinear) else (1, 1)
                )
                glorot_uniform_(parameter, outputs=outputs, inputs=inputs)


@torch.no_grad()
def glorot_uniform_(weight: nn.Parameter, *, outputs: int = 1, inputs: int = 1) -> None:
    """Uniform within ±√(6 / (in + out)), of the last two dimensions, which hold so many maps."""
    bound = math.sqrt(6 / (weight.shape[-2] / outputs + weight.shape[-1] / inputs))
    weight.uniform_(-bound, bound)


def _as_dlrm(module: nn.Linear) -> None:
    outputs, inputs = module.weight.shape
    nn.init.normal_(module.weight, std=math.sqrt(2 / (inputs + outputs)))
    if module.bias is not None:
        nn.init.normal_(module.bias, std=math.sqrt(1 / outputs))
