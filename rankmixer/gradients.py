"""What can be watched of the gradients of a model. Letters: B batch, I flat input width, L layers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def gradient_norms(model: nn.Module, x_BI: Tensor, layers: Iterable[nn.Module]) -> Tensor:
    """(L,): the norm of the gradient of the mean logit by all weights of each layer.

    The gradients that the optimizer uses are left alone.
    """
    weights = [list(layer.parameters()) for layer in layers]
    with torch.inference_mode(mode=False), torch.enable_grad():
        mean_logit = model(x_BI.clone()).mean()  # a copy, for no gradient goes through inference tensors
        gradients = iter(torch.autograd.grad(mean_logit, [w for of_layer in weights for w in of_layer]))
    return torch.stack([nn.utils.get_total_norm([next(gradients) for _ in layer]) for layer in weights])
