"""A store with a ladder: contestants whose logits follow the truth ever better with size."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from bench.runs.study_record import StudyRecord
from bench.spec import Spec

THREE = {"DLRM-MLP": "dlrm-mlp", "DCNv2": "dcnv2", "RankMixer": "rankmixer"}
TEN = {
    **THREE,
    "RDCN": "rdcn",
    "MoE": "moe",
    "AutoInt+": "autoint-plus",
    "Hiformer": "hiformer",
    "DHEN": "dhen",
    "Wukong": "wukong",
    "TokenMixer-Large": "tokenmixer-large",
}
GROWTH = {"dlrm-mlp": 0.02, "dcnv2": 0.06, "rankmixer": 0.5, "hiformer": 0.3, "wukong": 0.15}
"""How much a contestant's signal grows per decade of size, 0.1 for any other."""


def ladder(
    builder,
    *,
    budgets: Sequence[int] = (30_000, 100_000, 300_000, 1_000_000),
    seeds: int = 2,
    contestants: Mapping[str, str] = THREE,
    name: str = "scaling",
    kind: str = "ladder",
    lacking: Sequence[tuple[str, int, int]] = (),
    failing: Mapping[tuple[str, int, int], str] | None = None,
    dataset: str = "trees-3000-1",
    train_rows: Sequence[int | None] = (None,),
    paper: bool = False,
) -> StudyRecord:
    """Runs and the study that names them.

    Args:
        lacking: (label, budget, seed) of planned runs that are not there; `failing`: → their status.
    """
    runs: dict[str, list[Spec]] = {label: [] for label in contestants}
    for (place, budget), (label, contestant), seed, rows in itertools.product(
        enumerate(budgets), contestants.items(), range(seeds), train_rows
    ):
        spec = builder.spec(contestant, seed, budget=budget, dataset=dataset, train_rows=rows)
        runs[label].append(spec)
        if (label, budget, seed) in lacking:
            continue
        if status := (failing or {}).get((label, budget, seed)):
            builder.failed(spec, status=status)
            continue
        decades = (budget / budgets[0]) ** -0.3
        shift = GROWTH.get(contestant, 0.1) * (1 - decades) * 2
        shift -= 0.0 if rows is None else 0.3 * (rows / 2_048_000) ** -0.2 - 0.3
        builder.ok(spec, shift=shift, train_s=10 + 5 * place + len(contestant))
    beside = "rankmixer/table_1" if paper else None
    return builder.study(runs, name=name, kind=kind, command=f"rankbench run {name}", paper=beside)
