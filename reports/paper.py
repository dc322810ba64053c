"""What the paper reports, beside what we measure.

The figures are those of RankMixer's Table 1 (arXiv 2507.15551): gains in AUC of the tasks "finish" and
"skip", in points of 0.01, over a DLRM-MLP of 8.7 million dense parameters, on data that is not public.
`paper_tables.json` has a row per model of that table; a contestant may have several, of different size.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from reports.notation import fixed, short

PAPER_TASKS = ("finish", "skip")


def paper_task(task: str) -> str:
    """The task of the paper to set beside ours: its namesake, else the primary one."""
    return task if task in PAPER_TASKS else PAPER_TASKS[0]


def gain_text(contestant: str, task: str) -> str:
    """Such as ``+0.64 at 107M, +0.95 at 1.1B``; empty where the paper has no figure for the contestant.

    Args:
        task: one of `PAPER_TASKS`.
    """
    return ", ".join(
        f"{fixed(row[task], 2, signed=True)} at {short(row['dense_parameters'], billion='B')}"
        for row in _table()
        if row["contestant"] == contestant and row[task] is not None
    )


@functools.cache
def _table() -> list[dict[str, Any]]:
    path = Path(__file__).parent / "paper_tables.json"
    return json.loads(path.read_text(encoding="utf-8"))["rankmixer.table1"]
