"""Tries your own contestant before anything is trained: what it raises, returns and mixes.

It runs on the CPU, on a few rows of random input at three scales: that of new embeddings, that of trained
ones, and one so large that a sigmoid saturates. Contestants of the registry are not tried: the contract tests
cover them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.contestants.blame import blamed
from bench.contestants.contract import Contestant, Hyperparameters, InputShape, training_loss
from bench.contestants.counting import KINDS, activation_bytes, measure, on_meta
from bench.contestants.registry import CONTESTANTS
from bench.errors import BadInput
from bench.machine.unchanged import unchanged_state

LARGEST = 50_000_000
"""Number of parameters of the largest model that is tried."""
_ROWS = 16
_SMALL, _UNIT, _LARGE = 0.01, 1.0, 30.0
_TOLERANCE = 1e-3
"""Relative to the largest logit. Another order of summation in float32 changes far less."""


def probe(contestant: Contestant, shape: InputShape, hyperparameters: Hyperparameters) -> tuple[str, ...]:
    """Tries `contestant` once. Returns warnings, each a sentence that names it.

    Global state, such as random states, is as before afterwards.

    Raises:
        BadInput: it cannot be used; one line with its name, and the file and line of its code that raised.
    """
    if CONTESTANTS.get(contestant.name) is contestant:
        return ()
    printed = io.StringIO()
    with unchanged_state(), contextlib.redirect_stdout(printed):
        warnings = list(_warnings(contestant, shape, hyperparameters))
    if text := " ".join(printed.getvalue().split()):
        warnings.append(f"{contestant.name} prints while it runs: {text[:80]}")
    return tuple(warnings)


def _warnings(contestant: Contestant, shape: InputShape, hyperparameters: Hyperparameters) -> Iterator[str]:
    name = contestant.name
    on_meta_device = _built_on_meta(contestant, shape, hyperparameters)
    parameters = sum(p.numel() for p in on_meta_device.parameters())
    if parameters > LARGEST:
        yield (
            f"{name} was not tried before training, because it has {parameters:,} parameters, more than "
            f"{LARGEST:,}"
        )
    else:
        torch.manual_seed(0)
        model = contestant.build(shape, hyperparameters)
        yield from _in_evaluation(name, model.eval(), shape)
        yield from _in_training(name, model.train(), shape)
    with blamed(f"{name}: counting its size on the meta device, which has shapes but no values,"):
        for kind in KINDS:
            measure(on_meta_device, shape, kind)
        activation_bytes(on_meta_device, shape)


def _built_on_meta(contestant: Contestant, shape: InputShape, hyperparameters: Hyperparameters) -> nn.Module:
    try:
        model = on_meta(contestant, shape, hyperparameters)
    except BadInput as error:
        with contextlib.suppress(BadInput):
            contestant.build(shape, hyperparameters)
            error = BadInput(f"{error}; this happens only on the meta device, which has shapes but no values")
        raise error from error.__cause__
    if not isinstance(model, nn.Module):
        raise BadInput(
            f"{contestant.name}: its model is a {type(model).__name__}, expected a torch.nn.Module"
        )
    return model


def _in_evaluation(name: str, model: nn.Module, shape: InputShape) -> Iterator[str]:
    inputs = {scale: _inputs(shape, scale) for scale in (_SMALL, _UNIT, _LARGE)}
    logits = {scale: _logits(name, model, x_BI, shape) for scale, x_BI in inputs.items()}
    if not logits[_SMALL].isfinite().all():
        raise BadInput(f"{name}: its forward returns NaN or infinite logits for ordinary input")
    if not logits[_UNIT].isfinite().all():
        yield f"{name} returns NaN or infinite logits for input of unit variance"
    if logits[_UNIT].isfinite().all() and logits[_LARGE].isfinite().all():  # what explodes is not squeezed
        yield from _on_range(name, torch.cat(list(logits.values())))
    if not torch.equal(_logits(name, model, inputs[_SMALL], shape), logits[_SMALL]):
        yield f"{name} returns different logits for the same rows in a second call, in eval mode"
        return  # the check of rows could not tell this from mixing
    for scale in (_SMALL, _UNIT):
        alone_BK = torch.cat([_logits(name, model, row[None], shape) for row in inputs[scale]])
        if not _alike(alone_BK, logits[scale]):
            raise BadInput(
                f"{name}: its forward mixes the rows of a batch: in eval mode, a row alone has other logits "
                "than the same row in a batch; each logit must depend on its own row only"
            )


def _inputs(shape: InputShape, scale: float) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return scale * torch.randn(
        _ROWS, sum(shape.field_dims), generator=generator, dtype=torch.float32, device="cpu"
    )


def _logits(name: str, model: nn.Module, x_BI: Tensor, shape: InputShape) -> Tensor:
    with blamed(f"{name}: its forward"), torch.no_grad():
        got = model(x_BI.clone())
    expected = [len(x_BI), shape.num_tasks]
    if not isinstance(got, Tensor):
        raise BadInput(
            f"{name}: its forward returns a {type(got).__name__}, expected a tensor of logits of shape "
            f"{expected}"
        )
    if list(got.shape) != expected:
        raise BadInput(
            f"{name}: its forward returns logits of shape {list(got.shape)} for {len(x_BI)} rows, "
            f"expected {expected}: one per row and task"
        )
    if not got.is_floating_point():
        raise BadInput(f"{name}: its forward returns logits of type {got.dtype}, expected floats")
    return got


def _on_range(name: str, logits_BK: Tensor) -> Iterator[str]:
    """Whether an output went through a sigmoid: logits of large inputs of both signs leave 0 … 1."""
    for low, high in zip(logits_BK.amin(0).tolist(), logits_BK.amax(0).tolist(), strict=True):
        if low < 0 or high > 1 or high - low < _TOLERANCE:  # all alike is how a head of zeros starts
            continue
        if low < 0.01 and high > 0.99:
            raise BadInput(
                f"{name}: its forward returns values between 0 and 1, as a sigmoid does; return logits, "
                "the values before the sigmoid"
            )
        yield (
            f"{name} returns only values from {low:.3g} to {high:.3g}, even for large inputs of both signs; "
            "if they are probabilities, return the logits"
        )
        return


def _alike(first: Tensor, second: Tensor) -> bool:
    both = first.isfinite() & second.isfinite()
    if not both.any():
        return True
    difference = (first[both] - second[both]).abs().max()
    return bool(difference <= _TOLERANCE * second[both].abs().max() + 1e-7)


def _in_training(name: str, model: nn.Module, shape: InputShape) -> Iterator[str]:
    x_BI = _inputs(shape, _SMALL)
    with torch.no_grad():
        torch.manual_seed(0)
        first_BK = _logits(name, model, x_BI, shape)
        torch.manual_seed(1)
        other_BK = _logits(name, model, x_BI, shape)
        half_BK = _logits(name, model, x_BI[: _ROWS // 2], shape)
    # With dropout the same rows differ anyway, and this cannot be told.
    if torch.equal(first_BK, other_BK) and not _alike(half_BK, first_BK[: _ROWS // 2]):
        yield f"{name} mixes the rows of a batch in training, as BatchNorm does; in eval mode it does not"
    y_BK = torch.arange(_ROWS * shape.num_tasks).view(_ROWS, shape.num_tasks).remainder(2).to(torch.float32)
    x_BI.requires_grad_()
    what = f"{name}: its {'loss' if hasattr(model, 'loss') else 'forward'}, in training,"
    with blamed(what), torch.enable_grad():
        loss = training_loss(model, x_BI, y_BK, F.binary_cross_entropy_with_logits)
    if not isinstance(loss, Tensor) or loss.shape != ():
        got = f"shape {list(loss.shape)}" if isinstance(loss, Tensor) else f"type {type(loss).__name__}"
        raise BadInput(f"{what} gives {got}; expected one number, a tensor of shape []")
    if not loss.isfinite():
        raise BadInput(f"{what} gives {loss.item()} for ordinary input; it must be finite")
    if not loss.requires_grad:
        raise BadInput(f"{what} has no gradient; it must depend on the parameters or the input")
    with blamed(f"{name}: the backward pass of its training"):
        loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if not all(gradient.isfinite().all() for gradient in gradients):
        raise BadInput(f"{name}: its gradients are NaN or infinite for ordinary input")
    if not any(gradient.any() for gradient in gradients):
        yield f"{name} does not learn: no parameter gets a gradient in training"
