"""Work for the chosen experts only: rows grouped by (token, expert), and one matrix product per group.

A mask over all experts saves nothing. So every (token, row, expert) that the gates choose becomes a row of
its own, token after token and within it expert after expert; a grouped product meets each group with its own
weights; and what comes out is weighted by its gate and added up where it came from.

Letters: B batch, T tokens, D token width, E experts of a token, G = T · E groups, R chosen triples (token,
row, expert), I and O widths into and out of a product.

The grouped product is an operator of its own, `rankmixer::grouped_linear`, for what
`torch.nn.functional.grouped_mm` lacks: any width and dtype, biases, the meta device, and a FLOP count in
`torch.utils.flop_counter`. A program that `torch.export` makes of it loads wherever `rankmixer` is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.utils.flop_counter import register_flop_formula


@dataclass(frozen=True, kw_only=True)
class Gates:
    """Which experts work for which row, and how much each counts.

    Args:
        weight: the gate of every expert, (T, B, E); looked at only where `chosen` is true.
        chosen: booleans, (T, B, E).
        num_chosen: how many of them are true, where that is known beforehand; shapes then depend on no data.
    """

    weight: Tensor
    chosen: Tensor
    num_chosen: int | None = None


def sum_of_chosen(x_TBD: Tensor, gates: Gates, experts: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Σ_j gate_j · expert_j(x) over the chosen experts j of every token and row, computing no other.

    Args:
        experts: (rows (R, D) in the order of their groups, rows in each group (G,)) → (R, D).

    Returns:
        (T, B, D).
    """
    T, B, D = x_TBD.shape
    E = gates.chosen.shape[2]
    chosen_TEB = gates.chosen.transpose(1, 2).contiguous()
    triple_R = _indices_of_true(chosen_TEB.flatten(), gates.num_chosen)
    expert_R = triple_R // B % E
    source_R = triple_R // (E * B) * B + triple_R % B  # the row of (T · B) that a triple takes and returns to
    weight_R = gates.weight.flatten().index_select(0, source_R * E + expert_R)
    rows_RD = x_TBD.reshape(T * B, D).index_select(0, source_R)
    y_RD = experts(rows_RD, chosen_TEB.sum(dim=2).flatten()) * weight_R.unsqueeze(1)
    return x_TBD.new_zeros(T * B, D).index_add_(0, source_R, y_RD).view(T, B, D)


def _indices_of_true(mask: Tensor, count: int | None) -> Tensor:
    if count is None:
        return mask.nonzero().squeeze(1)
    return torch.nonzero_static(mask, size=count).squeeze(1)


@torch.library.custom_op("rankmixer::grouped_linear", mutates_args=())
def grouped_linear(rows_RI: Tensor, weight_GIO: Tensor, bias_GO: Tensor | None, counts_G: Tensor) -> Tensor:
    """Rows, `counts_G` of one group after another, times the weight of their group, plus its bias: (R, O)."""
    rows, counts = rows_RI.shape[0], counts_G.tolist()
    if bias_GO is None:
        out_RO = rows_RI.new_zeros(rows, weight_GIO.shape[2])
    else:
        out_RO = bias_GO.repeat_interleave(counts_G, dim=0, output_size=rows)
    groups = zip(out_RO.split(counts), rows_RI.split(counts), weight_GIO.unbind(), strict=True)
    for out, of_group, weight in groups:
        out.addmm_(of_group, weight)
    return out_RO


@torch.library.custom_op("rankmixer::grouped_outer", mutates_args=())
def grouped_outer(rows_RI: Tensor, grad_RO: Tensor, counts_G: Tensor) -> Tensor:
    """rowsᵀ · grad of every group, (G, I, O): the gradient of the weights of `grouped_linear`."""
    out_GIO = rows_RI.new_empty(counts_G.shape[0], rows_RI.shape[1], grad_RO.shape[1])
    counts = counts_G.tolist()
    for rows, grad, out in zip(rows_RI.split(counts), grad_RO.split(counts), out_GIO, strict=True):
        torch.mm(rows.t(), grad, out=out)
    return out_GIO


@grouped_linear.register_fake
def _(rows_RI: Tensor, weight_GIO: Tensor, bias_GO: Tensor | None, counts_G: Tensor) -> Tensor:
    return rows_RI.new_empty(rows_RI.shape[0], weight_GIO.shape[2])


@grouped_outer.register_fake
def _(rows_RI: Tensor, grad_RO: Tensor, counts_G: Tensor) -> Tensor:
    return rows_RI.new_empty(counts_G.shape[0], rows_RI.shape[1], grad_RO.shape[1])


def _keep_for_backward(
    ctx: FunctionCtx, inputs: tuple[Tensor, Tensor, Tensor | None, Tensor], output: Tensor
) -> None:
    rows_RI, weight_GIO, bias_GO, counts_G = inputs
    ctx.save_for_backward(rows_RI, weight_GIO, counts_G)
    ctx.has_bias = bias_GO is not None  # type: ignore[attr-defined]


def _backward(ctx: FunctionCtx, grad_RO: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
    rows_RI, weight_GIO, counts_G = ctx.saved_tensors  # type: ignore[attr-defined]
    grad_RO = grad_RO.contiguous()
    rows_grad_RI = grouped_linear(grad_RO, weight_GIO.transpose(1, 2), None, counts_G)
    bias_grad_GO = None
    if ctx.has_bias:  # type: ignore[attr-defined]
        group_R = torch.repeat_interleave(counts_G, output_size=grad_RO.shape[0])
        bias_grad_GO = grad_RO.new_zeros(counts_G.shape[0], grad_RO.shape[1]).index_add(0, group_R, grad_RO)
    return rows_grad_RI, grouped_outer(rows_RI, grad_RO, counts_G), bias_grad_GO, None


grouped_linear.register_autograd(_backward, setup_context=_keep_for_backward)


@register_flop_formula(torch.ops.rankmixer.grouped_linear)
def _(rows: torch.Size, weight: torch.Size, bias: object, counts: object, *, out_shape: torch.Size) -> int:
    return 2 * rows[0] * weight[1] * weight[2]


@register_flop_formula(torch.ops.rankmixer.grouped_outer)
def _(rows: torch.Size, grad: torch.Size, counts: object, *, out_shape: torch.Size) -> int:
    return 2 * rows[0] * rows[1] * grad[1]
