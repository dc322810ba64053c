"""What a report reads: the runs and studies of one store or several, and the files beside the runs.

A key that two stores have is one run: the last one that ended well, in the order of the stores. A file that
is damaged is not used, and `Sources.set_aside` names it; the page is written without it. It also names a
curve or observations that a record says there are and no store has; predictions may be left out on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet

from bench.canonical import digest_of_file
from bench.errors import BadInput
from bench.runs.record import Run
from bench.runs.store import JoinedStores, Store
from reports.records.test_rows import TestRows

T = TypeVar("T")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)
"""What reading a damaged Parquet file raises."""


class Sources:
    """The joined content of the stores in `directories`."""

    def __init__(self, directories: Sequence[Path]) -> None:
        # The last store first: of two runs of one key the last one counts, and so do its files.
        self._stores = [Store(directory) for directory in reversed(directories)]
        view = JoinedStores([*reversed(self._stores)]).read()
        self.runs: Mapping[str, Run] = {run.key: run for run in view.runs.values()}
        self.studies = view.studies
        self.superseded = view.superseded
        self.test_rows = TestRows([*reversed(self._stores)])
        self.torn = (*view.torn, *self.test_rows.torn)
        self.set_aside: dict[str, str] = {}
        self._verified: set[Path] = set()
        self._kept: dict[tuple[str, str], Any] = {}
        if not self.runs and not self.studies:
            named = ", ".join(map(str, directories))
            count = len(self.torn)
            torn = f" ({count} line{'s' if count > 1 else ''} could not be read)" if count else ""
            raise BadInput(f"the store {named} has no runs{torn}; a report needs at least one")

    def predictions(self, key: str, columns: Sequence[str]) -> dict[str, Any] | None:
        """Column → array of the test predictions of a run, of those of `columns` that are there.

        None where there is no readable file.
        """
        table = self._table(key, "predictions", columns)
        try:
            return None if table is None else {name: table[name].to_numpy() for name in table.column_names}
        except UNREADABLE as error:
            self.leave_out("predictions", key, str(error))
            return None

    def curve(self, key: str) -> Any | None:
        """The training curve of a run as a data frame; None where there is no readable file."""
        return self._frame(key, "curves")

    def observations(self, key: str) -> Any | None:
        """What a run showed of itself during training: `step`, `name`, `index` and `value`; None as above."""
        return self._frame(key, "observations")

    def path(self, folder: str, key: str) -> Path | None:
        """The file of a run in that folder of a store; None where no store has it."""
        paths = (store.path(folder, key) for store in self._stores)
        return next((path for path in paths if path.is_file()), None)

    def once(self, what: str, key: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for `what` of the run `key`: sections and flat tables share it."""
        if (what, key) not in self._kept:
            self._kept[what, key] = make()
        return self._kept[what, key]

    def leave_out(self, folder: str, key: str, why: str) -> None:
        """Says on the page that a file is damaged or missing."""
        self.set_aside[f"{folder}/{key}.parquet"] = " ".join(why.split())[:200]

    def is_set_aside(self, folder: str, key: str) -> bool:
        return f"{folder}/{key}.parquet" in self.set_aside

    def _frame(self, key: str, folder: str) -> Any | None:
        if folder in self.runs[key].files and self.path(folder, key) is None:
            self.leave_out(folder, key, "the record of its run names the file, but it is missing")
        table = self._table(key, folder)
        try:
            return None if table is None else table.to_pandas()
        except UNREADABLE as error:
            self.leave_out(folder, key, str(error))
            return None

    def _table(self, key: str, folder: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        if self.is_set_aside(folder, key):
            return None
        fault = ""
        for path in (store.path(folder, key) for store in self._stores):
            if not path.is_file():
                continue
            try:
                self._check_digest(key, folder, path)
                with pa.parquet.ParquetFile(path) as file:
                    present = file.schema_arrow.names
                    return file.read(columns=[name for name in present if not columns or name in columns])
            except UNREADABLE as error:  # another store may have the file whole
                fault = str(error)
        if fault:
            self.leave_out(folder, key, fault)
        return None

    def _check_digest(self, key: str, folder: str, path: Path) -> None:
        expected = self.runs[key].files.get(folder)
        if expected is None or path in self._verified:
            return
        if digest_of_file(path) != expected:
            raise ValueError("the file has changed since the run wrote it: its SHA-256 differs")
        self._verified.add(path)
