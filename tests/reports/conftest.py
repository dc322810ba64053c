"""Small synthetic stores for the tests of the judge: random predictions of controlled AUC, no training."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench import metrics
from bench.contestants.cost import Cost
from bench.runs.record import Run
from bench.runs.store import Store
from bench.runs.study_record import Kind, Member, StudyRecord
from bench.spec import Budget, ContestantRef, DatasetRef, FeatureSpec, Protocol, Spec
from reports.judge.moderation import Intervals
from reports.judge.standings import Standings
from reports.page import ReportFiles, build_report
from reports.records.comparison import Comparison, Study
from reports.records.frame import run_frame
from reports.records.sources import Sources
from reports.records.studies import studies
from reports.study_section import judged

NUM_ROWS = 3000
SIGNAL = {"dlrm-mlp": 0.8, "dcnv2": 0.81, "rankmixer": 1.2}
"""How strongly a contestant's logits follow the truth; 0.9 for any other."""
COMMAND = "rankbench report --store results/local"
ENVIRONMENT = {"commit": "c0ffee", "dirty": False, "libraries": {"torch": "2.13.0"}, "cores": 2}


class StoreBuilder:
    """Adds runs to the store in `directory`. The same arguments always give the same numbers."""

    titles: ClassVar = {"dlrm-mlp": "DLRM-MLP", "dcnv2": "DCNv2", "rankmixer": "RankMixer"}
    decided: ClassVar = {"dcnv2": {"width"}, "rankmixer": {"width"}}

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = Store(directory)

    def standings(self, intervals: Intervals = "moderated") -> list[Standings]:
        """The verdict on every comparison and task."""
        sources = Sources([self.directory])
        return [standings for study in self.studies() for _, standings in judged(study, sources, intervals)]

    def studies(self) -> list[Study]:
        """Those that a report would show."""
        sources = Sources([self.directory])
        frame = run_frame(sources.runs.values())
        return studies(frame, sources.studies, self.titles, decided=self.decided)

    def comparison(self) -> Comparison:
        """The only one."""
        ((comparison,),) = (study.comparisons for study in self.studies())
        return comparison

    def report(self, output: Path, **options: Any) -> ReportFiles:
        """`options` as in `build_report`."""
        fixed = {"command": COMMAND, "titles": self.titles, "decided": self.decided}
        return build_report([self.directory], output, **fixed, **options)

    def predictions(self, run: Run | Spec) -> Path:
        """Where the predictions of a run are kept."""
        return self.directory / "predictions" / f"{run.key() if isinstance(run, Spec) else run.key}.parquet"

    def curve(self, run: Run) -> Path:
        return self.directory / "curves" / f"{run.key}.parquet"

    def spec(
        self,
        contestant: str,
        seed: int,
        *,
        budget: int | None = 100_000,
        rev: int = 1,
        dataset: str = "toy",
        fingerprint: str = "a",
        train_rows: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
    ) -> Spec:
        return Spec(
            dataset=DatasetRef(name=dataset, rev=1, fingerprint=fingerprint * 64, train_rows=train_rows),
            features=FeatureSpec(),
            contestant=ContestantRef(
                name=contestant, rev=rev, hyperparameters=hyperparameters or {"width": 64}
            ),
            protocol=Protocol(name="paper"),
            budget=None if budget is None else Budget(kind="dense_parameters", target=budget),
            seed=seed,
        )

    def ok(
        self,
        spec: Spec,
        *,
        tasks: tuple[str, ...] = ("finish",),
        users: bool = True,
        predictions: bool = True,
        references: bool = True,
        epochs: int = 1,
        environment: Mapping[str, Any] = ENVIRONMENT,
        train_s: float = 12.5,
        shift: float = 0.0,
        missing_labels: int = 0,
        active_parameters: float | None = None,
        planned_active: int | None = None,
        positive_rate: float | None = None,
        num_users: int = NUM_ROWS // 10,
    ) -> Run:
        """A run that ended well, with its predictions and curve.

        Args:
            shift: added to how strongly the logits follow the truth.
            missing_labels: so many of the first rows have no label.
            active_parameters: observed on the test rows.
            planned_active: in place of all dense parameters.
            positive_rate: share of rows that are positive, the same rows in every run.
        """
        world = np.random.default_rng(ord(spec.dataset.fingerprint[0]))
        truth = world.normal(size=(NUM_ROWS, len(tasks)))
        label = (world.random(truth.shape) < 1 / (1 + np.exp(1 - truth))).astype(np.uint8)
        if positive_rate is not None:
            label = (truth >= np.quantile(truth, 1 - positive_rate, axis=0)).astype(np.uint8)
        user = world.integers(0, num_users, NUM_ROWS)
        # Seeds of a contestant differ a little, contestants among each other a little more.
        noise = 0.65 * world.normal(size=truth.shape)
        for name, scale in ((spec.contestant.name, 0.2), (label_of(spec), 0.08)):
            noise += scale * _generator(name).normal(size=truth.shape)
        cost = cost_of(spec)
        cost = dataclasses.replace(cost, active_parameters=planned_active or cost.active_parameters)
        strength = SIGNAL.get(spec.contestant.name, 0.9) + 0.05 * np.log10(cost.dense_parameters / 100_000)
        logit = ((strength + shift) * truth + noise - 1).astype(np.float32)
        known = slice(missing_labels, None)
        known_user = user[known] if users else None
        measured = metrics.evaluate(label[known], logit[known], tasks, known_user)
        best = metrics.evaluate(label[known], (truth[known] - 1).astype(np.float32), tasks, known_user)
        label[:missing_labels] = 255
        kept = ("auc", "log_loss", "uauc") if users else ("auc", "log_loss")
        oracle = {task: {metric: best[task][metric] for metric in kept} for task in tasks}
        floor = {task: {"auc": 0.6} for task in tasks}
        run = Run(
            spec=spec,
            status="ok",
            cost=cost,
            metrics={"valid": measured, "test": measured},
            references={"oracle": oracle, "logistic_regression": floor} if references else {},
            observed={} if active_parameters is None else {"active_parameters": active_parameters},
            training={"epochs": epochs, "best_epoch": epochs, "steps": 500, "rows": 2_048_000},
            error=None,
            environment=environment,
            timings={"started": "2025-01-01T00:00:00Z", "train_s": train_s, "samples_per_s": 2e6 / train_s},
        )
        if predictions:
            columns: dict[str, Any] = {"row": np.arange(NUM_ROWS)}
            columns |= {"user": user.astype(np.int32)} if users else {}
            for k, task in enumerate(tasks):
                columns |= {f"logit.{task}": logit[:, k], f"label.{task}": label[:, k]}
            _write(pd.DataFrame(columns), self.predictions(run))
        _write(_curve(strength, noise, epochs), self.curve(run))
        self.store.append(run)
        return run

    def study(
        self,
        runs: Mapping[str, Sequence[Spec]],
        *,
        impossible: Mapping[str, tuple[Spec, str]] | None = None,
        baseline: str | None = "DLRM-MLP",
        name: str = "compare",
        command: str = "rankbench run compare",
        paper: str | None = "rankmixer/table_1",
        kind: Kind = "comparison",
    ) -> StudyRecord:
        """Keeps a study with the runs of each label, and with labels that are impossible for a reason."""
        members = [
            _member(label, spec, seed=spec.seed, key=spec.key())
            for label, specs in runs.items()
            for spec in specs
        ]
        members += [
            _member(label, spec, reason=reason) for label, (spec, reason) in (impossible or {}).items()
        ]
        record = StudyRecord(
            name=name,
            kind=kind,
            question="Who is ahead?",
            command=command,
            baseline=baseline,
            paper=paper,
            members=tuple(members),
        )
        self.store.append_study(record)
        return record

    def failed(self, spec: Spec, *, status: str = "diverged") -> Run:
        """A run that did not end well; its message holds what pages must escape."""
        run = Run(
            spec=spec,
            status=status,
            cost=cost_of(spec),
            metrics=None,
            training={},
            error={"type": "Diverged", "message": "loss is nan | at <step> 12", "traceback": "..."},
            environment=ENVIRONMENT,
            timings={"started": "2025-01-01T00:00:00Z", "train_s": 1.0},
        )
        self.store.append(run)
        return run

    def three_contestants(
        self,
        *,
        seeds: int = 3,
        users: bool = True,
        missing_labels: int = 0,
        positive_rate: float | None = None,
        num_users: int = NUM_ROWS // 10,
    ) -> None:
        for contestant in self.titles:
            for seed in range(seeds):
                self.ok(
                    self.spec(contestant, seed),
                    users=users,
                    missing_labels=missing_labels,
                    positive_rate=positive_rate,
                    num_users=num_users,
                )


