"""A block of text cells as numbers, every cell checked.

A bad cell is an error that names its line, column and value, or its row is left out and counted by reason, as
`Source.on_bad_row` says. The numbers made here are raw: categorical ids and users are provisional
(`bench.data.importing.ids`), numbers are transformed but not yet standardised and keep 64 bits.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from bench.data.importing.blocks import Block
from bench.data.importing.columns import FieldPlan, Label, Source
from bench.data.importing.ids import NOT_AN_ID, GivenIds, Ids
from bench.data.schema import MISSING_LABEL
from bench.errors import BadInput

_COMPARE = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_TRUE, _FALSE = "true", "false"


class Check:
    """The rows of a block that are in order so far."""

    def __init__(self, block: Block, source: Source) -> None:
        self._block = block
        self._source = source
        self._bad = np.zeros(len(block.frame), dtype=bool)
        self.skipped = Counter(block.skipped)

    def refuse(
        self, column: str, bad: np.ndarray, expected: str, note: Callable[[int], str] | None = None
    ) -> None:
        """Deals with the rows (bool) whose cell in `column` is not what is `expected`.

        Args:
            note: index of a row → what else there is to say of its cell.

        Raises:
            BadInput: there are some, and `on_bad_row` is ``error``.
        """
        bad = bad & ~self._bad
        if not bad.any():
            return
        if self._source.on_bad_row == "error":
            row = int(bad.argmax())
            value = self._block.frame[column][row]
            got = "a missing value" if value is None else _shown(value)
            noted = f" ({note(row)})" if note is not None else ""
            raise BadInput(
                f"{self._block.file} {self._block.place(row)}, column '{column}': "
                f"got {got}, expected {expected}{noted}"
            )
        self.skipped[f"column '{column}' is not {expected}"] += int(np.count_nonzero(bad))
        self._bad |= bad

    def kept(self) -> np.ndarray | None:
        """Which rows (bool) are in order; None: all."""
        return ~self._bad if self._bad.any() else None


def _shown(value: str | pl.Series) -> str:
    return repr(value[:80]) if isinstance(value, str) else str(value.to_list())[:80]


def labels(frame: pl.DataFrame, plans: Sequence[Label], check: Check) -> np.ndarray:
    """uint8 (rows, labels): 0, 1 or `MISSING_LABEL`, which no row has for all of them."""
    matrix = np.column_stack([_label(frame[label.column], label, check) for label in plans])
    expected = _expected(plans[0]) if len(plans) == 1 else "a label of at least one task"
    check.refuse(plans[0].column, (matrix == MISSING_LABEL).all(axis=1), expected)
    return matrix


def _label(cells: pl.Series, label: Label, check: Check) -> np.ndarray:
    missing = cells.is_null().to_numpy()
    if label.texts():
        positive = cells.is_in(_spellings(label.texts())).fill_null(False).to_numpy()
    else:
        x = cells.cast(pl.Float64, strict=False).to_numpy()  # NaN where it is no number
        rule = label.rule()
        if rule is None:
            lower = cells.str.to_lowercase()
            positive = (x == 1) | (lower == _TRUE).fill_null(False).to_numpy()
            bad = ~(positive | (x == 0) | (lower == _FALSE).fill_null(False).to_numpy())
        else:
            positive, bad = _COMPARE[rule[0]](x, rule[1]), ~np.isfinite(x)
        check.refuse(label.column, bad & ~missing, _expected(label))
    return np.where(missing, MISSING_LABEL, positive).astype(np.uint8)


def _expected(label: Label) -> str:
    if label.texts():
        return f"a text for label '{label.name}'"
    if label.rule() is not None:
        return f"a number for label '{label.name}'"
    return (
        f"0 or 1, true or false, or a rule in label '{label.name}' "
        "(positive = '>= 4', or the text of a positive: positive = 'yes')"
    )


def _spellings(texts: Sequence[str]) -> list[str]:
    """The texts, and of true and false all that files write for them; a Parquet file's true reads as 1."""
    digits = {_TRUE: "1", _FALSE: "0"}
    found = set(texts)
    for text in texts:
        if (lower := text.lower()) in digits:
            found |= {lower, lower.title(), lower.upper(), digits[lower]}
    return sorted(found)


def numeric(frame: pl.DataFrame, fields: Sequence[FieldPlan], check: Check) -> np.ndarray:
    """float64 (rows, fields), column by column in memory; NaN where missing."""
    if not fields:
        return np.empty((len(frame), 0))
    matrix = frame.select(
        pl.col(field.column).cast(pl.Float64, strict=False).alias(str(i)) for i, field in enumerate(fields)
    ).to_numpy(writable=True)
    for i, field in enumerate(fields):
        x = matrix[:, i]
        if np.count_nonzero(~np.isfinite(x)) > frame[field.column].null_count():
            bad = ~np.isfinite(x) & frame[field.column].is_not_null().to_numpy()
            check.refuse(field.column, bad, "a finite number")
        if field.transform == "log1p":
            matrix[:, i] = np.copysign(np.log1p(np.abs(x)), x)
    return matrix


def categorical_text(frame: pl.DataFrame, field: FieldPlan, check: Check) -> pl.Series:
    """The text of a categorical field, of which its ids are made."""
    text = frame[field.column]
    if field.transform == "floor_log_squared":
        x = text.cast(pl.Float64, strict=False)
        bad = text.is_not_null() & ~x.is_finite().fill_null(False)
        check.refuse(field.column, bad.to_numpy(), "a number")
        numbers = x.fill_null(0).to_numpy()
        squares = np.floor(np.log(np.maximum(numbers, 2)) ** 2)
        buckets = pl.Series(np.where(numbers > 2, squares, np.trunc(numbers)).astype(np.int64))
        return pl.select(pl.when(text.is_not_null()).then(buckets.cast(pl.String))).to_series()
    if field.pattern:
        text = text.str.extract(field.pattern)
    return text.str.slice(0, field.prefix) if field.prefix else text


def check_given(text: pl.Series, field: FieldPlan, ids: Ids, check: Check) -> None:
    """Refuses rows whose cell should hold an id and does not."""
    if isinstance(ids, GivenIds):
        expected = f"an id of field '{field.name}', 0 … {ids.cardinality - 1}"
        check.refuse(field.column, ids.encode(text) == NOT_AN_ID, expected)


def check_items(items: pl.Series, field: FieldPlan, ids: Ids, check: Check) -> None:
    """Refuses rows with an item that should be an id and is not."""
    if isinstance(ids, GivenIds):
        bad = (sequence(items, field, ids) == NOT_AN_ID).any(axis=1)
        check.refuse(field.column, bad, f"ids of field '{field.name}', 0 … {ids.cardinality - 1}")


def sequence(items: pl.Series, field: FieldPlan, ids: Ids) -> np.ndarray:
    """Ids, int32 (rows, max_length), padded at the end with the missing one."""
    lengths = items.list.len().fill_null(0).to_numpy()
    matrix = np.zeros((len(items), field.max_length), dtype=np.int32)
    flat = items.explode().drop_nulls()
    matrix[np.arange(field.max_length) < lengths[:, np.newaxis]] = ids.encode(flat)
    return matrix


def kept_of(columns: Mapping[str, np.ndarray], kept: np.ndarray | None) -> dict[str, np.ndarray]:
    """The rows that are `kept` of every column."""
    return {name: array if kept is None else array[kept] for name, array in columns.items()}
