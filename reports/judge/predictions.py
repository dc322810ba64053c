"""The test predictions of a comparison, reduced run by run to DeLong placements, log losses and user AUCs."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.judge.sampling import SharedRows, delong_parts, placements, row_parts, user_aucs, user_parts
from reports.judge.statistics import Floats, VariancePart
from reports.records.sources import Sources

MISSING_LABEL = 255
"""What a label is where a row has none for a task; such rows do not count for it."""
AUC_TOLERANCE = 1e-6
"""How far the AUC of a predictions file may lie from that of the record: the rounding of other libraries."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced:
    """What the judge keeps of predictions: (N,) placements and log losses, and with users their (U,) AUCs."""

    placements: Floats
    log_losses: Floats
    user_aucs: Floats | None


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """Of the test rows of a comparison that have a label for the task; `users` is None where unknown."""

    rows: int
    positives: int
    users: int | None


@dataclass(frozen=True, kw_only=True)
class RowDraw:
    """What the draw of the test rows does to one difference.

    Args:
        parts: its variance, in parts with their degrees of freedom.
        too_few: of what there is too little for a claim; empty where there is enough.
    """

    parts: tuple[VariancePart, ...]
    too_few: str


class TaskPredictions:
    """The runs of one comparison for one task.

    All must have predicted the same test rows. A file that has other rows than most, or whose AUC is not that
    of its record, is damaged and set aside. What the files cannot answer, a packed store may
    (`reports.records.test_rows`).

    Args:
        aucs: key → test AUC in the record, of every run that has one.

    Memory: two float64 per test row for each group of runs asked for, however many seeds it has.
    """

    def __init__(self, sources: Sources, task: str, aucs: Mapping[str, float]) -> None:
        self._sources = sources
        self._task = task
        self._aucs = aucs
        self._averages: dict[tuple[str, ...], Reduced | None] = {}
        self._digests = {key: digest for key in aucs if (digest := self._digest(key))}
        self._common = _most_common(self._digests)
        self._rows: SharedRows | None = None
        for key, digest in self._digests.items():
            if digest == self._common and self._rows is None:
                columns = self._read(key)
                self._rows = None if columns is None else self._shared_rows(columns)

    def counts(self) -> RowCounts | None:
        """None where neither predictions nor a packed store tell."""
        own = None
        if (rows := self._rows) is not None:
            users = None if rows.user is None else int(rows.user.max()) + 1
            own = {"rows": rows.positive.size, "positives": int(rows.positive.sum()), "users": users}
        found = self._sources.test_rows.answer({"task": self._task, "runs": sorted(self._aucs)}, own)
        return None if found is None else RowCounts(**found)

    def draw(self, first: tuple[str, ...], second: tuple[str, ...], metric: str) -> RowDraw | None:
        """For the difference in `metric`, ``auc``, ``uauc`` or ``log_loss``, of means over two lists of runs.

        None where a run has no usable predictions and no packed store tells.
        """
        own = None
        if (parts := self._parts(first, second, metric)) is not None and (rows := self._rows) is not None:
            # A variance without bound, of a single user, has no number in JSON.
            finite = [(None if math.isinf(value) else float(value), float(df)) for value, df in parts]
            own = {"parts": finite, "too_few": rows.too_few_users() if metric == "uauc" else rows.too_few()}
        question = {"task": self._task, "metric": metric, "first": first, "second": second}
        if (found := self._sources.test_rows.answer(question, own)) is None:
            return None
        drawn = [(math.inf if value is None else value, df) for value, df in found["parts"]]
        return RowDraw(parts=tuple(drawn), too_few=found["too_few"])

    def _parts(
        self, first: tuple[str, ...], second: tuple[str, ...], metric: str
    ) -> list[VariancePart] | None:
        a, b = self._average(first), self._average(second)
        if self._rows is None or a is None or b is None:
            return None
        if metric == "log_loss":
            return row_parts(self._rows, a.log_losses, b.log_losses)
        if metric == "auc":
            return delong_parts(self._rows, a.placements, b.placements)
        if a.user_aucs is None or b.user_aucs is None:
            return None
        return user_parts(a.user_aucs, b.user_aucs)

    def _average(self, keys: tuple[str, ...]) -> Reduced | None:
        """Over the runs `keys`; None where one of them has no usable predictions."""
        if keys not in self._averages:
            self._averages[keys] = self._read_average(keys)
        return self._averages[keys]

    def _read_average(self, keys: tuple[str, ...]) -> Reduced | None:
        total: Floats | float = 0.0
        losses: Floats | float = 0.0
        by_user: Floats | float = 0.0
        for key in keys:
            score = self._score(key)
            if score is None or self._rows is None:
                return None
            placed = placements(self._rows, score)
            if abs(placed[self._rows.positive].mean() - self._aucs[key]) > AUC_TOLERANCE:
                self._sources.leave_out("predictions", key, f"its AUC of {self._task} is not the record's")
                return None
            total = total + placed
            losses = losses + np.logaddexp(0, np.where(self._rows.positive, -1.0, 1.0) * score)
            if self._rows.user is not None:
                by_user = by_user + user_aucs(self._rows, score)
        users = None if self._rows is None or self._rows.user is None else np.asarray(by_user) / len(keys)
        return Reduced(
            placements=np.asarray(total) / len(keys),
            log_losses=np.asarray(losses) / len(keys),
            user_aucs=users,
        )

    def _score(self, key: str) -> np.ndarray | None:
        digest = self._digests.get(key)
        if digest is None:
            return None
        if digest != self._common:
            self._sources.leave_out("predictions", key, "its test rows are not those of the other runs")
            return None
        columns = self._read(key)
        if columns is None:
            return None
        score = columns[f"logit.{self._task}"][self._known(columns)]
        if not np.isfinite(score).all():
            self._sources.leave_out("predictions", key, "a logit is not a finite number")
            return None
        return score

    def _digest(self, key: str) -> str | None:
        """Of what runs must share: labels, users and the order of the rows."""
        columns = self._read(key)
        label = f"label.{self._task}"
        if columns is None or label not in columns or f"logit.{self._task}" not in columns:
            return None
        found = hashlib.sha256()
        for name in (label, "user", "row"):
            if name in columns:
                found.update(name.encode() + np.ascontiguousarray(columns[name]).tobytes())
        return found.hexdigest()

    def _read(self, key: str) -> dict[str, Any] | None:
        return self._sources.predictions(key, ("row", "user", f"label.{self._task}", f"logit.{self._task}"))

    def _known(self, columns: Mapping[str, Any]) -> np.ndarray:
        return columns[f"label.{self._task}"] != MISSING_LABEL

    def _shared_rows(self, columns: Mapping[str, Any]) -> SharedRows | None:
        known = self._known(columns)
        user = columns.get("user")
        positive = columns[f"label.{self._task}"][known] == 1
        if positive.all() or not positive.any():
            return None
        return SharedRows(
            positive=positive,
            user=None if user is None else np.unique(user[known], return_inverse=True)[1],
        )


def _most_common(digests: Mapping[str, str]) -> str | None:
    """The first of them in a tie, so that the order of the runs decides and not chance."""
    counted = Counter(digests.values()).most_common(1)
    return counted[0][0] if counted else None
