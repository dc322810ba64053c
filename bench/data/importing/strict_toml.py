"""TOML tables into frozen dataclasses: every key known, every type right, every mistake one clear line."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def read_toml(path: Path) -> dict[str, Any]:
    """The top table of the file at `path`.

    Raises:
        BadInput: no such file, or one that is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"schema file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"schema file {path} is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # numbers of too many digits and deep lists among them
        raise BadInput(f"schema file {path} is not valid TOML: {error}") from error


def build(record: type[Record], table: Any, where: str) -> Record:
    """`table` as a `record`, a dataclass whose fields are the allowed keys, required where without a default.

    Args:
        where: how messages name the table, such as ``[source]``.

    Raises:
        BadInput: not a table, an unknown or a missing key, or a value of another type.
    """
    check_keys(table, [f.name for f in dataclasses.fields(record)], where)
    types = typing.get_type_hints(record)
    arguments = {}
    for field in dataclasses.fields(record):
        if field.name in table:
            arguments[field.name] = _checked(table[field.name], types[field.name], f"{where} {field.name}")
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise BadInput(f"{where} has no key '{field.name}', which is required")
    return record(**arguments)


def check_keys(table: Any, allowed: list[str], where: str) -> None:
    """Raises BadInput unless `table` is a table whose keys are all among `allowed`."""
    if not isinstance(table, Mapping):
        raise BadInput(f"{where} is {table!r}, expected a table with the keys {', '.join(allowed)}")
    for key in table:
        if key not in allowed:
            raise unknown_name(f"key in {where}:", key, allowed)


def table_list(table: Mapping[str, Any], key: str, *, least: int = 1) -> list[Any]:
    """The array of tables under `key`."""
    tables = table.get(key, [])
    if not isinstance(tables, list):
        raise BadInput(f"the schema file's {key} is {tables!r:.80}, expected [[{key}]] tables")
    if len(tables) < least:
        raise BadInput(f"the schema file has no [[{key}]]; it needs at least {least}")
    return tables


def _checked(value: Any, expected: Any, where: str) -> Any:
    if expected in (str, str | None):
        if type(value) is str:
            return value
        raise BadInput(f"{where} is {value!r}, expected a text")
    if expected == str | tuple[str, ...] | None:
        if type(value) is str:
            return value
        if isinstance(value, list) and all(type(item) is str for item in value):
            return tuple(value)
        raise BadInput(f"{where} is {value!r}, expected a text or a list of texts")
    if expected is bool:
        if type(value) is bool:
            return value
        raise BadInput(f"{where} is {value!r}, expected true or false")
    if expected is int:
        if type(value) is int:
            return value
        raise BadInput(f"{where} is {value!r}, expected an integer")
    if expected is float:
        if type(value) in (int, float):
            return float(value)
        raise BadInput(f"{where} is {value!r}, expected a number")
    if dataclasses.is_dataclass(expected):
        assert isinstance(expected, type)
        return build(expected, value, where)
    if expected == tuple[str, ...]:
        if isinstance(value, list) and all(type(item) is str for item in value):
            return tuple(value)
        raise BadInput(f"{where} is {value!r}, expected a list of texts")
    assert expected == tuple[float, ...], f"{where}: no rule for {expected}"
    if isinstance(value, list) and all(type(item) in (int, float) for item in value):
        return tuple(float(item) for item in value)
    raise BadInput(f"{where} is {value!r}, expected a list of numbers")
