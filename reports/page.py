"""The report: one page as HTML and as Markdown, with its figures and tables, from the records of a store.

What belongs to the machine and the moment (environment, times, unreadable lines, the command) stands at the
end of the page, and in `machine.csv`, `timings.tex` and `environment.tex`; all else is the same bytes for the
same results.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from bench.errors import BadInput
from bench.runs.store import Store, View
from reports.across import across_tables
from reports.appendix import commits, environment_table, failures_table, missing_table, timings_table
from reports.comparison import Comparison, Setting, settings, slug
from reports.curves import mean_curves
from reports.datafiles import comparison_frame, pairs_frame, write_csv
from reports.drawing import Image, Mark, marks
from reports.figures import curve_figure, size_figure
from reports.frame import MACHINE_PREFIXES, run_frame, without_machine
from reports.prose import METHODS, setting_facts, warnings
from reports.standings import Standings, judge
from reports.tables import Table, comparison_table, glance_table, metrics_table


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Everything that was written, and what it says: the verdict on every comparison and task."""

    page: Path
    markdown: Path
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]
    standings: tuple[Standings, ...]


@dataclass(frozen=True, kw_only=True)
class ComparisonPart:
    """What the page shows of one comparison: (task, its tables) and the training curves."""

    title: str
    anchor: str
    tasks: tuple[tuple[str, tuple[Table, ...]], ...]
    curves: Image | None


@dataclass(frozen=True, kw_only=True)
class SettingPart:
    """What the page shows of one setting."""

    title: str
    anchor: str
    facts: tuple[tuple[str, str], ...]
    set_aside: tuple[str, ...]
    comparisons: tuple[ComparisonPart, ...]
    sizes: tuple[Image, ...]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A difference drawn in a table cell: percent of the cell's width, zero being 50."""

    low: float
    mean: float
    high: float
    verdict: str


def build_report(store: Path, output: Path, *, command: str, titles: Mapping[str, str]) -> ReportFiles:
    """Writes `index.html`, `report.md`, `figures/` and `tables/` under `output`.

    Args:
        command: what to type to make this report again.
        titles: contestant name → how to print it.

    Raises:
        BadInput: the store has no runs, or predictions of different rows under one fingerprint.
    """
    view, frame = _read(store)
    kept = Store(store)
    every_setting = settings(frame, titles)
    mark = marks(sorted(frame["contestant"].unique()))
    parts, every_standings = [], []
    for setting in every_setting:
        judged = _judged(setting, kept)
        every_standings += [standings for _, standings in judged]
        parts.append(_setting_part(setting, judged, kept, mark))
    whole = {
        "glance": glance_table(every_standings, "glance"),
        "failures": failures_table(every_setting, "failures"),
        "missing": missing_table(every_setting, "missing"),
        "environment": environment_table(frame, "environment"),
        "timings": timings_table(every_setting, "timings"),
    }
    across = across_tables(every_standings)
    content = {
        **whole,
        "counts": _counts(frame, every_setting),
        "warnings": warnings(frame),
        "settings": parts,
        "across": across,
        "methods": METHODS,
        "torn": view.torn,
        "command": command,
        "commits": commits(frame),
    }
    images = [image for part in parts for image in _images(part)]
    by_task = [tables for part in parts for each in part.comparisons for _, tables in each.tasks]
    side_by_side = [table for _, table in across]
    tables = [*whole.values(), *side_by_side, *(table for found in by_task for table in found)]
    return ReportFiles(
        page=_write(output / "index.html", _render("page.html.j2", content)),
        markdown=_write(output / "report.md", _render("report.md.j2", content)),
        figures=tuple(_write_images(output / "figures", images)),
        tables=tuple(_write_tables(output / "tables", tables, frame, every_standings)),
        standings=tuple(every_standings),
    )


def bars(table: Table) -> list[Bar | None]:
    """The differences of a table that have an interval, on one scale, which the widest interval fills."""
    bounds = [abs(bound) for value in table.differences if value for bound in (value.low, value.high)]
    span = max((bound for bound in bounds if bound < 1), default=0.0) or 1.0
    result: list[Bar | None] = []
    for value in table.differences:
        if value is None or value.half_width is None:
            result.append(None)
            continue
        low, mean, high = (
            50 + 46 * max(-1.0, min(1.0, place / span)) for place in (value.low, value.mean, value.high)
        )
        result.append(Bar(low=low, mean=mean, high=high, verdict=value.verdict))
    return result