def _member(
    label: str, spec: Spec, *, seed: int | None = None, key: str | None = None, reason: str | None = None
) -> Member:
    return Member(
        label=label,
        contestant=spec.contestant.name,
        title=label,
        dataset=spec.dataset,
        budget=spec.budget,
        seed=seed,
        key=key,
        reason=reason,
    )


def label_of(spec: Spec) -> str:
    """What a run draws its noise from: not its key, which changes with every new field of a spec."""
    hyperparameters = sorted(spec.contestant.hyperparameters.items())
    budget = spec.budget.target if spec.budget else 0
    where = (spec.dataset.name, spec.dataset.fingerprint, budget)
    return repr((*where, spec.contestant.name, spec.contestant.rev, hyperparameters, spec.seed))


def cost_of(spec: Spec) -> Cost:
    """Sizes within 1 % of the budget, a little different for each contestant."""
    target = spec.budget.target if spec.budget else 50_000
    dense = target + target * (len(spec.contestant.name) - 7) // 400
    work = 2 * dense + 40 * len(spec.contestant.name) ** 2
    return Cost(
        embedding_parameters=1_000_000,
        linear_parameters=0,
        encoder_parameters=0,
        dense_parameters=dense,
        active_parameters=dense,
        flops_forward=work,
        flops_train=3 * work,
        activation_bytes=4096,
    )


@pytest.fixture(scope="session")
def new_store_in() -> Callable[[Path], StoreBuilder]:
    """directory → a builder of an empty store there."""
    return StoreBuilder


@pytest.fixture
def new_store(tmp_path: Path) -> Callable[[str], StoreBuilder]:
    """name → a builder of an empty store of that name."""
    return lambda name: StoreBuilder(tmp_path / name)


@pytest.fixture
def without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but neither laid out nor drawn, for tests that look at something else."""
    monkeypatch.setattr(Figure, "get_layout_engine", lambda figure: None)
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **options: file.write(b"drawn"))


@pytest.fixture
def builder(new_store: Callable[[str], StoreBuilder]) -> StoreBuilder:
    """A builder of an empty store."""
    return new_store("store")


def _curve(strength: float, noise: np.ndarray, epochs: int) -> pd.DataFrame:
    step = np.arange(10, 501, 10)
    loss = 0.45 - 0.03 * strength + np.exp(-step / 60) * 0.3 + 0.002 * noise[: step.size, 0]
    valid = np.where(step % (500 // epochs) == 0, 0.7 + 0.1 * strength - 0.05 * np.exp(-step / 100), np.nan)
    of_step = {"step": step, "epoch": 1 + (step - 1) * epochs // 500}
    return pd.DataFrame({**of_step, "train_loss": loss, "valid_auc": valid})


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:12], 16))


def _write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
