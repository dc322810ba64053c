"""How the figures of `rankbench speed` are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rankbench.console import count, table

if TYPE_CHECKING:
    from bench.runs.sizing import SizedEntrant
    from bench.speed.training import Speed


def print_speeds(title: str, speeds: Sequence[tuple[str, Speed]]) -> None:
    """The table of (label, speed), where there are any."""
    if not speeds:
        return
    columns = [
        "model",
        "threads",
        "batch",
        "dense",
        "samples/s",
        "step P10",
        "P50",
        "FLOP/s",
        "GEMM",
        "MFU",
        "memory",
    ]
    table(
        f"{title}; steps in ms; GEMM: best FLOP/s of a matrix product",
        columns,
        [
            [
                label,
                str(s.threads),
                str(s.batch_size),
                count(s.dense_parameters, billion="B"),
                count(s.samples_per_second),
                f"{s.step_p10_ms:.4g}",
                f"{s.step_p50_ms:.4g}",
                count(s.flops_per_second),
                count(s.gemm_flops_per_second),
                "" if s.mfu is None else f"{s.mfu:.1%}",
                f"{count(s.peak_memory_bytes)}B",
            ]
            for label, s in speeds
        ],
    )


def print_profiles(speeds: Sequence[tuple[str, Speed]]) -> None:
    """The table of where the time goes, of those that were profiled."""
    profiles = [(label, s.profile) for label, s in speeds if s.profile is not None]
    if not profiles:
        return
    table(
        "Share of a training step, in %",
        ["model", *profiles[0][1].shares, "step while profiled, ms"],
        [
            [label, *(f"{100 * share:.1f}" for share in one.shares.values()), f"{one.step_ms:.4g}"]
            for label, one in profiles
        ],
    )


def as_json(label: str, sized: SizedEntrant, speed: Speed | str) -> dict[str, Any]:
    """Everything that is known of one row; `reason` says why it has no figures, or is None."""
    return {
        "label": label,
        "contestant": sized.entrant.contestant.name,
        "budget": None
        if sized.budget is None
        else {"kind": sized.budget.kind, "target": sized.budget.target},
        "hyperparameters": sized.hyperparameters,
        "reason": speed if isinstance(speed, str) else None,
        **({} if isinstance(speed, str) else speed.to_json()),
    }
