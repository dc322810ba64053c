"""A first schema file from the columns of a file: what each column may be, and why it was taken for that.

Only the first `SAMPLE_ROWS` rows are looked at. Every guess stands beside its reason in a comment. What must
not be guessed, the label, is an error with one line where the columns leave it open.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet

from bench.data.importing.blocks import DELIMITERS, PARQUET_SUFFIXES, unread_blocks
from bench.data.importing.chunks import read_header
from bench.data.importing.columns import Source
from bench.data.importing.guessing import (
    LONGEST_SEQUENCE,
    Column,
    examine,
    guess_field,
    guess_time,
    is_binary,
    sounds_like_time,
    splits_by_time,
)
from bench.data.importing.parquet import check_types
from bench.data.synthetic import FAMILIES
from bench.errors import BadInput, unknown_name

SAMPLE_ROWS = 50_000
_LABEL = re.compile(
    r"label|target|click|bought|buy|purchase|order|conver|finish|skip|like|share|follow|install|watched|"
    r"long_view|response",
    re.IGNORECASE,
)
_RATING = re.compile(r"rating|stars|score", re.IGNORECASE)
_USER = re.compile(
    r"(user|customer|visitor|member|client|account|person|uid|device|session|reader|viewer)(_?(id|key|no))?",
    re.IGNORECASE,
)
_YES = re.compile(r"yes|y|true|t|positive|pos|click(ed)?|bought|1", re.IGNORECASE)
_FEW_TEXTS = 20  # different ones that a column of labels may have
_MISSING = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None", "\\N")


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Columns with a role of their own, and why."""

    labels: list[tuple[Column, str | list[str], str]]
    user: Column | None
    time: tuple[Column, str, str] | None


def name_of(file: Path) -> str:
    """The name of a data set made of `file`; none of the synthetic ones."""
    name = _name(file.name.partition(".")[0].lower(), ())
    return f"my-{name}" if name in FAMILIES else name


