"""The two optimizers of a protocol: dense for contestant and encoders, Adagrad for tables and linear part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from bench.spec import Protocol

# One kernel for the whole update where PyTorch has one: the same numbers but for rounding, in fewer passes.
_DENSE: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "rmsprop": torch.optim.RMSprop,
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "adagrad": partial(torch.optim.Adagrad, fused=True),
}


def dense_optimizer(parameters: Iterable[nn.Parameter], protocol: Protocol) -> torch.optim.Optimizer:
    """The optimizer of everything but the tables, PyTorch's with its defaults but rate and decay."""
    optimizer = _DENSE[protocol.dense_optimizer]
    return optimizer(parameters, lr=protocol.dense_lr, weight_decay=protocol.dense_decay)


class RowAdagrad(torch.optim.Optimizer):
    """Adagrad (Duchi et al. 2011) for tables with sparse gradients: only the rows of the batch are touched.

    Of a matrix with a dense gradient, all rows are.

        g = sum of the gradients of a row's look-ups;  s ← s + g²;  row ← row − lr · g / (√s + ε)

    `torch.optim.Adagrad` does the same sums, but sorts, copies and scatters whole sparse tensors to do so.

    Args:
        tables: (rows, width) parameters.
        lr: learning rate.
        initial_accumulator: s before the first step.
        eps: ε.
    """

    def __init__(
        self, tables: Iterable[nn.Parameter], *, lr: float, initial_accumulator: float, eps: float = 1e-10
    ) -> None:
        # A group of none is allowed where no parameter at all is not: numbers alone need no table.
        super().__init__([{"params": list(tables)}], {"lr": lr, "eps": eps})
        for group in self.param_groups:
            for table in group["params"]:
                self.state[table]["sum"] = torch.full_like(table, initial_accumulator)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None, "no line search"
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                accumulated = self.state[table]["sum"]
                if not table.grad.is_sparse:
                    accumulated.addcmul_(table.grad, table.grad)
                    table.addcdiv_(table.grad, accumulated.sqrt().add_(group["eps"]), value=-group["lr"])
                    continue
                rows, gradient = summed_rows(table.grad)
                sums = _picked(accumulated, rows).addcmul_(gradient, gradient)
                accumulated.index_copy_(0, rows, sums)
                update = gradient.div_(sums.sqrt_().add_(group["eps"]))
                # Copying is several times as fast as `index_add_`, which adds row by row.
                table.index_copy_(0, rows, _picked(table.detach(), rows).add_(update, alpha=-group["lr"]))


def summed_rows(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, sums): the distinct rows of a sparse gradient, ascending, and the sum of each row's entries."""
    rows = gradient._indices()[0]
    if not (rows[1:] > rows[:-1]).all():  # those of our own tables are, though autograd does not pass it on
        gradient = gradient.coalesce()
    return gradient._indices()[0], gradient._values()


def _picked(matrix: Tensor, rows: Tensor) -> Tensor:
    """A copy of some rows."""
    if matrix.device.type != "cpu":
        return matrix.index_select(0, rows)
    # A third of the time of `index_select`. Clipping, of which there is none, saves NumPy a copy.
    return torch.from_numpy(matrix.numpy().take(rows.numpy(), axis=0, mode="clip"))
