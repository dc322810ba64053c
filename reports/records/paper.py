"""The results of a paper, to show beside ours.

`paper_tables.json` has a table per name, such as ``rankmixer/table_1``, and a row per model of it; a
contestant may have several, of different size. Those of RankMixer's Table 1 (arXiv 2507.15551) are gains in
AUC of the tasks "finish" and "skip", in points of 0.01, over a DLRM-MLP of 8.7 million dense parameters, on
data that is not public. The synthetic feed imitates it, so the table is shown beside that data only.

Its Figure 2 is there too, as gains over the same model, and its MMoE is our MoE.

Tables of ablations have a row per arm, by the label of the entrant, with its gain in AUC over the base in
points. Base and arm share their data, so such a table is shown beside any.
"""

from __future__ import annotations

import functools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.writing.notation import fixed, short

RANKMIXER_TABLE = "rankmixer/table_1"
FIGURE_2 = "rankmixer/figure_2"
BATCH = 512
"""Examples of a batch, for which RankMixer counts FLOPs."""
PAPERS = {"rankmixer": ("RankMixer", "2507.15551"), "tokenmixer_large": ("TokenMixer-Large", "2602.06563")}
PAPER_TASKS = ("finish", "skip")
SYNTHETIC_NAME = re.compile(r"(rules|trees|network)-\d+-\d+")
"""How the names of the synthetic feed's data sets begin: family, rows and seed."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a paper's figure shows of one contestant, from the smallest size; read off, ± 0.01 points.

    Args:
        dense_parameters, flops_forward: of each point; FLOPs of one example, as the paper counts them.
        gains: of each point, in points of AUC.
    """

    dense_parameters: tuple[float, ...]
    flops_forward: tuple[float, ...]
    gains: tuple[float, ...]

    def sizes(self, column: str) -> tuple[float, ...]:
        """`column`: ``dense_parameters`` or ``flops_forward``."""
        return self.dense_parameters if column == "dense_parameters" else self.flops_forward


@dataclass(frozen=True, kw_only=True)
class PaperArm:
    """What a paper reports of an arm against its base.

    Args:
        auc: points that the arm gains; the percents are what it has more; None where the paper does not say.
        dense_parameters: of the base, where the paper has several.
        precision: how far `auc` may be off, in points, where it was read off a figure.
    """

    auc: float
    dense_parameters_percent: float | None = None
    flops_percent: float | None = None
    dense_parameters: float | None = None
    precision: float = 0.0


def stands_beside(table: str | None, dataset: str) -> bool:
    """Does the paper's `table` belong beside results on `dataset`?"""
    if table not in _tables():
        return False
    return "entrant" in _tables()[table][0] or SYNTHETIC_NAME.match(dataset) is not None


def named(table: str) -> str:
    """``RankMixer's Table 2 (arXiv 2507.15551)``."""
    paper, _, item = table.partition("/")
    title, arxiv = PAPERS[paper]
    words = item.replace("_", " ")
    return f"{title}'s {words.capitalize() if words[-1].isdigit() else words} (arXiv {arxiv})"


def paper_arms(table: str, label: str) -> tuple[PaperArm, ...]:
    """What the paper reports of the arm with that label: mostly one or nothing, else one for each size."""
    rows = [row for row in _tables()[table] if row.get("entrant") == label]
    return tuple(
        PaperArm(**{name: value for name, value in row.items() if name != "entrant"}) for row in rows
    )


def paper_shares(table: str | None) -> dict[tuple[int, int], float]:
    """(layer, token) → share of active experts at the end of training; empty where the table has none."""
    rows = _tables().get(table or "", [])
    return {(row["layer"], row["token"]): row["active_share"] for row in rows if "active_share" in row}


def paper_curves(table: str) -> dict[str, Curve]:
    """Contestant → its points."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _tables()[table]:
        found.setdefault(row["contestant"], []).append(row)
    return {
        contestant: Curve(
            dense_parameters=tuple(row["dense_parameters"] for row in rows),
            flops_forward=tuple(row["flops_per_batch"] / BATCH for row in rows),
            gains=tuple(row["finish"] for row in rows),
        )
        for contestant, rows in found.items()
    }


def gains_near(table: str, task: str, size: float) -> dict[str, tuple[float, float]]:
    """Contestant → (gain in points, dense parameters) of its row that is nearest to `size` by ratio."""
    found: dict[str, tuple[float, float]] = {}
    for row in _tables()[table]:
        if row[task] is None:
            continue
        own = (float(row[task]), float(row["dense_parameters"]))
        known = found.get(row["contestant"])
        if known is None or abs(math.log(own[1] / size)) < abs(math.log(known[1] / size)):
            found[row["contestant"]] = own
    return found


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
        if row.get("contestant") == contestant and row[task] is not None
    )


@functools.cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).parent / "paper_tables.json"
    return json.loads(path.read_text(encoding="utf-8"))