def _read(store: Path) -> tuple[View, pd.DataFrame]:
    view = Store(store).read()
    if not view.runs:
        count = len(view.torn)
        torn = f" ({count} line{'s' if count > 1 else ''} could not be read)" if count else ""
        raise BadInput(f"the store {store} holds no runs{torn}; a report needs at least one")
    return view, run_frame(view.runs.values())


def _judged(setting: Setting, store: Store) -> list[tuple[Comparison, Standings]]:
    return [
        (comparison, judge(setting.title, comparison, task, store))
        for comparison in setting.comparisons
        for task in comparison.tasks
    ]


def _setting_part(
    setting: Setting, judged: Sequence[tuple[Comparison, Standings]], store: Store, mark: Mapping[str, Mark]
) -> SettingPart:
    sizes = []
    for task in setting.tasks:
        of_task = [(comparison.budget_kind, found) for comparison, found in judged if found.task == task]
        sizes.append(size_figure(f"size-{setting.slug}-{slug(task)}", of_task, mark))
    return SettingPart(
        title=setting.title,
        anchor=setting.slug,
        facts=setting_facts(setting),
        set_aside=setting.set_aside,
        comparisons=tuple(
            _comparison_part(setting, comparison, judged, store, mark) for comparison in setting.comparisons
        ),
        sizes=tuple(image for image in sizes if image),
    )


def _comparison_part(
    setting: Setting,
    comparison: Comparison,
    judged: Sequence[tuple[Comparison, Standings]],
    store: Store,
    mark: Mapping[str, Mark],
) -> ComparisonPart:
    anchor = f"{setting.slug}-{comparison.slug}"
    tasks = []
    for other, found in judged:
        if other is comparison:
            name = f"{anchor}-{slug(found.task)}"
            tables = (comparison_table(found, f"comparison-{name}"), metrics_table(found, f"metrics-{name}"))
            tasks.append((found.task, tables))
    curves = curve_figure(f"curves-{anchor}", mean_curves(comparison, store), mark)
    return ComparisonPart(title=comparison.title, anchor=anchor, tasks=tuple(tasks), curves=curves)


def _counts(frame: pd.DataFrame, every_setting: Sequence[Setting]) -> dict[str, int]:
    return {
        "runs": len(frame),
        "ok": int((frame["status"] == "ok").sum()),
        "contestants": frame["contestant"].nunique(),
        "datasets": len(frame[["dataset", "dataset_rev", "fingerprint"]].drop_duplicates()),
        "comparisons": sum(len(setting.comparisons) for setting in every_setting),
    }


def _images(part: SettingPart) -> list[Image]:
    return [*part.sizes, *(each.curves for each in part.comparisons if each.curves)]


def _render(template: str, content: Mapping[str, object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["pipes"] = lambda cell: str(cell).replace("|", "\\|").replace("\n", " ")
    environment.globals["bars"] = bars
    return environment.get_template(template).render(content)


def _write_images(folder: Path, images: Sequence[Image]) -> list[Path]:
    paths = []
    for image in images:
        for suffix, data in (("png", image.png), ("pdf", image.pdf)):
            paths.append(folder / f"{image.name}.{suffix}")
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            paths[-1].write_bytes(data)
    return paths


def _write_tables(
    folder: Path, tables: Sequence[Table], frame: pd.DataFrame, every_standings: Sequence[Standings]
) -> list[Path]:
    paths = [_write(folder / f"{table.name}.tex", table.latex()) for table in tables if table.rows]
    machine = [name for name in frame.columns if name.startswith(MACHINE_PREFIXES)]
    flat = {
        "runs": without_machine(frame),
        "comparison": comparison_frame(every_standings),
        "pairs": pairs_frame(every_standings),
        "machine": frame[["key", "contestant", "seed", *machine]],
    }
    return paths + [write_csv(table, folder / f"{name}.csv") for name, table in flat.items()]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
