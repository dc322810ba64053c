"""The test predictions of a comparison, read run by run and reduced to DeLong placements."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from bench.errors import BadInput
from bench.runs.store import Store
from reports.statistics import Floats, SharedRows, placements


class TaskPredictions:
    """Placements of the runs of one comparison, for one task; all must have predicted the same test rows.

    Memory: one float64 per test row for each group of runs asked for, however many seeds it has.
    """

    def __init__(self, store: Store, task: str) -> None:
        self._store = store
        self._task = task
        self._rows: SharedRows | None = None
        self._averages: dict[tuple[str, ...], Floats | None] = {}

    @property
    def rows(self) -> SharedRows | None:
        """The common test rows; None before `mean_placements` has found any."""
        return self._rows

    def mean_placements(self, keys: tuple[str, ...]) -> Floats | None:
        """Placements averaged over the runs `keys`; None where one of them has no readable predictions.

        Raises:
            BadInput: predictions of other rows than those of the runs read before.
        """
        if keys not in self._averages:
            self._averages[keys] = self._read_average(keys)
        return self._averages[keys]

    def _read_average(self, keys: tuple[str, ...]) -> Floats | None:
        total: Floats | None = None
        for key in keys:
            columns = self._read(key)
            if columns is None:
                return None
            rows = _shared_rows(columns, self._task)
            self._rows = self._rows or rows
            if not _same_rows(self._rows, rows):
                raise BadInput(
                    f"predictions/{key}.parquet holds other test rows than the runs it is compared with; "
                    "runs on one fingerprint must share their test rows"
                )
            run = placements(rows, columns[f"logit.{self._task}"])
            total = run if total is None else total + run
        return None if total is None else total / len(keys)

    def _read(self, key: str) -> dict[str, np.ndarray] | None:
        path = self._store.path("predictions", key)
        needed = {f"logit.{self._task}", f"label.{self._task}"}
        try:
            with pa.parquet.ParquetFile(path) as file:
                present = {*needed, "user"} & set(file.schema_arrow.names)
                if not needed <= present:
                    return None
                table = file.read(columns=sorted(present))
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        return {name: table[name].to_numpy() for name in present}


def _shared_rows(columns: dict[str, np.ndarray], task: str) -> SharedRows:
    user = columns.get("user")
    return SharedRows(
        positive=columns[f"label.{task}"].astype(bool),
        user=None if user is None else np.unique(user, return_inverse=True)[1],
    )


def _same_rows(first: SharedRows, second: SharedRows) -> bool:
    if not np.array_equal(first.positive, second.positive):
        return False
    if first.user is None or second.user is None:
        return first.user is second.user
    return np.array_equal(first.user, second.user)
