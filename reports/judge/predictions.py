"""The test predictions of a comparison, reduced run by run to DeLong placements, log losses and user AUCs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.judge.sampling import SharedRows, placements, user_aucs
from reports.judge.statistics import Floats
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


class TaskPredictions:
    """The runs of one comparison for one task.

    All must have predicted the same test rows. A file that has other rows than most, or whose AUC is not that
    of its record, is damaged and set aside.

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
        self.rows: SharedRows | None = None
        for key, digest in self._digests.items():
            if digest == self._common and self.rows is None:
                columns = self._read(key)
                self.rows = None if columns is None else self._shared_rows(columns)

    def average(self, keys: tuple[str, ...]) -> Reduced | None:
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
            if score is None or self.rows is None:
                return None
            placed = placements(self.rows, score)
            if abs(placed[self.rows.positive].mean() - self._aucs[key]) > AUC_TOLERANCE:
                self._sources.leave_out("predictions", key, f"its AUC of {self._task} is not the record's")
                return None
            total = total + placed
            losses = losses + np.logaddexp(0, np.where(self.rows.positive, -1.0, 1.0) * score)
            if self.rows.user is not None:
                by_user = by_user + user_aucs(self.rows, score)
        users = None if self.rows is None or self.rows.user is None else np.asarray(by_user) / len(keys)
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
