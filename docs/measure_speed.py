"""How cost grows, and which share of the GEMM peak training reaches: python docs/measure_speed.py

    python docs/measure_speed.py                    # everything, with all cores
    python docs/measure_speed.py --part parameters  # one part, in place of its earlier figures

The parts are those of `PARTS`. Figures are written to `speed.csv` beside this script after each part, in
place of those of the same part, and `speed_growth.png` and `speed_mfu.png` are drawn from that file. A point
that is not possible, such as a budget that a contestant cannot reach, is named and left out.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import matplotlib.lines
import matplotlib.style
import matplotlib.ticker
import pandas as pd
import torch
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.counts import short
from bench.data.dataset import Dataset
from bench.errors import unknown_name
from bench.machine.allocator import keep_buffers
from bench.machine.parallel import cores
from bench.runs.entrants import Entrant
from bench.runs.execute import execute
from bench.runs.plan import plan, size
from bench.runs.studies import STUDIES, Study, entrants_called
from bench.spec import Budget, FeatureSpec
from bench.speed.random_data import TABLE_ROWS, random_dataset, random_schema
from bench.speed.training import job_of, measured
from bench.training.protocols import changed
from rankbench.options import synthetic
from reports.writing.drawing import STYLE, marks

HERE = Path(__file__).parent
TABLE = HERE / "speed.csv"
PARAMETERS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
"""Of the dense part; batches of a study."""
FIELDS = (4, 13, 40, 126, 400)
ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
OF_ROWS = ("dlrm-mlp", "rankmixer")
"""Every contestant reads the same rows, so two say how time grows with them."""
TOKEN_DIMS = (16, 32, 64, 128, 256, 512)
BATCH_SIZES = (64, 256, 1024, 4096, 16384)
WIDTH_AT_BATCH, BATCH_AT_WIDTH = 1024, 128
CPU = torch.device("cpu")
COMPARE = dataclasses.replace(STUDIES["compare"], tuned=None)
"""By one protocol: times are of equal batches."""


def measure_speed(
    part: Annotated[list[str] | None, typer.Option(help="May be repeated; all by default.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of each training.")] = cores(),
    seconds: Annotated[float, typer.Option(help="Seconds per point.")] = 1.5,
    data_dir: Annotated[Path, typer.Option(help="Folder of the data sets.")] = Path("data"),
) -> None:
    """Measure the parts, write the table and draw the figures."""
    for name in part or PARTS:
        if name not in PARTS:
            raise unknown_name("part", name, PARTS)
    keep_buffers()
    for name in part or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            found = []
            for point in PARTS[name](Path(folder), data_dir, threads, seconds):
                found.append({"part": name, "threads": threads, **point})
                typer.echo(f"{name} {point['label']} {point['x']}: {point['us_per_sample']:.1f} µs", err=True)
        _write(pd.DataFrame(found), name)
    draw(pd.read_csv(TABLE))


def _parameters(_: Path, data_dir: Path, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    study = dataclasses.replace(
        COMPARE, budgets=tuple(Budget(kind="dense_parameters", target=n) for n in PARAMETERS)
    )
    dataset = synthetic("trees", study.synthetic_rows, 1, data_dir)
    for speed in _speeds(study, dataset, threads, seconds):
        yield {**speed, "x": speed["dense_parameters"]}


def _fields(folder: Path, _: Path, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    study = dataclasses.replace(COMPARE, budgets=(Budget(kind="dense_parameters", target=300_000),))
    for fields in FIELDS:
        dataset = random_dataset(folder / str(fields), schema=random_schema(fields, TABLE_ROWS), rows=1 << 15)
        for speed in _speeds(study, dataset, threads, seconds):
            yield {**speed, "x": fields}


def _rows(_: Path, data_dir: Path, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Training and evaluation of a whole run, per row of all splits."""
    study = dataclasses.replace(COMPARE, entrants=entrants_called(*OF_ROWS), baseline=None, seeds=(0,))
    for rows in ROWS:
        dataset = synthetic("trees", rows, 1, data_dir)
        ((_, runs),) = plan(study, [dataset], command="").runs
        for planned in runs:
            run = execute(planned, dataset, device=CPU, threads=threads).run
            spent = float(run.timings["train_s"]) + float(run.timings["evaluate_s"])
            yield {
                "label": planned.contestant.title,
                "dense_parameters": planned.cost.dense_parameters,
                "x": rows,
                "us_per_sample": 1e6 * spent / rows,
            }


def _mfu(
    entrants: Sequence[Entrant], batch_size: int, folder: Path, threads: int, seconds: float
) -> Iterator[dict[str, Any]]:
    schema = random_schema(39, TABLE_ROWS)
    dataset = random_dataset(folder / "random", schema=schema, rows=max(1 << 15, 2 * batch_size))
    study = Study(
        name="mfu",
        question="How does it use the machine?",
        entrants=tuple(entrants),
        budgets=(None,),
        features=FeatureSpec(width=16),
        protocol=changed(COMPARE.protocol, {"batch_size": batch_size}),
    )
    yield from _speeds(study, dataset, threads, seconds)


