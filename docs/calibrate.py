"""What room the synthetic world leaves: DLRM-MLP at five sizes, logistic regression and the oracle.

    python docs/calibrate.py --family rules          # one family, about 50 minutes of one core
    python docs/calibrate.py --world-seed 1          # all three, on the world that the studies use

The world was shaped with these two models and with no other contestant. Runs go through the ordinary store,
so that a call that was interrupted goes on where it was. The figures are written to `calibration.csv`
beside this script, in place of those of the same family and world, and held against what they should be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer

from bench.data.dataset import Dataset
from bench.data.references import References, references
from bench.data.synthetic import FAMILIES
from bench.errors import unknown_name
from bench.machine.parallel import cores
from bench.runs.plan import plan
from bench.runs.record import Run
from bench.runs.store import Store
from bench.runs.studies import STUDIES, Study, entrants_called
from bench.runs.sweep import missing, sweep
from bench.spec import Budget
from rankbench.options import parse_count, synthetic

TABLE = Path(__file__).with_name("calibration.csv")
LADDER = (30_000, 100_000, 300_000, 1_000_000, 3_000_000)
SEVERAL_SEEDS_AT = 300_000
"""The middle of the ladder."""
SEEDS = 3


def calibrate(
    family: Annotated[list[str] | None, typer.Option(help="May be repeated; all by default.")] = None,
    rows: Annotated[str, typer.Option(help="Rows of all splits together.")] = "2.75M",
    world_seed: Annotated[int, typer.Option(help="0: the one that was shaped; 1: that of the studies.")] = 0,
    processes: Annotated[int, typer.Option(help="Runs at a time.")] = cores(),
    data_dir: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
    store: Annotated[Path, typer.Option(help="Folder of the records.")] = Path("results/local"),
) -> None:
    """Train what the store does not have yet, and write the table."""
    families = family or list(FAMILIES)
    for name in families:
        if name not in FAMILIES:
            raise unknown_name("family", name, FAMILIES)
    for name in families:
        dataset = synthetic(name, parse_count("rows", rows), world_seed, data_dir)
        bounds = references(dataset)  # before the runs, of which each would look for them
        figures = _figures(dataset, bounds, _ladder(dataset, Store(store), processes))
        figures.insert(0, "family", name)
        figures.insert(1, "world_seed", world_seed)
        _write(figures)
        typer.echo(figures.to_string(index=False))
        for what, holds in checks(figures).items():
            typer.echo(f"{'holds' if holds else 'FAILS'}  {what}")


def _ladder(dataset: Dataset, store: Store, processes: int) -> list[Run]:
    """The runs of the ladder with seed 0, and of one rung with the other seeds."""
    studies = [
        Study(
            name="calibration",
            question="How much does a plain MLP gain with its size?",
            entrants=entrants_called("dlrm-mlp"),
            features=STUDIES["compare"].features,
            protocol=STUDIES["compare"].protocol,
            budgets=tuple(Budget(kind="dense_parameters", target=target) for target in targets),
            seeds=seeds,
        )
        for targets, seeds in ((LADDER, (0,)), ((SEVERAL_SEEDS_AT,), tuple(range(1, SEEDS))))
    ]
    planned = [
        run for study in studies for _, runs in plan(study, [dataset], command="").runs for run in runs
    ]
    sweep(
        missing(planned, store),
        dataset,
        store,
        device=torch.device("cpu"),
        processes=processes,
        finished=lambda run: typer.echo(f"{run.spec.budget} seed {run.spec.seed}: {run.status}", err=True),
    )
    runs = store.read().runs
    return [runs[run.spec.key()] for run in planned]


def _figures(dataset: Dataset, bounds: References, runs: list[Run]) -> pd.DataFrame:
    """One line a model, size and seed, with the test AUC of each task."""
    of_reference = [(name, 0, 0, metrics) for name, metrics in bounds.items()]
    of_run = [("dlrm-mlp", run.cost.dense_parameters, run.spec.seed, run.metrics["test"]) for run in runs]
    return pd.DataFrame(
        [
            {
                "rows": sum(dataset.rows.values()),
                "rev": dataset.rev,
                "model": model,
                "dense_parameters": dense,
                "seed": seed,
                **{f"{task}_auc": round(metrics[task]["auc"], 5) for task in dataset.schema.tasks},
            }
            for model, dense, seed, metrics in [*of_reference, *of_run]
        ]
    )


def _write(figures: pd.DataFrame) -> None:
    identity = ["family", "world_seed", "rows"]
    if TABLE.exists():
        earlier = pd.read_csv(TABLE)
        replaced = earlier[identity].eq(figures[identity].iloc[0]).all(axis=1)
        figures = pd.concat([earlier[~replaced], figures])
    figures.sort_values(identity, kind="stable").to_csv(TABLE, index=False)


def checks(figures: pd.DataFrame) -> dict[str, bool]:
    """What was intended of a family's world, beside what the figures of `finish` say → whether it holds."""
    auc = figures.set_index(["model", "dense_parameters", "seed"])["finish_auc"]
    oracle, floor = auc["oracle"].iloc[0], auc["logistic_regression"].iloc[0]
    ladder = auc["dlrm-mlp"].xs(0, level="seed").sort_index()
    spread = auc["dlrm-mlp"].groupby(level="dense_parameters").std().max()
    gain, step = ladder.iloc[-1] - ladder.iloc[0], ladder.diff().min()
    return {
        f"oracle {oracle:.4f}, intended 0.82 to 0.90": 0.82 <= oracle <= 0.90,
        f"logistic regression {oracle - floor:.4f} below it, intended 0.08": oracle - floor >= 0.08,
        f"gain over the ladder {gain:.4f}, intended 0.015": gain >= 0.015,
        f"least step of the ladder {step:+.4f}, intended to rise": step > 0,
        f"standard deviation between seeds {spread:.5f}, intended 0.0007": spread <= 0.0007,
    }


if __name__ == "__main__":
    typer.run(calibrate)
