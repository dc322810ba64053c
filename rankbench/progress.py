"""Progress on stderr: bars with throughput and time left on a terminal, one line a finished run elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from rankbench.console import count


class _RowsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{count(task.speed or 0)} rows/s", style="progress.data.speed")


def bars() -> Progress:
    """Progress bars counted in rows; nothing is drawn where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _RowsPerSecond(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


class RowsDone(Protocol):
    """Told of the rows done so far, and of all there are where that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None: ...


@contextmanager
def row_progress(description: str) -> Iterator[RowsDone]:
    """One bar; what is yielded takes (rows done, rows in all or None)."""
    with bars() as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total=None: progress.update(task, completed=done, total=total)