def draft(file: Path, *, name: str, labels: Sequence[str] = ()) -> str:
    """The text of a schema file for `file`, with comments.

    Args:
        file: delimited text with a header line, or Parquet.
        name: of the data set.
        labels: columns to predict; empty: guessed.

    Raises:
        BadInput: a file that cannot be read or has no header, or a label that must be chosen.
    """
    source, frame, lists, left_out = _sample(file)
    columns = [examine(frame[column]) for column in frame.columns]
    choice = _choose(columns, labels)
    lines = [
        f"# Drafted by 'rankbench data draft' from the first {len(frame):,} rows of {json.dumps(file.name)}.",
        "# Read every guess; docs/schema.md explains the keys.",
        "",
        f"name = {_text(name)}",
    ]
    if choice.user is not None:
        lines.append(
            f"user = {_text(choice.user.name)}  # {choice.user.distinct:,} different ones, by its name"
        )
    lines += _source_lines(source, file, columns, choice)
    if choice.time is not None:
        time, form, why = choice.time
        lines += ["", "[time]", f"column = {_text(time.name)}  # {why}", f"format = {_text(form)}"]
    taken = {label.name for label, _, _ in choice.labels}
    for label, positive, why in choice.labels:
        lines += ["", "[[labels]]", f"name = {_text(_name(label.name, ()))}  # {why}"]
        lines += [f"column = {_text(label.name)}"] if _name(label.name, ()) != label.name else []
        lines += [f"positive = {_value(positive)}"] if positive else []
    names: list[str] = []
    for column in columns:
        if column.name in taken or (choice.time is not None and column is choice.time[0]):
            continue
        keys, why = guess_field(column, is_user=column is choice.user)
        if not keys:
            left_out[column.name] = why
            continue
        names.append(_name(column.name, names))
        lines += ["", "[[fields]]", f"name = {_text(names[-1])}  # {why}"]
        lines += [f"column = {_text(column.name)}"] if names[-1] != column.name else []
        lines += [f"{key} = {_value(value)}" for key, value in keys.items()]
    for column_name, longest in lists.items():
        names.append(_name(column_name, names))
        lines += ["", "[[fields]]", f"name = {_text(names[-1])}  # lists of up to {longest} items"]
        lines += [f"column = {_text(column_name)}"] if names[-1] != column_name else []
        lines += ['kind = "sequence"', 'group = "sequence"', f"max_length = {min(longest, LONGEST_SEQUENCE)}"]
    if not names:
        raise BadInput(f"{file} has no column that can be a field besides the label")
    lines += _split_lines(choice)
    lines += [
        "",
        *(
            f"# Left out: {json.dumps(column, ensure_ascii=False)}, {why}."
            for column, why in left_out.items()
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _sample(file: Path) -> tuple[Source, pl.DataFrame, dict[str, int], dict[str, str]]:
    """How the file is written, its first rows as text, the length of the longest list of each column of
    lists, and why columns are left out.
    """
    left_out: dict[str, str] = {}
    lists: list[str] = []
    if file.suffix.lower() in PARQUET_SUFFIXES:
        source = Source()
        names, lists = _parquet_columns(file, left_out)
    else:
        source = _text_source(file)
        names = list(read_header(file, source))
        if any(_is_number(cell) for cell in names):
            raise BadInput(
                f"{file} has a number in its first line, so it seems to have no header; write the "
                "schema yourself, with the column names in columns of [source]"
            )
        left_out |= dict.fromkeys((n for n in names if names.count(n) > 1 or not n), "no name of its own")
        names = [column for column in names if column not in left_out]
    frames: list[pl.DataFrame] = []
    for read, _ in unread_blocks(file, source, tuple(names), lists=lists):
        frames.append(read().frame)
        if sum(map(len, frames)) >= SAMPLE_ROWS:
            break
    if not frames or not len(frames[0]):
        raise BadInput(f"{file} has no rows")
    frame = pl.concat(frames).head(SAMPLE_ROWS)
    longest = {column: int(frame[column].list.len().max() or 0) for column in lists}  # type: ignore[arg-type]
    left_out |= {column: "it is empty" for column, length in longest.items() if not length}
    frame = frame.drop(lists)
    missing = [text for text in _MISSING if any((frame[column] == text).any() for column in frame.columns)]
    if missing:
        source = Source(delimiter=source.delimiter, quote=source.quote, missing=("", *missing))
        frame = frame.select(pl.all().replace(missing, [None] * len(missing)))
    return source, frame, {column: n for column, n in longest.items() if n}, left_out


def _parquet_columns(file: Path, left_out: dict[str, str]) -> tuple[list[str], list[str]]:
    """(columns that can be read, those of them that hold lists)."""
    if not file.is_file():
        raise BadInput(f"file {file} does not exist")
    try:
        schema = pyarrow.parquet.read_schema(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())[:200]}") from error
    names, lists = [], []
    for column in schema:
        try:
            check_types(file, schema, [column.name], [column.name])
        except (BadInput, KeyError):  # KeyError: several of one name
            left_out[column.name] = f"it holds {column.type} values, which cannot be read"
            continue
        names.append(column.name)
        lists += [column.name] if pyarrow.types.is_nested(column.type) else []
    return names, lists


def _text_source(file: Path) -> Source:
    if not file.is_file():
        raise BadInput(f"file {file} does not exist")
    header = ",".join(read_header(file, Source(quote="", delimiter="\x1f")))
    counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
    return Source(delimiter=max(counts, key=lambda delimiter: counts[delimiter]))


def _choose(columns: list[Column], labels: Sequence[str]) -> _Choice:
    by_name = {column.name: column for column in columns}
    for label in labels:
        if label not in by_name:
            raise unknown_name("column for a label", label, by_name)
    user = next(
        (c for c in columns if _USER.fullmatch(c.name) and not c.is_unique and not is_binary(c)), None
    )
    chosen = [by_name[label] for label in dict.fromkeys(labels)] or _guess_labels(columns)
    times = [(c, *found) for c in columns if c not in chosen and (found := guess_time(c)) is not None]
    times.sort(key=lambda time: not sounds_like_time(time[0].name))
    return _Choice(labels=[_label(column) for column in chosen], user=user, time=times[0] if times else None)


def _guess_labels(columns: list[Column]) -> list[Column]:
    binary = [column for column in columns if is_binary(column)]
    of_two_texts = [column for column in columns if not column.is_numeric and len(_spellings(column)) == 2]
    named = [column for column in [*binary, *of_two_texts] if _LABEL.search(column.name)]
    ratings = [c for c in columns if _RATING.search(c.name) and c.is_numeric and 2 < c.distinct <= 11]
    if named or len(binary) == 1 or ratings:
        return named or binary[:1] or ratings[:1]
    if binary:
        listed = ", ".join(column.name for column in binary)
        raise BadInput(f"several columns hold 0 and 1: {listed}; give the column to predict with --label")
    listed = ", ".join(column.name for column in columns)
    raise BadInput(f"no column holds 0 and 1; give the column to predict with --label: {listed}")


def _label(column: Column) -> tuple[Column, str | list[str], str]:
    """(column, what is positive, reason)."""
    if is_binary(column):
        return column, "", f"0 and 1, {column.mean:.1%} of them 1"
    if column.is_numeric and column.high > column.low:
        threshold = column.low + 0.75 * (column.high - column.low)
        return (
            column,
            f">= {threshold:g}",
            f"numbers from {column.low:g} to {column.high:g}; check the threshold",
        )
    spellings = _spellings(column)
    if len(spellings) < 2:
        raise BadInput(
            f"column '{column.name}' cannot be a label: it holds {column.distinct:,} different values; a "
            f"label holds different numbers, or 2 to {_FEW_TEXTS} different texts"
        )
    yes = [text for folded, texts in spellings.items() if _YES.fullmatch(folded) for text in texts]
    positive = yes if 0 < len(yes) < column.distinct else list(spellings.values())[-1]
    texts = ", ".join(_text(text) for texts in spellings.values() for text in texts)
    return column, positive, f"holds {texts}; check which are positive, all others are negative"


def _spellings(column: Column) -> dict[str, list[str]]:
    """A text in small letters → how the column spells it; the rarest last. Empty if there are many texts."""
    if column.distinct > _FEW_TEXTS:
        return {}
    counts = column.cells.drop_nulls().value_counts()
    found: dict[str, list[str]] = {}
    rows: Counter[str] = Counter()
    for text, count in sorted(counts.iter_rows()):
        folded = text.strip().lower()
        found.setdefault(folded, []).append(text)
        rows[folded] += count
    return {folded: found[folded] for folded, _ in rows.most_common()}


def _source_lines(source: Source, file: Path, columns: list[Column], choice: _Choice) -> list[str]:
    lines = []
    if source.delimiter != "," and file.suffix.lower() not in PARQUET_SUFFIXES:
        lines.append(f"delimiter = {_text(source.delimiter)}")
    if source.missing != ("",):
        lines.append(f"missing = {_value(list(source.missing))}  # met in the file")
    if gaps := _gaps(choice):
        lines.append(
            f'on_bad_row = "skip"  # {"; ".join(gaps)}; such rows, and all other bad ones, are skipped'
        )
    return ["", "[source]", *lines] if lines else []


def _gaps(choice: _Choice) -> list[str]:
    """Why some rows would be bad. A row that lacks some labels is none: it does not count for those tasks."""
    needed = [choice.user, choice.time[0] if choice.time else None]
    gaps = [f"some rows lack {column.name}" for column in needed if column is not None and column.missing]
    labels = pl.DataFrame([column.cells for column, _, _ in choice.labels])
    without = int(labels.select(pl.all_horizontal(pl.all().is_null())).to_series().sum())
    if without:
        lacks = "the label" if labels.width == 1 else "every label"
        gaps.append(f"{without:,} of {len(labels):,} rows lack {lacks}")
    return gaps


def _split_lines(choice: _Choice) -> list[str]:
    if choice.time is not None and splits_by_time(*choice.time[:2]):
        return ["", "[split]", 'by = "time"', "fractions = [0.8, 0.1, 0.1]"]
    why = "no column with a time" if choice.time is None else "too few different times to split by them"
    return [
        "",
        "[split]",
        f'by = "random"  # {why}; "order" (without seed) if the rows are already in the order of time',
        "seed = 0",
        "fractions = [0.8, 0.1, 0.1]",
    ]


def _name(column: str, taken: Sequence[str]) -> str:
    """A name of a field or label for a column."""
    name = re.sub(r"[^\w.:-]", "_", column).lstrip(".:-")[:60] or "column"
    number = 2
    while name in taken:
        name, number = f"{name.rpartition('__')[0] or name}__{number}", number + 1
    return name


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a TOML string too


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
