"""Invented records of tunings, and of a comparison by tuned settings beside the same by one protocol."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from scipy.stats import qmc

from bench.runs.record import Run
from bench.runs.study_record import Member, StudyRecord
from bench.spec import Spec
from bench.training.protocols import PROTOCOLS, changed
from tests.reports.conftest import cost_of

OWN = {
    "DLRM-MLP": {"num_hidden_layers": (1, 2, 3, 4), "taper": (0.5, 0.7, 1.0)},
    "DCNv2": {"num_cross_layers": (1, 2, 3, 4), "num_hidden_layers": (1, 2, 3)},
    "RDCN": {"num_cross_layers": (1, 2, 3, 4), "num_hidden_layers": (1, 2, 3)},
    "MoE": {"num_experts": (2, 4, 8, 16), "top_k": (1, 2, 4)},
    "AutoInt+": {"num_layers": (1, 2, 3, 4), "num_heads": (1, 2, 4)},
    "Hiformer": {"num_tokens": (4, 8, 12, 16), "num_layers": (1, 2, 3)},
    "DHEN": {"num_tokens": (8, 16, 24, 32), "num_layers": (1, 2, 3)},
    "Wukong": {"num_layers": (1, 2, 3, 4), "rank": (4, 8, 16)},
    "RankMixer": {"num_layers": (1, 2, 3), "expansion": (1, 2, 3, 4)},
    "TokenMixer-Large": {"num_blocks": (1, 2, 3), "expansion": (1, 2, 3, 4)},
}
"""Title of a contestant → its own search space."""
SEED = 1000


def points(own: Mapping[str, Sequence[Any]], num_trials: int) -> list[dict[str, Any]]:
    """The default, then quasi-random settings, which share their protocol values among contestants."""
    settings: list[dict[str, Any]] = [{}]
    for unit in qmc.Sobol(6, scramble=True, rng=0).random_base2(7)[: num_trials - 1]:
        setting = {
            "dense_lr": float(f"{3e-4 * 100 ** unit[0]:.3g}"),
            "sparse_lr": float(f"{1e-2 * 30 ** unit[1]:.3g}"),
            "dense_decay": (0.0, 1e-6, 1e-5, 1e-4)[int(4 * unit[2])],
            "batch_size": (128, 256, 512)[int(3 * unit[3])],
        }
        chosen = (choices[int(len(choices) * u)] for choices, u in zip(own.values(), unit[4:], strict=True))
        settings.append({**setting, **dict(zip(own, chosen, strict=True))})
    return settings


def grid() -> list[dict[str, Any]]:
    return [{"dense_lr": rate} for rate in (3e-4, 5.5e-4, 1e-3, 1.8e-3, 3e-3, 5.5e-3, 1e-2, 1.8e-2, 3e-2)]


def tune(
    builder,
    titles: Sequence[str] = tuple(OWN),
    *,
    num_trials: int = 24,
    datasets: Sequence[str] = ("network-160000-0", "rules-160000-0", "trees-160000-0"),
    budgets: Sequence[int] = (100_000,),
    equal: bool = False,
    name: str = "compare",
    failing: Sequence[tuple[str, int]] = (),
) -> StudyRecord:
    """Keeps a tuning study with a run of each trial on each data set.

    Args:
        equal: the grid of dense rates instead of the space.
        failing: (title, number) of trials whose last run ended for want of memory.
    """
    members = []
    for budget in budgets:
        for title in titles:
            settings = grid() if equal else points(OWN[title], num_trials)
            for number, setting in enumerate(settings):
                for dataset in datasets:
                    fails = (title, number) in failing and dataset == datasets[-1]
                    members.append(_trial(builder, title, number, setting, dataset, budget, fails=fails))
    record = StudyRecord(
        name=name,
        kind="tuning",
        question="What does each contestant reach with the same number of trials?",
        command=f"rankbench tune {name}{' --equal' if equal else f' --trials {num_trials}'}",
        baseline=None,
        paper=None,
        members=tuple(members),
    )
    builder.store.append_study(record)
    return record


def compare_twice(
    builder,
    gains: Mapping[str, float],
    *,
    seeds: int = 3,
    untuned: Sequence[str] = (),
    datasets: Sequence[str] = ("trees-3000-1",),
) -> StudyRecord:
    """Keeps a comparison by tuned settings, beside the same by one protocol.

    Args:
        gains: title → what tuning adds to how strongly logits follow the truth.
    """
    equal, tuned = [], []
    for dataset in datasets:
        for index, (title, gain) in enumerate(gains.items()):
            setting = {} if title in untuned else {"dense_lr": 0.002 + 0.001 * index, "num_layers": 1 + index}
            for seed in range(seeds):
                plain = _spec(builder, title, {}, dataset, 100_000, seed)
                better = _spec(builder, title, setting, dataset, 100_000, seed)
                for spec, members, shift in ((plain, equal, 0.0), (better, tuned, gain)):
                    if spec.key() not in {member.key for member in equal}:
                        builder.ok(spec, shift=0.05 * index + shift)
                    members.append(_member(title, spec, setting if members is tuned else {}))
    record = StudyRecord(
        name="compare",
        kind="comparison",
        question="Who is ahead?",
        command="rankbench run compare",
        baseline=next(iter(gains)),
        paper=None,
        members=tuple(tuned),
        equal=tuple(equal),
        tuned="24 trials each on network-160000-0, rules-160000-0 and trees-160000-0, at 100k; 2026-11-28",
        untuned=tuple(untuned),
    )
    builder.store.append_study(record)
    return record


def _trial(
    builder, title: str, number: int, setting: Mapping[str, Any], dataset: str, budget: int, *, fails: bool
) -> Member:
    spec = _spec(builder, title, setting, dataset, budget, SEED)
    area = _valid_auc(title, setting, dataset)
    run = Run(
        spec=spec,
        status="oom" if fails else "diverged" if area is None else "ok",
        cost=cost_of(spec),
        metrics=None
        if fails or area is None
        else {split: {"finish": {"auc": area}} for split in ("valid", "test")},
        training={},
        error={"type": "Killed", "message": "out of memory", "traceback": ""} if fails else None,
        environment={},
        timings={},
    )
    builder.store.append(run)
    return dataclasses.replace(_member(title, spec, setting), label=f"{title} · trial {number}", trial=number)


def _valid_auc(title: str, setting: Mapping[str, Any], dataset: str) -> float | None:
    """A parabola in the logarithm of the dense rate, and less of the rest; None: it diverged."""
    index = list(OWN).index(title)
    rate = math.log10(setting.get("dense_lr", 0.001))
    if rate > -1.75 and index % 3 == 0:
        return None
    best_rate = -2.9 + 0.09 * index
    value = 0.738 + 0.0006 * ((7 * index) % 10) - (0.010 + 0.001 * index) * (rate - best_rate) ** 2
    value -= 0.004 * (math.log10(setting.get("sparse_lr", 0.05)) + 1.2) ** 2
    value -= 0.0012 * abs(math.log2(setting.get("batch_size", 256) / 256))
    for name, choices in OWN[title].items():
        place = choices.index(setting[name]) if name in setting else len(choices) - 1
        value -= 0.0015 * abs(place - index % len(choices))
    wobble = math.sin(1e4 * value + len(dataset)) * 0.0004
    return value + wobble + {"rules": 0.01, "trees": 0.0}.get(dataset.partition("-")[0], -0.02)


def _spec(builder, title: str, setting: Mapping[str, Any], dataset: str, budget: int, seed: int) -> Spec:
    protocol = {name: value for name, value in setting.items() if hasattr(PROTOCOLS["short"], name)}
    own = {name: value for name, value in setting.items() if name not in protocol}
    spec = builder.spec(
        title.lower(), seed, budget=budget, dataset=dataset, hyperparameters={"width": 64, **own}
    )
    return dataclasses.replace(spec, protocol=changed(PROTOCOLS["short"], protocol))


def _member(title: str, spec: Spec, setting: Mapping[str, Any]) -> Member:
    return Member(
        label=title,
        contestant=spec.contestant.name,
        title=title,
        dataset=spec.dataset,
        budget=spec.budget,
        seed=spec.seed,
        key=spec.key(),
        setting=setting,
    )
