"""The named lists of runs. Free of torch.

A suite says what to compare, on what, at which sizes; the command line may exchange any part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.spec import Budget, FeatureSpec


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Contestants × budgets × seeds on each data set, under one protocol.

    Args:
        name: as the command line calls it.
        description: one line.
        contestants: their names; none means all that are registered.
        datasets: families of the synthetic world, or names of imported data sets.
        synthetic_rows: rows of the synthetic world, its three splits together.
        budgets: sizes at which the contestants meet.
        seeds: number of seeds, from 0.
        protocol: name of the training protocol.
        features: how rows are embedded.
    """

    name: str
    description: str
    contestants: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ("trees",)
    synthetic_rows: int = 160_000
    budgets: tuple[Budget, ...] = (Budget(kind="dense_parameters", target=100_000),)
    seeds: int = 3
    protocol: str = "short"
    features: FeatureSpec = field(default_factory=lambda: FeatureSpec(width=8))


COMPARED = (
    "dlrm-mlp",
    "dcnv2",
    "rdcn",
    "moe",
    "autoint",
    "hiformer",
    "dhen",
    "wukong",
    "rankmixer",
    "tokenmixer-large",
)

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(
            name="compare",
            description="RankMixer, TokenMixer-Large and eight baselines at one budget, 3 seeds, one pass",
            contestants=COMPARED,
        ),
        Suite(
            name="worlds",
            description="as compare, on all three families of the synthetic world",
            contestants=COMPARED,
            datasets=("rules", "trees", "network"),
        ),
        Suite(
            name="all",
            description="as compare, with every registered contestant",
        ),
    )
}
