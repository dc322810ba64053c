"""The lines that `rankbench speed standard` measures, with what this project aims at.

Most are on random rows of 39 fields × 16 with 709 thousand table rows, at batches of 4096, where other
libraries were measured as well; the rest are what a study's runs do. All train with Adam. `earlier` is the
figure that the targets were set from, on two cores with a GEMM peak of 183 to 190 GFLOP/s; docs/speed.md has
all lines measured before and after the work on speed in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.contestants.registry import CONTESTANTS
from bench.data.schema import Schema
from bench.runs.entrants import Entrant
from bench.runs.plan import size
from bench.runs.sizing import SizedEntrant
from bench.runs.studies import Study
from bench.spec import Budget, FeatureSpec
from bench.speed import rates
from bench.speed.training import Speed
from bench.training.protocols import changed, protocol

Figure = Literal["mfu", "samples_per_second"]
RANDOM_FIELDS = 39
NOISE = 0.1
"""A rate that must not fall is met from this share below the earlier one."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One contestant to measure, and the speed it should reach.

    Args:
        label: unique.
        contestant: its name in the registry.
        hyperparameters: in place of its defaults.
        budget: dense parameters that it is solved for; None: as given.
        data: ``random`` or ``trees``, the synthetic world of the studies.
        width: of the embeddings.
        batch_size: rows a step.
        threads: None: one a core.
        figure: the property of `Speed` that is reported.
        target: its least value. With `beside`, what is added to the figure of that line to get it.
        earlier: the figure before the work on speed; None: it was not measured.
    """

    label: str
    contestant: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    budget: int | None = None
    data: Literal["random", "trees"] = "random"
    width: int = 16
    batch_size: int = 4096
    threads: int | None = None
    figure: Figure
    target: float
    beside: str = ""
    earlier: float | None = None


@dataclass(frozen=True, kw_only=True)
class RateLine:
    """Rows per second of something else than training, which must not fall."""

    label: str
    measure: Callable[[float], float]
    earlier: float

    @property
    def target(self) -> float:
        return (1 - NOISE) * self.earlier


def _rankmixer(dim: int, dense: str, *, target: float, earlier: float) -> Line:
    return Line(
        label=f"RankMixer D {dim} ({dense})",
        contestant="rankmixer",
        hyperparameters={"num_tokens": 16, "token_dim": dim, "hidden_dim": 4 * dim, "num_layers": 2},
        figure="mfu",
        target=target,
        earlier=earlier,
    )


def _tokenmixer_large(dim: int, hidden_dim: int, dense: str, beside: Line) -> Line:
    return Line(
        label=f"TokenMixer-Large D {dim} ({dense})",
        contestant="tokenmixer-large",
        hyperparameters={
            "num_tokens": 16,
            "num_heads": 16,
            "token_dim": dim,
            "hidden_dim": hidden_dim,
            "num_layers": 2,
        },
        figure="mfu",
        target=-0.05,
        beside=beside.label,
    )


def _small(title: str, contestant: str, *, batch_size: int, target: float, earlier: float) -> Line:
    """A contestant of the studies' size, as a run of a sweep trains it."""
    return Line(
        label=f"{title} of 100k on trees, 1 thread",
        contestant=contestant,
        budget=100_000,
        data="trees",
        width=8,
        batch_size=batch_size,
        threads=1,
        figure="samples_per_second",
        target=target,
        earlier=earlier,
    )


_RANKMIXERS = (
    _rankmixer(64, "1.1M", target=0.48, earlier=0.32),
    _rankmixer(128, "4.3M", target=0.66, earlier=0.54),
    _rankmixer(256, "17M", target=0.78, earlier=0.68),
)
_ATTENTION = {"num_layers": 3, "num_heads": 2, "head_dim": 16}

LINES: tuple[Line, ...] = (
    *_RANKMIXERS,
    _tokenmixer_large(64, 80, "1.06M", _RANKMIXERS[0]),
    _tokenmixer_large(128, 160, "4.1M", _RANKMIXERS[1]),
    _tokenmixer_large(256, 320, "16M", _RANKMIXERS[2]),
    Line(
        label="DLRM-MLP 3 × 512 (846k)",
        contestant="dlrm-mlp",
        hyperparameters={"hidden_dims": (512, 512, 512)},
        figure="samples_per_second",
        target=28_000,
        earlier=25_500,
    ),
    Line(
        label="DCNv2 3 crosses, 3 × 400 (1.7M)",
        contestant="dcnv2",
        hyperparameters={"num_cross_layers": 3, "structure": "parallel", "hidden_dims": (400, 400, 400)},
        figure="samples_per_second",
        target=15_000,
        earlier=14_800,
    ),
    Line(
        label="AutoInt token_dim 16 (22k)",
        contestant="autoint",
        hyperparameters={**_ATTENTION, "token_dim": 16},
        figure="samples_per_second",
        target=15_000,
    ),
    Line(
        label="AutoInt token_dim 64 (60k)",
        contestant="autoint",
        hyperparameters={**_ATTENTION, "token_dim": 64},
        figure="samples_per_second",
        target=15_000,
        earlier=7_700,
    ),
    Line(
        label="Wukong 40 + 40 tokens (186k)",
        contestant="wukong",
        hyperparameters={
            "num_layers": 3,
            "num_fmb_tokens": 40,
            "num_lcb_tokens": 40,
            "projection_rank": 8,
            "num_hidden": 2,
            "hidden_dim": 32,
        },
        figure="samples_per_second",
        target=20_000,
    ),
    _small("DHEN", "dhen", batch_size=1024, target=12_000, earlier=5_000),
    _small("Hiformer", "hiformer", batch_size=1024, target=12_000, earlier=5_000),
    _small("DLRM-MLP", "dlrm-mlp", batch_size=256, target=50_000, earlier=26_000),
)

RATES: tuple[RateLine, ...] = (
    RateLine(
        label="loader, 39 ids at batch 4096",
        measure=lambda seconds: rates.loader_rows_per_second(seconds=seconds),
        earlier=9_400_000,
    ),
    RateLine(
        label="synthesis, trees world",
        measure=lambda _: rates.synthesis_rows_per_second(),
        earlier=80_000,
    ),
    RateLine(
        label="import, random rows as Criteo's",
        measure=lambda _: rates.import_rows_per_second(),
        earlier=154_000,
    ),
)


def study_of(line: Line) -> Study:
    """The study whose only entrant is that of `line`."""
    return Study(
        name="standard",
        question="How fast is it?",
        entrants=(
            Entrant(
                contestant=CONTESTANTS[line.contestant],
                hyperparameters=line.hyperparameters,
                label=line.label,
            ),
        ),
        budgets=(None if line.budget is None else Budget(kind="dense_parameters", target=line.budget),),
        protocol=changed(protocol("adam"), {"batch_size": line.batch_size}),
        features=FeatureSpec(width=line.width),
    )


def sized(line: Line, schema: Schema) -> SizedEntrant:
    """The hyper-parameters and the cost of the contestant of `line`."""
    (only,) = size(study_of(line), schema)
    return only


def target_of(line: Line, speeds: Mapping[str, Speed | str]) -> float | None:
    """The least value that `line` aims at; None if the line beside which it is set has no figure."""
    if not line.beside:
        return line.target
    beside = speeds.get(line.beside)
    if not isinstance(beside, Speed) or beside.mfu is None:
        return None
    return beside.mfu + line.target
