"""A small file of random rows that a schema file can read, for the schemas that documentation shows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from bench.data.importing import ImportPlan
from bench.data.importing.columns import FieldPlan, Label, Source, Time

START = 1_600_000_000
KEYS = 40


def write_files(plan: ImportPlan, folder: Path, *, name: str = "rows.csv", rows: int = 5_000) -> Path:
    """Writes the file of rows and those of the plan's tables into `folder`; returns the first."""
    generator = np.random.default_rng(0)
    columns: dict[str, list[str]] = {}
    for field in plan.fields_of(""):
        columns[field.column] = _field(field, rows, generator)
    for table in plan.tables:
        columns[table.on] = _keys(rows, generator)
        facts = {table.key: [f"k{i}" for i in range(KEYS)]}
        facts |= {field.column: _field(field, KEYS, generator) for field in plan.fields_of(table.name)}
        for file in table.files:
            _write(folder / file, facts, table.source)
    if plan.user is not None:
        columns[plan.user] = _keys(rows, generator)
    for label in plan.labels:
        columns[label.column] = _label(label, rows, generator)
    if plan.time is not None:
        columns[plan.time.column] = _times(plan.time, rows)
    return _write(folder / name, columns, plan.source)


def _keys(rows: int, generator: np.random.Generator) -> list[str]:
    return [f"k{i}" for i in generator.integers(0, KEYS, rows)]


def _field(field: FieldPlan, rows: int, generator: np.random.Generator) -> list[str]:
    if field.kind == "numeric":
        return [f"{x:.2f}" for x in generator.lognormal(size=rows)]
    if field.kind == "sequence":
        return [field.separator.join(_keys(3, generator)) for _ in range(rows)]
    return _keys(rows, generator)


def _label(label: Label, rows: int, generator: np.random.Generator) -> list[str]:
    if label.positive is None:
        return [str(i) for i in generator.integers(0, 2, rows)]
    return [str(i) for i in generator.integers(1, 6, rows)]


def _times(time: Time, rows: int) -> list[str]:
    if time.format == "iso":
        return [f"2024-05-{1 + i * 30 // rows:02}T00:00:00Z" for i in range(rows)]
    scale = {"milliseconds": 1000}.get(time.format, 1)
    return [str((START + 60 * i) * scale) for i in range(rows)]


def _write(path: Path, columns: dict[str, list[str]], source: Source) -> Path:
    with path.open("w", encoding=source.encoding, newline="") as file:
        writer = csv.writer(file, delimiter=source.delimiter)
        order = source.columns or tuple(columns)
        if not source.columns:
            writer.writerow(order)
        rows = len(next(iter(columns.values())))
        writer.writerows(zip(*(columns.get(column, ["0"] * rows) for column in order), strict=True))
    return path