def _mfu_of_width(folder: Path, _: Path, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    for dim in TOKEN_DIMS:
        for speed in _mfu(_of_width(dim), WIDTH_AT_BATCH, folder, threads, seconds):
            yield {**speed, "x": dim}


def _mfu_of_batch(folder: Path, _: Path, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    for batch_size in BATCH_SIZES:
        for speed in _mfu(_of_width(BATCH_AT_WIDTH), batch_size, folder, threads, seconds):
            yield {**speed, "x": batch_size}


PARTS = {
    "parameters": _parameters,
    "fields": _fields,
    "rows": _rows,
    "width": _mfu_of_width,
    "batch": _mfu_of_batch,
}


def _of_width(dim: int) -> list[Entrant]:
    """RankMixer of 16 tokens, TokenMixer-Large of nearly the same size, and an MLP of hidden width 4·D."""
    sizes: Mapping[str, Mapping[str, Any]] = {
        "rankmixer": {"num_tokens": 16, "token_dim": dim, "hidden_dim": 4 * dim, "num_layers": 2},
        "tokenmixer-large": {
            "num_tokens": 16,
            "num_heads": 16,
            "token_dim": dim,
            "hidden_dim": dim * 5 // 4,
            "num_layers": 2,
        },
        "dlrm-mlp": {"hidden_dims": (4 * dim,) * 3},
    }
    return [
        dataclasses.replace(one, hyperparameters=sizes[one.contestant.name], label=one.label)
        for one in entrants_called(*sizes)
    ]


def _speeds(study: Study, dataset: Dataset, threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    for s in size(study, dataset.schema):
        label = s.entrant.label
        if s.reason is not None:
            typer.echo(f"{label}: {s.reason}", err=True)
            continue
        job = job_of(study, s, dataset, device=CPU, threads=threads, seconds=seconds)
        (speed,) = measured([job])
        if isinstance(speed, str):
            typer.echo(f"{label}: {speed}", err=True)
            continue
        yield {
            "label": label,
            "dense_parameters": speed.dense_parameters,
            "batch_size": speed.batch_size,
            "us_per_sample": 1e6 / speed.samples_per_second,
            "mfu": speed.mfu,
            "gemm_flops_per_second": speed.gemm_flops_per_second,
            "peak_memory_bytes": speed.peak_memory_bytes,
        }


def _write(found: pd.DataFrame, part: str) -> None:
    if TABLE.exists():
        earlier = pd.read_csv(TABLE)
        found = pd.concat([earlier[earlier["part"] != part], found])
    found.to_csv(TABLE, index=False, float_format="%.6g")


def draw(table: pd.DataFrame) -> None:
    """Both figures, of the parts that the table has."""
    matplotlib.style.use(STYLE)
    microseconds = "µs per sample"
    _figure(
        table,
        "speed_growth",
        microseconds,
        {
            "parameters": "dense parameters (batch 256, trees)",
            "fields": "fields (300k dense parameters, batch 256)",
            "rows": "rows of all splits (100k dense parameters)",
        },
    )
    _figure(
        table,
        "speed_mfu",
        "MFU",
        {
            "width": f"token_dim D (batch {WIDTH_AT_BATCH}; MLP: 4·D wide)",
            "batch": f"batch size (D {BATCH_AT_WIDTH})",
        },
    )


def _figure(table: pd.DataFrame, name: str, quantity: str, panels: Mapping[str, str]) -> None:
    of_figure = table[table["part"].isin(list(panels))]
    if of_figure.empty:
        return
    mark = marks(of_figure["label"].unique())
    figure = Figure(figsize=(3.6 * len(panels) + 1.4, 3.4), layout="constrained")
    axes_of = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (part, said) in zip(axes_of, panels.items(), strict=True):
        for label, points in of_figure[of_figure["part"] == part].groupby("label", sort=True):
            values = points.sort_values("x")
            style = {"color": mark[label].colour, "marker": mark[label].marker, "markersize": 4.0}
            axes.plot(values["x"], values["mfu" if quantity == "MFU" else "us_per_sample"], **style)
        _scales(axes, said, quantity)
    handles = [
        matplotlib.lines.Line2D([], [], color=one.colour, marker=one.marker, markersize=4.0, label=label)
        for label, one in mark.items()
    ]
    figure.legend(handles=handles, loc="outside right center", frameon=False)
    figure.savefig(HERE / f"{name}.png", dpi=150)


def _scales(axes: Axes, said: str, quantity: str) -> None:
    axes.set(xlabel=said, ylabel=quantity, xscale="log")
    logarithmic = [axes.xaxis]
    if quantity == "MFU":
        axes.set(ylim=(0, 1))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    else:
        axes.set(yscale="log")
        low, high = axes.get_ylim()
        wider = max(1.0, (10 * low / high) ** 0.5)  # a decade at least, so that little looks like little
        axes.set(ylim=(low / wider, high * wider))
        logarithmic.append(axes.yaxis)
    for axis in logarithmic:
        axis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter(lambda value, _: short(value))
        axis.set_minor_locator(matplotlib.ticker.NullLocator())


if __name__ == "__main__":
    typer.run(measure_speed)
