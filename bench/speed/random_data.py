"""Random rows: a shape (fields, table rows) without the files of a real log.

Every field of `random_schema` is categorical. A field of C table rows has the id 2 + ⌊(C − 2) u³⌋ for a
uniform u, so that a tenth of its values makes nearly half of the rows; labels are 0 or 1 with equal chance.
Nothing can be learned from it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.data.dataset import SPLITS, Dataset, Rows
from bench.data.schema import FIRST_ID, Field, Schema
from bench.data.writing import DatasetWriter
from bench.errors import BadInput
from bench.training.tables import MOST_ROWS

TABLE_ROWS = 709_000
"""Of all fields together: what public comparisons on Criteo have, once rare values share a row."""
ROWS = 1 << 17
MOST_FIELDS = 4096
"""2 GiB of ids."""
_BLOCK_ROWS = 1 << 14
_REV = 1


def random_schema(fields: int, table_rows: int) -> Schema:
    """So many categorical fields of equal cardinality, with so many table rows in all, and one task.

    Raises:
        BadInput: fewer than one field or more than `MOST_FIELDS`, fewer than three rows a table, or more than
            `MOST_ROWS` of all.
    """
    if not 1 <= fields <= MOST_FIELDS:
        raise BadInput(f"--random-fields is {fields}; it must be from 1 to {MOST_FIELDS}")
    if table_rows > MOST_ROWS:
        raise BadInput(f"--random-table-rows is {table_rows}; it must be below 2^31")
    cardinality = table_rows // fields
    if cardinality <= FIRST_ID:
        raise BadInput(
            f"--random-table-rows is {table_rows}, too few for {fields} fields; each needs {FIRST_ID + 1} or "
            "more"
        )
    return Schema(
        fields=tuple(
            Field(name=f"field_{i}", kind="categorical", group="context", cardinality=cardinality)
            for i in range(fields)
        ),
        tasks=("click",),
    )


def random_rows(schema: Schema, count: int, generator: np.random.Generator) -> Rows:
    """So many rows of any schema: ids as above, numbers from a standard normal, every sequence full."""

    def ids(cardinality: np.ndarray, *shape: int) -> np.ndarray:
        return (FIRST_ID + (cardinality - FIRST_ID) * generator.random((count, *shape)) ** 3).astype(np.int32)

    cardinalities = np.array([field.cardinality for field in schema.of_kind("categorical")], np.int64)
    return Rows(
        categorical=ids(cardinalities, len(cardinalities)),
        numeric=generator.standard_normal((count, len(schema.of_kind("numeric")))).astype(np.float32),
        sequences={
            field.name: ids(np.array(field.cardinality), field.max_length)
            for field in schema.of_kind("sequence")
        },
        label=generator.integers(0, 2, (count, len(schema.tasks)), dtype=np.uint8),
    )


def random_dataset(directory: Path, *, schema: Schema, rows: int = ROWS, seed: int = 0) -> Dataset:
    """Writes `rows` training rows of `schema` (see `random_schema`) and opens them.

    Valid and test have one row each, for speed evaluates nothing.
    """
    generator = np.random.default_rng(seed)
    left = {"train": rows, "valid": 1, "test": 1}
    with DatasetWriter(
        directory,
        name=f"random-{len(schema.fields)}",
        rev=_REV,
        schema=schema,
        rows=left,
        source={"generator": "random", "seed": seed},
    ) as writer:
        for split in SPLITS:
            for start in range(0, left[split], _BLOCK_ROWS):
                block = min(_BLOCK_ROWS, left[split] - start)
                writer.append(split, random_rows(schema, block, generator))
    return Dataset.open(directory)
