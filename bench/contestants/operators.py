"""Runs operators on the meta device, each kind of call once, and counts the FLOPs of their matrix products.

Tensors there have a shape but no values, and what comes out of an operator follows from the shapes that go
in. Many of torch's operators find it out in Python, which takes up to a millisecond; and the layers of a
model, and its passes, make the same calls again and again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Operators(TorchDispatchMode):
    """Counts as torch's `FlopCounterMode` does, by the same formulas, but without telling modules apart.

    A call of a kind that was made before is not made again: it returns new tensors of the shapes, strides and
    types that came out then. Views, and operators that write to their inputs, are always called.

    Attributes:
        flops: of all calls so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self._known: dict[Hashable, tuple[Hashable, int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: nothing is compiled here, and to keep torch's compiler out of every call takes time."""
        return False

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        again = not (func.is_view or func._schema.is_mutable)
        call = (func, _kind(args), _kind(kwargs)) if again else None
        if call in self._known:
            kind, flops = self._known[call]
            self.flops += flops
            return _made(kind)
        with self:
            of_parts = func.decompose(*args, **kwargs)
        if of_parts is not NotImplemented:
            return of_parts
        out = func(*args, **kwargs)
        formula = flop_registry.get(func.overloadpacket)
        flops = 0 if formula is None else formula(*args, **kwargs, out_val=out)
        self.flops += flops
        if again and all(one is None or _is_plain(one) for one in (out if isinstance(out, tuple) else [out])):
            self._known[call] = (_kind(out), flops)
        return out


class _Form(NamedTuple):
    """All that a plain tensor on meta has."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype


def _is_plain(value: Any) -> bool:
    return type(value) in (Tensor, Parameter) and value.is_meta and value.layout is torch.strided


def _kind(value: Any) -> Hashable:
    """Equal for what makes no difference to an operator. What has values is of a kind of its own."""
    if isinstance(value, Tensor):
        return _Form(value.shape, value.stride(), value.dtype) if _is_plain(value) else object()
    if isinstance(value, (list, tuple)):
        return tuple([_kind(one) for one in value])
    if isinstance(value, dict):
        return tuple([(name, _kind(one)) for name, one in value.items()])
    return type(value), value  # the type, for True is equal to 1, and 1 to 1.0


def _made(kind: Any) -> Any:
    """What came out: a new tensor, or a tuple of new tensors and None."""
    if isinstance(kind, _Form):
        return torch.empty_strided(kind.shape, kind.strides, dtype=kind.dtype, device="meta")
    return None if kind == _kind(None) else tuple([_made(one) for one in kind])
