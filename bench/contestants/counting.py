"""Size and work of a contestant: its closed form, and the counter that every closed form is held against.

Convention: 2 FLOPs per multiply-add of a matrix product, per example; biases, activations, norms, softmax and
look-ups are not counted. Training is forward and backward, to the parameters and to the input (the embeddings
learn). The counter runs the model on the meta device, where attention kernels are counted as well; on the
CPU they are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.contestants.contract import Contestant, Hyperparameters, InputShape, training_loss
from bench.contestants.cost import Cost
from bench.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor, nn

_COUNTED_BATCH = 4


def on_meta(contestant: Contestant, shape: InputShape, hyperparameters: Hyperparameters) -> nn.Module:
    """The model without memory: shapes only.

    Raises:
        BadInput: hyper-parameters that fit no model.
    """
    with torch.device("meta"):
        return contestant.build(shape, hyperparameters)


def closed_form(model: nn.Module, shape: InputShape) -> dict[str, int]:
    """``dense_parameters``, ``active_parameters``, ``flops_forward``, ``flops_train`` of `model` (on meta).

    From the model's `closed_form` where it has one, whose silence about activity means that everything is
    active and about training that backward is twice forward; from the counter where it has none.
    """
    own = getattr(model, "closed_form", None)
    if own is None:
        return counted(model, shape)
    given = own()
    return {
        "active_parameters": given["dense_parameters"],
        "flops_train": 3 * given["flops_forward"],
        **given,
    }


def counted(model: nn.Module, shape: InputShape) -> dict[str, int]:
    """The same four, by running `model` (on meta) and counting; all parameters are taken for active."""
    x_BI = torch.empty(_COUNTED_BATCH, sum(shape.field_dims), device="meta", requires_grad=True)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model.eval()(x_BI.detach())
    with FlopCounterMode(display=False) as train:
        training_loss(model.train(), x_BI, _labels(shape), _criterion).backward()
    dense = sum(p.numel() for p in model.parameters())
    return {
        "dense_parameters": dense,
        "active_parameters": dense,
        "flops_forward": forward.get_total_flops() // _COUNTED_BATCH,
        "flops_train": train.get_total_flops() // _COUNTED_BATCH,
    }


def activation_bytes(model: nn.Module, shape: InputShape) -> int:
    """Bytes per example, input included, that a training step of `model` (on meta) keeps for backward."""
    parameters = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if (storage := tensor.untyped_storage()._cdata) not in parameters:
            kept[storage] = tensor  # the reference keeps the storage, and so its address, from being reused
        return tensor

    x_BI = torch.empty(_COUNTED_BATCH, sum(shape.field_dims), device="meta", requires_grad=True)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        training_loss(model.train(), x_BI, _labels(shape), _criterion)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // _COUNTED_BATCH


def cost(model: nn.Module, shape: InputShape, *, embedding_parameters: int, encoder_parameters: int) -> Cost:
    """The whole cost of `model` (on meta), with the sizes of the features before it.

    Raises:
        BadInput: logits of another shape than one per row and task.
    """
    return Cost(
        embedding_parameters=embedding_parameters,
        encoder_parameters=encoder_parameters,
        activation_bytes=activation_bytes(model, shape),
        **closed_form(model, shape),
    )


def _criterion(logits_BK: Tensor, y_BK: Tensor) -> Tensor:
    if logits_BK.shape != y_BK.shape:
        raise BadInput(
            f"a contestant gave logits of shape {list(logits_BK.shape)} for {_COUNTED_BATCH} rows, "
            f"expected {list(y_BK.shape)}: one per row and task"
        )
    return F.binary_cross_entropy_with_logits(logits_BK, y_BK)


def _labels(shape: InputShape) -> Tensor:
    return torch.empty(_COUNTED_BATCH, shape.num_tasks, device="meta")
