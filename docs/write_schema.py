"""Writes schema.md: every key of a schema file, from the dataclasses that read it and their docstrings.

    python docs/write_schema.py

A test generates the page again and compares it.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from pathlib import Path

from bench.data.importing.columns import FieldPlan, Label, Source, Time
from bench.data.importing.plan import (
    ByColumn,
    ByFile,
    ByOrder,
    ByRandom,
    ByTime,
    ByUserTime,
    ImportPlan,
    Table,
)

PAGE = Path(__file__).with_name("schema.md")
HEAD = """# The schema file

<!-- Written by docs/write_schema.py from bench/data/importing; do not edit. -->

A schema file is TOML. It says what the columns of your files mean. `rankbench data draft FILE` writes a
first one, and `rankbench data import FILE --schema SCHEMA` uses it. [data.md](data.md) has an example. A key
without a default is required. Every value is checked before a file is read.
"""
TABLES = (
    ("Top of the file", ImportPlan),
    ("`[source]`", Source),
    ("`[time]`", Time),
    ("`[[labels]]`", Label),
    ("`[[fields]]`", FieldPlan),
    ("`[[tables]]`", Table),
    ('`[split]` with `by = "time"`', ByTime),
    ('`[split]` with `by = "user-time"`', ByUserTime),
    ('`[split]` with `by = "order"`', ByOrder),
    ('`[split]` with `by = "random"`', ByRandom),
    ('`[split]` with `by = "column"`', ByColumn),
    ('`[split]` with `by = "file"`', ByFile),
)
TYPES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "tuple[str, ...]": "list of texts",
    "tuple[float, ...]": "list of numbers",
}


def page() -> str:
    """The text of schema.md."""
    return "\n".join([HEAD, *(_section(title, record) for title, record in TABLES)])


def _section(title: str, record: type) -> str:
    summary, meanings = _documented(record)
    lines = [f"## {title}", "", summary, "", "| key | value | default | meaning |", "|---|---|---|---|"]
    hints = typing.get_type_hints(record)
    for field in dataclasses.fields(record):
        lines.append(
            f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} | {meanings[field.name]} |"
        )
    return "\n".join([*lines, ""])


def _documented(record: type) -> tuple[str, dict[str, str]]:
    """(what the docstring says of the whole, key → what it says of it)."""
    summary, _, rest = (inspect.getdoc(record) or "").partition("\nArgs:\n")
    arguments, _, after = rest.partition("\n\n")
    meanings: dict[str, str] = {}
    for names, text in re.findall(
        r"^    (\w[\w, ]*): (.*?)(?=^    \w[\w, ]*: |\Z)", arguments, flags=re.MULTILINE | re.DOTALL
    ):
        meaning = _plain(text)
        meanings |= dict.fromkeys(names.split(", "), f"{meaning[0].upper()}{meaning[1:]}")
    return _plain(f"{summary} {after}"), meanings


def _plain(text: str) -> str:
    """On one line, for a cell of a table."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _type(expected: object) -> str:
    is_union = typing.get_origin(expected) in (typing.Union, types.UnionType)
    options = typing.get_args(expected) if is_union else (expected,)
    return " or ".join(dict.fromkeys(name for name in map(_type_of_one, options) if name))


def _type_of_one(expected: object) -> str:
    if expected is type(None):
        return ""
    if isinstance(expected, type) and dataclasses.is_dataclass(expected):
        return "table"
    name = (
        expected.__name__ if isinstance(expected, type) and not typing.get_args(expected) else str(expected)
    )
    return TYPES.get(name, "list of tables")


def _default(field: dataclasses.Field[object]) -> str:
    if field.default is dataclasses.MISSING:
        return "" if field.default_factory is dataclasses.MISSING else "as below"
    if field.default is None or field.default == ():
        return "none"
    if field.default == "":
        return "empty"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    text = str(value).lower() if isinstance(value, bool) else str(value).replace("'", '"')
    return (
        f"`{text}`" if not isinstance(value, str) else f'`"{value}"`' if '"' not in value else f"`'{value}'`"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
