"""The results of a paper, to show beside ours.

`paper_tables.json` has a table per name, such as ``rankmixer/table_1``, and a row per model of it; a
contestant may have several, of different size. Those of RankMixer's Table 1 (arXiv 2507.15551) are gains in
AUC of the tasks "finish" and "skip", in points of 0.01, over a DLRM-MLP of 8.7 million dense parameters, on
data that is not public. The synthetic feed imitates it, so the table is shown beside that data only.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from reports.notation import fixed, short

RANKMIXER_TABLE = "rankmixer/table_1"
PAPER_TASKS = ("finish", "skip")
SYNTHETIC_NAME = re.compile(r"(rules|trees|network)-\d+-\d+")
"""How the names of the synthetic feed's data sets begin: family, rows and seed."""


def stands_beside(table: str | None, dataset: str) -> bool:
    """Does the paper's `table` belong beside results on `dataset`?"""
    return table in _tables() and SYNTHETIC_NAME.match(dataset) is not None


def paper_task(task: str) -> str:
    """The task of the paper to set beside ours: its namesake, else the primary one."""
    return task if task in PAPER_TASKS else PAPER_TASKS[0]


def gain_text(table: str, contestant: str, task: str) -> str:
    """Such as ``+0.64 at 107M, +0.95 at 1.1B``; empty where the paper has no figure for the contestant.

    Args:
        table: name of a table.
        task: one of `PAPER_TASKS`.
    """
    return ", ".join(
        f"{fixed(row[task], 2, signed=True)} at {short(row['dense_parameters'], 'dense_parameters')}"
        for row in _tables()[table]
        if row["contestant"] == contestant and row[task] is not None
    )


@functools.cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).parent / "paper_tables.json"
    return json.loads(path.read_text(encoding="utf-8"))
