"""Progress on stderr: bars with throughput and time left on a terminal, else one line per finished run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from rankbench.console import complain, count
from reports.writing.escaping import visible

if TYPE_CHECKING:
    from bench.data.download import BytesDone
    from bench.runs.execute import Planned
    from bench.runs.record import Run


class _RowsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{count(task.speed or 0)} rows/s", style="progress.data.speed")


def bars() -> Progress:
    """Progress bars counted in rows; nothing is drawn if stderr is not a terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _RowsPerSecond(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


class RowsDone(Protocol):
    """Takes the rows done so far, and the total number of rows if it is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None: ...


@contextmanager
def row_progress(description: str) -> Iterator[RowsDone]:
    """One bar; yields a function of (rows done, total number of rows or None)."""
    with bars() as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)


class DownloadProgress:
    """A bar for every file; one line per file if stderr is not a terminal."""

    def __init__(self) -> None:
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> DownloadProgress:
        self.bars.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bars.stop()

    def starts(self, file: str) -> BytesDone:
        if not sys.stderr.isatty():
            complain(f"downloading {file}")
        task = self.bars.add_task(file, total=None)
        return lambda done, total: self.bars.update(task, completed=done, total=total)


class SweepProgress:
    """A bar for each active run and a line for each finished run.

    Args:
        total: number of runs.
        labels: key of a run → its entrant.
    """

    def __init__(self, total: int, labels: Mapping[str, str]) -> None:
        self.bars = bars()
        self.total = total
        self.labels = labels
        self.done = 0
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> SweepProgress:
        self.bars.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bars.stop()

    def at(self, planned: Planned, done: int, rows: int) -> None:
        """Shows how many of its rows an active run has trained on."""
        key = planned.spec.key()
        if key not in self.tasks:
            name = f"{self.labels[key]} seed {planned.spec.seed}"
            self.tasks[key] = self.bars.add_task(visible(name), total=rows)
        self.bars.update(self.tasks[key], completed=done)

    def finished(self, run: Run) -> None:
        self.done += 1
        if run.key in self.tasks:
            self.bars.remove_task(self.tasks.pop(run.key))
        spec, speed = run.spec, run.timings.get("samples_per_s")
        told = (run.error or {}).get("message") or (f"{count(float(speed))} samples/s" if speed else "")
        line = f"{self.done}/{self.total} {self.labels[spec.key()]} seed {spec.seed}: {run.status}, {told}"
        if sys.stderr.isatty():
            self.bars.console.print(Text(visible(line)))  # a text, never rich's own markup
        else:
            complain(line)
