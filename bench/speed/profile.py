"""Where the time of a training step goes, by kind of work.

PyTorch's profiler gives every operator its own time, without that of the operators it calls. On the CPU that
is the time which the calling thread spends in it, helped by the other threads. Each operator has one kind:

    products              matrix products, and attention kernels, which have products and softmax in one
    elementwise           sums, activations and their gradients: every operator that has no other kind
    normalisation         LayerNorm, RMSNorm, BatchNorm
    softmax
    copies                changes of layout, concatenation, filling with zeros
    embedding             look-up in the tables, its gradient, and the whole update of the tables
    dense optimizer       the whole update of everything else
    loader                reading and shuffling a batch, timed by itself over whole passes
    python and dispatch   what is left of the step: Python, and operators that only call others or make views

The profiler lengthens a step by some microseconds an operator, so small models look busier with dispatch than
they are: `Profile.step_ms` is to be compared with the step that was not watched.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch.profiler import ProfilerActivity
from torch.profiler import profile as torch_profile

from bench.speed.clock import ROUNDS, for_seconds
from bench.training.optimizers import RowAdagrad

PRODUCTS, ELEMENTWISE, EMBEDDING, DENSE_OPTIMIZER, LOADER, REST = (
    "products",
    "elementwise",
    "embedding",
    "dense optimizer",
    "loader",
    "python and dispatch",
)
KINDS = (
    PRODUCTS,
    ELEMENTWISE,
    "normalisation",
    "softmax",
    "copies",
    EMBEDDING,
    DENSE_OPTIMIZER,
    LOADER,
    REST,
)
PROFILER_ENVIRONMENT = {"KINETO_LOG_LEVEL": "6"}
"""Keeps the profiler from writing lines of its own; read when torch is imported."""
_MOST_STEPS = 20
"""The profiler takes a while to read the events of more."""
_OPTIMIZER = re.compile(r"Optimizer\.(?:step|zero_grad)#(\w+)\.")
_KIND_OF_OPERATOR = {
    PRODUCTS: r"(add)?mm|(add)?mv|(badd)?bmm|addbmm|dot|.*scaled_dot_product.*|mkldnn_linear.*",
    "normalisation": r".*(layer|batch|group|rms)_norm.*",
    "softmax": r"_(log_)?softmax.*",
    EMBEDDING: r".*embedding.*|unique_consecutive|sort|index_(select|add|copy)|_coalesce.*",
    "copies": r"copy|cat|fill|zero|constant_pad_nd|roll|flip|(slice|select|as_strided|unfold)_backward",
    REST: r".*(view|reshape|transpose|permute|expand|squeeze|flatten|unbind|split|chunk|empty|detach|alias).*"
    r"|t|as_strided|select|slice|narrow|diagonal|unfold|lift_fresh|resolve_(conj|neg)|result_type|type_as|to|_to_copy"
    r"|clone|contiguous|stack|(zeros|ones|full)(_like)?|new_.*|resize|item|_local_scalar_dense|linear|matmul|einsum"
    r"|softmax|log_softmax|pad|arange|_indices|_values|_sparse_coo_tensor.*",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _KIND_OF_OPERATOR.items()}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The share of every one of `KINDS` in a step, 1 together; `step_ms` is its mean while it was watched."""

    shares: dict[str, float]
    step_ms: float


def profile(step: Callable[[], object], *, loader_seconds: float, seconds: float) -> Profile:
    """Watches `step`, a training step with a batch that is there, for about `seconds`; of the median round.

    Args:
        loader_seconds: what the loader takes for a batch, mean over whole passes.
    """
    watched(step, seconds=0.0)  # the profiler itself begins slowly
    rounds = [watched(step, seconds=seconds / ROUNDS) for _ in range(ROUNDS)]
    times, events = sorted(rounds, key=lambda one: statistics.mean(one[0]))[ROUNDS // 2]
    wall, steps = sum(times), len(times)
    spent = {kind: own / 1e6 for kind, own in own_times(events).items()}
    spent[REST] += max(0.0, wall - sum(spent.values()))
    spent[LOADER] = loader_seconds * steps
    total = sum(spent.values())
    return Profile(
        shares={kind: spent[kind] / total for kind in KINDS}, step_ms=1e3 * (wall / steps + loader_seconds)
    )


def watched(step: Callable[[], object], *, seconds: float) -> tuple[list[float], list[Any]]:
    """The seconds of every step, 3 to 20 of them, and the profiler's events of all."""
    times: list[float] = []
    with torch_profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in for_seconds(seconds, least=3):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
            if len(times) == _MOST_STEPS:
                break
    return times, list(profiler.events())


def own_times(events: Iterable[Any]) -> dict[str, float]:
    """Kind → microseconds that the operators of the profiler's `events` took themselves."""
    spent = dict.fromkeys(KINDS, 0.0)
    waiting = [(event, "") for event in events if event.cpu_parent is None]
    while waiting:
        event, optimizer = waiting.pop()
        if found := _OPTIMIZER.match(event.name):
            optimizer = EMBEDDING if found[1] == RowAdagrad.__name__ else DENSE_OPTIMIZER
        spent[optimizer or kind_of(event.name)] += event.self_cpu_time_total
        waiting += [(child, optimizer) for child in event.cpu_children]
    return spent


def kind_of(name: str) -> str:
    """The kind of the operator that the profiler calls `name`, such as ``aten::mul_``."""
    space, _, operator = name.partition("::")
    if space != "aten":
        return REST  # a node of the backward graph, which calls operators
    plain = operator.removesuffix("_")
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(plain)), ELEMENTWISE)
