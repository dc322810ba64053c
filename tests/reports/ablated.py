"""Invented records of ablations: a base and its arms, whose logits follow the truth more or less."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.runs.study_record import Member, StudyRecord
from bench.spec import Spec
from reports.ablation.judged import Ablation, ablations
from reports.records.sources import Sources
from reports.study_section import judged

BASE = "RankMixer"
COMPONENTS = {"no skip connections": -0.03, "no token mixing": -0.4, "no LayerNorm": 0.02, "shared FFN": -0.2}
"""Label of an arm → what it adds to how strongly the logits follow the truth."""


SPARSITY = {
    f"{line} · {share} active": step * place
    for line, step in (("DTSI + ReLU", -0.02), ("vanilla", -0.13))
    for place, share in enumerate(("1", "1/2", "1/4", "1/8"))
} | {"dense of the active size": -0.35}
DEPTHS = {
    f"{no}residual between blocks · {blocks} blocks": step * place
    for no, step in (("", 0.05), ("no ", -0.1))
    for place, blocks in enumerate((4, 8), start=1)
}


def shares(label: str, step: int) -> dict[str, np.ndarray]:
    """Of two layers, three tokens and four experts; nothing of a dense model."""
    place = np.arange(24.0).reshape(2, 3, 4)
    return {} if label.startswith("dense") else {"active_share": (place + step) / 1000}


def norms(label: str, step: int) -> dict[str, np.ndarray]:
    blocks = int(label.removesuffix(" blocks").rpartition(" ")[2])
    return {"gradient_norm": 0.9 ** np.arange(blocks) * step}


def ablate(
    builder,
    arms: Mapping[str, float] = COMPONENTS,
    *,
    name: str = "components",
    command: str | None = None,
    paper: str | None = "rankmixer/table_2",
    base: str = BASE,
    budgets: Mapping[str, int] | None = None,
    datasets: Sequence[str] = ("trees-3000-1",),
    sizes: Sequence[int] = (100_000,),
    seeds: int = 3,
    sized: Mapping[str, str] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    tuned: str | None = "24 trials each on trees-160000-0; 2026-11-28",
    observations: Callable[[str, int], Mapping[str, np.ndarray]] | None = None,
    without: Sequence[str] = (),
    impossible: Mapping[str, str] | None = None,
    times: Mapping[str, Sequence[float]] | None = None,
    active: Mapping[str, tuple[float, int, float]] | None = None,
    values: Mapping[str, Mapping[str, Any]] | None = None,
) -> StudyRecord:
    """Keeps an ablation with a run of the base and of every arm.

    Args:
        budgets: label → dense parameters of an arm that has others than the base.
        sizes: budgets of the study.
        sized: label → how the arm is sized, in place of ``as_baseline``.
        observations: (label, step) → what the runs of an entrant show of themselves; None: nothing.
        without: labels that have no run.
        impossible: label → why it cannot take part.
        times: label → seconds of training of each seed.
        active: label → of its experts the share that is planned to be active, and how many parameters that
            leaves active as planned and as observed.
        values: label → hyper-parameters of its runs; the width is 64 otherwise.
    """
    members = []
    for dataset in datasets:
        for size in sizes:
            for label, shift in {base: 0.0, **arms}.items():
                for seed in range(seeds):
                    share, planned, served = (active or {}).get(label, (None, None, None))
                    size_of = (budgets or {}).get(label, size)
                    more = {} if share is None else {"active_fraction": share}
                    more = {**more, **(values or {}).get(label, {})}
                    spec = _spec(builder, label, seed, dataset, size_of, base, more)
                    if label not in without:
                        measured = {"planned_active": planned, "active_parameters": served}
                        if label in (times or {}):
                            measured["train_s"] = times[label][seed]
                        _run(builder, spec, label, shift, observations, measured)
                    member = _member(label, spec, size, (settings or {}).get(label, {}))
                    how = "budget" if label == base else (sized or {}).get(label, "as_baseline")
                    members.append(dataclasses.replace(member, sized=how))
            for label, reason in (impossible or {}).items():
                spec = _spec(builder, label, 0, dataset, size, base, {})
                members.append(
                    dataclasses.replace(_member(label, spec, size, {}), seed=None, key=None, reason=reason)
                )
    record = StudyRecord(
        name=name,
        kind="ablation",
        question="What is each part of RankMixer's block worth?",
        command=command or f"rankbench run {name}",
        baseline=base,
        paper=paper,
        members=tuple(members),
        tuned=tuned,
        observed=observations is not None,
    )
    builder.store.append_study(record)
    return record


def _run(builder, spec: Spec, label: str, shift: float, observations, measured: Mapping[str, Any]) -> None:
    if spec.key() not in builder.store.read().runs:
        builder.ok(spec, shift=shift, **{"train_s": 12.5 + len(label) / 20 + spec.seed / 4, **measured})
    if observations is None:
        return
    rows = [
        {"step": step, "name": name, "index": list(index), "value": float(value)}
        for step in range(50, 501, 50)
        for name, array in observations(label, step + spec.seed).items()
        for index, value in np.ndenumerate(array)
    ]
    path = builder.store.path("observations", spec.key())
    path.parent.mkdir(parents=True, exist_ok=True)
    if rows:
        pd.DataFrame(rows).to_parquet(path, index=False)


def _spec(
    builder, label: str, seed: int, dataset: str, size: int, base: str, more: Mapping[str, Any]
) -> Spec:
    setting = {"width": 64, "base": base} if label == base else {"width": 64, "arm": label}
    setting |= more
    return builder.spec("rankmixer", seed, budget=size, dataset=dataset, hyperparameters=setting)


def _member(label: str, spec: Spec, size: int, setting: Mapping[str, Any]) -> Member:
    assert spec.budget is not None
    return Member(
        label=label,
        contestant=spec.contestant.name,
        title=label,
        dataset=spec.dataset,
        budget=dataclasses.replace(spec.budget, target=size),
        seed=spec.seed,
        key=spec.key(),
        setting=setting,
    )


def only(builder) -> Ablation:
    """The ablation of the only comparison."""
    (study,) = builder.studies()
    (one,) = ablations(study, judged(study, Sources([builder.directory])))
    return one


def section(page: str, title: str) -> str:
    """The text under a title of level 2, without the title."""
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]
