"""Reads another file by the rules of an earlier import: equal cells become equal inputs.

An import keeps its rules in the data set: the plan and the training range of every number (`IMPORT_FILE`),
the vocabularies, and the means and deviations in the schema. Values in no vocabulary are unknown. Labels,
users and splits are not read, and need not be in the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.data.dataset import IMPORT_FILE, Dataset, Rows
from bench.data.importing.blocks import Unread, unread_blocks
from bench.data.importing.chunks import CHUNK_BYTES
from bench.data.importing.encoding import Encoder
from bench.data.importing.finishing import final_rows
from bench.data.importing.plan import ImportPlan
from bench.data.importing.survey import Survey, has_vocabulary
from bench.data.schema import MISSING_LABEL
from bench.errors import BadInput
from bench.machine.parallel import map_in_threads


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules by which an import read its files.

    Args:
        plan: of the import.
        found: ranges, means and deviations of the numbers in training rows; without vocabularies.
        vocabularies: columns value and id, by field.
    """

    plan: ImportPlan
    found: Survey
    vocabularies: dict[str, pl.DataFrame]


def write_rules(directory: Path, plan: ImportPlan, found: Survey, *, rev: int) -> None:
    """Writes the plan and the training ranges into the data set at `directory`.

    Args:
        rev: of the import.
    """
    ranges = {
        field.name: [float(low), float(high)]
        for field, low, high in zip(plan.of_kind("numeric"), found.low, found.high, strict=True)
        if low <= high
    }
    rules = {"rev": rev, "plan": plan.to_table(), "ranges": ranges}
    (directory / IMPORT_FILE).write_text(json.dumps(rules, indent=1) + "\n", encoding="utf-8")


def read_rules(dataset: Dataset, *, rev: int) -> Rules:
    """The rules of `dataset`, whose content has been verified.

    Args:
        rev: of the import of this version.

    Raises:
        BadInput: it was not imported, or was imported by a version that kept no rules or had other ones.
    """
    if dataset.source.get("generator") is not None:
        raise BadInput(
            f"data set '{dataset.name}' was generated, so it has no rules for reading a file; "
            "give the name of a data set instead of the file"
        )
    path = dataset.directory / IMPORT_FILE
    if not path.is_file():
        raise BadInput(
            f"{path} does not exist, because an older version imported data set '{dataset.name}'; "
            "import it again to read a file by its rules"
        )
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["rev"] != rev:
        raise BadInput(
            f"data set '{dataset.name}' was imported by rev {kept['rev']} of the import, but this version "
            f"has rev {rev}, which reads files differently; import the data set again"
        )
    plan = ImportPlan.from_table(kept["plan"])
    numeric = dataset.schema.of_kind("numeric")
    ranges = [kept["ranges"].get(field.name, [np.inf, -np.inf]) for field in numeric]
    low, high = np.array(ranges, dtype=np.float64).reshape(-1, 2).T
    found = Survey(
        vocabularies={},
        mean=np.array([field.mean for field in numeric]),
        std=np.array([field.std for field in numeric]),
        low=low,
        high=high,
    )
    folder = dataset.directory / "vocabulary"
    vocabularies = {
        field.name: pl.read_parquet(folder / f"{field.name}.parquet", columns=["value", "id"])
        for field in plan.fields
        if has_vocabulary(field)
    }
    return Rules(plan=plan, found=found, vocabularies=vocabularies)


class AnotherFile:
    """A file whose rows become inputs by the rules of an import. It is read block by block.

    Two counts cover the blocks read so far: ``skipped``, reason → skipped rows, and ``unmatched``, table →
    rows whose key is not in it.

    Args:
        file: CSV, TSV or Parquet; the files of the plan's tables are beside it.
        block_bytes: about how much of the file is parsed at a time; the result does not depend on it.

    Raises:
        BadInput: the file, the file of a table or a column of a field is missing, or a field is a history,
            for which one file is not enough.
    """

    def __init__(self, rules: Rules, file: Path, *, block_bytes: int = CHUNK_BYTES) -> None:
        self._rules, self._file, self._block_bytes = rules, file, block_bytes
        plan = rules.plan
        if histories := [field.name for field in plan.fields if field.history]:
            raise BadInput(
                f"field '{histories[0]}' of data set '{plan.name}' is a history of the user's earlier rows, "
                f"which {file.name} alone does not have; give the name of the data set instead of the file"
            )
        for table in plan.tables:
            for path in (file.parent / name for name in table.files):
                if not path.is_file():
                    raise BadInput(
                        f"table '{table.name}' needs {path}, which does not exist; put that file beside "
                        f"{file.name}"
                    )
        self._encoder = Encoder(plan, file.parent, rules.vocabularies)
        self.skipped: Counter[str] = Counter(self._encoder.skipped)

    @property
    def unmatched(self) -> Counter[str]:
        return +self._encoder.unmatched

    def blocks(self) -> Iterator[tuple[np.ndarray, Rows, float]]:
        """(their numbers in the file, from 0, rows without labels, share of the file read), in their order.

        Raises:
            BadInput: a cell that is not what the plan says, or a file without rows.
        """
        plan = self._rules.plan
        unread = unread_blocks(
            self._file,
            plan.source,
            plan.input_columns(),
            lists=plan.list_columns(),
            block_bytes=self._block_bytes,
        )
        first = used = 0
        for places, total, rows, skipped, share_read in map_in_threads(self._encoded, unread):
            self.skipped += skipped
            yield first + places, rows, share_read
            first += total
            used += len(rows)
        if not used:
            raise BadInput(f"{self._file} has no usable rows")

    def _encoded(self, unread: Unread) -> tuple[np.ndarray, int, Rows, Counter[str], float]:
        read, share_read = unread
        block = read()
        columns, kept, skipped = self._encoder.encode_inputs(block)
        total = len(block.frame) + len(block.left_out)
        places = np.delete(np.arange(total), np.array(block.left_out, dtype=np.int64))
        places = places if kept is None else places[kept]
        columns["label"] = np.full((len(places), len(self._rules.plan.labels)), MISSING_LABEL, dtype=np.uint8)
        return places, total, self._final(columns), skipped, share_read

    def _final(self, columns: dict[str, np.ndarray]) -> Rows:
        plan = self._rules.plan
        with np.errstate(over="ignore"):  # refused below
            rows = final_rows(columns, plan, self._rules.found, None)
        for i, field in enumerate(plan.of_kind("numeric")):
            beyond = np.isinf(rows.numeric[:, i])
            if beyond.any():
                number = columns["numeric"][beyond.argmax(), i]
                raise BadInput(
                    f"field '{field.name}': {number:g} is too far outside the training range to be stored; "
                    "set clip = true in the field to limit numbers to that range"
                )
        return rows
