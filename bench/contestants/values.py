"""Reads hyper-parameters from text, each by its type. Imports torch only if needed.

The type is that of the contestant's default. If the default is None or a text, or the given text does not fit
its type, the annotation of the model's constructor is used.

    bool              true, false, yes, no, on, off, 1, 0 (in any case)
    int               2, 1_000
    float             0.5, 1e-3
    int | None        none, or a whole number
    Sequence[int]     128,64 or (128,64) or [128, 64]; a single 128 is a list of one; () is an empty list
    Literal["a"]      one of its choices
    str               any text; quotes around it are taken off

The model itself says which texts it knows, and which numbers fit together.
"""

from __future__ import annotations

import ast
import collections.abc
import contextlib
import inspect
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.canonical import plain
from bench.contestants.contract import Contestant
from bench.errors import BadInput, hint_of

_TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_LARGEST_INTEGER = 2**53
"""JSON readers that know floats only keep integers up to here."""
_UNKNOWN = Any


def read_values(contestant: Contestant, settings: Iterable[str]) -> dict[str, Any]:
    """Hyper-parameters from ``name=text`` pairs, such as those of `--set`.

    Raises:
        BadInput: a pair without ``=``, a name given twice, or as `read_value`.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise BadInput(f"--set is '{setting}'; it must be name=value, such as num_layers=3")
        if name in values:
            raise BadInput(f"--set gives {name} twice; give it once")
        values[name] = read_value(contestant, name, text)
    return values


def read_value(contestant: Contestant, name: str, text: str) -> Any:
    """What `text` says for the hyper-parameter `name`.

    Raises:
        BadInput: the contestant has no such hyper-parameter, or the text is no value of its type.
    """
    known = {**contestant.hyperparameters, **contestant.dial.proportions}
    if name not in known:
        raise BadInput(f"{contestant.name} has no hyper-parameter '{name}'{hint_of(name, known)}")
    value = _read_by_type(contestant, name, text)
    if name in contestant.dial.proportions:
        if not value > 0:
            raise BadInput(
                f"--set {name}={text}: {name} of {contestant.name} is '{text}'; it must be above 0"
            )
        return value
    least = _least(name)
    numbers = [
        n for n in (value if isinstance(value, (list, tuple)) else (value,)) if isinstance(n, (int, float))
    ]
    if least is not None and any(number < least for number in numbers):
        raise BadInput(
            f"--set {name}={text}: {name} of {contestant.name} is '{text}'; it must be {least} or more"
        )
    return value


def _read_by_type(contestant: Contestant, name: str, text: str) -> Any:
    default = {**contestant.hyperparameters, **contestant.dial.proportions}[name]
    kind: Any = type(default)
    if default is not None and not isinstance(default, (str, list, tuple, Mapping)):
        with contextlib.suppress(ValueError):  # the annotation may allow more than the default shows
            return _read(text, kind)
    annotation = _annotation(contestant, name)
    if annotation is _UNKNOWN:
        annotation = _like(default)
    elif default is None and not _allows_none(annotation):
        annotation = typing.Union[annotation, None]  # noqa: UP007 (an odd annotation has no |)
    try:
        return _read(text, annotation)
    except ValueError:
        raise BadInput(
            f"--set {name}={text}: {name} of {contestant.name} is '{text}'; it must be {_said(annotation)}"
        ) from None


def _least(name: str) -> int | None:
    """The least value of a count or a width, which its name tells; models build nonsense from less."""
    if name.startswith("num_") or name.endswith("_layers"):
        return 0
    return 1 if name.endswith(("_dim", "_dims", "_tokens")) else None


def _annotation(contestant: Contestant, name: str) -> Any:
    """The type that the constructor states, or `Any`."""
    model = contestant.load()
    parameter = inspect.signature(model).parameters.get(name)
    if parameter is None or parameter.annotation is parameter.empty:
        return _UNKNOWN
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    # What is imported for type checkers only is mostly of these two modules.
    names = {**vars(collections.abc), **vars(typing), **getattr(model.__init__, "__globals__", {})}
    stated = types.SimpleNamespace(__annotations__={name: parameter.annotation})
    try:
        return typing.get_type_hints(stated, globalns=names)[name]
    except (NameError, TypeError, AttributeError, SyntaxError):
        return _UNKNOWN


def _like(default: Any) -> Any:
    """The type of a default, with that of its items."""
    if default is None:
        return _UNKNOWN
    if isinstance(default, (list, tuple)):
        kinds = {type(item) for item in default}
        items = kinds.pop() if len(kinds) == 1 else _UNKNOWN
        return list[items] if isinstance(default, list) else tuple[items, ...]  # type: ignore[valid-type]
    return type(default)


def _allows_none(kind: Any) -> bool:
    return kind is type(None) or type(None) in typing.get_args(kind)


def _read(text: str, kind: Any) -> Any:
    """`text` as a value of `kind`; ValueError where it is none."""
    text = text.strip()
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _first_that_reads(text, sorted(arguments, key=_strictness))
    if origin is typing.Literal:
        choices = {
            str(choice).lower() if isinstance(choice, bool) else str(choice): choice for choice in arguments
        }
        if text not in choices:
            raise ValueError(text)
        return choices[text]
    if kind is type(None):
        if text.lower() not in ("none", "null"):
            raise ValueError(text)
        return None
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise ValueError(text)
        return _TRUTHS[text.lower()]
    if kind is int:
        return _within(int(text))
    if kind is float:
        return _within(float(text))
    if kind is str:
        return _unquoted(text)
    if _is_list(kind):
        return _read_items(text, kind)
    return _literal(text)


def _first_that_reads(text: str, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        with contextlib.suppress(ValueError):
            return _read(text, kind)
    raise ValueError(text)


def _strictness(kind: Any) -> int:
    """Which of several types is tried first: the one that fewest texts fit."""
    order = [type(None), bool, int, float]
    return order.index(kind) if kind in order else len(order) + (kind is str)


def _within(value: Any) -> Any:
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > _LARGEST_INTEGER):
        raise ValueError(value)
    return value


def _is_list(kind: Any) -> bool:
    kind = typing.get_origin(kind) or kind
    return kind in (list, tuple, collections.abc.Sequence, collections.abc.Iterable)


def _read_items(text: str, kind: Any) -> list[Any] | tuple[Any, ...]:
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1].strip()
    elif not text:
        raise ValueError(text)
    texts = text.removesuffix(",").split(",") if text else []
    arguments = typing.get_args(kind)
    is_tuple = (typing.get_origin(kind) or kind) is tuple
    if is_tuple and arguments and arguments[-1] is not Ellipsis:
        kinds = list(arguments)
    else:
        kinds = [arguments[0] if arguments else _UNKNOWN] * len(texts)
    items = [_read(item, of) for item, of in zip(texts, kinds, strict=True)]
    return items if (typing.get_origin(kind) or kind) is list else tuple(items)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text


def _literal(text: str) -> Any:
    """A Python literal that JSON can hold, else the text itself."""
    for kind in (type(None), bool, int, float):
        with contextlib.suppress(ValueError):
            return _read(text, kind)
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise ValueError(text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    try:
        plain(value)
    except TypeError as error:
        raise ValueError(text) from error
    return value


def _said(kind: Any) -> str:
    """A type for people."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_said(part) for part in sorted(arguments, key=lambda part: part is type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, arguments))
    if _is_list(kind):
        items = {_said(item) for item in arguments if item is not Ellipsis}
        each = items.pop() if len(items) == 1 else "a value"
        example = ", such as 128,64" if each == _NAMES[int] else ""
        return f"a list separated by commas, each item {each}{example}"
    return _NAMES.get(kind, "a finite number, a text or a Python literal")


_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    type(None): "none",
}
