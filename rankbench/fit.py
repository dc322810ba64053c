"""`rankbench fit`: scaling laws of any points, from a CSV file. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.errors import BadInput, cannot_write
from bench.machine.writable import refuse_unwritable
from rankbench import options
from rankbench.console import answer, answer_json, table

if TYPE_CHECKING:
    from reports.scaling import Fit, Metric
    from reports.scaling.points import Point
    from reports.writing.drawing import Image
    from reports.writing.sections import Table


def run(
    points: Annotated[
        Path,
        typer.Argument(
            help="CSV file with the columns size and value; optional: seed, series, rows (training rows: the "
            "law is in both) and exclude (why a point is not fitted)."
        ),
    ],
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="What the values are: auc or uauc (at most 1), log-loss (at least 0), gain (more is better) "
            "or loss (less is better), both without a bound.",
        ),
    ] = "auc",
    bound: Annotated[
        float | None, typer.Option("--bound", help="The best possible value, such as that of the oracle.")
    ] = None,
    asymptote: Annotated[
        float | None, typer.Option("--asymptote", help="A known asymptote, in place of one that is fitted.")
    ] = None,
    size: Annotated[
        str, typer.Option("--size", help="What the sizes count, for labels: 'dense parameters', 'FLOPs'.")
    ] = "size",
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the figure; that of the CSV file by default.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Fit scaling laws to points, compare the series, and draw the figure.

    Intervals are of 95 %. Where the points do not determine an asymptote, it says so and reports the log law.
    Writes a PNG and a PDF named like the CSV file.
    """
    from reports.scaling import metric_named
    from reports.scaling.points import read_points

    known = metric_named(metric, bound)
    read = read_points(points)
    into = output or points.parent
    refuse_unwritable("the folder of the figure", into, "--output")
    used = [point for point in read if not point.exclude]
    excluded = [point for point in read if point.exclude]
    if used and used[0].rows is not None:
        if asymptote is not None:
            raise BadInput("--asymptote does not apply to a law in size and rows; leave one of them out")
        found, tables, image = _in_size_and_rows(read, used, known, size)
    else:
        found, tables, image = _in_size(used, excluded, known, size, asymptote)
    files = _written(image, into, points.stem)
    if json:
        left_out = [{**vars(point)} for point in excluded]
        answer_json({**found, "excluded": left_out, "figure": [str(file) for file in files]})
        return 0
    for shown in tables:
        _print(shown, f"{points.name} · {known.title}")
    _print_excluded(excluded)
    answer(f"figure: {' and '.join(str(file) for file in files)}")
    return 0


def _in_size(
    used: Sequence[Point], excluded: Sequence[Point], metric: Metric, size: str, asymptote: float | None
) -> tuple[dict[str, Any], list[Table], Image]:
    from reports.scaling import compare, fit
    from reports.scaling.figure import scaling_figure
    from reports.scaling.sensitivity import leave_one_out
    from reports.scaling.tables import (
        decimals_for,
        fit_for_machines,
        fit_table,
        pair_for_machines,
        pair_table,
    )

    fits: list[Fit] = []
    refused: dict[str, str] = {}
    for label in dict.fromkeys(point.series for point in [*used, *excluded]):
        own = [point for point in used if point.series == label]
        seeds = [point.seed for point in own]
        try:
            fits.append(
                fit(
                    [point.size for point in own],
                    [point.value for point in own],
                    seeds if all(seeds) else None,
                    metric=metric,
                    label=label,
                    asymptote=asymptote,
                )
            )
        except BadInput as error:
            refused[label] = str(error)
    if not fits:
        raise BadInput("; ".join(refused.values()))
    pairs = compare(fits)
    tables = [fit_table(fits, refused, size)]
    if pairs:
        decimals = decimals_for(min(one.chosen.rmse for one in fits))
        tables.append(pair_table(pairs, metric, decimals, size))
    found = {
        "fits": [fit_for_machines(one, leave_one_out(one)) for one in fits],
        "refused": refused,
        "pairs": [pair_for_machines(pair) for pair in pairs],
    }
    return found, tables, scaling_figure(fits, size=size, excluded=excluded)


def _in_size_and_rows(
    read: Sequence[Point], used: Sequence[Point], metric: Metric, size: str
) -> tuple[dict[str, Any], list[Table], Image]:
    from reports.scaling import fit_surface
    from reports.scaling.figure import surface_figure
    from reports.scaling.tables import surface_for_machines, surface_table

    surfaces, refused = {}, {}
    for label in dict.fromkeys(point.series for point in read):
        own = [point for point in used if point.series == label]
        columns = [[p.size for p in own], [p.rows or 0.0 for p in own], [p.value for p in own]]
        try:
            surfaces[label] = fit_surface(*columns, metric=metric)
        except BadInput as error:
            refused[label] = str(error)
    if not surfaces:
        raise BadInput("; ".join(dict.fromkeys(refused.values())))
    found = {
        "surfaces": [surface_for_machines(label, one) for label, one in surfaces.items()],
        "refused": refused,
    }
    return found, [surface_table(surfaces, refused, size)], surface_figure(surfaces, read, size=size)


def _written(image: Image, into: Path, stem: str) -> list[Path]:
    from bench.machine.partial import written_whole

    files = []
    for suffix, content in ((".png", image.png), (".pdf", image.pdf)):
        path = into / f"{stem}{suffix}"
        try:
            into.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as partial:
                partial.write_bytes(content)
        except OSError as error:
            raise cannot_write(path, error) from error
        files.append(path)
    return files


def _print(shown: Table, title: str) -> None:
    from reports.writing.escaping import visible

    table(f"{title} · {shown.name}", shown.header, [[str(cell) for cell in row] for row in shown.rows])
    for note in shown.notes:
        answer(visible(note))


def _print_excluded(excluded: Sequence[Point]) -> None:
    from reports.writing.notation import fixed, short

    if excluded:
        rows = [[p.series, short(p.size), p.seed, fixed(p.value, 6), p.exclude] for p in excluded]
        table("Excluded points", ("series", "size", "seed", "value", "why"), rows)
