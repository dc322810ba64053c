"""Size and work of a contestant: counted, except for what counting cannot know, which its closed form gives.

Convention: 2 FLOPs per multiply-add of a matrix product, per example; biases, activations, norms, softmax and
look-ups are not counted. Training is forward and backward, to the parameters and to the input (the embeddings
learn). The model runs on the meta device, where attention kernels are counted as well; on the CPU they are
not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.nn import init
from torch.utils._device import DeviceContext

from bench.contestants.contract import Contestant, Hyperparameters, InputShape, training_loss
from bench.contestants.cost import Cost
from bench.contestants.operators import Operators
from bench.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor, nn

KINDS = ("dense_parameters", "active_parameters", "flops_forward", "flops_train")
_COUNTED_BATCH = 4
_FIRST_VALUES = frozenset(
    {
        *(init.uniform_, init.normal_, init.constant_, init.kaiming_uniform_),
        *(torch.Tensor.uniform_, torch.Tensor.normal_, torch.Tensor.fill_, torch.Tensor.zero_),
    }
)


def on_meta(contestant: Contestant, shape: InputShape, hyperparameters: Hyperparameters) -> nn.Module:
    """The model without memory: shapes only.

    Raises:
        BadInput: the model cannot be built with these hyper-parameters.
    """
    with shapes_only():
        return contestant.build(shape, hyperparameters)


def shapes_only() -> DeviceContext:
    """A context: tensors made within have shapes, but no memory and no values."""
    return _OnMeta(torch.device("meta"))


class _OnMeta(DeviceContext):
    """A device as context, on which nothing is called that would only give tensors their first values.

    It is one mode rather than two, because every call of torch, even for a tensor's shape, goes through each.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _FIRST_VALUES:
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return super().__torch_function__(func, types, args, kwargs)


def measure(model: nn.Module, shape: InputShape, kind: str, operators: Operators | None = None) -> int:
    """One of the `KINDS` of `model` (on meta): what its `closed_form` says, else what is counted.

    No more is counted than the one asked for: parameters need no run of the model.

    Args:
        operators: those that have counted a model like this one know much of it already.

    Raises:
        ValueError: the closed form gives a value that is not one of `KINDS`.
    """
    own = _closed_form(model)
    return own[kind] if kind in own else counted(model, shape, kind, operators)


def counted(model: nn.Module, shape: InputShape, kind: str, operators: Operators | None = None) -> int:
    """One of the `KINDS` by counting: parameters, all active, or FLOPs of running `model` (on meta)."""
    if kind in ("dense_parameters", "active_parameters"):
        return sum(p.numel() for p in model.parameters())
    x_BI = _inputs(shape)
    operators = operators or Operators()
    before = operators.flops
    with operators:
        if kind == "flops_forward":
            with torch.no_grad():
                model.eval()(x_BI.detach())
        else:
            loss = training_loss(model.train(), x_BI, _labels(shape), _criterion)
            if loss.requires_grad:  # a constant has nothing to learn
                loss.backward()
    return (operators.flops - before) // _COUNTED_BATCH


def _closed_form(model: nn.Module) -> dict[str, int]:
    """What the class of `model` itself says of its cost.

    An inherited closed form describes another model, so it is not used.
    """
    if "closed_form" not in vars(type(model)):
        return {}
    own: dict[str, int] = vars(type(model))["closed_form"](model)
    if unknown := own.keys() - set(KINDS[1:]):
        raise ValueError(
            f"closed_form of {type(model).__name__} gives {', '.join(sorted(unknown))}, allowed: "
            f"{', '.join(KINDS[1:])}; the rest is counted"
        )
    return own


def activation_bytes(model: nn.Module, shape: InputShape, operators: Operators | None = None) -> int:
    """Bytes per example, input included, that a training step of `model` (on meta) keeps for backward."""
    parameters = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if (storage := tensor.untyped_storage()._cdata) not in parameters:
            kept[storage] = tensor  # the reference keeps the storage, and so its address, from being reused
        return tensor

    with operators or Operators(), saved_tensors_hooks(keep, lambda tensor: tensor):
        training_loss(model.train(), _inputs(shape), _labels(shape), _criterion)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // _COUNTED_BATCH


def cost(
    model: nn.Module,
    shape: InputShape,
    *,
    embedding_parameters: int,
    linear_parameters: int,
    encoder_parameters: int,
) -> Cost:
    """The whole cost of `model` (on meta), with the sizes of what the harness puts before and beside it.

    Raises:
        BadInput: the logits are not one per row and task.
    """
    operators = Operators()
    return Cost(
        embedding_parameters=embedding_parameters,
        linear_parameters=linear_parameters,
        encoder_parameters=encoder_parameters,
        activation_bytes=activation_bytes(model, shape, operators),
        **{kind: measure(model, shape, kind, operators) for kind in KINDS},
    )


def _criterion(logits_BK: Tensor, y_BK: Tensor) -> Tensor:
    if logits_BK.shape != y_BK.shape:
        raise BadInput(
            f"a contestant returned logits of shape {list(logits_BK.shape)} for {_COUNTED_BATCH} rows, "
            f"expected {list(y_BK.shape)}: one per row and task"
        )
    return F.binary_cross_entropy_with_logits(logits_BK, y_BK)


def _inputs(shape: InputShape) -> Tensor:
    return torch.empty(_COUNTED_BATCH, sum(shape.field_dims), device="meta", requires_grad=True)


def _labels(shape: InputShape) -> Tensor:
    return torch.empty(_COUNTED_BATCH, shape.num_tasks, device="meta")
